"""A chart as data: panels of axes and marks. Charts make them from their tables, writers write them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import NamedTuple, TypeAlias

from spinec.visualize.style.palette import SERIES

Place: TypeAlias = tuple[float, float]
Tick: TypeAlias = tuple[float, str]
MOST_TICKS = 6
LOG_FROM = 8  # times the smallest value, from where on an axis is logarithmic
CUES = 6
"""How many hatches, and how many shapes of points, are told apart."""


@dataclass(frozen=True)
class Axis:
    """One direction of a panel."""

    label: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    """Where, and what is written there; lines end with a line feed."""
    is_log: bool = False
    has_grid: bool = True
    brief: Axis | None = None
    """What stands for it where its ticks are wider than their room."""


class Bars(NamedTuple):
    """Bars of one series: along x where each stands, along y how tall it is; the other way round where they lie."""

    name: str
    series: int
    at: tuple[float, ...]
    values: tuple[float, ...]
    breadth: float
    notes: tuple[str, ...] = ()
    """What is written at the end of each."""
    is_explained: bool = True
    """Whether the legend says whose they are."""


class Points(NamedTuple):
    """Points of one series."""

    name: str
    series: int
    places: tuple[Place, ...]
    names: tuple[str, ...] = ()
    """What is written beside each, where there is room."""
    is_joined: bool = False
    is_explained: bool = True
    marked: int = 1
    """Of how many places one has a mark, where they are joined."""


class Band(NamedTuple):
    """A stretch of x that is shaded, and the middle of it."""

    low: float
    middle: float
    high: float


Mark: TypeAlias = Bars | Points


@dataclass(frozen=True)
class Panel:
    """Marks on two axes."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    lies: bool = False
    """Whether bars lie; y then counts downwards."""
    band: Band | None = None
    is_small: bool = False
    """Whether points are many, and small."""

    @property
    def legend(self) -> tuple[str, ...]:
        """The names that a legend explains."""
        return tuple(mark.name for mark in self.marks if mark.is_explained)


def series_colour(series: int) -> str:
    """The colour of a series."""
    return SERIES[series % len(SERIES)]


def series_cue(series: int) -> int:
    """The hatch or shape of a series, the cue beside its colour: another where colours begin again."""
    return (series + series // len(SERIES)) % CUES


def linear(label: str, low: float, high: float) -> Axis:
    """An axis from a number to another, with ticks at round numbers."""
    ticks = tuple((tick, f"{tick:g}") for tick in round_numbers(low, high))
    return Axis(label, low, high, ticks)


def around(values: Sequence[float], margin: float) -> tuple[float, float]:
    """The smallest and the largest value, and some room to either side: a share of what is between them."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = margin * (high - low) or margin * abs(high) or 1.0
    return low - room, high + room


def round_numbers(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, no more than asked for.

    >>> round_numbers(0, 210), round_numbers(33.2, 42.9)
    ([0, 50, 100, 150, 200], [34, 36, 38, 40, 42])
    """
    smallest = (high - low) / most
    power = 10.0 ** floor(log10(smallest))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= smallest)
    digits = max(0, -floor(log10(step)))
    return [
        round(step * i, digits) if digits else round(step * i)
        for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)
    ]


def round_powers(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """1, 2 and 5 times every power of ten from `low` to `high`; fewer of each where those are too many.

    >>> round_powers(0.3, 40), round_powers(1, 1e5)
    ([0.5, 1.0, 2.0, 5.0, 10.0, 20.0], [1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0])
    """
    powers = [10.0**i for i in range(floor(log10(low)), ceil(log10(high)) + 1)]
    found: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [factor * power for power in powers for factor in factors if low <= factor * power <= high]
        if len(found) <= most:
            return found
    return found[:: ceil(len(found) / most)]
