"""Ops that act in training alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import Op, Shape


@dataclass(frozen=True, slots=True)
class StochasticDepth(Op):
    """Leaves out a whole branch per image at the given rate in training, and makes up for it in scale."""

    category: ClassVar[str] = "regularize"

    rate: float

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, slots=True)
class Dropout(Op):
    """Leaves out single values at the given rate in training, and makes up for it in scale."""

    category: ClassVar[str] = "regularize"

    rate: float

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]
