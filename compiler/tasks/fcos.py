"""FCOS: which cells are to find a box, and which boxes are kept."""

from __future__ import annotations

from itertools import pairwise

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.boxes import box_steps, focal, kept, levels
from spinec.compiler.tasks.effort import answers_by
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.heads import FCOS

FAR = 1e8  # pixels, more than any image has


@means(FCOS)
def fcos(program: Program, head: FCOS) -> dict[str, Constant]:
    """The order of the levels, and numbers that a head's fields give."""
    shared, loss = levels(program), head.loss
    strides = shared["STRIDES"].value
    bounds = (0.0, *(head.matching.reach * stride for stride in sorted(strides)[:-1]), FAR)
    reach = dict(zip(sorted(strides), pairwise(bounds), strict=True))
    return {
        **shared,
        "UNITS": Constant(strides if head.unit == "stride" else (1,) * len(strides), "pixels of a distance of 1"),
        "OFFSET": Constant(head.offset, "where in a cell distances start"),
        "RADIUS": Constant(head.matching.radius, "strides from a box's centre where cells are to find it"),
        "REACH": Constant(tuple(reach[stride] for stride in strides), "of a cell to the farthest side, in pixels"),
        **focal(loss),
        "GIOU": Constant(loss.overlap == "giou", "boxes' loss is 1 - generalized overlap, or -log overlap"),
        "WEIGHTED": Constant(loss.weighted, "boxes count by how central their cells are"),
        "BOX_WEIGHT": Constant(loss.box_weight, "of the boxes' loss beside the classes'"),
        "CENTERNESS_WEIGHT": Constant(loss.centerness_weight, "of the loss of how central cells are"),
        **kept(program, head),
    }


answers_by(FCOS)(box_steps)
