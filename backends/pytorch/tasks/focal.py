"""Focal loss of classes (arXiv 1708.02002, Section 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ALPHA, GAMMA = 0.25, 1.5


def focal_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The loss of each row (N, A) of logits (N, A, C) whose class it is to find.

    A label (N, A) below 0 stands for none of the classes.
    """
    right = logits.gather(2, labels.clamp(min=0)[..., None])[..., 0]
    swapped = ALPHA * focal_low(-right) - (1 - ALPHA) * focal_low(right)
    low = (1 - ALPHA) * focal_low(logits).sum(2)  # of all classes, the right one too
    return low + torch.where(labels >= 0, swapped, 0)


def focal_low(logits: Tensor) -> Tensor:
    """The loss of logits that are to be low: -log(1 - p) * p**GAMMA."""
    losses = F.softplus(logits)
    return losses * (GAMMA * (logits - losses)).exp()
