"""Activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import Kept, Op, Shape, Work, elements
from spinec.spec.fields import Activation as Kind


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
        match self.kind:
            case "swish":
                return {"swish": elements(output), "activation": elements(output)}
            case "relu" | "relu6" | "leaky_relu" | "elu":
                return {"relu": elements(output), "activation": elements(output)}
            case "mish":  # x * tanh(softplus(x))
                return {"multiply": elements(output), "activation": elements(output)}
            case "gelu" | "gelu_tanh":
                return {"gelu": elements(output), "activation": elements(output)}
            case "hard_swish":  # x * relu6(x + 3) * (1 / 6)
                return {
                    "add": elements(output),
                    "multiply": 2 * elements(output),
                    "activation": elements(output),
                }
            case "hard_sigmoid":  # relu6(x + 3) * (1 / 6)
                return {"add": elements(output), "multiply": elements(output), "activation": elements(output)}
        return {"activation": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept(output=True) if self.kind in ("relu", "sigmoid") else Kept((0,))


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
