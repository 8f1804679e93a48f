"""Norms: over a batch, which keeps running statistics, and over the channels of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import BYTES, Kept, Op, Shape, elements, feature_map
from spinec.spec.errors import ShapeError
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class BatchNorm(Op):
    """Batch normalisation per channel; `momentum` is what the running statistics keep of themselves."""

    category: ClassVar[str] = "norm"

    epsilon: float = 0.001
    momentum: float = 0.99
    zero_init: bool = False
    synchronized: bool = False

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"scale": inputs[0][:1], "shift": inputs[0][:1]}

    def state(self, *inputs: Shape) -> dict[str, Shape]:
        return {"mean": inputs[0][:1], "variance": inputs[0][:1]}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"norm": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,), batch_bytes=2 * BYTES * output[0])  # the batch's mean and deviation


@dataclass(frozen=True, slots=True)
class LayerNorm(Op):
    """Normalisation of every pixel over its channels (arXiv 1607.06450, as ConvNeXt has it), or of a vector."""

    category: ClassVar[str] = "norm"

    epsilon: float = 1e-6

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"scale": inputs[0][:1], "shift": inputs[0][:1]}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"norm": elements(output), "moments": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,), image_bytes=2 * BYTES * elements(output[1:]))  # each pixel's mean and deviation


@dataclass(frozen=True, slots=True)
class GroupNorm(Op):
    """Normalisation of groups of channels over the whole image (arXiv 1803.08494).

    Its statistics scale what is there, as a gate does, and are left out of receptive fields for the same reason.
    """

    category: ClassVar[str] = "norm"

    groups: int = 32
    epsilon: float = 1e-5

    def infer(self, *inputs: Shape) -> Shape:
        dim, _, _ = feature_map("group_norm", inputs[0])
        if dim % self.groups:
            raise ShapeError(f"group_norm of {self.groups} groups cannot take {dim} channels")
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"scale": inputs[0][:1], "shift": inputs[0][:1]}

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"norm": elements(output), "moments": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept((0,), image_bytes=2 * BYTES * self.groups)  # each group's mean and deviation
