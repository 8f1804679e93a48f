"""What SSD's maps mean and are to learn (arXiv 1512.02325)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinec.backends.pytorch.tasks.boxes import best, clip, decode, encode
from spinec.backends.pytorch.tasks.candidates import limit
from spinec.backends.pytorch.tasks.focal import focal_loss
from spinec.backends.pytorch.tasks.matching import match
from spinec.backends.pytorch.tasks.rows import in_rows, precise
from spinec.backends.pytorch.tasks.totals import in_all

CLASSES, FIRST_CLASS, SIZE = 90, 0, (320, 320)
LEVELS, BOX_SIDES = ("P4", "P5"), (((0.1, 0.1),), ((0.2, 0.2),))
BOX_ORDER, FACTORS = (0, 1, 2, 3), (10.0, 10.0, 5.0, 5.0)
SOFTMAX, NEGATIVES, DELTA, BOX_WEIGHT = False, 3.0, 1.0, 1.0
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 1e-8, 5000, 0.6, True, 100
SOFT = 0.0


def make_anchors(outputs: dict[str, Tensor], size: tuple[int, ...]) -> Tensor:
    """The boxes (all anchors, 4) that cells start from, in the order of `in_rows`.

    `size` says how many rows and columns an image has, which cells share evenly.
    """
    anchors = []
    for level, shares in zip(LEVELS, BOX_SIDES, strict=True):
        of_boxes = outputs[f"box_{level}"]
        shape = zip(size, of_boxes.shape[2:], strict=True)
        spots = [(torch.arange(n).to(of_boxes) + 0.5) * (side / n) for side, n in shape]
        centre = torch.cartesian_prod(*spots)[:, None]
        half = centre.new_tensor(shares) * min(size) / 2
        anchors.append(torch.cat([centre - half, centre + half], -1).reshape(-1, 4))
    return torch.cat(anchors)


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
    anchors = make_anchors(outputs, tuple(images.shape[2:]))
    deltas = in_rows(outputs, "box", 4)[..., BOX_ORDER]
    deltas = deltas / deltas.new_tensor(FACTORS)
    boxes = clip(decode(deltas, anchors), sizes)
    logits = in_rows(outputs, "class", CLASSES)
    scores = (logits.softmax(-1) if SOFTMAX else logits.sigmoid())[..., FIRST_CLASS:]
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    return boxes, scores, labels + FIRST_CLASS


def loss(
    outputs: dict[str, Tensor],
    boxes: Tensor,
    classes: Tensor,
    size: tuple[int, int] = SIZE,
) -> dict[str, Tensor]:
    """The losses of classes and of boxes, both over the number of positive anchors.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area does. `size` says how many rows and columns the images have.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = F.pad(boxes, (0, 0, 0, 1))  # at least one, which is none
    classes = F.pad(classes, (0, 1), value=-1)
    anchors = make_anchors(outputs, size)
    real = (classes >= 0) & (boxes[..., 2:] > boxes[..., :2]).all(-1)
    which, positive, negative = match(anchors, boxes, real)
    count = in_all(positive).clamp(min=1)

    labels = torch.where(positive, classes.gather(1, which), -1)
    logits = in_rows(outputs, "class", CLASSES)
    if SOFTMAX:
        class_loss = mined_entropy(logits, labels, positive, negative) / count
    else:
        focal = focal_loss(logits, labels) * (positive | negative)
        class_loss = focal.sum() / count

    goals = encode(boxes.gather(1, which[..., None].expand(-1, -1, 4)), anchors)
    deltas = in_rows(outputs, "box", 4)[..., BOX_ORDER]
    goals = goals * goals.new_tensor(FACTORS)
    huber = F.huber_loss(deltas, goals, reduction="none", delta=DELTA).mean(-1)
    box_loss = torch.where(positive, huber, 0).sum() / count
    total = class_loss + BOX_WEIGHT * box_loss
    return {"loss": total, "class": class_loss, "box": box_loss}


def mined_entropy(
    logits: Tensor, labels: Tensor, positive: Tensor, negative: Tensor
) -> Tensor:
    """Cross entropy of the positive anchors and of the negative ones that are worst.

    An image has NEGATIVES of these for each positive one. Class 0 is the background.
    """
    entropy = F.cross_entropy(
        logits.transpose(1, 2), labels.clamp(min=0), reduction="none"
    )
    bad = torch.where(negative, entropy.detach(), -1)
    rank = bad.argsort(dim=1, descending=True, stable=True).argsort(1)
    hard = negative & (rank < NEGATIVES * positive.sum(1, keepdim=True))
    return torch.where(positive | hard, entropy, 0).sum()
