"""Which function lowers which kind of head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from spinec.compiler.graph.hierarchy import GraphBuilder
from spinec.compiler.lowering.layers import Style
from spinec.compiler.lowering.resample import Features
from spinec.spec.heads import Head

Lowering: TypeAlias = Callable[[Any, Mapping[str, Features], Style, GraphBuilder], dict[str, str]]
AnyLowering = TypeVar("AnyLowering", bound=Lowering)

LOWERINGS: dict[type[Head], Lowering] = {}


def lowers(kind: type[Head]) -> Callable[[AnyLowering], AnyLowering]:
    """Register what puts a head of this kind on the named outputs and says which values the model gives."""

    def register(lowering: AnyLowering) -> AnyLowering:
        LOWERINGS[kind] = lowering
        return lowering

    return register
