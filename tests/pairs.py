"""Few rows that have every pair of values of any two factors: what two settings do to one another shows in some row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

Row = dict[str, Any]
Choice = tuple[str, int]
"""A factor, and which of its values."""


def rows_of(factors: Mapping[str, Sequence[Any]], fits: Callable[[Row], bool] = lambda row: True) -> list[Row]:
    """Rows with a value of every factor; two values that do not fit meet in none of them."""
    left = {
        frozenset(pair)
        for a, b in combinations(factors, 2)
        for pair in product(_choices(factors, a), _choices(factors, b))
        if fits(_row(factors, pair))
    }
    most = sorted(factors, key=lambda name: -len(factors[name]))
    found = []
    for pair in sorted(left, key=sorted):
        if pair in left:
            row = _completed(sorted(pair), most, factors, left, fits)
            left -= {frozenset(each) for each in combinations(row, 2)}
            found.append(_row(factors, row))
    return found


def _completed(
    row: list[Choice],
    order: list[str],
    factors: Mapping[str, Sequence[Any]],
    left: set[frozenset[Choice]],
    fits: Callable[[Row], bool],
) -> list[Choice]:
    """A row with a value of every further factor: one that fits, and that has most pairs nobody had yet."""
    for name in order:
        if all(name != known for known, _ in row):
            able = [each for each in _choices(factors, name) if fits(_row(factors, [*row, each]))]
            row = [*row, max(able, key=lambda each: sum(frozenset((each, known)) in left for known in row))]
    return row


def _choices(factors: Mapping[str, Sequence[Any]], name: str) -> Iterator[Choice]:
    return ((name, i) for i in range(len(factors[name])))


def _row(factors: Mapping[str, Sequence[Any]], row: Sequence[Choice]) -> Row:
    return {name: factors[name][i] for name, i in row}
