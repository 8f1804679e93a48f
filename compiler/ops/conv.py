"""Convolution, and the linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from spinec.compiler.ops.base import BYTES, Cells, Kept, Op, Shape, Work, elements, feature_map
from spinec.compiler.ops.window import Pads, gathered, output_size, window_pads, window_reads, with_written_pads
from spinec.spec.errors import ShapeError
from spinec.spec.fields import Padding


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """2-D convolution. The output size is ceil(input / stride) in either padding."""

    category: ClassVar[str] = "conv"

    dim: int
    kernel: int = 1
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
        return "1x1 conv" if self.kernel == 1 else "conv"

    @property
    def extent(self) -> int:
        """How many pixels the dilated kernel spans."""
        return (self.kernel - 1) * self.dilation + 1

    def pads(self, height: int, width: int) -> Pads:
        """Zeros before and after, per axis."""
        return window_pads(self.padding, self.extent, self.stride, height, width)

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("conv", inputs[0])
        if dim % self.groups or self.dim % self.groups:
            raise ShapeError(f"conv of {self.groups} groups cannot take {dim} channels to {self.dim}")
        return self.dim, output_size(height, self.stride), output_size(width, self.stride)

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        kernel: Shape = (self.dim, inputs[0][0] // self.groups, self.kernel, self.kernel)
        return {"kernel": kernel, "bias": (self.dim,)} if self.bias else {"kernel": kernel}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        macs = elements(output) * (inputs[0][0] // self.groups) * self.kernel**2
        return {"macs": macs, "bias": elements(output)} if self.bias else {"macs": macs}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        padding = self.padding if self.stride > 1 else "symmetric"  # without a stride both are the same
        given = with_written_pads(padding, self.extent, self.stride, inputs[0])
        return Kept((0,)) if given == inputs[0] else Kept(image_bytes=BYTES * elements(given))

    def reads(self, cells: Cells, operand: int, size: int) -> Cells:
        return window_reads(cells, self.padding, self.kernel, self.dilation, self.stride, size)


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

    def reads(self, cells: Cells, operand: int, size: int) -> Cells:
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
