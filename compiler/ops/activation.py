"""Activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import Kept, Op, Shape, elements
from spinec.spec.activations import ACTIVATIONS
from spinec.spec.activations import Activation as Kind
from spinec.spec.quantities import Elementwise, Quantity, Work


@dataclass(frozen=True, slots=True)
class Activation(Op):
    """An element-wise non-linearity.

    `slope` is what a leaky ReLU multiplies values below zero by: 0.01 where it was proposed (Maas et al., 2013), 0.1 in
    Darknet. An ELU has alpha 1 (arXiv 1511.07289). 'gelu_tanh' is the approximation of a GELU by a hyperbolic tangent
    (arXiv 1606.08415, Section 2).
    """

    category: ClassVar[str] = "activation"

    kind: Kind
    slope: float = 0.01

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def work(self, output: Shape, *inputs: Shape) -> Work:
        amount = elements(output)
        done: dict[Quantity, int] = {quantity: times * amount for quantity, times in self._about.work.items()}
        return {**done, "activation": amount}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept(output=True) if self._about.keeps == "output" else Kept((0,))

    @property
    def _about(self) -> Elementwise:
        return ACTIVATIONS.named(self.kind)


@dataclass(frozen=True, slots=True)
class PReLU(Op):
    """A leaky ReLU whose slope is trained, one for each channel (arXiv 1502.01852)."""

    category: ClassVar[str] = "activation"

    initial: float = 0.25

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"slope": inputs[0][:1]}

    def work(self, output: Shape, *inputs: Shape) -> Work:  # relu(x) - slope * relu(-x)
        return {
            "add": elements(output),
            "multiply": elements(output),
            "relu": elements(output),
            "prelu": elements(output),
            "activation": elements(output),
        }

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,))


@dataclass(frozen=True, slots=True)
class Exp(Op):
    """e to the power of every value."""

    category: ClassVar[str] = "activation"

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"activation": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept(output=True)
