"""Quadratic forms of channel numbers, found from a few programs and exact for all.

A channel number is a multiple of a dim, or of what a formula makes of a dim. What an op costs is a sum of such numbers
and of products of two of them. So programs of one structure and different dims say which numbers meet in an op, and the
factors solve a small linear system (`compiler/cost_model/solve.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache
from math import lcm
from typing import Any, NamedTuple, TypeAlias

from spinec.compiler.cost.report import Count, Row
from spinec.compiler.cost_model.every_dim import number_at
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.errors import Fault, SpecError
from spinec.spec.kinds.formula import Node
from spinec.spec.kinds.spelling import shown
from spinec.spec.kinds.widths import DIM

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


@cache
def nothing() -> Costs:
    """What costs nothing."""
    return (0,) * (len(CONVENTIONS) + 1)


def channels(width: Width, dims: Mapping[str, int]) -> int:
    """A channel number, from the dims of the blocks."""
    number = dims[width.block] if width.block else 1
    return number if width.formula == DIM else number_at(width.formula, number)


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


def no_form(what: str) -> SpecError:
    """Why there is no form."""
    message = f"{what}: the cost is no quadratic form of the dims, so many candidates cannot be counted at once"
    return SpecError([Fault("SPN-704", message, None, "count candidates one by one: cost(lower(spec))")])


def denominator(forms: Iterable[Form]) -> int:
    """The least number that makes every factor whole."""
    return lcm(*(Fraction(each).denominator for form in forms for factors in form.values() for each in factors))


def scaled(form: Form, times: int) -> Form:
    """A form whose factors are so many times as large, and whole."""
    return {term: tuple([int(times * each) for each in factors]) for term, factors in form.items()}
