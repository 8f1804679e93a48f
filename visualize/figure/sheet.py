"""Where the panels of a chart stand on a page, in points: the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, log
from typing import NamedTuple

from spinec.visualize.diagram.picture import Anchor, Area
from spinec.visualize.figure.labels import Field, Label
from spinec.visualize.figure.panels import Axis, Bars, Panel, Place, Points
from spinec.visualize.style.typeface import text_width

POINT = 72.0  # points per inch
NARROW = 4.0  # inches: text is smaller below
EDGE = 5.0
LINE = 1.25  # from one line of text to the next, in its size
SAMPLE = 26.0  # of a legend, with what is to either side
ASCENT = 0.76  # of a line of text, in its size
HIGHER, MOST_HIGHER = 1.3, 9  # how a panel grows until there is room for all of its names
CROWD = 12  # names that a panel has room for; one with twice as many is twice as high


class Name(NamedTuple):
    """What is written beside a point, and how far from it in points; where it may seem another's, a line joins them."""

    place: Place
    text: str
    across: float
    up: float
    anchor: Anchor
    series: int
    line: tuple[Place, Place] | None


class Frame(NamedTuple):
    """A panel at its place; y counts downwards from the top of the page."""

    panel: Panel
    area: Area
    columns: int
    """Of the legend."""
    title: float
    """The base line of the title."""
    names: tuple[Name, ...]


@dataclass(frozen=True)
class Sheet:
    """A finished chart: what writers write down."""

    width: float
    height: float
    size: float
    """Of text."""
    small: float
    """Of ticks, legends and names."""
    frames: tuple[Frame, ...]


def arrange(panels: Sequence[Panel], inches: float, height: float) -> Sheet:
    """Put panels below each other; `height` is that of all but legends, in inches, for a page of seven inches."""
    size = 7.0 if inches < NARROW else 8.5
    width, small = POINT * inches, 0.8 * size
    left = EDGE + max(_beside(panel.y, size, small) for panel in panels)
    right = width - EDGE - max(_notes(panel, small) for panel in panels)
    panels = [_fitting(panel, right - left, small) for panel in panels]
    around = [_around(panel, right - left, size, small) for panel in panels]
    whole = POINT * height * (inches / 7) ** 0.6
    room = (whole - sum(title + below for title, _, below in around) - 2 * EDGE) / len(panels)
    frames, y = [], EDGE
    for panel, (title, legend, below) in zip(panels, around, strict=True):
        top = y + title + legend
        high = room * max(1.0, _named(panel) / CROWD)
        heights = (high * HIGHER**i for i in range(MOST_HIGHER))
        area, names = _named_area(panel, [Area(left, top, right, top + each) for each in heights], small)
        frames.append(Frame(panel, area, _columns(panel, right - left, small), y + size, names))
        y = area.bottom + below
    return Sheet(width, y + EDGE, size, small, tuple(frames))


def position(axis: Axis, value: float) -> float:
    """Where a value stands along an axis, from 0 to 1."""
    if axis.is_log:
        return log(value / axis.low) / log(axis.high / axis.low)
    return (value - axis.low) / (axis.high - axis.low)


def _beside(axis: Axis, size: float, small: float) -> float:
    """The room to the left of a panel."""
    return (LINE * size + 3 if axis.label else 0) + _widest(axis, small) + 7


def _widest(axis: Axis, small: float) -> float:
    return max((text_width(line, small) for _, text in axis.ticks for line in text.split("\n")), default=0.0)


def _notes(panel: Panel, small: float) -> float:
    """The room to the right of a panel."""
    notes = [note for mark in panel.marks if isinstance(mark, Bars) for note in mark.notes]
    return max((text_width(note, small) for note in notes), default=0.0)


def _around(panel: Panel, room: float, size: float, small: float) -> tuple[float, float, float]:
    """The heights of title and legend above a panel, and of what is below it."""
    lines = max((text.count("\n") + 1 for _, text in panel.x.ticks if text), default=0)
    rows = ceil(len(panel.legend) / _columns(panel, room, small))
    title = LINE * size + 4 if panel.title else 2.0
    below = LINE * small * lines + 8 + (LINE * size + 2 if panel.x.label else 0)
    return title, rows * (1.6 * small) + 3 if rows else 0.0, below


def _columns(panel: Panel, room: float, small: float) -> int:
    widest = max((text_width(name, small) for name in panel.legend), default=0.0) + SAMPLE
    return max(1, min(len(panel.legend), int(room / widest)))


def _fitting(panel: Panel, room: float, small: float) -> Panel:
    """The panel with no more ticks along x than there is room for."""
    axis = panel.x
    if axis.brief and _widest(axis, small) > _slot(axis, room):
        axis = axis.brief
    every = max(1, ceil(_widest(axis, small) / _slot(axis, room)))
    return replace(panel, x=replace(axis, ticks=axis.ticks[::every], brief=None))


def _slot(axis: Axis, room: float) -> float:
    """How much room the tick has that has the least."""
    places = [room * position(axis, tick) for tick, _ in axis.ticks]
    return min((after - before for before, after in pairwise(places)), default=room)


def _named_area(panel: Panel, areas: Sequence[Area], small: float) -> tuple[Area, tuple[Name, ...]]:
    """The first of several areas that has room for all names of a panel, or the last."""
    for area in areas:
        names = tuple(_names(panel, area, small))
        if len(names) == _named(panel) or area is areas[-1]:
            break
    return area, names


def _named(panel: Panel) -> int:
    return sum(len(mark.names) for mark in panel.marks if isinstance(mark, Points))


def _names(panel: Panel, area: Area, small: float) -> Iterator[Name]:
    """The names of a panel's points."""

    def at(place: Place) -> Place:
        across, up = position(panel.x, place[0]), position(panel.y, place[1])
        return area.left + across * (area.right - area.left), area.bottom - up * (area.bottom - area.top)

    series = [mark for mark in panel.marks if isinstance(mark, Points)]
    named = [(mark, place, text) for mark in series for place, text in zip(mark.places, mark.names, strict=False)]
    lines = [line for mark in series if mark.is_joined for line in pairwise(map(at, mark.places))]
    field = Field(area, [at(place) for _, place, _ in named], lines)
    labels = field.labels([text for _, _, text in named], small)
    for (mark, place, text), label in zip(named, labels, strict=True):
        if label:
            yield _name(mark.series, place, text, label, at(place), small)


def _name(series: int, place: Place, text: str, label: Label, at: Place, small: float) -> Name:
    """A label as writers set it: from its point, to the side on which it stands."""
    left, top, right, _ = label.area
    anchor: Anchor = "end" if right < at[0] else "start" if left > at[0] else "middle"
    x = {"start": left, "middle": (left + right) / 2, "end": right}[anchor]
    line = None
    if label.line:
        (x0, y0), (x1, y1) = label.line
        line = (x0 - at[0], at[1] - y0), (x1 - at[0], at[1] - y1)
    return Name(place, text, x - at[0], at[1] - top - ASCENT * small, anchor, series, line)
