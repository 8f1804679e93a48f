"""Regions of maps: RoIAlign with one sample at the centre of each bin."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS, STRIDES, LEVEL_SIDES = ("P3", "P4"), (8, 16), (224.0,)


def crop(maps: dict[str, Tensor], boxes: Tensor, size: int) -> Tensor:
    """Crops (N x R, dim, size, size) of boxes (N, R, 4), large ones of coarse levels.

    The cell in row i and column j of a map stands at (i, j) strides: there is no shift
    by half a cell. Outside a map its edge goes on.
    """
    area = (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    level = torch.zeros_like(area, dtype=torch.long)
    for side in LEVEL_SIDES:
        level = level + (area >= side**2)
    shapes = [maps[name].shape[2:] for name in LEVELS]
    last = torch.tensor([[h - 1, w - 1] for h, w in shapes]).to(boxes)
    last = last[level][..., None]
    stride = boxes.new_tensor(STRIDES)[level][..., None, None]
    start, end = boxes[..., :2, None] / stride, boxes[..., 2:, None] / stride
    centres = (torch.arange(size).to(boxes) + 0.5) * (end - start) / size
    place = torch.minimum((start + centres).clamp(min=0), last)
    before = place.floor()  # (N, R, 2, size): rows and columns
    after = torch.minimum(before + 1, last)
    share = place - before

    rows = torch.cat([maps[name].flatten(2).mT for name in LEVELS], 1)
    counts = torch.tensor([0, *(h * w for h, w in shapes[:-1])], device=level.device)
    first = torch.arange(rows.shape[0], device=level.device)[:, None] * rows.shape[1]
    first = (first + counts.cumsum(0)[level])[..., None, None]
    width = torch.tensor([w for _, w in shapes], device=level.device)[level]
    cells = rows.flatten(0, 1)
    total = boxes.new_zeros(())
    for y, of_y in ((before, 1 - share), (after, share)):
        for x, of_x in ((before, 1 - share), (after, share)):
            row, column = y[:, :, 0, :, None].long(), x[:, :, 1, None, :].long()
            weight = of_y[:, :, 0, :, None] * of_x[:, :, 1, None, :]
            cell = first + row * width[..., None, None] + column
            total = total + weight[..., None] * cells[cell]
    return total.flatten(0, 1).permute(0, 3, 1, 2)
