"""Self-attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import BYTES, Cells, Kept, Op, Shape, elements, feature_map
from spinec.spec.errors import ShapeError
from spinec.spec.quantities import Work


@dataclass(frozen=True, slots=True)
class Attention(Op):
    """Multi-head attention of every position of a map to all others (arXiv 1706.03762, Section 3.2).

    It is given queries, keys and values, their channels one behind the other, and each head has its share of each:
    softmax(q k^T / sqrt(dim / heads)) v. Work and memory grow with the square of the number of positions.
    """

    category: ClassVar[str] = "attention"

    heads: int = 1

    def infer(self, *inputs: Shape) -> Shape:
        dim, height, width = feature_map("attention", inputs[0])
        if dim % (3 * self.heads):
            raise ShapeError(f"attention of {self.heads} heads takes queries, keys and values of each, got {inputs[0]}")
        return dim // 3, height, width

    def work(self, output: Shape, *inputs: Shape) -> Work:
        positions = elements(output[1:])
        return {
            "macs": 2 * positions * elements(output),
            "multiply": elements(output),  # of queries, by the scale
            "softmax": self._shares(output),
        }

    def kept(self, output: Shape, *inputs: Shape) -> Kept:
        """All three, reordered by head; the queries once more, scaled; and what the softmax gives."""
        return Kept(image_bytes=BYTES * (elements(*inputs, output) + self._shares(output)))

    def reads(self, cells: Cells, operand: int, size: int, axis: int) -> Cells:
        return (1 << size) - 1

    def _shares(self, output: Shape) -> int:
        """How many numbers say how much each position takes of every other."""
        return self.heads * elements(output[1:]) ** 2
