"""Resource distribution: sharing a model's work out anew, and finding out how it was shared (method.md).

Attention betas share the total work F_t out: alpha_i = F_t beta_i / sum_k(beta_k F_k) (arXiv 2010.11426, Equation 4). A
block's new dim is sqrt(alpha_i) c_i, rounded, so that sum_i(alpha_i F_i) = F_t (Equation 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, count, pairwise
from math import inf, isfinite, sqrt
from typing import TypeAlias

from spinec.compiler.resources import Unit, distribution_fault, total_work, units
from spinec.compiler.scaling import revise
from spinec.spec.errors import did_you_mean
from spinec.spec.fields import MAX_DIM
from spinec.spec.model import ModelSpec, round_dim

SLACK = 1e-9  # widens bounds in floating point: far above what rounding does to them
MOST_STEPS = 5_000_000

Number: TypeAlias = "int | float | Fraction"
Shares: TypeAlias = "Mapping[str, Number] | Sequence[Number]"
"""A value for every unit: by the name of a block, or in the order of the blocks."""


def redistribute(
    spec: ModelSpec,
    betas: Shares | None = None,
    *,
    alphas: Shares | None = None,
    target: Number | None = None,
    exact: bool = True,
    multiple: int = 8,
    keep: float = 0.9,
    groups: Sequence[Sequence[str]] = (),
    frozen: Sequence[str] = (),
    name: str | None = None,
) -> ModelSpec:
    """A spec of the same blocks, its work shared out by attention `betas`, or by the factors `alphas` themselves.

    Blocks of the kinds in `compiler.resources.WORK` take part: stems do not. Blocks of a group have one dim and get one
    share; `frozen` blocks keep their dims. `target` is F_t, the work of all blocks that take part, frozen ones too; the
    spec's own if not given. Without `exact`, F_i is C_i c_i^2, its first term. New dims are the nearest `multiple`,
    at least `keep` of the unrounded dim.

    Raises:
        SpecError: when a name is unknown, a value is missing or not positive, or the target leaves nothing to share.

    >>> from spinec import load
    >>> betas = 10, 10, 5, 5, 15, 20, 20, 1, 20, 15, 5, 20, 10, 15, 15, 10, 10, 1
    >>> d0 = redistribute(load("sp-efficientnet-b0"), betas)
    >>> d0.blocks["b5"].dim, d0.blocks["b12"].dim, d0.blocks["b18"].dim
    (104, 192, 40)
    """
    shared = units(spec, exact=exact, groups=groups, frozen=frozen)
    if (betas is None) == (alphas is None) or (alphas is not None and target is not None):
        raise distribution_fault("expected betas, with a target if need be, or alphas, which fix the target themselves")
    if alphas is not None:
        factors = values_of(shared, alphas, "alphas")
    else:
        factors = attention(shared, values_of(shared, betas or (), "betas"), budget_of(spec, shared, target, exact))
    dims = zip(shared, new_dims(shared, factors, multiple, keep), strict=True)
    return revise(spec, {block: dim for unit, dim in dims for block in unit.blocks}, {}, name=name)


def explain(
    before: ModelSpec,
    after: ModelSpec,
    values: Sequence[Number] = (1, 5, 10, 15, 20),
    *,
    target: Number | None = None,
    exact: bool = True,
    multiple: int = 8,
    keep: float = 0.9,
    groups: Sequence[Sequence[str]] = (),
    frozen: Sequence[str] = (),
    most: int = 100_000,
) -> list[tuple[Number, ...]]:
    """Every vector of betas, taken from `values`, with which `redistribute` turns one spec into the other, in order.

    Vectors of one ratio are different vectors. An empty list: these values under these settings cannot do it.

    Raises:
        SpecError: when the specs differ in more than the dims of the units, or there are more than `most` vectors.

    >>> from spinec import load
    >>> len(explain(load("sp-efficientnet-b0"), load("eff-spinenet-d0")))
    3
    """
    shared = units(before, exact=exact, groups=groups, frozen=frozen)
    dims = _dims_after(before, after, shared)
    budget = budget_of(before, shared, target, exact)
    exactly = {value: _positive(value, "values") for value in values}
    found: set[tuple[Number, ...]] = set()
    for vector in _candidates(shared, dims, exactly, budget, multiple, keep):
        if new_dims(shared, attention(shared, [exactly[value] for value in vector], budget), multiple, keep) == dims:
            found.add(vector)
        if len(found) > most:
            raise distribution_fault(f"more than {most:,} vectors of betas turn {before.name} into {after.name}")
    return sorted(found)


def attention(shared: Sequence[Unit], betas: Sequence[Fraction], budget: Fraction) -> list[Fraction]:
    """alpha_i of every unit (Equation 4), exactly: no common factor of the betas and no order can change a dim."""
    total = sum((beta * unit.work for beta, unit in zip(betas, shared, strict=True)), Fraction(0))
    return [budget * beta / total for beta in betas]


def budget_of(spec: ModelSpec, shared: Sequence[Unit], target: Number | None, exact: bool) -> Fraction:
    """The work that is shared out: the target less what frozen blocks do."""
    own = sum((unit.work for unit in shared), Fraction(0))
    if target is None:
        return own
    held = total_work(spec, exact=exact) - own
    budget = _positive(target, "target") - held
    if budget <= 0:
        raise distribution_fault(
            f"the target, {float(target):.4g}, is no more than frozen blocks do, {float(held):.4g}"
        )
    return budget


def new_dims(shared: Sequence[Unit], alphas: Sequence[Fraction], multiple: int, keep: float) -> list[int]:
    """sqrt(alpha_i) c_i of every unit, rounded."""
    if not (multiple > 0 and 0 <= keep <= 1):
        raise distribution_fault(f"expected a positive multiple and a keep of 0 to 1, got {multiple} and {keep}")
    for unit, alpha in zip(shared, alphas, strict=True):
        if alpha * unit.dim**2 > MAX_DIM**2:
            raise distribution_fault(f"{unit.blocks[0]} would have more than {MAX_DIM:,} channels")
    return [round_dim(sqrt(alpha) * unit.dim, multiple, keep) for unit, alpha in zip(shared, alphas, strict=True)]


def values_of(shared: Sequence[Unit], given: Shares, what: str) -> list[Fraction]:
    """The value of every unit, from values by block or in order."""
    if not isinstance(given, Mapping):
        if len(given) != len(shared):
            order = ", ".join(unit.blocks[0] for unit in shared)
            raise distribution_fault(
                f"{what}: expected {len(shared)} values, got {len(given)}", f"one each for {order}"
            )
        return [_positive(value, f"{what}: {unit.blocks[0]}") for unit, value in zip(shared, given, strict=True)]
    unit_of = {block: unit for unit in shared for block in unit.blocks}
    found: dict[Unit, Fraction] = {}
    for block, value in given.items():
        if block not in unit_of:
            raise distribution_fault(f"{what}: no block {block!r} gets a share", did_you_mean(block, unit_of))
        share = _positive(value, f"{what}: {block}")
        if found.setdefault(unit_of[block], share) != share:
            raise distribution_fault(f"{what}: {block} is of a group, and the group was given another value")
    if missing := [unit.blocks[0] for unit in shared if unit not in found]:
        raise distribution_fault(f"{what}: no value for {', '.join(missing)}")
    return [found[unit] for unit in shared]


def _positive(value: Number, what: str) -> Fraction:
    known = isinstance(value, int | float | Fraction) and not isinstance(value, bool)
    if not known or (isinstance(value, float) and not isfinite(value)) or value <= 0:
        raise distribution_fault(f"{what}: expected a positive number, got {value!r}")
    return Fraction(value)


def _dims_after(before: ModelSpec, after: ModelSpec, shared: Sequence[Unit]) -> list[int]:
    """The dim of every unit afterwards."""
    free = {block for unit in shared for block in unit.blocks}
    kept = [{name: block.dim for name, block in spec.blocks.items() if name not in free} for spec in (before, after)]
    if kept[0] != kept[1] or list(before.blocks) != list(after.blocks):
        names = sorted({name for name, _ in kept[0].items() ^ kept[1].items()})
        what = ", ".join(names) or "the order of their blocks"
        raise distribution_fault(f"{before.name} and {after.name} differ in what gets no share: {what}")
    dims = [{after.blocks[name].dim for name in unit.blocks} for unit in shared]
    for unit, found in zip(shared, dims, strict=True):
        if len(found) > 1:
            raise distribution_fault(f"groups: {', '.join(unit.blocks)} have different dims in {after.name}")
    return [found.pop() for found in dims]


def _candidates(
    shared: Sequence[Unit],
    dims: Sequence[int],
    values: Mapping[Number, Fraction],
    budget: Fraction,
    multiple: int,
    keep: float,
) -> Iterator[tuple[Number, ...]]:
    """Every vector that may give the dims, and few that do not.

    A beta gives a unit its dim exactly when S = sum_k(beta_k F_k) lies in an interval. The ends of all intervals cut
    the line of S into pieces. On a piece every unit has fixed values to choose from: the choices whose S is on the
    piece are the vectors.
    """
    intervals = [
        {value: _sums(unit, dim, budget * beta, multiple, keep) for value, beta in values.items()}
        for unit, dim in zip(shared, dims, strict=True)
    ]
    ends = sorted({end for of_unit in intervals for interval in of_unit.values() for end in interval})
    steps = count()
    for low, high in pairwise(ends):
        choices = [[value for value, (a, b) in of_unit.items() if a <= low and high <= b] for of_unit in intervals]
        if not all(choices):
            continue
        terms = [[float(values[v] * unit.work) for v in choice] for unit, choice in zip(shared, choices, strict=True)]
        for chosen in _sums_within(terms, low * (1 - SLACK), high * (1 + SLACK), steps):
            yield tuple(choice[i] for choice, i in zip(choices, chosen, strict=True))


def _sums(unit: Unit, dim: int, share: Fraction, multiple: int, keep: float) -> tuple[float, float]:
    """Between which S a unit with this share of the budget gets a dim: `round_dim` the other way round."""
    down_to = dim - multiple / 2 if dim > multiple else 0.0
    low = min(down_to, (dim - multiple) / keep) if keep else down_to
    high = min(dim + multiple / 2, dim / keep) if keep else dim + multiple / 2
    scaled = float(share) * unit.dim**2
    return scaled / high**2 * (1 - SLACK), scaled / low**2 * (1 + SLACK) if low else inf


def _sums_within(
    terms: Sequence[Sequence[float]], low: float, high: float, steps: Iterator[int]
) -> Iterator[tuple[int, ...]]:
    """Which term to take of each so that the sum is from `low` to `high`; branches that cannot get there are cut."""
    order = sorted(range(len(terms)), key=lambda i: min(terms[i]) - max(terms[i]))  # what decides most comes first
    least = [*accumulate((min(terms[i]) for i in reversed(order)), initial=0.0)][::-1]
    most = [*accumulate((max(terms[i]) for i in reversed(order)), initial=0.0)][::-1]
    chosen = [0] * len(terms)

    def choose(depth: int, total: float) -> Iterator[tuple[int, ...]]:
        if next(steps) > MOST_STEPS:
            raise distribution_fault("too many vectors of betas to try", "give fewer values, or put blocks in groups")
        if total + most[depth] < low or total + least[depth] > high:
            return
        if depth == len(order):
            yield tuple(chosen)
            return
        for i, term in enumerate(terms[order[depth]]):
            chosen[order[depth]] = i
            yield from choose(depth + 1, total + term)

    return choose(0, 0.0)
