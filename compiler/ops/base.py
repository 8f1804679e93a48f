"""What an op is: a pure tensor operation that knows its own shapes, weights and work.

To add an op: a frozen dataclass in this folder, and one rule per backend. Passes ask the op, never for its type.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any, ClassVar, NamedTuple, TypeAlias

from spinec.spec.errors import ShapeError
from spinec.spec.quantities import Work

Shape: TypeAlias = tuple[int, ...]
"""(C, H, W) of a feature map or (F,) of a vector; the batch is implicit."""

BYTES = 4  # of a number in float32


class Kept(NamedTuple):
    """What PyTorch's autograd keeps of an op from its forward to its backward pass, beside the op's weights."""

    operands: tuple[int, ...] = ()
    """Which of the inputs; a value that several ops keep is there once."""
    output: bool = False
    image_bytes: int = 0
    """What only the op knows, for every image: the indices of a maximum, a padded copy, a mask."""
    batch_bytes: int = 0
    """The same, once for the whole batch: statistics, normalised fusion weights."""


Cells: TypeAlias = int
"""Positions along one axis: bit i of the number is position i."""


@dataclass(frozen=True, slots=True)
class Op:
    """A pure tensor operation. Its fields are all its settings."""

    category: ClassVar[str]
    is_view: ClassVar[bool] = False
    """Whether the result is a part of the first input, without memory of its own."""

    @property
    def group(self) -> str:
        """The row of a report by category."""
        return self.category

    def infer(self, *inputs: Shape) -> Shape:
        """The shape of the result.

        Raises:
            ShapeError: when the op cannot take these inputs.
        """
        raise NotImplementedError(f"{type(self).__name__}.infer")  # abstract: every op says its shape

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        """Role and shape of every trained weight; kernels are (out, in, height, width)."""
        return {}

    def state(self, *inputs: Shape) -> dict[str, Shape]:
        """Role and shape of what is kept but not trained."""
        return {}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        """How much of each quantity the op does for one image."""
        return {}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        """What training keeps of the op for its backward pass, in float32."""
        return Kept()

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells | None:
        """The positions of an operand that results at `cells` depend on; None if it shows no more.

        They are rows (axis 0) or columns (axis 1), of which the operand has `size`.
        """
        return cells

    def __str__(self) -> str:
        shown = (f"{f.name}={_show(getattr(self, f.name))}" for f in fields(self) if getattr(self, f.name) != f.default)
        return " ".join([op_name(type(self)), *shown])


def op_name(kind: type[Op]) -> str:
    """The name of an op in text: ``space_to_depth`` for SpaceToDepth."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).removeprefix("_")


def elements(*shapes: Shape) -> int:
    """How many numbers the shapes hold together."""
    return sum(map(prod, shapes))


def feature_map(op: str, shape: Shape) -> tuple[int, int, int]:
    """The shape as channels, height, width; a ShapeError if it is none."""
    if len(shape) != 3:
        raise ShapeError(f"{op} takes a (C, H, W) feature map, got {shape}")
    return shape


def equal_shapes(op: str, shapes: tuple[Shape, ...]) -> Shape:
    """The one shape that all have; a ShapeError if they differ."""
    if len(set(shapes)) != 1:
        raise ShapeError(f"{op} takes inputs of one shape, got {', '.join(map(str, shapes))}")
    return shapes[0]


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "x".join(map(_show, value))
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
