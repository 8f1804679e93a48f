"""How dims are rounded: to a multiple, and as a share of another."""

from __future__ import annotations

from fractions import Fraction
from functools import cache


def round_dim(dim: float, multiple: int, keep: float = 0.9) -> int:
    """The nearest multiple, at least one, and never less than `keep` of the dim.

    >>> [round_dim(0.4 * dim, 4) for dim in (16, 24, 40, 192)]
    [8, 12, 16, 76]
    """
    rounded = max(multiple, int(dim + multiple / 2) // multiple * multiple)
    return rounded if rounded >= keep * dim else rounded + multiple


@cache
def ratio_of(dim: int, ratio: float) -> int:
    """The share of a dim, rounded down in exact decimals, at least one.

    >>> ratio_of(104, 0.2), ratio_of(4, 0.2)
    (20, 1)
    """
    return max(1, int(Fraction(str(ratio)) * dim))
