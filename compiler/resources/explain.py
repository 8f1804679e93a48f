"""Finding out how a model's work was shared: the betas that turn one spec into another, without trying them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, count, pairwise
from math import inf

from spinec.compiler.resources.redistribute import Number, attention, budget_of, check_rounding, new_dims, positive
from spinec.compiler.resources.work import Unit, distribution_fault, units
from spinec.spec.blocks import Block
from spinec.spec.model import ModelSpec

SLACK = 1e-9  # widens bounds in floating point: far above what rounding does to them
MOST_STEPS = 5_000_000


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
    exactly = {value: positive(value, "values") for value in values}
    found: set[tuple[Number, ...]] = set()
    check_rounding(multiple, keep)
    for vector in _candidates(shared, dims, exactly, budget, multiple, keep):
        if new_dims(shared, attention(shared, [exactly[value] for value in vector], budget), multiple, keep) == dims:
            found.add(vector)
        if len(found) > most:
            raise distribution_fault(f"more than {most:,} vectors of betas turn {before.name} into {after.name}")
    return sorted(found)


def _dims_after(before: ModelSpec, after: ModelSpec, shared: Sequence[Unit]) -> list[int]:
    """The dim of every unit afterwards."""
    free = {block for unit in shared for block in unit.blocks}
    kept = [{name: block.dim for name, block in spec.blocks.items() if name not in free} for spec in (before, after)]
    if kept[0] != kept[1] or list(before.blocks) != list(after.blocks):
        names = sorted({name for name, _ in kept[0].items() ^ kept[1].items()})
        what = ", ".join(names) or "the order of their blocks"
        raise distribution_fault(f"{before.name} and {after.name} differ in what gets no share: {what}")
    if other := [name for name, block in before.blocks.items() if not _is_same_but_dim(block, after.blocks[name])]:
        raise distribution_fault(f"{before.name} and {after.name} differ in more than dims: {', '.join(other)}")
    dims = [{after.blocks[name].dim for name in unit.blocks} for unit in shared]
    for unit, found in zip(shared, dims, strict=True):
        if len(found) > 1:
            raise distribution_fault(f"groups: {', '.join(unit.blocks)} have different dims in {after.name}")
    return [found.pop() for found in dims]


def _is_same_but_dim(block: Block, other: Block) -> bool:
    return block.model_copy(update={"dim": other.dim}) == other


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
