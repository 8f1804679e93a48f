"""SSD: default boxes, what they are to find, and which boxes are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.boxes import box_order, box_steps, first_class, focal, kept, levels, matched
from spinec.compiler.tasks.effort import answers_by
from spinec.compiler.tasks.registry import Constant, in_float32, means
from spinec.spec.errors import BackendError
from spinec.spec.heads import SSD


@means(SSD)
def ssd(program: Program, head: SSD) -> dict[str, Constant]:
    """The order of the outputs, and numbers that a head's fields give.

    Raises:
        BackendError: when an output has more anchors than `boxes` says.
    """
    boxes, loss = head.boxes, head.loss
    try:
        sides = boxes.sides(head.anchors)
    except ValueError as error:
        raise BackendError(f"{program.name}: head: {error}; expected fewer anchors, or more boxes.ratios") from None
    softmax = loss.kind == "softmax"
    return {
        **first_class(program, head),
        "LEVELS": levels(program)["LEVELS"],
        "SIZE": Constant(program.size, "rows and columns of an image"),
        "BOX_SIDES": Constant(
            tuple(tuple(tuple(map(in_float32, each)) for each in output) for output in sides),
            "height and width of a cell's boxes, in shares of the image's shorter side",
        ),
        **box_order(boxes.order),
        "FACTORS": Constant(tuple(each for each in boxes.factors for _ in range(2)), "of the numbers of a box"),
        **matched(head.matching),
        "SOFTMAX": Constant(softmax, "classes are told by softmax, or each by a sigmoid"),
        "NEGATIVES": Constant(loss.negatives, "anchors without a box that learn, for each with one"),
        **focal(loss),
        "DELTA": Constant(loss.delta, "error up to which Huber loss is quadratic"),
        "BOX_WEIGHT": Constant(loss.box_weight, "of the boxes' loss beside the classes'"),
        **kept(program, head),
    }


answers_by(SSD)(box_steps)
