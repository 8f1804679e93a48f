"""A chart of figures by step: a line for every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log
from typing import NamedTuple

from spinec.visualize.chart import Chart
from spinec.visualize.figure.panels import (
    LOG_FROM,
    Axis,
    Panel,
    Place,
    Points,
    around,
    linear,
    round_numbers,
    round_powers,
)
from spinec.visualize.style.typeface import printable, shortened
from spinec.visualize.table.table import Cell, Table

MOST = 120  # places of a line: of more, each is the mean of several steps
LOG_TO = 10_000  # times the smallest value, to where an axis is logarithmic
MARKS = 8  # of a line, about
WIDEST_NAME = 180.0


class Curve(NamedTuple):
    """A figure of one run."""

    name: str
    places: Sequence[Place]
    """Step and value."""


def curves(figure: str, shown: Sequence[Curve]) -> Chart:
    """A figure of several runs by step; where there are many steps, means of neighbours."""
    rows: list[list[Cell]] = [
        [curve.name, step, value, number] for curve in shown for step, value, number in _thinned(curve.places)
    ]
    table = Table(f"{figure} by step", ["run", "step", figure, "steps"], rows, kind="curves")
    return Chart(table, (_panel(table),), 2.9)


def _thinned(places: Sequence[Place]) -> Iterator[tuple[float, float, int]]:
    """Mean step, mean value, and of how many."""
    size = -(-len(places) // MOST) or 1
    for start in range(0, len(places), size):
        several = places[start : start + size]
        yield (*(sum(each) / len(several) for each in zip(*several, strict=True)), len(several))


def _panel(table: Table) -> Panel:
    lines: dict[str, list[Place]] = {}
    for row in table.rows:
        lines.setdefault(str(row[0]), []).append((_number(row[1]), _number(row[2])))
    marks = tuple(
        Points(
            shortened(printable(name), 7, WIDEST_NAME),
            series,
            tuple(places),
            is_joined=True,
            is_explained=len(lines) > 1,
            marked=max(1, len(places) // MARKS),
        )
        for series, (name, places) in enumerate(lines.items())
    )
    steps = [step for places in lines.values() for step, _ in places]
    values = [value for places in lines.values() for _, value in places]
    low, high = around(steps, 0.02)
    ticks = tuple((tick, f"{tick:,g}") for tick in round_numbers(max(low, 0), high))
    return Panel(Axis("step", low, high, ticks), _axis(table.titles[2], values), marks)


def _axis(label: str, values: Sequence[float]) -> Axis:
    """Logarithmic where values lie far apart, but not so far that most of the axis is for those that are next to 0."""
    if not values or not LOG_FROM * min(values) < max(values) < LOG_TO * min(values):
        return linear(label, *around(values, 0.06))
    low, high = (exp(value) for value in around([log(value) for value in values], 0.06))
    return Axis(label, low, high, tuple((tick, f"{tick:g}") for tick in round_powers(low, high)), is_log=True)


def _number(cell: Cell) -> float:
    assert isinstance(cell, int | float)
    return float(cell)
