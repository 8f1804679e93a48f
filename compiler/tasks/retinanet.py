"""RetinaNet: anchors, what they are to find, and which boxes are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.boxes import anchors, box_order, box_steps, first_class, focal, kept, levels, matched
from spinec.compiler.tasks.effort import answers_by
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.heads import RetinaNet


@means(RetinaNet)
def retinanet(program: Program, head: RetinaNet) -> dict[str, Constant]:
    """The order of the levels, and numbers that a head's fields give."""
    shared, loss = levels(program), head.loss
    return {
        **first_class(program, head),
        **shared,
        **anchors(program, head.anchors, shared["STRIDES"].value),
        **box_order(head.order),
        **matched(head.matching),
        **focal(loss),
        "L1": Constant(loss.box == "l1", "boxes' loss is the absolute error, not Huber loss"),
        "DELTA": Constant(loss.delta, "error up to which Huber loss is quadratic"),
        "BOX_WEIGHT": Constant(loss.box_weight, "of the boxes' loss beside the classes'"),
        "PER_IMAGE": Constant(loss.per_image, "losses are over the anchors of each image, not of all"),
        **kept(program, head),
    }


answers_by(RetinaNet)(box_steps)
