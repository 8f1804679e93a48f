"""Shares of a whole, rounded so that what is shown adds up to 100 %."""

from __future__ import annotations

from collections.abc import Mapping


def shares(amounts: Mapping[str, int | float], digits: int = 1) -> dict[str, float]:
    """Percentages that add up to exactly 100, by largest remainder; all zero where there is nothing to share.

    >>> shares({"a": 1, "b": 1, "c": 1})
    {'a': 33.4, 'b': 33.3, 'c': 33.3}
    """
    whole, unit = sum(amounts.values()), 10**digits
    if not whole:
        return dict.fromkeys(amounts, 0.0)
    exact = {name: 100 * unit * amount / whole for name, amount in amounts.items()}
    rounded = {name: int(share) for name, share in exact.items()}
    missing = 100 * unit - sum(rounded.values())
    for name in sorted(exact, key=lambda each: rounded[each] - exact[each])[:missing]:
        rounded[name] += 1
    return {name: share / unit for name, share in rounded.items()}
