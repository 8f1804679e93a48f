"""Boxes (ymin, xmin, ymax, xmax) in pixels: overlaps, coding, and which are kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of all boxes in `a` (..., A, 4) and `b` (..., B, 4)."""
    a, b = a[..., :, None, :], b[..., None, :, :]
    start, end = torch.maximum(a, b)[..., :2], torch.minimum(a, b)[..., 2:]
    shared = (end - start).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (a, b)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-8)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Offsets of centres and logarithms of sizes, both relative to the anchors."""
    size, own = (box[..., 2:] - box[..., :2] for box in (anchors, boxes))
    offset = (boxes[..., :2] + own / 2 - anchors[..., :2] - size / 2) / size
    return torch.cat([offset, torch.log((own + 1e-8) / (size + 1e-8))], -1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """The boxes that `encode` gives these numbers for."""
    size = anchors[..., 2:] - anchors[..., :2]
    centre = anchors[..., :2] + size / 2 + deltas[..., :2] * size
    half = size * deltas[..., 2:].clamp(max=math.log(1000 / 16)).exp() / 2
    return torch.cat([centre - half, centre + half], -1)


def clip(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Boxes (N, A, 4) cut off at the edges of images of `sizes` (N, 2)."""
    return torch.minimum(boxes.clamp(min=0), sizes.repeat(1, 2)[:, None])


def operator(
    function: Callable[..., tuple[Tensor, Tensor, Tensor]],
) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """A function as an operator, so that compilers do not look into it.

    All detectors of a process share one: who registers it again takes it from others.
    """
    try:
        return torch.ops.detection.best.default
    except AttributeError:
        made = torch.library.custom_op("detection::best", function, mutates_args=())
        made.register_fake(nothing)
        return torch.ops.detection.best.default


def nothing(
    boxes: Tensor,
    scores: Tensor,
    score: float,
    candidates: int,
    iou: float,
    per_class: bool,
    most: int,
    soft: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """What `best` gives where there is no box."""
    sure = boxes.new_zeros(boxes.shape[0], most)
    return boxes.new_zeros(boxes.shape[0], most, 4), sure, sure.long()


@operator
def best(
    boxes: Tensor,
    scores: Tensor,
    score: float,
    candidates: int,
    iou: float,
    per_class: bool,
    most: int,
    soft: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """The best boxes of every image, scores and labels; a score of 0 stands for none.

    Of the pairs of a box and a label with scores (N, A, labels) above `score` the best
    `candidates`, and of these the ones that overlap no better one, of their label or of
    all, by more than `iou`: `most` at most. With `soft` scores fall instead
    (`soften`). Boxes are (N, A, 4), or (N, A x labels, 4) where each label has its own.
    An op of its own, as the number of pairs differs from image to image, which
    compilers cannot follow.
    """
    found, sure, labels = nothing(
        boxes, scores, score, candidates, iou, per_class, most
    )
    of_labels = boxes.shape[1] > scores.shape[1]
    for i, rows in enumerate(scores):
        place, label = above(rows, score, candidates)
        box = boxes[i][place * scores.shape[2] + label if of_labels else place]
        group = label if per_class else torch.zeros_like(label)
        probable = rows[place, label]
        if soft:
            kept, probable = soften(box, group, probable, score, soft, most)
        else:
            kept = nms(box, group, iou, most)
        found[i, : len(kept)], labels[i, : len(kept)] = box[kept], label[kept]
        sure[i, : len(kept)] = probable[kept]
    return found, sure, labels


def above(scores: Tensor, score: float, candidates: int) -> tuple[Tensor, Tensor]:
    """Boxes and labels of the best scores (A, labels) above `score`, the best first."""
    best_of = scores.amax(1)  # not among the best: nor is any of its box
    least = best_of.topk(min(candidates, len(best_of))).values[-1]
    some = ((best_of > score) & (best_of >= least)).nonzero()[:, 0]
    rows = scores[some]
    enough = rows > score
    if enough.sum() > candidates:  # to sort them all would take long
        enough &= rows >= rows[enough].topk(candidates).values[-1]
    place, label = enough.nonzero().unbind(1)
    order = rows[place, label].argsort(descending=True, stable=True)[:candidates]
    return some[place[order]], label[order]


def soften(
    boxes: Tensor, labels: Tensor, scores: Tensor, score: float, soft: float, most: int
) -> tuple[Tensor, Tensor]:
    """Which boxes are best, one after the other, and all scores, as they fall by it.

    The score of a box falls by exp(-overlap^2 / soft) for each better one of its label
    (Soft-NMS, arXiv 1704.04503).
    """
    kept, left, scores = [], scores.clone(), scores.clone()
    for _ in range(min(most, len(boxes))):
        pick = left.argmax()
        if left[pick] <= score:
            break
        kept.append(pick)
        scores[pick] = left[pick]
        shared = overlap(boxes[pick][None], boxes)[0] * (labels == labels[pick])
        left = left * torch.exp(-(shared**2) / soft)
        left[pick] = 0
    return torch.stack(kept) if kept else labels.new_empty(0), scores


def nms(boxes: Tensor, labels: Tensor, iou: float, most: int) -> Tensor:
    """Which boxes, given the best first, overlap no better one of their label."""
    kept = labels.new_empty(0)
    for chunk in torch.split(torch.arange(len(boxes), device=boxes.device), 256):
        chunk = chunk[~clash(boxes, labels, chunk, kept, iou).any(1)]
        better = clash(boxes, labels, chunk, chunk, iou).tril(-1)
        alive, before = ~better.any(1), ~better.new_zeros(len(chunk))
        while not alive.equal(before):  # until nobody is dropped by a dropped one
            alive, before = ~(better & alive).any(1), alive
        kept = torch.cat([kept, chunk[alive]])[:most]
        if len(kept) == most:
            break
    return kept


def clash(
    boxes: Tensor, labels: Tensor, some: Tensor, others: Tensor, iou: float
) -> Tensor:
    """Which of some boxes overlap which others of their label too much."""
    same = labels[some, None] == labels[others]
    return same & (overlap(boxes[some], boxes[others]) > iou)
