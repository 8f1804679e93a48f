"""Masks of boxes, seen in other boxes."""

from __future__ import annotations

import torch
from torch import Tensor


def reframe(
    masks: Tensor, boxes: Tensor, frames: Tensor, size: tuple[int, ...]
) -> Tensor:
    """Masks (..., h, w) of boxes, as they are in other boxes, of a size (..., H, W).

    Between the centres of the mask's pixels; beyond the outermost they fall to 0.
    """
    shares = []
    for side, (cells, pixels) in enumerate(zip(masks.shape[-2:], size, strict=True)):
        start, length = boxes[..., side, None], boxes[..., side + 2, None]
        length = (length - start).clamp(min=1e-8)
        first, last = frames[..., side, None], frames[..., side + 2, None]
        centres = (torch.arange(pixels).to(boxes) + 0.5) / pixels
        place = (first + (last - first) * centres - start) / length * cells - 0.5
        away = (place[..., None] - torch.arange(cells).to(boxes)).abs()
        shares.append((1 - away).clamp(min=0))
    return shares[0] @ masks @ shares[1].mT
