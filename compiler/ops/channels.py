"""Ops on the channels of a map: they scale, select, reorder or mix them, and leave every pixel where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spinec.compiler.ops.base import Kept, Op, Shape, Work, elements, feature_map


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
