"""What a factor makes of a spec: wider, deeper, or for another input size.

Rounding makes what it gives discrete. The factors at which a rounded value changes cut the line of factors into pieces,
and on a piece there is one spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinec.compiler.resources.scaling import deeper_totals, repeated, spread, widened
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fields import MAX_DIM, MAX_REPEATS, MAX_SIZE
from spinec.spec.model import ModelSpec, Scale
from spinec.spec.rounding import round_dim

MAX_WIDTH = 64  # what a document's `scale` may ask for

Table: TypeAlias = NDArray[Any]
"""A value for every candidate (row) and block (column)."""


class Change(NamedTuple):
    """What a factor makes of a spec."""

    dims: Mapping[str, int]
    repeats: Mapping[str, int]
    size: tuple[int, int] | None


@dataclass(frozen=True)
class Axis:
    """What a factor scales: rising factors, one at least for every spec there is, and what one makes of the spec."""

    factors: list[float]
    change: Callable[[float], Change]


def width_axis(spec: ModelSpec, rule: Scale) -> Axis:
    """A dim rounds up to the next multiple from half the way on, or as soon as less than `keep` would be left of it."""
    own = {name: block.dim for name, block in spec.blocks.items()}
    limit = min(MAX_WIDTH, (MAX_DIM - rule.multiple) / max(own.values()))
    cuts = [
        min(below + rule.multiple / 2, below / rule.keep if rule.keep else inf) / dim
        for dim in set(own.values())
        for below in range(rule.multiple, int(limit * dim) + 1, rule.multiple)
    ]

    def change(factor: float) -> Change:
        return Change(own | widened(spec, rule.model_copy(update={"width": factor})), {}, None)

    return Axis(sorted({1.0, *_pieces(cuts, limit)}), change)


def widths(spec: ModelSpec, rule: Scale, factors: list[float]) -> tuple[Table, Table]:
    """The dims and repeats for many widths: `round_dim`, step by step, on arrays."""
    own = np.array([block.dim for block in spec.blocks.values()])
    width = np.array(factors)[:, None]
    scaled = own * width
    down = np.maximum(rule.multiple, np.floor(scaled + rule.multiple / 2) // rule.multiple * rule.multiple)
    rounded = np.where(down >= rule.keep * scaled, down, down + rule.multiple).astype(np.int64)
    repeats = np.array([block.repeats for block in spec.blocks.values()])
    return np.where(width == 1, own, rounded), np.broadcast_to(repeats, rounded.shape)


def depth_axis(spec: ModelSpec) -> Axis:
    """A level's total, rounded up, changes behind every factor that makes it whole."""
    levels = [(len(blocks), sum(spec.blocks[name].repeats for name in blocks)) for blocks in repeated(spec).values()]
    if not levels:
        raise fit_fault(f"{spec.name} has no block with a branch to repeat")
    limit = min(MAX_REPEATS * blocks / total for blocks, total in levels)
    cuts = [whole / total for blocks, total in levels for whole in range(blocks, MAX_REPEATS * blocks)]
    return Axis(_pieces(cuts, limit), lambda factor: Change({}, spread(spec, deeper_totals(spec, factor)), None))


def depths(spec: ModelSpec, axis: Axis, factors: list[float]) -> tuple[Table, Table]:
    """The dims and repeats for many depths."""
    changes = [axis.change(factor).repeats for factor in factors]
    repeats = [[change.get(name, block.repeats) for name, block in spec.blocks.items()] for change in changes]
    dims = np.array([block.dim for block in spec.blocks.values()])
    return np.broadcast_to(dims, (len(factors), len(dims))), np.array(repeats)


def size_axis(spec: ModelSpec, multiple: int) -> Axis:
    """Both sides by one factor, each rounded to the nearest multiple."""
    sides = spec.input.size
    if not 0 < multiple <= MAX_SIZE:
        raise fit_fault(f"size_multiple: expected 1 to {MAX_SIZE:,}, got {multiple}")
    cuts = [(below + multiple / 2) / side for side in sides for below in range(multiple, MAX_SIZE, multiple)]

    def change(factor: float) -> Change:
        height, width = (round_dim(side * factor, multiple, 0) for side in sides)
        return Change({}, {}, (height, width))

    return Axis(_pieces(cuts, (MAX_SIZE - multiple / 2) / max(sides)), change)


def _pieces(cuts: Iterable[float], limit: float) -> list[float]:
    """Below a limit, the cuts and the middle of every piece between them."""
    ends = sorted({0.0, limit, *(cut for cut in cuts if cut < limit)})
    return [factor for low, high in pairwise(ends) for factor in (low, (low + high) / 2) if factor]


def fit_fault(message: str, hint: str = "") -> SpecError:
    """What is wrong with a fit that was asked for."""
    return SpecError([Fault("SPN-703", f"fit: {message}", None, hint)])
