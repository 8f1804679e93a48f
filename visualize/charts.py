"""The figures that papers show, from specs and results: a function for every kind of chart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count, groupby
from math import exp, log
from typing import Any, Literal, NamedTuple

from spinec.compiler.cost.report import By, Report
from spinec.spec.conventions import Convention
from spinec.spec.fields import figure_value
from spinec.visualize.chart import Chart
from spinec.visualize.figure.panels import (
    LOG_FROM,
    Axis,
    Band,
    Bars,
    Panel,
    Place,
    Points,
    around,
    linear,
    round_numbers,
    round_powers,
)
from spinec.visualize.style.quantity import quantity
from spinec.visualize.style.share import shares
from spinec.visualize.style.typeface import printable, shortened
from spinec.visualize.table.rows import Row
from spinec.visualize.table.table import Cell, Column, Columns, Table, cell_value

WIDEST_NAME = 180.0
SIDE_BY_SIDE = 0.82  # of a place along an axis, for its bars
NEAR = 0.1  # of the centre: candidates of its size


class Point(NamedTuple):
    """A network in a chart of cost against score; points of one family are joined, of one panel compared."""

    family: str
    name: str
    cost: float
    score: float
    panel: str = ""


def distribution(reports: Sequence[Report], convention: Convention = "conv") -> Chart:
    """Dims and shares of cost of every block, specs side by side (Eff-SpineNet, Figure 3).

    Specs of one topology are compared block by block, others level by level.
    """
    rows: list[list[Cell]] = []
    for report, name in zip(reports, _told_apart(report.program.name for report in reports), strict=True):
        spec, costs = report.program.spec, report.by("block")
        share = shares({block: costs[block].flops(convention) for block in spec.blocks})
        rows += [[name, each, block.level, block.dim, share[each]] for each, block in spec.blocks.items()]
    columns: Columns = ["spec", "block", "level", "dim", Column("share of multiply-adds", "percent_of_macs")]
    title = f"Dims and shares of cost: {', '.join(report.program.name for report in reports)}"
    table = Table(title, columns, rows, about={"convention": convention}, kind="distribution")
    return Chart(table, _distribution_panels(table), 3.6)


def _told_apart(names: Iterable[str]) -> list[str]:
    """The names, those that were there before with a number."""
    found: list[str] = []
    for name in names:
        numbers = (f"{name} ({i})" if i > 1 else name for i in count(1))
        found.append(next(each for each in numbers if each not in found))
    return found


class _Slots(NamedTuple):
    """Where the bar of every row of a table stands, how broad it is, and the axis below."""

    at: Sequence[float]
    breadth: float
    axis: Axis


def _distribution_panels(table: Table) -> tuple[Panel, ...]:
    """Dims above shares."""
    specs = list(dict.fromkeys(str(row[0]) for row in table.rows))
    levels = [{str(row[1]): int(_number(row[2])) for row in table.rows if row[0] == spec} for spec in specs]
    most: dict[str, int] = max(levels, key=len, default={})
    is_one = all(each.items() <= most.items() for each in levels)
    slots = _slots_by_block(table, specs, most) if is_one else _slots_by_level(table, specs)
    unmarked = replace(slots.axis, label="", ticks=tuple((place, "") for place, _ in slots.axis.ticks), brief=None)

    def bars(series: int, column: int, is_explained: bool) -> Bars:
        rows = [i for i, row in enumerate(table.rows) if row[0] == specs[series]]
        at, values = (slots.at[i] for i in rows), (_number(table.rows[i][column]) for i in rows)
        name = readable(specs[series])
        return Bars(name, series, tuple(at), tuple(values), slots.breadth, is_explained=is_explained)

    def panel(x: Axis, column: int, label: str, is_explained: bool) -> Panel:
        top = max((_number(row[column]) for row in table.rows), default=0.0) or 1.0
        marks = tuple(bars(series, column, is_explained) for series in range(len(specs)))
        return Panel(x, linear(label, 0, 1.05 * top), marks)

    return panel(unmarked, 3, "dim", True), panel(slots.axis, 4, "% of multiply-adds", False)


def _slots_by_block(table: Table, specs: Sequence[str], levels: Mapping[str, int]) -> _Slots:
    """A place per block, and in it a bar per spec."""
    places = {block: float(place) for place, block in enumerate(levels)}
    brief = tuple((place, str(levels[block])) for block, place in places.items())
    names = tuple((place, f"{levels[block]}\n{readable(block)}") for block, place in places.items())
    level = Axis("level", -0.6, len(places) - 0.4, brief, has_grid=False)
    bar = SIDE_BY_SIDE / len(specs)
    own = {spec: (series - (len(specs) - 1) / 2) * bar for series, spec in enumerate(specs)}
    at = [places[str(row[1])] + own[str(row[0])] for row in table.rows]
    return _Slots(at, bar, replace(level, label="level, block", ticks=names, brief=level))


def _slots_by_level(table: Table, specs: Sequence[str]) -> _Slots:
    """A place per level, and in it the blocks of one spec after the other: no block is any other's."""
    order = sorted(range(len(table.rows)), key=lambda i: (table.rows[i][2], specs.index(str(table.rows[i][0]))))
    at, ticks, start, gap = [0.0] * len(order), [], 0.0, max(1.0, len(order) / 80)
    for level, group in groupby(order, key=lambda i: table.rows[i][2]):
        rows = list(group)
        for place, i in enumerate(rows):
            at[i] = start + place
        ticks.append((start + (len(rows) - 1) / 2, str(level)))
        start += len(rows) + gap
    axis = Axis("level, and in it the blocks in order", -0.6, start - gap - 0.4, tuple(ticks), has_grid=False)
    return _Slots(at, SIDE_BY_SIDE, axis)


def breakdown(report: Report, by: By = "level", convention: Convention = "conv") -> Chart:
    """Share of multiply-adds and of parameters by level, category or part."""
    costs = report.by(by)
    names = sorted(costs, key=lambda name: (len(name), name)) if by == "level" else list(costs)
    macs = shares({name: costs[name].flops(convention) for name in names})
    params = shares({name: costs[name].params for name in names})
    if by != "level":
        names = sorted(names, key=lambda name: -macs[name])
    rows = [[name, costs[name].macs(convention), macs[name], costs[name].params, params[name]] for name in names]
    columns: Columns = [Column(by, "name"), "multiply-adds", "% of multiply-adds", "parameters", "% of parameters"]
    title = f"Cost of {report.program.name} by {by}"
    table = Table(title, columns, rows, about={"convention": convention}, kind="breakdown")
    return Chart(table, (_breakdown_panel(table),), 0.7 + 0.32 * len(rows))


def _breakdown_panel(table: Table) -> Panel:
    rows = [row for row in table.rows if row[2] or row[4]]  # what costs nothing is in the table
    marks = []
    for series, (column, label) in enumerate(((2, "multiply-adds"), (4, "parameters"))):
        at = tuple(place + (series - 0.5) * 0.4 for place in range(len(rows)))
        values = tuple(_number(row[column]) for row in rows)
        marks.append(Bars(label, series, at, values, 0.38, tuple(f"{value:.1f} %" for value in values)))
    top = max((value for mark in marks for value in mark.values), default=0.0) or 1.0
    names = tuple((float(place), str(row[0])) for place, row in enumerate(rows))
    y = Axis("", -0.6, len(rows) - 0.4, names, has_grid=False)
    return Panel(linear("% of the model", 0, 1.02 * top), y, tuple(marks), lies=True)


def trade_off(points: Iterable[Point], cost: str = "multiply-adds", score: str = "score") -> Chart:
    """Cost against score, a line per family and a name at every point (Eff-SpineNet, Figures 1, 4 and 7).

    Scores that cannot be compared, since their metric differs, are in panels of their own.
    """
    rows = sorted(map(_shown, points), key=lambda point: (point.panel, point.family, point.cost))
    table = Table(f"{score} against {cost}", ["family", "name", cost, score, "panel"], rows, kind="tradeoff")
    panels = _trade_off_panels(table)
    return Chart(table, panels, 0.4 + 2.9 * len(panels))


def _trade_off_panels(table: Table) -> tuple[Panel, ...]:
    panels: dict[str, dict[str, list[Any]]] = {}
    for row in table.rows:
        panels.setdefault(str(row[4]), {}).setdefault(str(row[0]), []).append(row)
    return tuple(_trade_off_panel(table, *panel) for panel in panels.items()) or (_trade_off_panel(table, "", {}),)


def _trade_off_panel(table: Table, name: str, families: Mapping[str, Sequence[Any]]) -> Panel:
    """A family of a single point is not explained: its point has a name."""
    marks = []
    for series, (family, rows) in enumerate(families.items()):
        places = tuple((_number(row[2]), _number(row[3])) for row in rows)
        names = tuple(str(row[1]) for row in rows)
        marks.append(Points(family, series, places, names, True, len(families) > 1 and len(rows) > 1))
    x = cost_axis(table.titles[2], [place[0] for mark in marks for place in mark.places])
    low, high = around([place[1] for mark in marks for place in mark.places], 0.2)
    return Panel(x, linear(name or table.titles[3], low, high), tuple(marks))


def _shown(point: Point) -> Point:
    """The point with names that a chart has room for."""
    family, name, panel = map(readable, (point.family, point.name, point.panel))
    return point._replace(family=family, name=name, panel=panel)


def readable(text: str) -> str:
    """A text that a chart has room for."""
    return shortened(printable(text), 7, WIDEST_NAME)


def _number(cell: Cell) -> float:
    return float(cell_value(cell) or 0)


def cost_axis(label: str, costs: Sequence[float], limits: tuple[float, float] | None = None) -> Axis:
    """An axis whose ticks are short numbers; logarithmic where costs lie far apart."""
    is_log = not limits and bool(costs) and min(costs) > 0 and max(costs) > LOG_FROM * min(costs)
    if is_log:
        low, high = (exp(value) for value in around([log(cost) for cost in costs], 0.12))
    else:
        low, high = limits or around(costs, 0.12)
    ticks = round_powers(low, high) if is_log else round_numbers(low, high)
    return Axis(label, low, high, tuple((tick, _short(tick)) for tick in ticks), is_log)


def _short(value: float) -> str:
    return quantity(value) if value >= 0 else f"{value:g}"


def candidates(
    points: Iterable[Point], centre: float | None = None, cost: str = "multiply-adds", score: str = "score"
) -> Chart:
    """Sampled candidates: cost against score, within a fifth of the centre, a tenth shaded (Eff-SpineNet, Figure 5).

    The centre is the mean cost where none is given.
    """
    rows = [_shown(point)[:4] for point in points]
    middle = centre if centre is not None else sum(row[2] for row in rows) / max(1, len(rows))
    near = sum(abs(row[2] / middle - 1) <= NEAR + 1e-9 for row in rows) if middle else 0
    about = {"centre": middle, "near_centre": near, "candidates": len(rows)}
    title = f"{len(rows)} candidates: {score} against {cost}"
    table = Table(title, ["family", "name", cost, score], rows, about=about, kind="points")
    return Chart(table, (_candidates_panel(table),), 3.4)


def _candidates_panel(table: Table) -> Panel:
    middle, near = float(table.about["centre"]), table.about["near_centre"]
    families: dict[str, list[Place]] = {}
    for row in table.rows:
        if not middle or abs(_number(row[2]) / middle - 1) <= 2 * NEAR:
            families.setdefault(str(row[0]), []).append((_number(row[2]), _number(row[3])))
    marks = tuple(
        Points(family, series, tuple(places), is_explained=len(families) > 1)
        for series, (family, places) in enumerate(families.items())
    )
    limits = sorted(((1 - 2 * NEAR) * middle, (1 + 2 * NEAR) * middle)) if middle else None
    places = [place for mark in marks for place in mark.places]
    x = cost_axis(table.titles[2], [place[0] for place in places], (limits[0], limits[1]) if limits else None)
    y = linear(table.titles[3], *around([place[1] for place in places], 0.06))
    title = f"{near} of {table.about['candidates']} within 10 % of the centre"
    title += f", {outside} beyond 20 %" if (outside := len(table.rows) - sum(map(len, families.values()))) else ""
    band = Band((1 - NEAR) * middle, middle, (1 + NEAR) * middle) if middle else None
    return Panel(x, y, marks, title, band=band, is_small=True)


def published_points(reports: Iterable[Report], cost: Literal["macs", "params"] = "macs") -> list[Point]:
    """The published score of every spec that has one, against its published cost; panels by metric and data set."""
    points = []
    for report in reports:
        given = report.program.spec.published
        if not given or given.score is None:
            continue
        figure = given.macs if cost == "macs" else given.params
        if figure is not None:
            panel = f"{given.metric}, {given.dataset}" if given.dataset else given.metric
            name = report.program.name
            family = re.sub(r"\d+", "", name, count=1)
            points.append(Point(family, name, figure_value(figure), given.score, panel))
    return points


def points_of(rows: Iterable[Row], cost: str, score: str) -> list[Point]:
    """Points from the rows of a table: which columns are cost and score; 'family' and 'name' where there are any.

    Raises:
        SpecError: naming the row and the column that is missing or no number.
    """
    return [Point(row.text("family"), row.text("name"), row.number(cost), row.number(score)) for row in rows]
