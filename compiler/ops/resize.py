"""Ops that only move values: no weights, no multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from spinec.compiler.ops.base import Cells, Op, Shape, elements, feature_map
from spinec.compiler.ops.window import gathered, interpolated, spread
from spinec.spec.blocks import ChannelOrder
from spinec.spec.errors import ShapeError
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class Upsample(Op):
    """Resizing by a whole factor: 'nearest' makes every value a square of factor x factor, 'bilinear' interpolates.

    Bilinear values lie at the centres of pixels (`align_corners=False`); beyond the outermost, these are repeated. The
    products and sums of interpolation are no multiply-adds of a layer, and so `macs` has none of them.
    """

    category: ClassVar[str] = "resize"

    factor: int
    mode: Literal["nearest", "bilinear"] = "nearest"

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("upsample", inputs[0])
        return dim, height * self.factor, width * self.factor

    def work(self, output: Shape, *inputs: Shape) -> Work:
        work: Work = {"resize": elements(output)}
        return work if self.mode == "nearest" else {**work, "bilinear": elements(output)}

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        if self.mode == "nearest":
            return gathered(cells, self.factor)
        return interpolated(cells, self.factor) & ((1 << size) - 1)


@dataclass(frozen=True, slots=True)
class Spread(Op):
    """One pixel, repeated over a map (DeepLabv3). Bilinear interpolation of one pixel gives the same."""

    category: ClassVar[str] = "resize"
    is_view: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        (dim, *sides), (_, height, width) = (feature_map("spread", shape) for shape in inputs)
        if sides != [1, 1]:
            raise ShapeError(f"spread takes a map of one pixel and a map, got {inputs[0]} and {inputs[1]}")
        return dim, height, width

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells | None:
        return 1 if operand == 0 else None  # only the size of the other map counts


@dataclass(frozen=True, slots=True)
class Crop(Op):
    """The upper left part of a map."""

    category: ClassVar[str] = "resize"
    is_view: ClassVar[bool] = True

    height: int
    width: int

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("crop", inputs[0])
        if height < self.height or width < self.width:
            raise ShapeError(f"crop to {self.height} x {self.width} of a smaller map, {inputs[0]}")
        return dim, self.height, self.width


@dataclass(frozen=True, slots=True)
class Flatten(Op):
    """A map as a vector, channel by channel, each row by row."""

    category: ClassVar[str] = "resize"
    is_view: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        return (prod(feature_map("flatten", inputs[0])),)

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return (1 << size) - 1


@dataclass(frozen=True, slots=True)
class Pad(Op):
    """Zeros below and to the right."""

    category: ClassVar[str] = "resize"

    bottom: int
    right: int

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("pad", inputs[0])
        return dim, height + self.bottom, width + self.right

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return cells & ((1 << size) - 1)


@dataclass(frozen=True, slots=True)
class SpaceToDepth(Op):
    """Every 2 x 2 square of a map becomes four channels; nothing is lost (Eff-SpineNet, Figure 2)."""

    category: ClassVar[str] = "resize"

    order: ChannelOrder = "channel_major"

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("space_to_depth", inputs[0])
        if height % 2 or width % 2:
            raise ShapeError(f"space_to_depth takes even sizes, got {inputs[0]}")
        return 4 * dim, height // 2, width // 2

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return spread(cells, 2) * 0b11
