"""A quadratic form from samples: which channel numbers meet in an op, and the factors of their products.

What holds in all samples may still be so by chance, or because no sample is on the other side of a formula's threshold.
So every relation between the numbers that the samples leave open is looked up for all dims: either it always holds, or
there are dims that a sample is missing for (`OpenError`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from math import lcm
from typing import NamedTuple, TypeAlias

from spinec.compiler.cost.report import cost
from spinec.compiler.cost_model.quadratic_form import (
    ONE,
    Costs,
    Form,
    Term,
    Width,
    channels,
    costs_of,
    evaluate,
    no_form,
    nothing,
    plus,
    plus_form,
)
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.conv import Conv

ROUNDED = 24  # what may be the denominator of a factor that others make up for
MOST_PARTS = 2**16  # of a factor: its denominator
PRIME = 2**61 - 1  # far above any factor, so a solution modulo the prime is the solution

Dims: TypeAlias = Mapping[str, int]
Relation: TypeAlias = "Sequence[int]"
"""Factors, modulo the prime, with which terms add up to zero in all samples."""
Apart: TypeAlias = Callable[[Sequence[Term], Relation], Dims | None]
"""Dims with which they do not; None where they do for all dims."""


class Sample:
    """A program, the dims that it was lowered with, and what its steps cost."""

    def __init__(self, dims: Dims, program: Program) -> None:
        self.dims, self.program = dims, program
        self.rows: list[Costs] = [*map(costs_of, cost(program).rows)]


class OpenError(Exception):
    """Samples do not settle the form: a sample of these dims is missing."""

    def __init__(self, dims: Dims) -> None:
        self.dims = dims


def form_of(
    what: str, samples: Sequence[Sample], widths: Sequence[Width], apart: Apart | None = None, skip: Sequence[str] = ()
) -> Form:
    """What programs of one structure cost together, but for what is under the names to skip.

    Widths are all that there are, none of them a sum of multiples of a constant and others of the same block.

    Raises:
        OpenError: when a sample is missing.
        SpecError: when there is no such form.
    """
    programs, dims = [sample.program for sample in samples], [sample.dims for sample in samples]
    if len({tuple([(step.path, len(step.inputs)) for step in program.steps]) for program in programs}) > 1:
        raise no_form(what)  # what is computed depends on the dims
    numbers = _Numbers(what, (ONE, *widths), dims, apart)
    costs: dict[frozenset[Width], list[Costs]] = {}
    sums: set[frozenset[Width]] = set()
    parts = 1
    rows = zip(*[sample.rows for sample in samples], strict=True)
    for steps, counts in zip(zip(*[program.steps for program in programs], strict=True), rows, strict=True):
        if steps[0].path.partition(".")[0] in skip:
            continue
        operands = zip(*[(step.output, *step.input_shapes) for step in steps], strict=True)
        found = [numbers.made_of(number) for number in {tuple([shape[0] for shape in shapes]) for shapes in operands}]
        met = frozenset(width for made in found for width in made.widths) - {ONE}
        sums |= {met} if any(len(made.widths) > 1 for made in found) else set()
        parts = lcm(parts, *(made.parts for made in found))
        so_far = costs.setdefault(met, [nothing()] * len(samples))
        costs[met] = [plus(total, row) for total, row in zip(so_far, counts, strict=True)]
    form: Form = {}
    parts = parts**2 * _parts_of(programs)  # a cost is a product of two numbers, over the groups
    for met, totals in costs.items():
        form = plus_form(form, _fit(what, sorted(met), dims, totals, met in sums, parts, apart))
    return form


class Made(NamedTuple):
    """Of which channel numbers some numbers are a sum of multiples, and what makes the multiples whole."""

    widths: tuple[Width, ...]
    parts: int = 1


class _Numbers:
    """The channel numbers of all samples, by the widths that they are of."""

    def __init__(self, what: str, widths: Sequence[Width], dims: Sequence[Dims], apart: Apart | None) -> None:
        self.what, self.widths = what, widths
        self.rows = [[channels(width, each) for width in widths] for each in dims]
        self.columns = [*zip(*self.rows, strict=True)]
        self.known: dict[tuple[int, ...], Made] = {}
        if apart:
            _solved(self.rows, [()] * len(dims), [(ONE, width) for width in widths], apart)

    def made_of(self, number: tuple[int, ...]) -> Made:
        """Of which width the numbers of all samples are a multiple, or of which ones a sum of multiples."""
        if number not in self.known:
            self.known[number] = self._multiple(number) or self._sum(number)
        return self.known[number]

    def _multiple(self, number: tuple[int, ...]) -> Made | None:
        for values, width in zip(self.columns, self.widths, strict=True):
            if not values[0]:
                continue  # a share of too few
            times = Fraction(number[0], values[0])
            if times.denominator <= MOST_PARTS and all(
                each == times * value for each, value in zip(number, values, strict=True)
            ):
                return Made((width,), times.denominator)
        return None

    def _sum(self, number: tuple[int, ...]) -> Made:
        for parts in (1, 2, 3, 4, 6, 8):
            factors, _ = solve(self.rows, [(parts * value,) for value in number])
            sums = [sum(f[0] * v for f, v in zip(factors, row, strict=True)) for row in self.rows]
            if sums == [parts * value for value in number]:
                return Made(tuple([width for width, f in zip(self.widths, factors, strict=True) if f[0]]), parts)
        raise no_form(self.what)


def _fit(
    what: str,
    widths: Sequence[Width],
    dims: Sequence[Dims],
    costs: Sequence[Costs],
    squares: bool,
    parts: int,
    apart: Apart | None,
) -> Form:
    """The factors of the channel numbers, and of their products, that give every cost exactly."""
    if not any(map(any, costs)):
        return {}  # such as a concatenation, of however many
    several = len(widths) > 1 and not squares
    products = combinations(widths, 2) if several else combinations_with_replacement(widths, 2)
    terms = [(ONE, ONE), *((ONE, width) for width in widths), *products]
    rows = [[channels(first, each) * channels(second, each) for first, second in terms] for each in dims]
    parts *= ROUNDED
    values = [tuple([parts * int(each) for each in cost]) for cost in costs]
    factors = _solved(rows, values, terms, apart)
    found = [tuple([_quotient(each, parts) for each in row]) for row in factors or ()]
    form = {term: row for term, row in zip(terms, found, strict=False) if any(row)}
    if factors is None or any(evaluate(form, each) != total for each, total in zip(dims, costs, strict=True)):
        raise no_form(what)
    return form


def _solved(
    rows: Sequence[Sequence[int]], values: Sequence[tuple[int, ...]], terms: Sequence[Term], apart: Apart | None
) -> list[tuple[int, ...]] | None:
    """The factors of terms, those zero that are open for all dims; None where nobody knows whether they are."""
    factors, relations = solve(rows, values)
    if relations and not apart:
        return None
    for relation in relations:
        if apart and (dims := apart(terms, relation)):
            raise OpenError(dims)
    return factors


def _parts_of(programs: Sequence[Program]) -> int:
    """By what the factors are to be multiplied to be whole: groups divide what a convolution costs."""
    groups = {
        getattr(step.op, "groups", 1) for program in programs for step in program.steps if isinstance(step.op, Conv)
    }
    few = [number for number in groups if number <= MOST_PARTS]
    return lcm(*few) if lcm(*few) <= MOST_PARTS else max(few)


def _quotient(number: int | Fraction, parts: int) -> int | Fraction:
    found = Fraction(number, parts)
    return int(found) if found.denominator == 1 else found


def solve(
    rows: Sequence[Sequence[int]], values: Sequence[tuple[int, ...]]
) -> tuple[list[tuple[int, ...]], list[Relation]]:
    """x with rows x = values modulo a prime, by elimination, and what the rows leave open: x is zero there."""
    unknowns, table = len(rows[0]), [[*row, *value] for row, value in zip(rows, values, strict=True)]
    pivots: list[int] = []
    for column in range(unknowns):
        rank = len(pivots)
        at = next((i for i in range(rank, len(table)) if table[i][column] % PRIME), None)
        if at is None:
            continue
        table[rank], table[at] = table[at], table[rank]
        inverse = pow(table[rank][column], -1, PRIME)
        pivot = table[rank] = [entry * inverse % PRIME for entry in table[rank]]
        for i, row in enumerate(table):
            if i != rank and row[column]:
                factor = row[column]
                table[i] = [(entry - factor * by) % PRIME for entry, by in zip(row, pivot, strict=True)]
        pivots.append(column)
    found: list[tuple[int, ...]] = [(0,) * len(values[0])] * unknowns
    for rank, column in enumerate(pivots):
        found[column] = tuple([(x + PRIME // 2) % PRIME - PRIME // 2 for x in table[rank][unknowns:]])
    relations: list[Relation] = []
    for column in sorted({*range(unknowns)} - {*pivots}):
        relation = [int(i == column) for i in range(unknowns)]
        for rank, pivot_column in enumerate(pivots):
            relation[pivot_column] = -table[rank][column] % PRIME
        relations.append(relation)
    return found, relations
