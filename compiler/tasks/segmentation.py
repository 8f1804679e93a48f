"""Maps of classes: which pixels are left out."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.effort import Step, answers_by
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.heads import DeepLab, Segmentation


@means(Segmentation)
@means(DeepLab)
def segmentation(program: Program, head: Segmentation | DeepLab) -> dict[str, Constant]:
    """The class of pixels that are left out."""
    return {"IGNORED": Constant(head.ignored, "class of pixels that nothing is learned from")}


@answers_by(Segmentation, DeepLab)
def steps(program: Program, head: Segmentation | DeepLab) -> list[Step]:
    """The steps from a map to the class of every pixel of an image of the input's size."""
    height, width = program.size
    return [
        Step("logits", head.classes * height * width, "between the cells of the map, one for every pixel and class"),
        Step("pixels", height * width, "whose likeliest class is found"),
    ]
