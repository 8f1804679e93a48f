"""What answering costs beside a network: the boxes that it starts from, the scores, the pairs that are compared.

It depends on the head's fields alone and is no part of a network's multiply-adds, which published figures count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.registry import constants_of
from spinec.spec.errors import BackendError
from spinec.spec.heads import Head

BOX = 4  # numbers
BOXES = ("box", "deltas")  # maps whose numbers are boxes


class Step(NamedTuple):
    """A step from maps to answers, and how often it is done for one image."""

    name: str
    number: int
    what: str


Effort: TypeAlias = Callable[[Program, Any], list[Step]]
AnyEffort = TypeVar("AnyEffort", bound=Effort)

EFFORTS: dict[type[Head], Effort] = {}


def answers_by(*kinds: type[Head]) -> Callable[[AnyEffort], AnyEffort]:
    """Register what counts the steps of kinds of head."""

    def register(effort: AnyEffort) -> AnyEffort:
        EFFORTS.update(dict.fromkeys(kinds, effort))
        return effort

    return register


def effort_of(program: Program) -> list[Step]:
    """The steps from what a program gives to the answers for one image.

    Raises:
        BackendError: when its head answers nothing, or its answers cannot be made.

    >>> from spinec import load, lower
    >>> [(step.name, step.number) for step in effort_of(lower(load("eff-spinenet-d0")))][:2]
    [('boxes', 49104), ('scores', 4419360)]
    """
    head = program.spec.head
    if head is None or type(head) not in EFFORTS:
        raise BackendError(f"{program.name} has no head that answers, so there is nothing to count")
    constants_of(program)  # which refuses what no source can be made for
    return EFFORTS[type(head)](program, head)


def anchors_of(program: Program) -> Mapping[str, int]:
    """How many boxes a head starts from at every output: nothing where it starts from none."""
    maps = program.spec.head.maps if program.spec.head else ()
    shapes = {
        name: program.outputs[f"{kind}_{name}"] for kind in BOXES if kind in maps for name in program.spec.outputs
    }
    return {name: channels // BOX * height * width for name, (channels, height, width) in shapes.items()}
