"""Where the panels of a chart stand on a page, in points: the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, log
from typing import NamedTuple, TypeAlias

from spinec.visualize.panels import Axis, Bars, Panel, Place, Points
from spinec.visualize.picture import Anchor, Area, Text
from spinec.visualize.typeface import text_width

POINT = 72.0  # points per inch
NARROW = 4.0  # inches: text is smaller below
EDGE = 5.0
LINE = 1.25  # from one line of text to the next, in its size
SAMPLE = 26.0  # of a legend, with what is to either side
STEPS = 4  # how far names may stand off their points, in lines
CROWD = 12  # names that a panel has room for; one with twice as many is twice as high
OBSTACLE = 4.0  # half the side of what a point covers


class Name(NamedTuple):
    """What is written beside a point, and how far from it."""

    place: Place
    text: str
    across: float
    up: float
    anchor: Anchor


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
        area = Area(left, top, right, top + room * max(1.0, _named(panel) / CROWD))
        columns, names = _columns(panel, right - left, small), tuple(_names(panel, area, small))
        frames.append(Frame(panel, area, columns, y + size, names))
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


def _named(panel: Panel) -> int:
    return sum(len(mark.names) for mark in panel.marks if isinstance(mark, Points))


def _names(panel: Panel, area: Area, small: float) -> Iterator[Name]:
    """A name beside every point, where it stands on no other and on no line; on a line rather than nowhere."""

    def at(place: Place) -> Place:
        across, up = position(panel.x, place[0]), position(panel.y, place[1])
        return area.left + across * (area.right - area.left), area.bottom - up * (area.bottom - area.top)

    series = [mark for mark in panel.marks if isinstance(mark, Points)]
    lines = [piece for mark in series if mark.is_joined for piece in _pieces([at(place) for place in mark.places])]
    taken = [_covered(at(place)) for mark in series for place in mark.places]
    for mark in series:
        for place, text in zip(mark.places, mark.names, strict=False):
            ways = ((way, _written(at(place), text, way, small)) for way in _WAYS)
            free = [(way, box) for way, box in ways if _inside(box, area) and not any(map(box.overlaps, taken))]
            best = min(free, key=lambda found: _distance(found[0], found[1], lines), default=None)
            if best:
                (across, up, anchor), box = best
                taken.append(box)
                yield Name(place, text, across, up * small, anchor)


_Way: TypeAlias = tuple[float, float, Anchor]
_CORNERS: tuple[tuple[float, float, int, Anchor], ...] = (
    (6.0, -1.1, -1, "start"),
    (6.0, 0.5, 1, "start"),
    (-6.0, 0.5, 1, "end"),
    (-6.0, -1.1, -1, "end"),
)
_WAYS: list[_Way] = [
    (across, up + rise * step, anchor) for step in range(STEPS) for across, up, rise, anchor in _CORNERS
]
"""Where a name may stand: how far across in points, how far up in its size. Nearest first."""


def _distance(way: _Way, box: Area, lines: Sequence[Area]) -> int:
    """How bad a place is: far from the point, so that a name may seem to be another's, or on a line."""
    return 2 * (_WAYS.index(way) // len(_CORNERS) // 2) + any(map(box.overlaps, lines))


def _written(place: Place, text: str, way: _Way, small: float) -> Area:
    across, up, anchor = way
    return Text(place[0] + across, place[1] - up * small, text, small, anchor=anchor).area


def _covered(place: Place) -> Area:
    x, y = place
    return Area(x - OBSTACLE, y - OBSTACLE, x + OBSTACLE, y + OBSTACLE)


def _pieces(places: Sequence[Place]) -> Iterator[Area]:
    """Small areas along a line, none larger than a letter."""
    for (x0, y0), (x1, y1) in pairwise(places):
        count = max(1, ceil(max(abs(x1 - x0), abs(y1 - y0)) / OBSTACLE))
        for i in range(count + 1):
            x, y = x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count
            yield Area(x - 1, y - 1, x + 1, y + 1)


def _inside(box: Area, area: Area) -> bool:
    return area.left <= box.left and box.right <= area.right and area.top <= box.top and box.bottom <= area.bottom
