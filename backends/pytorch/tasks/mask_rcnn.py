"""What Mask R-CNN finds in an image (arXiv 1703.06870)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from spinec.backends.pytorch.tasks.boxes import best, clip, decode
from spinec.backends.pytorch.tasks.proposals import propose
from spinec.backends.pytorch.tasks.roi import between, crop

CLASSES, BOX_SIZE, MASK_SIZE, LEVEL_BEST = 91, 7, 14, 1000
WEIGHTS = (10.0, 10.0, 5.0, 5.0)
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.5, True, 100


class InParts(Protocol):
    """A model whose parts are run one by one: what lies between them is chosen."""

    def forward_features(self, image: Tensor) -> dict[str, Tensor]: ...
    def forward_maps(self, features: dict[str, Tensor]) -> dict[str, Tensor]: ...
    def forward_box_crops(self, box_crops: Tensor) -> dict[str, Tensor]: ...
    def forward_mask_crops(self, mask_crops: Tensor) -> dict[str, Tensor]: ...


@torch.no_grad()
def detect(
    model: InParts, images: Tensor, sizes: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST), and a mask of every box.

    A score of 0 stands for none. Masks are probabilities of a box's pixels, which
    `paste` puts into images. `sizes` (N, 2) says how many rows and columns are image,
    the rest being padding.
    """
    if sizes is None:
        sizes = images.new_tensor(images.shape[2:]).expand(images.shape[0], 2)
    outputs = model.forward_maps(model.forward_features(images))
    regions, sure = propose(outputs, sizes, LEVEL_BEST)
    found = model.forward_box_crops(crop(outputs, regions, BOX_SIZE))
    shape = (*sure.shape, CLASSES)
    scores = found["crop_class"].reshape(shape).softmax(-1)[..., 1:]
    deltas = found["crop_box"].reshape(*shape, 4)[..., 1:, :]
    deltas = deltas / deltas.new_tensor(WEIGHTS)
    boxes = clip(decode(deltas, regions[:, :, None]).flatten(1, 2), sizes)
    scores = torch.where(sure[..., None] > 0, scores, 0)
    boxes, scores, labels = best(boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST)
    classes = labels + 1  # class 0 is the background
    masks = model.forward_mask_crops(crop(outputs, boxes, MASK_SIZE))["crop_mask"]
    masks = of_class(masks, classes).sigmoid()
    return boxes, scores, classes, masks


def of_class(masks: Tensor, classes: Tensor) -> Tensor:
    """Of the masks (N x R, CLASSES, H, W) of regions those of their classes (N, R)."""
    which = classes.reshape(-1, 1, 1, 1).expand(-1, 1, *masks.shape[2:])
    return masks.gather(1, which).reshape(*classes.shape, *masks.shape[2:])


def paste(masks: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Which pixels (..., H, W) of images of a size masks (..., h, w) of boxes cover.

    Probabilities above 0.5 do; beyond the mask's outermost pixels they fall to 0.
    """
    shares = []
    for side, (length, cells) in enumerate(zip(size, masks.shape[-2:], strict=True)):
        start, end = boxes[..., side, None], boxes[..., side + 2, None]
        pixels = torch.arange(length).to(boxes) + 0.5
        place = (pixels - start) / (end - start).clamp(min=1e-8) * cells - 0.5
        shares.append(between(place, cells))
    return shares[0] @ masks @ shares[1].mT > 0.5
