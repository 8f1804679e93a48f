"""Batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import BYTES, Kept, Op, Shape, Work, elements


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
