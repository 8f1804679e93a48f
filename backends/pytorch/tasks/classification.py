"""What a classifier's logits mean and are to learn."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinec.backends.pytorch.tasks.totals import mean

TOP, SMOOTHING = 5, 0.1


@torch.no_grad()
def classify(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """The likeliest classes of every image: probabilities, classes, both (N, TOP)."""
    probabilities, classes = model(images).softmax(1).topk(TOP)
    return probabilities, classes


def loss(logits: Tensor, classes: Tensor) -> dict[str, Tensor]:
    """Cross entropy of the classes (N,), with a share of each spread over all."""
    entropy = F.cross_entropy(
        logits, classes, label_smoothing=SMOOTHING, reduction="none"
    )
    return {"loss": mean(entropy)}
