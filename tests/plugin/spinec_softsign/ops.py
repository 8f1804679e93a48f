"""The op that the primitive is, and what it costs."""

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.lowering.kinds import makes
from spinec.compiler.ops.base import Kept, Op, Shape, elements
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class Softsign(Op):
    """Steepness * x / (1 + |steepness * x|), element by element."""

    category: ClassVar[str] = "activation"

    steepness: float

    def infer(self, *inputs: Shape) -> Shape:
        """The shape stays."""
        return inputs[0]

    def work(self, output: Shape, *inputs: Shape) -> Work:
        """A product, a sum and a quotient."""
        return {"multiply": elements(output), "add": elements(output), "divide": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        """The input."""
        return Kept((0,))


@makes("softsign")
def softsign(style, settings):
    """The op of a step."""
    return Softsign(settings["softsign"])
