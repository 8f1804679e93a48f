"""What a map of classes means and is to learn."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinec.backends.pytorch.tasks.totals import in_all

IGNORED = 255


@torch.no_grad()
def segment(
    model: nn.Module, images: Tensor, size: tuple[int, int] | None = None
) -> Tensor:
    """The class of every pixel (N, H, W), of the images' size or another one."""
    return at_size(model(images), size or tuple(images.shape[2:])).argmax(1)


def at_size(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    """Logits between the cells of the map: bilinear, by the centres of the pixels."""
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)


def loss(logits: Tensor, classes: Tensor) -> dict[str, Tensor]:
    """Mean cross entropy of the pixels (N, H, W) that are not of the class IGNORED."""
    logits = at_size(logits, classes.shape[1:])
    entropy = F.cross_entropy(logits, classes, ignore_index=IGNORED, reduction="sum")
    return {"loss": entropy / in_all(classes != IGNORED).clamp(min=1)}
