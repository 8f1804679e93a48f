"""Ops of several inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from spinec.compiler.ops.base import BYTES, Cells, Kept, Op, Shape, elements, equal_shapes, feature_map
from spinec.spec.errors import ShapeError
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class Add(Op):
    """The sum of the inputs."""

    category: ClassVar[str] = "merge"

    def infer(self, *inputs: Shape) -> Shape:
        return equal_shapes("add", inputs)

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"add": (len(inputs) - 1) * elements(output)}


@dataclass(frozen=True, slots=True)
class Average(Op):
    """The mean of the inputs, element by element."""

    category: ClassVar[str] = "merge"

    def infer(self, *inputs: Shape) -> Shape:
        return equal_shapes("average", inputs)

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"add": (len(inputs) - 1) * elements(output), "scale": elements(output)}


@dataclass(frozen=True, slots=True)
class WeightedSum(Op):
    """Eff-SpineNet's Equation 1: sum_i(w_i x_i) / (sum_j w_j + epsilon), w = relu(weights); or a softmax of them."""

    category: ClassVar[str] = "merge"

    kind: Literal["fast_normalized", "softmax"] = "fast_normalized"
    epsilon: float = 0.001

    def infer(self, *inputs: Shape) -> Shape:
        return equal_shapes("weighted_sum", inputs)

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"fusion": (len(inputs),)}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        products: Work = {
            "add": (len(inputs) - 1) * elements(output),
            "multiply": elements(*inputs),
        }
        if self.kind == "softmax":
            return products
        return {**products, "divide": elements(*inputs), "relu": len(inputs)}  # of the weights

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        scalars = 2 * len(inputs) + 1 if self.kind == "fast_normalized" else len(inputs)  # rectified, sum, normalised
        return Kept(tuple(range(len(inputs))), batch_bytes=BYTES * scalars)


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """The channels of the inputs, one behind the other."""

    category: ClassVar[str] = "merge"

    def infer(self, *inputs: Shape) -> Shape:
        _, height, width = feature_map("concat", inputs[0])
        if any(shape[1:] != (height, width) for shape in inputs):
            raise ShapeError(f"concat takes maps of one size, got {', '.join(map(str, inputs))}")
        return sum(shape[0] for shape in inputs), height, width


@dataclass(frozen=True, slots=True)
class Multiply(Op):
    """A feature map times a gate of one number per channel."""

    category: ClassVar[str] = "merge"

    def infer(self, *inputs: Shape) -> Shape:
        features, gate = inputs
        if gate != (features[0], 1, 1):
            raise ShapeError(f"multiply takes a map and a gate of its channels, got {features} and {gate}")
        return features

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"multiply": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0, 1))

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells | None:
        return cells if operand == 0 else None  # a gate scales what is there; it shows no more of the image
