"""What optimizers need beside weights and gradients. Nothing is imported, so the command line can offer their names."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Optimizer: TypeAlias = Literal["sgd", "momentum", "adam"]


class Needs(NamedTuple):
    """Numbers that an optimizer needs for every parameter."""

    state: int
    """What it keeps from step to step: nothing, a velocity, or two moments."""
    scratch: int
    """What it needs for one weight at a time."""


OPTIMIZERS: dict[Optimizer, Needs] = {"sgd": Needs(0, 0), "momentum": Needs(1, 0), "adam": Needs(2, 2)}
