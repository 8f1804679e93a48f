"""Which anchors are to find which boxes."""

from __future__ import annotations

import torch
from torch import Tensor

from spinec.backends.pytorch.tasks.boxes import overlap

POSITIVE, NEGATIVE, FORCE, ALL_CLOSEST = 0.5, 0.5, True, False


def match(
    anchors: Tensor, boxes: Tensor, real: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Which of the boxes (N, M, 4) every anchor is to find, and if any, and if none.

    `real` (N, M) says which boxes there are.
    """
    shared = overlap(boxes, anchors).masked_fill(~real[..., None], -1.0)
    most, which = shared.max(1)
    positive, negative = most >= POSITIVE, most < NEGATIVE
    # a box's closest anchor is to find it: the first box, where they share it
    if FORCE and ALL_CLOSEST:  # but all anchors as close, each its own closest box
        closest = (shared == shared.amax(2, keepdim=True)) & real[..., None]
        positive = positive | closest.any(1)
    elif FORCE:
        number = torch.arange(real.shape[1], device=real.device)
        number = torch.where(real, number, len(number))
        first = torch.full_like(which, real.shape[1])
        first = first.scatter_reduce(1, shared.argmax(2), number, "amin")
        forced = first < real.shape[1]
        which, positive = torch.where(forced, first, which), positive | forced
    return which, positive, negative & ~positive
