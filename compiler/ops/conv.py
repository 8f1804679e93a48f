"""Convolution, and the linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from spinec.compiler.ops.base import BYTES, Cells, Kept, Op, Shape, elements, feature_map
from spinec.compiler.ops.window import (
    Kernel,
    Pads,
    Sides,
    check_centre,
    gathered,
    output_size,
    sides_of,
    window_pads,
    window_reads,
    with_written_pads,
)
from spinec.spec.errors import ShapeError
from spinec.spec.fields import Padding
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """2-D convolution. The output size is ceil(input / stride) in either padding.

    Only padding 'same' takes kernels with an even side. Each of the `groups` has its share of the channels; as many
    groups as channels make a depthwise convolution, whose `dim` is a multiple of them.
    """

    category: ClassVar[str] = "conv"

    dim: int
    kernel: Kernel = 1
    stride: int = 1
    groups: int = 1
    dilation: int = 1
    bias: bool = False
    bias_init: float = 0.0
    padding: Padding = "symmetric"
    init_scale: float = 2.0
    init_mode: str = "fan_out"

    @property
    def group(self) -> str:
        if self.groups > 1:
            return "depthwise conv" if self.groups == self.dim else "grouped conv"
        return "1x1 conv" if self.sides == (1, 1) else "conv"

    @property
    def sides(self) -> Sides:
        """Height and width of the kernel."""
        return sides_of(self.kernel)

    @property
    def extents(self) -> Sides:
        """How many rows and columns the dilated kernel spans."""
        height, width = self.sides
        return (height - 1) * self.dilation + 1, (width - 1) * self.dilation + 1

    @property
    def is_uneven(self) -> bool:
        """Whether there may be more zeros on one side than on the other, which PyTorch has no setting for."""
        return self.padding == "same" and (self.stride > 1 or any(extent % 2 == 0 for extent in self.extents))

    def pads(self, height: int, width: int) -> Pads:
        """Zeros before and after, per axis."""
        return window_pads(self.padding, self.extents, self.stride, height, width)

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("conv", inputs[0])
        if dim % self.groups or self.dim % self.groups:
            raise ShapeError(f"conv of {self.groups} groups cannot take {dim} channels to {self.dim}")
        check_centre("conv", self.kernel, self.padding)
        return self.dim, output_size(height, self.stride), output_size(width, self.stride)

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        kernel: Shape = (self.dim, inputs[0][0] // self.groups, *self.sides)
        return {"kernel": kernel, "bias": (self.dim,)} if self.bias else {"kernel": kernel}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        macs = elements(output) * (inputs[0][0] // self.groups) * prod(self.sides)
        return {"macs": macs, "bias": elements(output)} if self.bias else {"macs": macs}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        if not self.is_uneven:
            return Kept((0,))
        given = with_written_pads(self.padding, self.extents, self.stride, inputs[0])
        return Kept((0,)) if given == inputs[0] else Kept(image_bytes=BYTES * elements(given))

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return window_reads(cells, self.padding, self.sides[axis], self.dilation, self.stride, size)


@dataclass(frozen=True, slots=True)
class TransposedConv(Op):
    """Every value becomes a square of factor x factor, by a kernel of that size: no two squares overlap.

    The kernel is that of the convolution which it transposes, (in, out, height, width), and so is its initialisation.
    """

    category: ClassVar[str] = "transposed conv"

    dim: int
    factor: int = 2
    bias: bool = True
    init_scale: float = 2.0
    init_mode: str = "fan_out"

    def infer(self, *inputs: Shape) -> Shape:
        _, height, width = feature_map("transposed_conv", inputs[0])
        return self.dim, height * self.factor, width * self.factor

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        kernel: Shape = (inputs[0][0], self.dim, self.factor, self.factor)
        return {"kernel": kernel, "bias": (self.dim,)} if self.bias else {"kernel": kernel}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        macs = elements(output) * inputs[0][0]
        return {"macs": macs, "bias": elements(output)} if self.bias else {"macs": macs}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,))

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return gathered(cells, self.factor)


@dataclass(frozen=True, slots=True)
class Linear(Op):
    """Fully connected layer on a vector."""

    category: ClassVar[str] = "linear"

    dim: int
    bias: bool = True

    def infer(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 1:
            raise ShapeError(f"linear takes a vector, got {inputs[0]}")
        return (self.dim,)

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        kernel: Shape = (self.dim, inputs[0][0])
        return {"kernel": kernel, "bias": (self.dim,)} if self.bias else {"kernel": kernel}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        macs = prod(self.weights(*inputs)["kernel"])
        return {"macs": macs, "bias": self.dim} if self.bias else {"macs": macs}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,))
