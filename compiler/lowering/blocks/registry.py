"""Which function lowers which kind of block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.lowering.blocks.layers import Site
from spinec.spec.blocks import Block

Lowering: TypeAlias = Callable[[Any, Site], Graph]
AnyLowering = TypeVar("AnyLowering", bound=Lowering)

LOWERINGS: dict[type[Block], Lowering] = {}


def lowers(kind: type[Block]) -> Callable[[AnyLowering], AnyLowering]:
    """Register the function that turns one repeat of a block of this kind into a graph of one input, `x`."""

    def register(lowering: AnyLowering) -> AnyLowering:
        LOWERINGS[kind] = lowering
        return lowering

    return register
