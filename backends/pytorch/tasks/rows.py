"""Maps of several outputs as rows of numbers."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = ("P3", "P4", "P5", "P6", "P7")


def in_rows(outputs: dict[str, Tensor], kind: str, numbers: int) -> Tensor:
    """The maps of all levels as (N, all anchors, numbers): level, y, x, anchor."""
    maps = [outputs[f"{kind}_{level}"].flatten(2) for level in LEVELS]
    alike = len({each.shape[1] for each in maps}) == 1
    if alike and maps[0].is_contiguous():  # one transposition is faster than many
        rows = torch.cat(maps, 2).mT
        return rows.reshape(rows.shape[0], -1, numbers)
    return torch.cat([each.mT.reshape(each.shape[0], -1, numbers) for each in maps], 1)
