"""Maps of several outputs as rows of numbers."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = ("P3", "P4", "P5", "P6", "P7")


def in_rows(outputs: dict[str, Tensor], kind: str, numbers: int) -> Tensor:
    """A copy of all levels' maps as (N, all anchors, numbers): level, y, x, anchor."""
    maps = [outputs[f"{kind}_{level}"].flatten(2) for level in LEVELS]
    rows = [each.shape[1] * each.shape[2] // numbers for each in maps]
    alike = len({each.shape[1] for each in maps}) == 1
    if alike and maps[0].is_contiguous():  # a matrix is transposed the fastest
        images = maps[0].shape[0]
        columns = torch.cat([each.transpose(0, 1) for each in maps], 2).flatten(1)
        return columns.T.reshape(images, sum(rows), numbers)
    shaped = zip(maps, rows, strict=True)
    return torch.cat([each.mT.reshape(-1, row, numbers) for each, row in shaped], 1)


def precise(outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Maps of reduced precision as float32: bfloat16 knows no odd pixel beyond 256."""
    return {
        name: value.to(torch.promote_types(value.dtype, torch.float32))
        for name, value in outputs.items()
    }
