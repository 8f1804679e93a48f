"""Ops that act in training alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import BYTES, Kept, Op, Shape, elements


@dataclass(frozen=True, slots=True)
class StochasticDepth(Op):
    """Leaves out a whole branch per image at the given rate in training, and makes up for it in scale."""

    category: ClassVar[str] = "regularize"

    rate: float

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept(image_bytes=BYTES if self.rate else 0)  # who is left out


@dataclass(frozen=True, slots=True)
class Dropout(Op):
    """Leaves out single values at the given rate in training, and makes up for it in scale."""

    category: ClassVar[str] = "regularize"

    rate: float

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept(image_bytes=BYTES * elements(output) if self.rate else 0)  # what is left out
