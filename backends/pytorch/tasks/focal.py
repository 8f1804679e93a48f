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
    numbers = torch.arange(logits.shape[2], device=labels.device)
    right = labels[..., None] == numbers
    sure = torch.where(right, logits, -logits)
    hot = right.to(logits.dtype)
    weight = ALPHA * hot + (1 - ALPHA) * (1 - hot)
    losses = -weight * F.logsigmoid(sure) * (GAMMA * F.logsigmoid(-sure)).exp()
    return losses.sum(2)
