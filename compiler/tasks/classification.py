"""Classification: how many classes are told, and how sure a network is to become."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.effort import Step, answers_by
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.heads import Classification


@means(Classification)
def classification(program: Program, head: Classification) -> dict[str, Constant]:
    """Numbers that the head's fields give."""
    return {
        "TOP": Constant(min(5, head.classes), "classes that are told, the likeliest"),
        "SMOOTHING": Constant(head.smoothing, "share of a target that is spread over all classes"),
    }


@answers_by(Classification)
def steps(program: Program, head: Classification) -> list[Step]:
    """The step from logits to probabilities."""
    return [Step("scores", head.classes, "probabilities, one for every class")]
