"""Ops on the channels of a map: they scale, select, reorder or mix them, and leave every pixel where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import Kept, Op, Shape, elements, feature_map
from spinec.spec.errors import ShapeError
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class LayerScale(Op):
    """Every channel times a trained factor, which starts small (arXiv 2103.17239, Equation 6)."""

    category: ClassVar[str] = "scale"

    initial: float = 1e-6

    def infer(self, *inputs: Shape) -> Shape:
        return feature_map("layer_scale", inputs[0])

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"factor": inputs[0][:1]}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"multiply": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,))


@dataclass(frozen=True, slots=True)
class Scale(Op):
    """A whole map times one trained factor (arXiv 1904.01355, Section 3.2)."""

    category: ClassVar[str] = "scale"

    initial: float = 1.0

    def infer(self, *inputs: Shape) -> Shape:
        return feature_map("scale", inputs[0])

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"factor": (1,)}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"multiply": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,))


@dataclass(frozen=True, slots=True)
class Slice(Op):
    """So many channels of a map, from one on."""

    category: ClassVar[str] = "resize"
    is_view: ClassVar[bool] = True

    start: int
    dim: int

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("slice", inputs[0])
        if self.start < 0 or self.dim < 1 or self.start + self.dim > dim:
            raise ShapeError(f"slice of channels {self.start} to {self.start + self.dim} of a map of {dim}")
        return self.dim, height, width


@dataclass(frozen=True, slots=True)
class Shuffle(Op):
    """The first channel of every group, then the second of every group, and so on (arXiv 1707.01083, Figure 1)."""

    category: ClassVar[str] = "resize"

    groups: int

    def infer(self, *inputs: Shape) -> Shape:
        dim, _, _ = feature_map("shuffle", inputs[0])
        if self.groups < 1 or dim % self.groups:
            raise ShapeError(f"shuffle of {self.groups} groups cannot take {dim} channels")
        return inputs[0]


@dataclass(frozen=True, slots=True)
class ChannelConv(Op):
    """1-D convolution along the channels of a map of one pixel, without a bias (arXiv 1910.03151, Section 3.2)."""

    category: ClassVar[str] = "channel conv"

    kernel: int = 3

    def infer(self, *inputs: Shape) -> Shape:
        if inputs[0][1:] != (1, 1):
            raise ShapeError(f"channel_conv takes a map of one pixel, got {inputs[0]}")
        if self.kernel % 2 == 0:
            raise ShapeError(f"channel_conv: an even kernel, {self.kernel}, has no centre")
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"kernel": (1, 1, self.kernel)}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"macs": self.kernel * elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,))
