"""What FCOS' maps mean and are to learn (arXiv 1904.01355 and 2006.09214)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinec.backends.pytorch.tasks.boxes import best, clip
from spinec.backends.pytorch.tasks.candidates import limit
from spinec.backends.pytorch.tasks.focal import focal_loss
from spinec.backends.pytorch.tasks.rows import in_rows, precise
from spinec.backends.pytorch.tasks.totals import in_all

CLASSES = 80
LEVELS, STRIDES = ("P3", "P4", "P5", "P6", "P7"), (8, 16, 32, 64, 128)
UNITS, OFFSET = (8, 16, 32, 64, 128), 0.5
RADIUS, REACH = 1.5, ((0.0, 64.0),)
GIOU, WEIGHTED, BOX_WEIGHT, CENTERNESS_WEIGHT = True, True, 1.0, 1.0
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.6, True, 100
SOFT = 0.0


def make_cells(outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The points (all cells, 2) of cells, and (all cells, 4) what their levels say.

    That is: the stride, the unit of distances, how far a box's farthest side is away at
    least and at most.
    """
    points, levels = [], []
    for level, stride, unit, reach in zip(LEVELS, STRIDES, UNITS, REACH, strict=True):
        of_boxes = outputs[f"box_{level}"]
        cells = [torch.arange(length).to(of_boxes) for length in of_boxes.shape[2:]]
        point = (torch.cartesian_prod(*cells) + OFFSET) * stride
        own = point.new_tensor([stride, unit, *reach])
        points.append(point)
        levels.append(own.expand(point.shape[0], 4))
    return torch.cat(points), torch.cat(levels)


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
    points, levels = make_cells(outputs)
    distances = in_rows(outputs, "box", 4) * levels[:, 1:2]
    left_top, right_bottom = distances[..., :2], distances[..., 2:]
    start, end = points - left_top.flip(-1), points + right_bottom.flip(-1)
    central = in_rows(outputs, "centerness", 1).sigmoid()
    scores = (in_rows(outputs, "class", CLASSES).sigmoid() * central).sqrt()
    boxes = clip(torch.cat([start, end], -1), sizes)
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    return boxes, scores, labels


def match(
    points: Tensor, levels: Tensor, boxes: Tensor, real: Tensor
) -> tuple[Tensor, Tensor]:
    """Which of the boxes (N, M, 4) every cell is to find, the smallest, and if any.

    `real` (N, M) says which boxes there are.
    """
    stride, _, least, most = levels.unbind(-1)
    before = points - boxes[:, :, None, :2]  # (N, M, cells, 2): how far a cell is in
    behind = boxes[:, :, None, 2:] - points
    inside = torch.minimum(before, behind).amin(-1) > 0
    farthest = torch.maximum(before, behind).amax(-1)
    found = inside & (farthest >= least) & (farthest <= most) & real[..., None]
    if RADIUS:
        off = (before - behind).abs().amax(-1) / 2  # from the middle of the box
        found = found & (off < RADIUS * stride)
    area = (boxes[..., 2:] - boxes[..., :2]).prod(-1)[..., None]
    which = torch.where(found, area, torch.inf).argmin(1)
    return which, found.any(1)


def loss(
    outputs: dict[str, Tensor], boxes: Tensor, classes: Tensor
) -> dict[str, Tensor]:
    """Focal loss of classes, a loss of boxes by overlap, and centerness' entropy.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area does. Losses are over the number of cells that are to find a box.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = F.pad(boxes, (0, 0, 0, 1))  # at least one, which is none
    classes = F.pad(classes, (0, 1), value=-1)
    points, levels = make_cells(outputs)
    real = (classes >= 0) & (boxes[..., 2:] > boxes[..., :2]).all(-1)
    which, positive = match(points, levels, boxes, real)
    count = in_all(positive).clamp(min=1)

    labels = torch.where(positive, classes.gather(1, which), -1)
    class_loss = focal_loss(in_rows(outputs, "class", CLASSES), labels).sum() / count

    goals = boxes.gather(1, which[..., None].expand(-1, -1, 4))
    before, behind = points - goals[..., :2], goals[..., 2:] - points
    central = torch.minimum(before, behind) / torch.maximum(before, behind)
    central = torch.where(positive, central.prod(-1), 0).sqrt()
    # channels: distances to the left, the top, the right and the bottom
    goals = torch.cat([before.flip(-1), behind.flip(-1)], -1) / levels[:, 1:2]
    found = in_rows(outputs, "box", 4)
    one = torch.ones_like(found)  # where nothing is to be found, so that it counts 0
    found, goals = (torch.where(positive[..., None], x, one) for x in (found, goals))
    weight = central if WEIGHTED else positive.to(central.dtype)
    whole = in_all(central).clamp(min=1e-6) if WEIGHTED else count
    box_loss = (distance_loss(found, goals) * weight).sum() / whole

    sure = in_rows(outputs, "centerness", 1)[..., 0]
    off = F.binary_cross_entropy_with_logits(sure, central, reduction="none")
    centerness_loss = torch.where(positive, off, 0).sum() / count
    total = class_loss + BOX_WEIGHT * box_loss + CENTERNESS_WEIGHT * centerness_loss
    return {
        "loss": total,
        "class": class_loss,
        "box": box_loss,
        "centerness": centerness_loss,
    }


def distance_loss(found: Tensor, goals: Tensor) -> Tensor:
    """1 - generalized overlap or -log overlap of boxes that lie around one point.

    It depends on nothing but their distances (..., 4) from the point to the sides.
    """
    sizes = [each[..., :2] + each[..., 2:] for each in (found, goals)]
    least, most = torch.minimum(found, goals), torch.maximum(found, goals)
    shared = (least[..., :2] + least[..., 2:]).prod(-1)
    union = sizes[0].prod(-1) + sizes[1].prod(-1) - shared
    iou = shared / (union + 1e-7)
    if not GIOU:
        return -torch.log(iou + 1e-7)
    hull = (most[..., :2] + most[..., 2:]).prod(-1)
    return 1 - iou + (hull - union) / (hull + 1e-7)
