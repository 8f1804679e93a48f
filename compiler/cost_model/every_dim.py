"""What formulas of one dim come to at every dim, exactly: a few dims stand for all of them only if that is looked up.

Formulas may take another branch from some dim on (``max(dim, 500)``) or round, so samples of small dims say little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from spinec.spec.kinds.arithmetic import evaluate
from spinec.spec.kinds.formula import COMPARED, FormulaError, Node
from spinec.spec.kinds.spelling import floor

Integers: TypeAlias = NDArray[np.int64]
PRIME = 2**31 - 1  # products of two remainders fit in 64 bits
LARGEST = 2.0**61  # of any numerator or denominator: above it, sums of two could leave 64 bits


class _TooLargeError(Exception):
    """A formula leaves the integers that arrays can hold."""


@lru_cache(64)
def numbers(formula: Node, limit: int) -> Integers:
    """What a formula of ``dim`` comes to for every dim below a limit; the dim 0 counts as 1.

    Where a formula divides by zero, or leaves the range of numbers, it is any: no block has such a dim.
    """
    dims = np.arange(limit)
    dims[0] = 1
    try:
        found = _whole(_evaluated(formula, dims))
    except _TooLargeError:  # such as of a fraction of many digits
        found = np.array([number_at(formula, dim) for dim in dims.tolist()])
    found.flags.writeable = False
    return found


@lru_cache(1 << 16)
def number_at(formula: Node, dim: int) -> int:
    """What a formula of ``dim`` comes to, as `numbers` has it."""
    try:
        return floor(evaluate(formula, {"dim": Fraction(dim)}))
    except FormulaError:
        return 1


@lru_cache(512)
def independent(formulas: tuple[Node, ...], limit: int) -> tuple[Node, ...]:
    """Those of some formulas of which none is a sum of multiples of a constant and of those before it."""
    columns = [np.ones(limit - 1, np.int64), *(numbers(formula, limit)[1:] for formula in formulas)]
    return tuple([formulas[column - 1] for column, _ in _pivots(columns) if column])


@lru_cache(512)
def telling(formulas: tuple[Node, ...], limit: int, step: int = 1) -> tuple[int, ...]:
    """Dims, multiples of a step, at which no sum of products of two of the formulas is zero unless it always is."""
    every = [np.ones(len(range(step, limit, step)), np.int64), *(numbers(node, limit)[step::step] for node in formulas)]
    columns = [first % PRIME * (second % PRIME) for first, second in combinations_with_replacement(every, 2)]
    return tuple([step * (row + 1) for _, row in _pivots(columns)])


def _pivots(columns: Sequence[Integers]) -> Iterator[tuple[int, int]]:
    """The columns that are no combination of those before them, each with a row that shows it (modulo a prime)."""
    left = [column % PRIME for column in columns]
    for i, column in enumerate(left):
        if not column.any():
            continue
        row = int((column != 0).argmax())
        yield i, row
        inverse = pow(int(column[row]), -1, PRIME)
        for j in range(i + 1, len(left)):
            if factor := int(left[j][row]) * inverse % PRIME:
                left[j] = (left[j] - factor * column) % PRIME


# ---------------------------------------------------------------------- formulas of arrays


class _Fractions(NamedTuple):
    """Fractions in lowest terms, with denominators above zero."""

    over: Integers
    under: Integers


def _evaluated(node: Node, dims: Integers) -> Any:
    if node.op == "name":
        return _Fractions(dims, np.ones_like(dims))
    if node.op == "number":
        if max(abs(node.value.numerator), node.value.denominator) > LARGEST:
            raise _TooLargeError
        return _Fractions(np.full_like(dims, node.value.numerator), np.full_like(dims, node.value.denominator))
    if node.op == "boolean":
        return np.full(dims.shape, node.value)
    parts = [_evaluated(part, dims) for part in node.parts]
    if node.op == "if":
        return _chosen(*parts)
    if node.op in _OF_FACTS:
        return _OF_FACTS[node.op](*parts)
    if node.op in COMPARED and not isinstance(parts[0], _Fractions):
        return _COMPARE[node.op](*parts)
    if node.op in COMPARED:
        return _COMPARE[node.op](_product(parts[0].over, parts[1].under), _product(parts[1].over, parts[0].under))
    if node.op == "^":
        return _power(parts[0], int(node.parts[1].value))
    return _OF_NUMBERS[node.op](*parts)


def _chosen(test: NDArray[np.bool_], first: Any, second: Any) -> Any:
    if isinstance(first, _Fractions):
        return _Fractions(*(np.where(test, a, b) for a, b in zip(first, second, strict=True)))
    return np.where(test, first, second)


def _product(first: Integers, second: Integers) -> Integers:
    if float(np.abs(first).max()) * float(np.abs(second).max()) > LARGEST:
        raise _TooLargeError
    return first * second


def _reduced(over: Integers, under: Integers) -> _Fractions:
    common = np.gcd(over, under)
    common[common == 0] = 1
    sign = np.where(under < 0, -1, 1)
    return _Fractions(sign * over // common, np.maximum(1, sign * under // common))


def _plus(first: _Fractions, second: _Fractions, sign: int = 1) -> _Fractions:
    over = _product(first.over, second.under) + sign * _product(second.over, first.under)
    return _reduced(over, _product(first.under, second.under))


def _times(first: _Fractions, second: _Fractions) -> _Fractions:
    return _reduced(_product(first.over, second.over), _product(first.under, second.under))


def _divided(first: _Fractions, second: _Fractions) -> _Fractions:
    return _reduced(_product(first.over, second.under), _product(first.under, second.over))


def _floored(first: _Fractions, second: _Fractions) -> _Fractions:
    quotient = _divided(first, second)
    return _Fractions(quotient.over // quotient.under, np.ones_like(quotient.over))


def _power(first: _Fractions, times: int) -> _Fractions:
    found = _Fractions(np.ones_like(first.over), np.ones_like(first.under))
    for _ in range(times):
        found = _times(found, first)
    return found


def _whole(value: _Fractions) -> Integers:
    found: Integers = np.maximum(1, value.over // value.under)
    return found


def _rounded(value: _Fractions, multiple: _Fractions) -> _Fractions:
    """As `round_dim`, on floats as there; to a multiple of one, the whole number below."""
    by = np.maximum(1, multiple.over // multiple.under)
    exact = value.over / value.under
    nearest = np.maximum(by, (exact + by / 2).astype(np.int64) // by * by)
    found = np.where(nearest >= 0.9 * exact, nearest, nearest + by)
    return _Fractions(np.where(by == 1, _whole(value), found), np.ones_like(by))


def _least(first: _Fractions, second: _Fractions) -> _Fractions:
    return cast(
        _Fractions, _chosen(_product(first.over, second.under) <= _product(second.over, first.under), first, second)
    )


def _largest(first: _Fractions, second: _Fractions) -> _Fractions:
    return cast(
        _Fractions, _chosen(_product(first.over, second.under) >= _product(second.over, first.under), first, second)
    )


_OF_FACTS: dict[str, Callable[..., Any]] = {"and": np.logical_and, "or": np.logical_or, "not": np.logical_not}
_COMPARE: dict[str, Callable[..., Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_OF_NUMBERS: dict[str, Callable[..., _Fractions]] = {
    "+": _plus,
    "-": lambda first, second: _plus(first, second, -1),
    "*": _times,
    "/": _divided,
    "//": _floored,
    "min": _least,
    "max": _largest,
    "round_to": _rounded,
    "whole": lambda value: _Fractions(_whole(value), np.ones_like(value.over)),
}
