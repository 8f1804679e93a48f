"""Which anchors and regions of an image learn: a number of them, drawn at random."""

from __future__ import annotations

import torch
from torch import Tensor


def draw(
    positive: Tensor, negative: Tensor, noise: Tensor, count: int, share: float
) -> tuple[Tensor, Tensor]:
    """Which of the positive (N, A) and of the negative are drawn: `count` in all.

    Those of the least `noise`; at most a share of `count` positive, the rest negative.
    """
    positive = positive & (place_among(positive, noise) < int(count * share))
    left = count - positive.sum(1, keepdim=True)
    return positive, negative & (place_among(negative, noise) < left)


def place_among(some: Tensor, noise: Tensor) -> Tensor:
    """The place (N, A) of each by its noise, from 0 to 1, among some of them."""
    order = torch.where(some, noise, 2).argsort(dim=1, stable=True)
    return order.argsort(dim=1)
