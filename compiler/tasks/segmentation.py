"""Maps of classes: which pixels are left out."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.heads import DeepLab, Segmentation


@means(Segmentation)
@means(DeepLab)
def segmentation(program: Program, head: Segmentation | DeepLab) -> dict[str, Constant]:
    """The class of pixels that are left out."""
    return {"IGNORED": Constant(head.ignored, "class of pixels that nothing is learned from")}
