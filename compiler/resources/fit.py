"""The spec nearest to a budget, by width, depth or input size.

Cost may fall where width grows, since dims that round to the same need nothing to match them; so by width and depth all
specs that there are get counted, many at once and exactly. By size cost never falls, and bisection does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import numpy as np

from spinec.compiler.cost.report import Report, cost
from spinec.compiler.cost_model.model import CostModel
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.resources.scaling import coarsest_stride, revise, rule_of
from spinec.compiler.resources.scaling_axes import (
    Axis,
    Table,
    depth_axis,
    depths,
    fit_fault,
    size_axis,
    width_axis,
    widths,
)
from spinec.spec.conventions import Convention
from spinec.spec.errors import ShapeError, SpecError
from spinec.spec.model import ModelSpec
from spinec.spec.notebook import shown

By = Literal["width", "size", "depth"]
BATCH = 2048  # candidates counted at a time


@dataclass(frozen=True)
class Fitted:
    """A spec, its cost, and the factor of width, size or depth that makes it."""

    spec: ModelSpec
    report: Report
    factor: float

    def __repr__(self) -> str:
        return f"<Fitted by a factor of {self.factor:g}: {self.report!r}>"

    def _repr_svg_(self) -> str | None:
        return shown("svg", self.report)


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
        axis = width_axis(spec, rule)
        factor = _best_of_all(spec, axis, budget, over, lambda factors: widths(spec, rule, factors))
    elif by == "depth":
        axis = depth_axis(spec)
        factor = _best_of_all(spec, axis, budget, over, lambda factors: depths(spec, axis, factors))
    else:
        axis = size_axis(spec, coarsest_stride(spec) if size_multiple is None else size_multiple)
        factor = _best_by_bisection(spec, axis, budget, over)
    factor = _shortened(factor, axis)
    fitted = revise(spec, *axis.change(factor), name=name)
    return Fitted(fitted, cost(lower(fitted)), factor)


def _budget(macs: float | None, params: float | None, by: By, convention: Convention) -> Budget:
    if by not in ("width", "size", "depth"):
        raise fit_fault(f"cannot fit by {by!r}", "expected width, size or depth")
    for what, limit in {"macs": macs, "params": params}.items():
        if limit is not None and not limit > 0:
            raise fit_fault(f"{what}: expected a positive number, got {limit}")
    if macs is None and params is None:
        raise fit_fault("expected a budget: macs, params or both")
    if macs is None and by == "size":
        raise fit_fault("parameters are the same at every size: expected macs")
    return Budget(macs or inf, params or inf, convention)


def _best_of_all(
    spec: ModelSpec, axis: Axis, budget: Budget, over: bool, tables: Callable[[list[float]], tuple[Table, Table]]
) -> float:
    """Of all factors the one that comes nearest; of several that do, the nearest to one."""
    model, best, least = CostModel(spec), (inf, inf, 0.0), (inf, inf, inf)
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
        smallest = used.argmin()
        least = min(least, (float(used[smallest]), *(each[smallest].item() for each in counts)))
    if best[0] == inf:
        raise _nothing_fits(spec, budget, *least[1:])
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
        raise _nothing_fits(spec, budget, *counts(axis.factors[0]))
    return min(choices, key=lambda factor: abs(float(budget.used(*counts(factor))) - 1))


def _shortened(factor: float, axis: Axis) -> float:
    """The factor of the fewest digits that does the same."""
    wanted = axis.change(factor)
    for digits in range(1, 17):
        short = round(factor, digits)
        if axis.factors[0] <= short <= axis.factors[-1] and axis.change(short) == wanted:
            return short
    return factor


def _nothing_fits(spec: ModelSpec, budget: Budget, macs: float, params: float) -> SpecError:
    figures = ((budget.macs, macs, "multiply-adds"), (budget.params, params, "parameters"))
    smallest = " and ".join(f"{least:,} {what}" for limit, least, what in figures if limit < inf)
    return fit_fault(f"no {spec.name} fits: the smallest has {smallest}")
