"""Constants that several kinds of head have: their levels, focal loss, and which boxes are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.effort import Step, anchors_of
from spinec.compiler.tasks.registry import Constant, in_float32
from spinec.spec.anchor_free import FCOSLoss
from spinec.spec.default_boxes import SSDLoss
from spinec.spec.detection import Anchors, BoxOrder, FocalLoss, Matching
from spinec.spec.errors import BackendError
from spinec.spec.heads import FCOS, SSD, MaskRCNN, RetinaNet
from spinec.spec.regions import Proposals

Detector: TypeAlias = RetinaNet | SSD | FCOS | MaskRCNN


def levels(program: Program) -> dict[str, Constant]:
    """The outputs that a head reads, in the order of its maps."""
    level = {name: program.spec.level_of(block) for name, block in program.spec.outputs.items()}
    return {
        "LEVELS": Constant(tuple(level)),
        "STRIDES": Constant(tuple(2**each for each in level.values()), "pixels from cell to cell"),
    }


def first_class(program: Program, head: RetinaNet | SSD | MaskRCNN) -> dict[str, Constant]:
    """The class that is found first.

    Raises:
        BackendError: when there is none, as the background is all.
    """
    if head.classes == head.first_class:
        message = f"{program.name}: head: its only class is the background, so there is nothing to find"
        raise BackendError(f"{message}; expected classes: 2, or background: false")
    return {"FIRST_CLASS": Constant(head.first_class, "class 0 is the background" if head.first_class else "")}


def anchors(program: Program, own: Anchors, strides: Iterable[int]) -> dict[str, Constant]:
    """The boxes that every cell of some levels starts from.

    Raises:
        BackendError: when whole pixels leave one of them no area.
    """
    sides = [own.sides(stride) for stride in strides]
    if not all(side for level in sides for box in level for side in box):
        message = f"{program.name}: head.anchors: sides of whole pixels leave an anchor no area"
        raise BackendError(f"{message}; expected a larger size, or whole: false")
    alike = tuple(tuple(map(in_float32, box)) for box in sides[0])
    return {
        "ANCHOR_SIDES": Constant(
            tuple(sides) if own.whole else alike,
            f"height and width of a cell's anchors{' of each level' * own.whole}, in strides",
        ),
        "ANCHOR_OFFSET": Constant(own.offset, "where in a cell the middle of its anchors is"),
    }


def box_order(order: BoxOrder) -> dict[str, Constant]:
    """Where y, x, height and width are in the four numbers of a box."""
    return {"BOX_ORDER": Constant((0, 1, 2, 3) if order == "yxhw" else (1, 0, 3, 2), "y, x, height and width")}


def matched(matching: Matching | Proposals) -> dict[str, Constant]:
    """Which anchors are to find a box."""
    return {
        "POSITIVE": Constant(matching.positive, "overlap with a box from which on an anchor is to find it"),
        "NEGATIVE": Constant(matching.negative, "overlap below which it is to find none"),
        "FORCE": Constant(matching.force, "the anchor closest to a box is to find it in any case"),
        "ALL_CLOSEST": Constant(matching.closest == "all", "all as close do, each its own closest box"),
    }


def focal(loss: FocalLoss | FCOSLoss | SSDLoss) -> dict[str, Constant]:
    """What focal loss is computed with."""
    return {
        "ALPHA": Constant(loss.alpha, "weight of the class that is to be found, in focal loss"),
        "GAMMA": Constant(loss.gamma, "how much less focal loss counts what the network is sure of"),
    }


def kept(program: Program, head: Detector) -> dict[str, Constant]:
    """Which boxes of an image are kept."""
    detections, per = head.detections, head.detections.candidates_per
    groups = {"image": 1, "level": len(program.spec.outputs), "class": _found(head)}
    return {
        "SCORE": Constant(detections.score, "probability that a box must exceed"),
        "IOU": Constant(detections.iou, "overlap with a better box above which one is dropped"),
        "SOFT": Constant(detections.soft, "how little scores fall by overlaps, if boxes are not dropped"),
        "CANDIDATES": Constant(detections.candidates * groups[per], "pairs of a box and a class that are compared"),
        "LEVEL_CANDIDATES": Constant(detections.candidates * (per == "level"), "of each level at most; 0: any number"),
        "LABEL_CANDIDATES": Constant(detections.candidates * (per == "class"), "of each class at most; 0: any number"),
        "PER_CLASS": Constant(detections.per_class, "only boxes of one class drop one another"),
        "MOST": Constant(detections.most, "boxes of an image"),
    }


def box_steps(program: Program, head: RetinaNet | SSD | FCOS) -> list[Step]:
    """The steps from maps of boxes and classes to the boxes that are kept."""
    levels = list(anchors_of(program).values())
    return [
        Step("boxes", sum(levels), "decoded, and cut off at the image's edges"),
        Step("scores", sum(levels) * _found(head), "probabilities, one for every box and class"),
        *steps_to_keep(head, levels),
    ]


def steps_to_keep(head: Detector, levels: Sequence[int]) -> list[Step]:
    """The steps from scores of the boxes of some levels to the boxes that are kept."""
    detections, classes = head.detections, _found(head)
    groups = {
        "image": [sum(levels) * classes],
        "level": [boxes * classes for boxes in levels],
        "class": [sum(levels)] * classes,
    }
    compared = sum(min(detections.candidates, pairs) for pairs in groups[detections.candidates_per])
    return [
        Step("candidates", compared, "at most: pairs of a box and a class, the best"),
        Step("overlaps", compared * min(compared, detections.most), "at most: of a candidate with a box that is kept"),
    ]


def _found(head: Detector) -> int:
    """The number of classes that are found."""
    return head.classes - head.first_class
