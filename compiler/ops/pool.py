"""Pooling over windows and over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from spinec.compiler.ops.base import BYTES, Cells, Kept, Op, Shape, elements, feature_map
from spinec.compiler.ops.window import (
    Pads,
    check_centre,
    output_size,
    sides_of,
    window_pads,
    window_reads,
    with_written_pads,
)
from spinec.spec.fields import Padding
from spinec.spec.quantities import Work

INDEX_BYTES = 8  # of where a maximum was found


@dataclass(frozen=True, slots=True)
class Pool(Op):
    """Maximum or average of a window. Only padding 'same' takes an even kernel.

    An average leaves the padding out of its count, unless it is told to count it as zeros.
    """

    category: ClassVar[str] = "pool"

    kind: Literal["max", "avg"]
    kernel: int = 3
    stride: int = 2
    padding: Padding = "symmetric"
    count_padding: bool = False

    def pads(self, height: int, width: int) -> Pads:
        """Padding before and after, per axis."""
        return window_pads(self.padding, sides_of(self.kernel), self.stride, height, width)

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("pool", inputs[0])
        check_centre("pool", self.kernel, self.padding)
        return dim, output_size(height, self.stride), output_size(width, self.stride)

    def work(self, output: Shape, *inputs: Shape) -> Work:
        work: Work = {"pool": elements(output) * self.kernel**2, "pooled": elements(self._given(inputs[0]))}
        return work if self.kind == "max" else {**work, "average": elements(output)}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        given = self._given(inputs[0])
        copied = BYTES * elements(given) if given != inputs[0] else 0
        indices = INDEX_BYTES * elements(output) if self.kind == "max" else 0
        has_shares = (self.kind, self.padding, self.count_padding) == ("avg", "same", False)  # one for each window
        shares = BYTES * elements(output[1:]) if has_shares else 0
        return Kept(() if copied else (0,), image_bytes=copied + indices, batch_bytes=shares)

    def _given(self, shape: Shape) -> Shape:
        """What the windows move over."""
        return with_written_pads(self.padding, sides_of(self.kernel), self.stride, shape)

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return window_reads(cells, self.padding, self.kernel, 1, self.stride, size)


@dataclass(frozen=True, slots=True)
class GlobalPool(Op):
    """The mean or the maximum over the image: a vector, or a map of one cell where `keep` is set."""

    category: ClassVar[str] = "pool"

    kind: Literal["mean", "max"] = "mean"
    keep: bool = False

    def infer(self, *inputs: Shape) -> Shape:
        dim, _, _ = feature_map("global_pool", inputs[0])
        return (dim, 1, 1) if self.keep else (dim,)

    def work(self, output: Shape, *inputs: Shape) -> Work:
        return {"mean": elements(*inputs)} if self.kind == "mean" else {}

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        return Kept() if self.kind == "mean" else Kept((0,), output=True)  # to find where the maximum is

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return (1 << size) - 1
