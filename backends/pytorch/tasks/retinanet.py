"""What RetinaNet's maps mean and are to learn (arXiv 1708.02002)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinec.backends.pytorch.tasks.anchors import make_anchors
from spinec.backends.pytorch.tasks.boxes import best, clip, decode, encode
from spinec.backends.pytorch.tasks.candidates import limit
from spinec.backends.pytorch.tasks.focal import focal_loss
from spinec.backends.pytorch.tasks.matching import match
from spinec.backends.pytorch.tasks.rows import in_rows, precise
from spinec.backends.pytorch.tasks.totals import in_all, mean

CLASSES, FIRST_CLASS = 91, 1
BOX_ORDER = (0, 1, 2, 3)
L1, DELTA, BOX_WEIGHT, PER_IMAGE = False, 0.1, 50.0, False
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.5, True, 100
SOFT = 0.0


@torch.no_grad()
def detect(
    model: nn.Module, images: Tensor, sizes: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST); a score of 0 stands for none.

    `sizes` (N, 2) says how many rows and columns are image, the rest being padding.
    """
    outputs = precise(model(images))
    if sizes is None:
        sizes = torch.tensor(images.shape[2:], dtype=torch.float32)
        sizes = sizes.to(images.device).expand(images.shape[0], 2)
    deltas = in_rows(outputs, "box", 4)[..., BOX_ORDER]
    boxes = clip(decode(deltas, make_anchors(outputs)), sizes)
    scores = in_rows(outputs, "class", CLASSES).sigmoid_()[..., FIRST_CLASS:]
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    return boxes, scores, labels + FIRST_CLASS


def loss(
    outputs: dict[str, Tensor], boxes: Tensor, classes: Tensor
) -> dict[str, Tensor]:
    """Focal loss of classes and a loss of boxes, both over the positive anchors.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area does.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = F.pad(boxes, (0, 0, 0, 1))  # at least one, which is none
    classes = F.pad(classes, (0, 1), value=-1)
    anchors = make_anchors(outputs)
    real = (classes >= 0) & (boxes[..., 2:] > boxes[..., :2]).all(-1)
    which, positive, negative = match(anchors, boxes, real)

    logits = in_rows(outputs, "class", CLASSES)
    labels = torch.where(positive, classes.gather(1, which), -1)
    focal = focal_loss(logits, labels) * (positive | negative)
    class_loss = average(focal, positive)

    goals = encode(boxes.gather(1, which[..., None].expand(-1, -1, 4)), anchors)
    deltas = in_rows(outputs, "box", 4)[..., BOX_ORDER]
    if L1:
        off = F.l1_loss(deltas, goals, reduction="none").mean(-1)
    else:
        off = F.huber_loss(deltas, goals, reduction="none", delta=DELTA).mean(-1)
    box_loss = average(torch.where(positive, off, 0), positive)
    total = class_loss + BOX_WEIGHT * box_loss
    return {"loss": total, "class": class_loss, "box": box_loss}


def average(losses: Tensor, positive: Tensor) -> Tensor:
    """Losses (N, A) over the number of positive anchors: of all images, and 1 more.

    With PER_IMAGE it is the mean of images, each over its own number, or over 1.
    """
    if PER_IMAGE:
        return mean(losses.sum(1) / positive.sum(1).clamp(min=1))
    return losses.sum() / (in_all(positive) + 1)
