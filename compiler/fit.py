"""The spec nearest to a budget, by width, depth or input size.

Rounding makes candidates discrete: the factors at which a rounded value changes cut the line of factors into pieces,
and on a piece there is one spec. Cost may fall where width grows, since dims that round to the same need nothing to
match them; so by width and depth all candidates are counted, many at once and exactly. By size cost never falls.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinec.compiler.cost import Report, cost
from spinec.compiler.many import CostModel
from spinec.compiler.pipeline import lower
from spinec.compiler.scaling import coarsest_stride, deeper_totals, repeated, revise, rule_of, spread, widened
from spinec.spec.errors import Fault, ShapeError, SpecError
from spinec.spec.fields import MAX_DIM, MAX_REPEATS, MAX_SIZE, Convention
from spinec.spec.model import ModelSpec, Scale, round_dim

By = Literal["width", "size", "depth"]
MAX_WIDTH = 64  # what a document's `scale` may ask for
BATCH = 2048  # candidates counted at a time

Table: TypeAlias = NDArray[Any]
"""A value for every candidate (row) and block (column)."""


@dataclass(frozen=True)
class Fitted:
    """A spec, its cost, and the factor of width, size or depth that makes it."""

    spec: ModelSpec
    report: Report
    factor: float


@dataclass(frozen=True)
class Budget:
    """The most multiply-adds and parameters; infinite where there is no limit."""

    macs: float
    params: float
    convention: Convention

    def holds(self, macs: Any, params: Any) -> Any:
        """Whether counts, or arrays of them, are within the budget, exactly."""
        return (macs <= self.macs) & (params <= self.params)

    def used(self, macs: Any, params: Any) -> Any:
        """The share that is used, of the limit that more is used of."""
        return np.maximum(macs / self.macs, params / self.params)


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


def fit(
    spec: ModelSpec,
    *,
    macs: float | None = None,
    params: float | None = None,
    by: By = "width",
    convention: Convention = "conv",
    over: bool = False,
    multiple: int = 4,
    keep: float = 0.9,
    size_multiple: int | None = None,
    name: str | None = None,
) -> Fitted:
    """The spec nearest to a budget of multiply-adds, parameters or both: within it, unless it may be `over`.

    Of two limits, the one that more is used of says how near a spec is. Dims are rounded as by `scale`; the sides of
    the input are multiples of `size_multiple`, the stride of the coarsest level if not given.

    Raises:
        SpecError: when nothing fits.

    >>> from spinec import load
    >>> small = fit(load("eff-spinenet-d0"), macs=1.2e9, params=2e6)
    >>> small.report.macs(), small.report.params
    (1097962704, 1265883)
    """
    budget = _budget(macs, params, by, convention)
    if by == "width":
        rule = rule_of(1, None, multiple, keep)
        axis = _width(spec, rule)
        factor = _best_of_all(spec, axis, budget, over, lambda factors: _widths(spec, rule, factors))
    elif by == "depth":
        axis = _depth(spec)
        factor = _best_of_all(spec, axis, budget, over, lambda factors: _depths(spec, axis, factors))
    else:
        axis = _size(spec, size_multiple or coarsest_stride(spec))
        factor = _best_by_bisection(spec, axis, budget, over)
    factor = _shortened(factor, axis)
    fitted = revise(spec, *axis.change(factor), name=name)
    return Fitted(fitted, cost(lower(fitted)), factor)


def _budget(macs: float | None, params: float | None, by: By, convention: Convention) -> Budget:
    if by not in ("width", "size", "depth"):
        raise _fault(f"cannot fit by {by!r}", "expected width, size or depth")
    for what, limit in {"macs": macs, "params": params}.items():
        if limit is not None and not limit > 0:
            raise _fault(f"{what}: expected a positive number, got {limit}")
    if macs is None and params is None:
        raise _fault("expected a budget: macs, params or both")
    if macs is None and by == "size":
        raise _fault("parameters are the same at every size: expected macs")
    return Budget(macs or inf, params or inf, convention)


def _width(spec: ModelSpec, rule: Scale) -> Axis:
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


def _widths(spec: ModelSpec, rule: Scale, factors: list[float]) -> tuple[Table, Table]:
    """The dims and repeats for many widths: `round_dim`, step by step, on arrays."""
    own = np.array([block.dim for block in spec.blocks.values()])
    width = np.array(factors)[:, None]
    scaled = own * width
    down = np.maximum(rule.multiple, np.floor(scaled + rule.multiple / 2) // rule.multiple * rule.multiple)
    rounded = np.where(down >= rule.keep * scaled, down, down + rule.multiple).astype(np.int64)
    repeats = np.array([block.repeats for block in spec.blocks.values()])
    return np.where(width == 1, own, rounded), np.broadcast_to(repeats, rounded.shape)


def _depth(spec: ModelSpec) -> Axis:
    """A level's total, rounded up, changes behind every factor that makes it whole."""
    levels = [(len(blocks), sum(spec.blocks[name].repeats for name in blocks)) for blocks in repeated(spec).values()]
    if not levels:
        raise _fault(f"{spec.name} has no block with a branch to repeat")
    limit = min(MAX_REPEATS * blocks / total for blocks, total in levels)
    cuts = [whole / total for blocks, total in levels for whole in range(blocks, MAX_REPEATS * blocks)]
    return Axis(_pieces(cuts, limit), lambda factor: Change({}, spread(spec, deeper_totals(spec, factor)), None))


def _depths(spec: ModelSpec, axis: Axis, factors: list[float]) -> tuple[Table, Table]:
    """The dims and repeats for many depths."""
    changes = [axis.change(factor).repeats for factor in factors]
    repeats = [[change.get(name, block.repeats) for name, block in spec.blocks.items()] for change in changes]
    dims = np.array([block.dim for block in spec.blocks.values()])
    return np.broadcast_to(dims, (len(factors), len(dims))), np.array(repeats)


def _size(spec: ModelSpec, multiple: int) -> Axis:
    """Both sides by one factor, each rounded to the nearest multiple."""
    sides = spec.input.size
    if not 0 < multiple <= MAX_SIZE:
        raise _fault(f"size_multiple: expected 1 to {MAX_SIZE:,}, got {multiple}")
    cuts = [(below + multiple / 2) / side for side in sides for below in range(multiple, MAX_SIZE, multiple)]

    def change(factor: float) -> Change:
        height, width = (round_dim(side * factor, multiple, 0) for side in sides)
        return Change({}, {}, (height, width))

    return Axis(_pieces(cuts, (MAX_SIZE - multiple / 2) / max(sides)), change)


def _pieces(cuts: Iterable[float], limit: float) -> list[float]:
    """Below a limit, the cuts and the middle of every piece between them."""
    ends = sorted({0.0, limit, *(cut for cut in cuts if cut < limit)})
    return [factor for low, high in pairwise(ends) for factor in (low, (low + high) / 2) if factor]


def _best_of_all(
    spec: ModelSpec, axis: Axis, budget: Budget, over: bool, tables: Callable[[list[float]], tuple[Table, Table]]
) -> float:
    """Of all factors the one that comes nearest; of several that do, the nearest to one."""
    model, best, least = CostModel(spec), (inf, inf, 0.0), inf
    for start in range(0, len(axis.factors), BATCH):
        factors = axis.factors[start : start + BATCH]
        dims, repeats = tables(factors)
        try:
            counts = model.macs(dims, repeats, budget.convention), model.params(dims, repeats)
        except ShapeError:
            if start == 0:
                raise
            break  # what follows cannot be counted exactly: it is beyond any budget
        used = budget.used(*counts)
        distance = np.where(budget.holds(*counts) | over, abs(used - 1), inf)
        best = min(best, *zip(distance.tolist(), [abs(factor - 1) for factor in factors], factors, strict=True))
        least = min(least, float(used.min()))
    if best[0] == inf:
        raise _nothing_fits(spec, least)
    return best[2]


def _best_by_bisection(spec: ModelSpec, axis: Axis, budget: Budget, over: bool) -> float:
    """The factor that comes nearest, where cost never falls as factors rise."""

    def counts(factor: float) -> tuple[float, float]:
        try:
            report = cost(lower(spec, axis.change(factor).size))
        except ShapeError:  # more than can be counted
            return inf, inf
        return report.macs(budget.convention), report.params

    above = bisect_left(axis.factors, True, key=lambda factor: not budget.holds(*counts(factor)))
    choices = axis.factors[max(0, above - 1) : above + over]
    if not choices:
        raise _nothing_fits(spec, float(budget.used(*counts(axis.factors[0]))))
    return min(choices, key=lambda factor: abs(float(budget.used(*counts(factor))) - 1))


def _shortened(factor: float, axis: Axis) -> float:
    """The factor of the fewest digits that does the same."""
    wanted = axis.change(factor)
    for digits in range(1, 17):
        short = round(factor, digits)
        if axis.factors[0] <= short <= axis.factors[-1] and axis.change(short) == wanted:
            return short
    return factor


def _nothing_fits(spec: ModelSpec, used: float) -> SpecError:
    return _fault(f"no {spec.name} fits: the smallest takes {used:.4g} times the budget")


def _fault(message: str, hint: str = "") -> SpecError:
    return SpecError([Fault(f"fit: {message}", None, hint)])
