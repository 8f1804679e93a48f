"""The figures that show a search: its scores, what they depend on, what they cost, and what was chosen when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, TypeAlias

from spinec.visualize.chart import Chart
from spinec.visualize.charts import cost_axis, readable
from spinec.visualize.figure.panels import MOST_TICKS, Axis, Bars, Panel, Place, Points, around, linear, round_numbers
from spinec.visualize.style.share import shares
from spinec.visualize.table.table import Cell, Column, Shown, Table, cell_value

Value: TypeAlias = "int | float | str | bool | None"
MOST_BARS = 30  # parameters whose importance is drawn; the table has all
MOST_NAMES = 12  # candidates of a front that a chart names
MOST_VALUES = 6  # of a parameter that are told apart: as many as there are colours
WINDOWS = 20  # stretches of trials, at most, whose choices are counted together
OTHERS = "others"


class Tried(NamedTuple):
    """A candidate of a study."""

    trial: int
    scores: tuple[float, ...]
    """Of every objective; none where it was not judged to the end."""
    choices: Mapping[str, Value]
    macs: float | None = None
    params: float | None = None


@dataclass(frozen=True)
class Search:
    """What a study tells of all that it tried, in the order in which it began."""

    name: str
    minimize: tuple[bool, ...]
    """Of every objective, whether a smaller score is a better one."""
    tried: Sequence[Tried]

    @property
    def scored(self) -> list[Tried]:
        """The candidates that have scores."""
        return [each for each in self.tried if each.scores]

    @property
    def objectives(self) -> list[str]:
        """What the scores are called."""
        return score_names(len(self.minimize))

    @property
    def last(self) -> int:
        """The number of the last trial."""
        return max((each.trial for each in self.tried), default=0)


def score_names(number: int) -> list[str]:
    """What so many scores are called, here and in tables of candidates."""
    return ["score"] if number == 1 else [f"score {i}" for i in range(1, number + 1)]


def history(search: Search) -> Chart:
    """The score of every trial and the best so far; a panel for every objective."""
    best: list[float | None] = [None] * len(search.minimize)
    rows: list[list[Cell]] = []
    for each in search.scored:
        best = [
            score if so_far is None else (min if smaller else max)(so_far, score)
            for score, so_far, smaller in zip(each.scores, best, search.minimize, strict=True)
        ]
        rows.append([each.trial, *each.scores, *best])
    names = search.objectives
    columns = ["trial", *names, *(f"best {name} so far" for name in names)]
    without = len(search.tried) - len(rows)
    about = {"study": search.name, "trials": len(search.tried), "without_score": without, "last_trial": search.last}
    title = f"Scores of {readable(search.name)}, trial by trial"
    table = Table(title, columns, rows, about=about, kind="history")
    return Chart(table, tuple(_history_panels(table, len(names))), 0.5 + 2.5 * len(names))


def _history_panels(table: Table, objectives: int) -> Iterator[Panel]:
    about = table.about
    said = f"{len(table.rows):,} of {about['trials']:,} trials have a score" if about["without_score"] else ""
    for i in range(1, objectives + 1):
        scores = tuple((_number(row[0]), _number(row[i])) for row in table.rows)
        best = tuple(_steps([(_number(row[0]), _number(row[i + objectives])) for row in table.rows]))
        marks = (
            Points("a candidate", 0, scores, is_explained=i == 1),
            Points("the best so far", 1, best, is_joined=True, is_explained=i == 1, marked=max(1, len(best))),
        )
        y = linear(table.titles[i], *around([value for _, value in scores], 0.06))
        yield Panel(_trials(table, i == objectives), y, marks if scores else (), said if i == 1 else "", is_small=True)


def _steps(places: Sequence[Place]) -> Iterator[Place]:
    """The corners of a line that changes at once, and only where it does."""
    for i, (trial, value) in enumerate(places):
        before = places[i - 1][1] if i else value
        if value != before:
            yield trial, before
        if not i or value != before or i == len(places) - 1:
            yield trial, value


def _trials(table: Table, is_labelled: bool) -> Axis:
    """An axis of the numbers of trials, from the first on."""
    low, high = around([0.0, float(max(1, table.about["last_trial"]))], 0.02)
    ticks = tuple((tick, f"{tick:,g}") for tick in round_numbers(max(0.0, low), high) if tick == int(tick))
    return Axis("trial" if is_labelled else "", low, high, ticks)


def importance(search: Search, found: Sequence[Mapping[str, float]]) -> Chart:
    """How much scores depend on every parameter, as shares of all; the most important first.

    `found` has what is known of every objective.
    """
    names = sorted(
        {name for each in found for name in each}, key=lambda name: (-sum(e.get(name, 0) for e in found), name)
    )
    rows: list[list[Cell]] = [[name, *(round(100 * each.get(name, 0.0), 4) for each in found)] for name in names]
    titles = ["importance"] if len(found) == 1 else [f"importance for {name}" for name in search.objectives]
    columns = ["parameter", *titles]
    about = {"study": search.name, "candidates": len(search.scored)}
    title = f"What the scores of {readable(search.name)} depend on"
    table = Table(title, columns, rows, about=about, kind="importance")
    drawn = min(len(rows), MOST_BARS)
    return Chart(table, (_importance_panel(table),), 0.9 + (0.18 + 0.07 * len(found)) * max(1, drawn))


def _importance_panel(table: Table) -> Panel:
    rows, series = table.rows[:MOST_BARS], len(table.columns) - 1
    breadth = 0.8 / series
    marks = []
    for i in range(series):
        values = tuple(_number(row[i + 1]) for row in rows)
        at = tuple(place + (i - (series - 1) / 2) * breadth for place in range(len(rows)))
        notes = tuple(f"{value:.1f} %" for value in values)
        marks.append(Bars(table.titles[i + 1], i, at, values, 0.92 * breadth, notes, is_explained=series > 1))
    top = max((value for mark in marks for value in mark.values), default=0.0) or 1.0
    names = tuple((float(place), readable(str(row[0]))) for place, row in enumerate(rows))
    y = Axis("", -0.6, max(1, len(rows)) - 0.4, names, has_grid=False)
    said = f"of {table.about['candidates']:,} candidates"
    said += f"; {len(table.rows) - len(rows):,} further parameters" if len(table.rows) > len(rows) else ""
    return Panel(linear("% of all importance", 0, 1.02 * top), y, tuple(marks) if rows else (), said, lies=True)


def pareto(search: Search, front: Sequence[int], cost: str = "macs") -> Chart:
    """What no candidate beats: of several scores, or of the score and what it costs. `front` has its trials.

    With more than two objectives, each of the others is set against the first.
    """
    several = len(search.minimize) > 1
    shown = [each for each in search.scored if several or getattr(each, cost) is not None]
    label = {"macs": "multiply-adds", "params": "parameters"}[cost]
    kept = set(front)
    rows: list[list[Cell]] = [
        [each.trial, *(() if several else (getattr(each, cost),)), *each.scores, _yes(each.trial in kept)]
        for each in shown
    ]
    columns: list[str | Column] = ["trial", *([] if several else [label]), *search.objectives, "front"]
    about = {"study": search.name, "candidates": len(rows), "front_size": sum(each.trial in kept for each in shown)}
    against = " and ".join(search.objectives) if several else f"score against {label}"
    table = Table(f"{readable(search.name)}: {against}", columns, rows, about=about, kind="pareto")
    panels = tuple(_pareto_panels(table))
    return Chart(table, panels, 0.5 + 2.9 * len(panels))


def _yes(value: bool) -> Shown:
    return Shown(value, "yes" if value else "")


def _pareto_panels(table: Table) -> Iterator[Panel]:
    """The first of what is compared along x, each of the others along y."""
    last = len(table.columns) - 1
    columns = range(2, last)
    is_cost = table.titles[1] in ("multiply-adds", "parameters")
    for i in columns:
        best = [row for row in table.rows if cell_value(row[last])]
        others = [row for row in table.rows if not cell_value(row[last])]
        best.sort(key=lambda row: _number(row[1]))
        names = tuple(f"trial {row[0]}" for row in best) if len(best) <= MOST_NAMES else ()
        marks = []
        if others:
            marks.append(Points("a candidate", 0, _places(others, i), is_explained=i == 2))
        if best:
            joined = len(columns) == 1
            marks.append(Points("what none beats", 1, _places(best, i), names, joined, i == 2))
        xs, ys = [_number(row[1]) for row in table.rows], [_number(row[i]) for row in table.rows]
        x = cost_axis(table.titles[1], xs) if is_cost else linear(table.titles[1], *around(xs, 0.06))
        y = linear(table.titles[i], *around(ys, 0.12))
        said = f"{table.about['front_size']:,} of {table.about['candidates']:,} candidates are beaten by none"
        yield Panel(x, y, tuple(marks), said if i == 2 else "", is_small=True)


def _places(rows: Sequence[Sequence[Cell]], column: int) -> tuple[Place, ...]:
    return tuple((_number(row[1]), _number(row[column])) for row in rows)


def choices(search: Search, parameter: str) -> Chart:
    """How often every value of a parameter was chosen as the search went on: shares of stretches of trials."""
    given = [each for each in search.tried if parameter in each.choices]
    values = _values([each.choices[parameter] for each in given])
    size = max(1, -(-len(search.tried) // WINDOWS))
    rows: list[list[Cell]] = []
    for start in range(0, len(given), size):
        window = given[start : start + size]
        counts = Counter(_named(each.choices[parameter], values) for each in window)
        share = shares({name: counts[name] for name in values})
        rows.append([window[0].trial, window[-1].trial, len(window), *(share[name] for name in values)])
    columns: list[str | Column] = [
        "first trial",
        "last trial",
        "trials",
        *(Column(name, f"value {name}") for name in values),
    ]
    title = f"What was chosen for {readable(parameter)}, in shares of stretches of trials"
    about = {"parameter": parameter, "trials": len(search.tried)}
    table = Table(title, columns, rows, about=about, kind="choices")
    return Chart(table, (_choices_panel(table),), 1.9)


def _values(given: Sequence[Value]) -> list[str]:
    """The values in their order, those that are chosen the least together where there are too many."""
    known = {word(value): value for value in given}  # by their words: equal values such as 1 and true have two
    names = sorted(known, key=lambda name: order(known[name]))
    if len(names) <= MOST_VALUES:
        return names
    often = {name for name, _ in Counter(map(word, given)).most_common(MOST_VALUES - 1)}
    return [*(name for name in names if name in often), OTHERS]


def order(value: Value) -> tuple[bool, float, str]:
    """A key by which values stand in their order: numbers by size, then words."""
    is_number = isinstance(value, int | float) and isfinite(value)
    return not is_number, float(value) if is_number and value is not None else 0.0, str(value)


def word(value: Value) -> str:
    """A value of a parameter in few characters."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return readable(f"{value:g}" if is_number else str(value))


def _named(value: Value, names: Sequence[str]) -> str:
    name = word(value)
    return name if name in names else OTHERS


def _choices_panel(table: Table) -> Panel:
    """Every share stands on those of the values before it: the tallest bars are painted first, and covered."""
    names = table.titles[3:]
    at = tuple(i + 0.5 for i in range(len(table.rows)))
    marks = []
    for i in reversed(range(len(names))):
        tops = tuple(min(100.0, sum(_number(cell) for cell in row[3 : 4 + i])) for row in table.rows)
        marks.append(Bars(names[i], i, at, tops, 1.0))
    starts = [_number(row[0]) for row in table.rows]
    every = -(-len(starts) // MOST_TICKS) or 1
    ticks = tuple((float(i), f"{starts[i]:,.0f}") for i in range(0, len(starts), every))
    x = Axis("trial", 0.0, float(max(1, len(starts))), ticks, has_grid=False)
    return Panel(x, linear("% of trials", 0, 100), tuple(marks) if starts else (), readable(table.about["parameter"]))


def _number(cell: Cell) -> float:
    return float(cell_value(cell) or 0)
