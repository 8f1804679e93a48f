"""Activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import Kept, Op, Shape, Work, elements
from spinec.spec.fields import Activation as Kind


@dataclass(frozen=True, slots=True)
class Activation(Op):
    """An element-wise non-linearity."""

    category: ClassVar[str] = "activation"

    kind: Kind

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def work(self, output: Shape, *inputs: Shape) -> Work:
        match self.kind:
            case "swish":
                return {"swish": elements(output), "activation": elements(output)}
            case "relu" | "relu6":
                return {"relu": elements(output), "activation": elements(output)}
            case "gelu":
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
