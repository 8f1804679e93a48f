"""RetinaNet: anchors, what they are to find, and which boxes are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.registry import Constant, in_float32, means
from spinec.spec.heads import RetinaNet


@means(RetinaNet)
def retinanet(program: Program, head: RetinaNet) -> dict[str, Constant]:
    """The order of the levels, and numbers that a head's fields give."""
    level = {name: program.spec.level_of(block) for name, block in program.spec.outputs.items()}
    matching, loss, detections = head.matching, head.loss, head.detections
    return {
        "FIRST_CLASS": Constant(int(head.background), "class 0 is the background" if head.background else ""),
        "LEVELS": Constant(tuple(level)),
        "STRIDES": Constant(tuple(2**each for each in level.values()), "pixels from cell to cell"),
        "ANCHOR_SIDES": Constant(
            tuple(tuple(map(in_float32, sides)) for sides in head.anchors.sides),
            "height and width of a cell's anchors, in strides",
        ),
        "POSITIVE": Constant(matching.positive, "overlap with a box from which on an anchor is to find it"),
        "NEGATIVE": Constant(matching.negative, "overlap below which it is to find none"),
        "FORCE": Constant(matching.force, "the anchor closest to a box is to find it in any case"),
        "ALPHA": Constant(loss.alpha, "weight of the class that is to be found, in focal loss"),
        "GAMMA": Constant(loss.gamma, "how much less focal loss counts what the network is sure of"),
        "DELTA": Constant(loss.delta, "error up to which Huber loss is quadratic"),
        "BOX_WEIGHT": Constant(loss.box_weight, "of the boxes' loss beside the classes'"),
        "SCORE": Constant(detections.score, "probability that a box must exceed"),
        "IOU": Constant(detections.iou, "overlap with a better box above which one is dropped"),
        "CANDIDATES": Constant(detections.candidates, "pairs of a box and a class that are compared"),
        "PER_CLASS": Constant(detections.per_class, "only boxes of one class drop one another"),
        "MOST": Constant(detections.most, "boxes of an image"),
    }
