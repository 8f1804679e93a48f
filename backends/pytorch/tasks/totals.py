"""What losses are over: numbers of the whole batch."""

from __future__ import annotations

import torch
from torch import Tensor


def in_all(some: Tensor) -> Tensor:
    """What these come to in the whole batch.

    Where processes share a batch, this is the place to sum over all of them: their
    losses, and gradients, then add up to those of one process.
    """
    return some.sum()


def mean(values: Tensor) -> Tensor:
    """The mean of the whole batch."""
    return values.sum() / in_all(torch.ones_like(values))
