"""RetinaNet: anchors, what they are to find, and which boxes are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.boxes import box_steps, first_class, focal, kept, levels, matched
from spinec.compiler.tasks.effort import answers_by
from spinec.compiler.tasks.registry import Constant, in_float32, means
from spinec.spec.heads import RetinaNet


@means(RetinaNet)
def retinanet(program: Program, head: RetinaNet) -> dict[str, Constant]:
    """The order of the levels, and numbers that a head's fields give."""
    loss = head.loss
    return {
        **first_class(program, head),
        **levels(program),
        "ANCHOR_SIDES": Constant(
            tuple(tuple(map(in_float32, sides)) for sides in head.anchors.sides),
            "height and width of a cell's anchors, in strides",
        ),
        **matched(head.matching),
        **focal(loss),
        "DELTA": Constant(loss.delta, "error up to which Huber loss is quadratic"),
        "BOX_WEIGHT": Constant(loss.box_weight, "of the boxes' loss beside the classes'"),
        **kept(head.detections),
    }


answers_by(RetinaNet)(box_steps)
