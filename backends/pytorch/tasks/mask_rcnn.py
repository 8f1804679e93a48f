"""What Mask R-CNN finds in images and is to learn (arXiv 1703.06870)."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from spinec.backends.pytorch.tasks.boxes import best, clip, decode
from spinec.backends.pytorch.tasks.candidates import limit
from spinec.backends.pytorch.tasks.proposals import propose
from spinec.backends.pytorch.tasks.reframe import reframe
from spinec.backends.pytorch.tasks.regions import (
    draw_regions,
    mean_of,
    of_each,
    proposal_losses,
    region_losses,
)
from spinec.backends.pytorch.tasks.roi import crop
from spinec.backends.pytorch.tasks.rows import in_rows

CLASSES, BOX_SIZE, MASK_SIZE, MASK_SAMPLES = 91, 7, 14, 128
LEVEL_BEST, TRAINING_BEST, PROPOSED, WEIGHTS = 1000, 2000, 1000, (10.0, 10.0, 5.0, 5.0)
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.5, True, 100
SOFT = 0.0


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
    outputs = model.forward_maps(model.forward_features(images))
    sizes = whole(images) if sizes is None else sizes
    regions, sure = propose(outputs, sizes, LEVEL_BEST)
    found = model.forward_box_crops(crop(outputs, regions, BOX_SIZE))
    shape = (*sure.shape, CLASSES)
    scores = found["crop_class"].reshape(shape).softmax(-1)[..., 1:]
    deltas = found["crop_box"].reshape(*shape, 4)[..., 1:, :]
    deltas = deltas / deltas.new_tensor(WEIGHTS)
    boxes = clip(decode(deltas, regions[:, :, None]).flatten(1, 2), sizes)
    scores = torch.where(sure[..., None] > 0, scores, 0)
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    classes = labels + 1  # class 0 is the background
    masks = model.forward_mask_crops(crop(outputs, boxes, MASK_SIZE))["crop_mask"]
    masks = of_class(masks, classes).sigmoid()
    return boxes, scores, classes, masks


def whole(images: Tensor) -> Tensor:
    """The rows and columns (N, 2) of images that are not padded."""
    return torch.tensor(images.shape[2:]).to(images).expand(images.shape[0], 2)


def of_class(masks: Tensor, classes: Tensor) -> Tensor:
    """Of the masks (N x R, CLASSES, H, W) of regions those of their classes (N, R)."""
    which = classes.reshape(-1, 1, 1, 1).expand(-1, 1, *masks.shape[2:])
    return masks.gather(1, which).reshape(*classes.shape, *masks.shape[2:])


def paste(masks: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Which pixels (..., H, W) of an image of a size the masks of boxes cover."""
    image = boxes.new_tensor([0, 0, *size]).expand_as(boxes)
    return reframe(masks, boxes, image, size) > 0.5


def loss(
    model: InParts,
    images: Tensor,
    boxes: Tensor,
    classes: Tensor,
    masks: Tensor,
    sizes: Tensor | None = None,
    noise: tuple[Tensor, Tensor] | None = None,
) -> dict[str, Tensor]:
    """The losses of proposals, of the classes and boxes of regions, and of masks.

    Boxes (N, M, 4) have classes (N, M) and masks (N, M, H, W) of what is in the box, of
    any height and width. A class below 1 stands for no box, as a box of no area does.
    What learns is drawn at random: the anchors by the first `noise` (N, anchors), the
    regions by the second (N, PROPOSED + M), numbers from 0 to 1.
    """
    outputs = model.forward_maps(model.forward_features(images))
    sizes = whole(images) if sizes is None else sizes
    anchors = in_rows(outputs, "objectness", 1).shape[1]
    of_anchors, of_regions = noise or (
        images.new_empty(images.shape[0], number).uniform_()
        for number in (anchors, PROPOSED + boxes.shape[1])
    )
    boxes = F.pad(boxes, (0, 0, 0, 1))  # at least one, which is none
    classes, masks = F.pad(classes, (0, 1)), F.pad(masks, (0, 0, 0, 0, 0, 1))
    real = (classes > 0) & (boxes[..., 2:] > boxes[..., :2]).all(-1)
    score_loss, anchor_loss = proposal_losses(outputs, boxes, real, of_anchors)

    proposals, sure = propose(outputs, sizes, TRAINING_BEST)
    regions, which, positive, judged = draw_regions(
        proposals, sure > 0, boxes, real, F.pad(of_regions, (0, 1))
    )
    labels = torch.where(positive, classes.gather(1, which), 0)
    known = of_each(boxes, which)
    found = model.forward_box_crops(crop(outputs, regions, BOX_SIZE))
    class_loss, box_loss = region_losses(found, labels, regions, known, judged)

    regions, which, labels, known = (
        each[:, :MASK_SAMPLES] for each in (regions, which, labels, known)
    )
    found = model.forward_mask_crops(crop(outputs, regions, MASK_SIZE))
    logits = of_class(found["crop_mask"], labels)
    own = of_each(masks.flatten(2), which)
    own = own.reshape(*which.shape, *masks.shape[2:])
    goals = reframe(own.to(logits.dtype), known, regions, logits.shape[2:])
    entropy = F.binary_cross_entropy_with_logits(logits, goals, reduction="none")
    mask_loss = mean_of(entropy.mean((2, 3)), labels > 0)
    losses = {
        "objectness": score_loss,
        "deltas": anchor_loss,
        "class": class_loss,
        "box": box_loss,
        "mask": mask_loss,
    }
    return {"loss": torch.stack([*losses.values()]).sum(), **losses}
