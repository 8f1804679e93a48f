"""The boxes that every cell of a map starts from."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS, STRIDES = ("P3", "P4", "P5", "P6", "P7"), (8, 16, 32, 64, 128)
ANCHOR_SIDES, ANCHOR_OFFSET = ((3.0, 3.0),), 0.5


def make_anchors(outputs: dict[str, Tensor], kind: str = "box") -> Tensor:
    """The boxes (all anchors, 4) that cells start from, in the order of `in_rows`."""
    anchors, first = [], outputs[f"{kind}_{LEVELS[0]}"]
    sides = torch.tensor(ANCHOR_SIDES, dtype=first.dtype, device=first.device)
    sides = sides.expand(len(LEVELS), -1, 2)
    for level, stride, shape in zip(LEVELS, STRIDES, sides, strict=True):
        of_boxes = outputs[f"{kind}_{level}"]
        cells = [torch.arange(length).to(of_boxes) for length in of_boxes.shape[2:]]
        centre = (torch.cartesian_prod(*cells)[:, None] + ANCHOR_OFFSET) * stride
        half = shape * stride / 2
        anchors.append(torch.cat([centre - half, centre + half], -1).reshape(-1, 4))
    return torch.cat(anchors)
