"""Maps of several outputs as rows of numbers."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = ("P3", "P4", "P5", "P6", "P7")


def in_rows(outputs: dict[str, Tensor], kind: str, numbers: int) -> Tensor:
    """The maps of all levels as (N, all anchors, numbers): level, y, x, anchor."""
    maps = [outputs[f"{kind}_{level}"].permute(0, 2, 3, 1) for level in LEVELS]
    return torch.cat([each.reshape(each.shape[0], -1, numbers) for each in maps], 1)
