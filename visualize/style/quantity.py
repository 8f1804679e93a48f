"""Numbers in few characters."""

from __future__ import annotations

UNITS = (("", 1), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12))


def quantity(value: float) -> str:
    """A number as a person writes it: three digits and a unit.

    >>> quantity(2453285888), quantity(-3720200), quantity(12), quantity(999_999)
    ('2.45G', '-3.72M', '12', '1M')
    """
    rounded = abs(float(f"{value:.3g}"))  # before the unit is chosen: 999,999 is 1M
    unit, size = next((each for each in reversed(UNITS) if rounded >= each[1]), UNITS[0])
    return f"{value / size:.3g}{unit}"
