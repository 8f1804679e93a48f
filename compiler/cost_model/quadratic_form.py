"""Quadratic forms of channel numbers, found from a few programs and exact for all.

A channel number is a multiple of a dim, or of a share of a dim that is rounded down. What an op costs is a sum of such
numbers and of products of two of them. So programs of one structure and different dims say which numbers meet in an op,
and the factors solve a small linear system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from itertools import combinations, combinations_with_replacement
from math import lcm
from typing import Any, NamedTuple, TypeAlias

from spinec.compiler.cost.report import Count, Row, cost
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.conv import Conv
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.errors import Fault, SpecError
from spinec.spec.kinds.arithmetic import evaluate as formula_value
from spinec.spec.kinds.formula import Node
from spinec.spec.kinds.spelling import shown
from spinec.spec.kinds.widths import DIM

MANY = 20  # samples, that say whether factors are open for all dims
ROUNDED = 24  # what may be the denominator of a factor that others make up for
MOST_PARTS = 2**16  # of a factor: its denominator
PRIME = 2**61 - 1  # far above any factor, so a solution modulo the prime is the solution

Costs: TypeAlias = "tuple[Any, ...]"
"""Half multiply-adds in every convention, in the order of `CONVENTIONS`, and parameters; factors may be fractions."""


class Width(NamedTuple):
    """A channel number: a block's dim, or what a formula of its kind makes of that."""

    block: str
    formula: Node = DIM

    def __lt__(self, other: object) -> bool:
        return isinstance(other, Width) and self._order < other._order

    @property
    def _order(self) -> tuple[str, str]:
        return self.block, shown(self.formula)


ONE = Width("")  # the number one, so that every term is a product of two
Term: TypeAlias = tuple[Width, Width]
Form: TypeAlias = dict[Term, Costs]
"""The factors of every term."""
Sample: TypeAlias = tuple[Mapping[str, int], Program]
"""A program, and the dims that it was lowered with."""


@cache
def nothing() -> Costs:
    """What costs nothing."""
    return (0,) * (len(CONVENTIONS) + 1)


def channels(width: Width, dims: Mapping[str, int]) -> int:
    """A channel number, from the dims of the blocks."""
    number = dims[width.block] if width.block else 1
    return number if width.formula == DIM else of_dim(width.formula, number)


@lru_cache(1 << 16)
def of_dim(formula: Node, dim: int) -> int:
    """What a formula of ``dim`` comes to."""
    value = formula_value(formula, {"dim": Fraction(dim)})
    assert isinstance(value, Fraction)
    return int(value)


def evaluate(form: Form, dims: Mapping[str, int]) -> Costs:
    """The value of a form, in exact integers."""
    total = nothing()
    for (first, second), factors in form.items():
        total = plus(total, factors, channels(first, dims) * channels(second, dims))
    return total


def plus(total: Costs, more: Costs, times: int = 1) -> Costs:
    """A cost, and some times another."""
    return tuple([a + times * b for a, b in zip(total, more, strict=True)])


def plus_form(form: Form, more: Form, times: int = 1) -> Form:
    """A form, and some times another; terms that come to nothing are left out."""
    added = dict(form)
    for term, factors in more.items():
        added[term] = plus(added.get(term, nothing()), factors, times)
    return {term: factors for term, factors in added.items() if any(factors)}


def renamed(form: Form, old: str, new: str) -> Form:
    """The form where the dims of two blocks are equal."""
    merged: Form = {}
    for (first, second), factors in form.items():
        a, b = sorted(width._replace(block=new) if width.block == old else width for width in (first, second))
        merged = plus_form(merged, {(a, b): factors})
    return merged


def costs_of(count: Count | Row) -> Costs:
    """What was counted, as a row of numbers."""
    return (*map(count.flops, CONVENTIONS), count.params)


def form_of(what: str, samples: Sequence[Sample], widths: Sequence[Width], skip: Sequence[str] = ()) -> Form:
    """What programs of one structure cost together, but for what is under the names to skip."""
    dims = [each for each, _ in samples]
    known: dict[tuple[int, ...], Width] = {}
    for width in (ONE, *widths):  # in order of preference: a dim before its shares
        values = tuple([channels(width, each) for each in dims])
        if not any(follows(values, other) for other in known):
            known[values] = width
    if len({tuple([(step.path, len(step.inputs)) for step in program.steps]) for _, program in samples}) > 1:
        raise no_form(what)  # what is computed depends on the dims
    costs: dict[frozenset[Width], list[Costs]] = {}
    sums: set[frozenset[Width]] = set()
    parts = 1
    rows = zip(*[cost(program).rows for _, program in samples], strict=True)
    for steps, counts in zip(zip(*[program.steps for _, program in samples], strict=True), rows, strict=True):
        if steps[0].path.partition(".")[0] in skip:
            continue
        operands = zip(*[(step.output, *step.input_shapes) for step in steps], strict=True)
        numbers = {tuple([shape[0] for shape in shapes]) for shapes in operands}
        found = [_made_of(what, number, known) for number in numbers]
        met = frozenset(width for made in found for width in made.widths) - {ONE}
        sums |= {met} if any(len(made.widths) > 1 for made in found) else set()
        parts = lcm(parts, *(made.parts for made in found))
        so_far = costs.setdefault(met, [nothing()] * len(samples))
        costs[met] = [plus(total, costs_of(row)) for total, row in zip(so_far, counts, strict=True)]
    form: Form = {}
    parts = parts**2 * _parts_of(samples)  # a cost is a product of two numbers, over the groups
    for met, totals in costs.items():
        form = plus_form(form, _fit(what, sorted(met), dims, totals, met in sums, parts))
    return form


def no_form(what: str) -> SpecError:
    """Why there is no form."""
    message = f"{what}: the cost is no quadratic form of the dims, so many candidates cannot be counted at once"
    return SpecError([Fault("SPN-704", message, None, "count candidates one by one: cost(lower(spec))")])


def follows(numbers: tuple[int, ...], known: tuple[int, ...]) -> bool:
    """Whether numbers are a multiple of known ones and a constant more: then they are nothing new."""
    i = next((i for i, value in enumerate(known) if value != known[0]), 0)
    rise, run = numbers[i] - numbers[0], known[i] - known[0]
    return all(run * (a - numbers[0]) == rise * (b - known[0]) for a, b in zip(numbers, known, strict=True)) and (
        run != 0 or len(set(numbers)) == 1
    )


class Made(NamedTuple):
    """Of which channel numbers some numbers are a sum of multiples, and what makes the multiples whole."""

    widths: tuple[Width, ...]
    parts: int = 1


def _made_of(what: str, number: tuple[int, ...], known: Mapping[tuple[int, ...], Width]) -> Made:
    """Of which channel number the numbers of all samples are a multiple, or of which few a sum of multiples."""
    for values, width in known.items():
        if not values[0]:
            continue  # a share of too few
        times = Fraction(number[0], values[0])
        if times.denominator <= MOST_PARTS and all(
            each == times * value for each, value in zip(number, values, strict=True)
        ):
            return Made((width,), times.denominator)
    for several in (2, 3):
        for columns in combinations(known, several):
            rows = [list(row) for row in zip(*columns, strict=True)]
            for parts in (1, 2, 3, 4, 6, 8):
                factors = _solve(rows, [(parts * value,) for value in number])
                sums = [sum(f[0] * v for f, v in zip(factors, row, strict=True)) for row in rows] if factors else []
                if sums == [parts * value for value in number]:
                    return Made(tuple([known[column] for column in columns]), parts)
    raise no_form(what)


def _fit(
    what: str,
    widths: Sequence[Width],
    dims: Sequence[Mapping[str, int]],
    costs: Sequence[Costs],
    squares: bool,
    parts: int,
) -> Form:
    """The factors of the channel numbers, and of their products, that give every cost exactly."""
    if not any(map(any, costs)):
        return {}  # such as a concatenation, of however many
    several = len(widths) > 1 and not squares
    products = combinations(widths, 2) if several else combinations_with_replacement(widths, 2)
    terms = [(ONE, ONE), *((ONE, width) for width in widths), *products]
    rows = [[channels(first, each) * channels(second, each) for first, second in terms] for each in dims]
    if len(rows) < len(terms):
        raise TooFewError
    many = len(rows) >= MANY  # then what is open is so for all dims: a number and half of it, rounded, are related
    parts *= ROUNDED if many else 1
    solved = _solve(rows, [tuple([parts * int(each) for each in cost]) for cost in costs], many)
    if not solved:
        raise no_form(what)
    found = [tuple([_quotient(each, parts) for each in factors]) for factors in solved]
    form = {term: factors for term, factors in zip(terms, found, strict=True) if any(factors)}
    if any(evaluate(form, each) != total for each, total in zip(dims, costs, strict=True)):
        raise no_form(what)
    return form


def _parts_of(samples: Sequence[Sample]) -> int:
    """By what the factors are to be multiplied to be whole: groups divide what a convolution costs."""
    groups = {
        getattr(step.op, "groups", 1) for program in samples for step in program[1].steps if isinstance(step.op, Conv)
    }
    few = [number for number in groups if number <= MOST_PARTS]
    return lcm(*few) if lcm(*few) <= MOST_PARTS else max(few)


def _quotient(number: int | Fraction, parts: int) -> int | Fraction:
    found = Fraction(number, parts)
    return int(found) if found.denominator == 1 else found


class TooFewError(Exception):
    """There are more factors than samples."""


def _solve(
    rows: Sequence[Sequence[int]], values: Sequence[tuple[int, ...]], some_open: bool = False
) -> list[tuple[int, ...]]:
    """x with rows x = values modulo a prime, by elimination; what the rows leave open is zero, or there is nothing."""
    unknowns, table = len(rows[0]), [[*row, *value] for row, value in zip(rows, values, strict=True)]
    found: list[tuple[int, ...]] = [(0,) * len(values[0])] * unknowns
    pivots: list[int] = []
    for column in range(unknowns):
        rank = len(pivots)
        at = next((i for i in range(rank, len(table)) if table[i][column] % PRIME), None)
        if at is None and some_open:
            continue
        if at is None:
            return []
        table[rank], table[at] = table[at], table[rank]
        inverse = pow(table[rank][column], -1, PRIME)
        pivot = table[rank] = [entry * inverse % PRIME for entry in table[rank]]
        for i, row in enumerate(table):
            if i != rank and row[column]:
                factor = row[column]
                table[i] = [(entry - factor * by) % PRIME for entry, by in zip(row, pivot, strict=True)]
        pivots.append(column)
    for rank, column in enumerate(pivots):
        found[column] = tuple([(x + PRIME // 2) % PRIME - PRIME // 2 for x in table[rank][unknowns:]])
    return found


def denominator(forms: Iterable[Form]) -> int:
    """The least number that makes every factor whole."""
    return lcm(*(Fraction(each).denominator for form in forms for factors in form.values() for each in factors))


def scaled(form: Form, times: int) -> Form:
    """A form whose factors are so many times as large, and whole."""
    return {term: tuple([int(times * each) for each in factors]) for term, factors in form.items()}
