"""Constants that several kinds of head have: their levels, focal loss, and which boxes are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.registry import Constant
from spinec.spec.anchor_free import FCOSDetections, FCOSLoss
from spinec.spec.default_boxes import SSDDetections, SSDLoss
from spinec.spec.detection import Detections, FocalLoss, Matching


def levels(program: Program) -> dict[str, Constant]:
    """The outputs that a head reads, in the order of its maps."""
    level = {name: program.spec.level_of(block) for name, block in program.spec.outputs.items()}
    return {
        "LEVELS": Constant(tuple(level)),
        "STRIDES": Constant(tuple(2**each for each in level.values()), "pixels from cell to cell"),
    }


def matched(matching: Matching) -> dict[str, Constant]:
    """Which anchors are to find a box."""
    return {
        "POSITIVE": Constant(matching.positive, "overlap with a box from which on an anchor is to find it"),
        "NEGATIVE": Constant(matching.negative, "overlap below which it is to find none"),
        "FORCE": Constant(matching.force, "the anchor closest to a box is to find it in any case"),
    }


def focal(loss: FocalLoss | FCOSLoss | SSDLoss) -> dict[str, Constant]:
    """What focal loss is computed with."""
    return {
        "ALPHA": Constant(loss.alpha, "weight of the class that is to be found, in focal loss"),
        "GAMMA": Constant(loss.gamma, "how much less focal loss counts what the network is sure of"),
    }


def kept(detections: Detections | FCOSDetections | SSDDetections) -> dict[str, Constant]:
    """Which boxes of an image are kept."""
    return {
        "SCORE": Constant(detections.score, "probability that a box must exceed"),
        "IOU": Constant(detections.iou, "overlap with a better box above which one is dropped"),
        "SOFT": Constant(detections.soft, "how little scores fall by overlaps, if boxes are not dropped"),
        "CANDIDATES": Constant(detections.candidates, "pairs of a box and a class that are compared"),
        "PER_CLASS": Constant(detections.per_class, "only boxes of one class drop one another"),
        "MOST": Constant(detections.most, "boxes of an image"),
    }
