"""Names beside points: each nearer to its own point than to any other, or joined to it by a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, dist, hypot, inf, pi, sin
from typing import NamedTuple, TypeAlias

from spinec.visualize.diagram.picture import Area
from spinec.visualize.style.typeface import text_width

Place: TypeAlias = tuple[float, float]
Line: TypeAlias = tuple[Place, Place]
OBSTACLE = 4.0
"""Half the side of what a point covers."""
BESIDE = 6.0  # from a point to the name that stands beside it
CLEARLY = 3.0  # how much further from any other point a name is that needs no line to its own
RADII = (11.0, 17.0, 25.0, 35.0, 47.0, 62.0, 80.0, 100.0, 125.0)  # from a point to a name that a line joins to it
ANGLES = 16
ROUNDS = 2  # in which names look for a better place, all others at theirs
LINED, ON_LINE, CROSSED, COVERED = 7.0, 5.0, 25.0, 200.0
"""What it costs to need a line, to stand on a line of the chart, to cross another name's line, to hide anything."""


class Label(NamedTuple):
    """A name and its place: what it covers, and the line that joins it to its point, if there is one."""

    area: Area
    line: Line | None = None


@dataclass(frozen=True)
class Field:
    """Where names have to find a place: all points, the lines between some of them, and the area around."""

    area: Area
    points: Sequence[Place]
    lines: Sequence[Line] = ()

    def labels(self, texts: Sequence[str], size: float) -> list[Label | None]:
        """A label for every point, in order; nothing for a name that has no place anywhere."""
        pieces = [piece for line in self.lines for piece in _pieces(*line)]
        search = _Search(self, pieces, [text_width(text, size) for text in texts], size)
        crowd = [sum(dist(point, other) < 40 for other in self.points) for point in self.points]
        order = sorted(range(len(texts)), key=lambda i: -crowd[i])
        for _ in range(1 + ROUNDS):
            for i in order:
                search.place(i)
        return [search.labels.get(i) for i in range(len(texts))]


@dataclass
class _Search:
    """The labels that have a place."""

    field: Field
    pieces: Sequence[Place]
    widths: Sequence[float]
    size: float

    def __post_init__(self) -> None:
        self.labels: dict[int, Label] = {}
        points = self.field.points
        self.covered = [covered(point) for point in points]
        self.apart = [  # what a line from a point can keep clear of
            [each for other, each in zip(points, self.covered, strict=True) if dist(point, other) > 2 * OBSTACLE]
            for point in points
        ]

    def place(self, i: int) -> None:
        """Put a label to its best place, all others left at theirs."""
        before, self.labels = self.labels, {k: label for k, label in self.labels.items() if k != i}
        best, least = before.get(i), inf
        for cost, label in self._wanted(i):
            if cost >= least:
                break
            cost += self._trouble(label, i)
            if cost < least:
                best, least = label, cost
        if best is None:
            best = next((_joined(area, self.field.points[i]) for area in self._anywhere(i)), None)
        if best:
            self.labels[i] = best

    def _wanted(self, i: int) -> Iterator[tuple[float, Label]]:
        """Labels that cover nothing, those first that would be best if they were alone."""
        point, width = self.field.points[i], self.widths[i]
        others = [other for k, other in enumerate(self.field.points) if k != i]
        for order, area in enumerate(_beside(point, width, self.size)):
            if self._is_free(area) and _is_nearest(area, point, others):
                yield 0.4 * order, Label(area)
        for radius in RADII:
            areas = (area for area in _around(point, radius, width, self.size) if self._is_free(area))
            yield from ((LINED + radius / 3, _joined(area, point)) for area in areas)

    def _is_free(self, area: Area) -> bool:
        room = self.field.area
        inside = room.left <= area.left and area.right <= room.right
        return (
            inside
            and room.top <= area.top
            and area.bottom <= room.bottom
            and not any(map(area.overlaps, self.covered))
            and not any(area.overlaps(label.area, -1.0) for label in self.labels.values())
        )

    def _anywhere(self, i: int) -> list[Area]:
        """Every free place in the field, the nearest first."""
        room, step, point, width = self.field.area, self.size + 1, self.field.points[i], self.widths[i]
        lefts = [room.left + step * i for i in range(int((room.right - room.left - width) / step) + 1)]
        tops = [room.top + step * i for i in range(int((room.bottom - room.top - step) / step) + 1)]
        areas = (Area(left, top, left + width, top + self.size) for left in lefts for top in tops)
        return sorted(filter(self._is_free, areas), key=lambda area: distance(area, point))

    def _trouble(self, label: Label, i: int) -> float:
        """What a place costs beside what it would alone: lines that it is on, and what its own line runs over."""
        area, others = label.area, self.labels.values()
        cost = ON_LINE * (any(distance(area, piece) == 0 for piece in self.pieces))
        cost += COVERED * sum(crosses(other.line, area) for other in others if other.line)
        if label.line:
            cost += CROSSED * sum(crosses(label.line, each) for each in self.apart[i])
            cost += COVERED * sum(crosses(label.line, other.area) for other in others)
            cost += CROSSED * sum(_meet(label.line, other.line) for other in others if other.line)
        return cost


def covered(point: Place) -> Area:
    """What a point covers."""
    x, y = point
    return Area(x - OBSTACLE, y - OBSTACLE, x + OBSTACLE, y + OBSTACLE)


def distance(area: Area, point: Place) -> float:
    """How far a point is from an area; nothing within it."""
    return dist(point, _nearest(area, point))


def _nearest(area: Area, point: Place) -> Place:
    return min(max(point[0], area.left), area.right), min(max(point[1], area.top), area.bottom)


def _is_nearest(area: Area, point: Place, others: Iterable[Place]) -> bool:
    """Whether nobody can take a name for that of another point."""
    own = distance(area, point) + CLEARLY
    return all(distance(area, other) >= own for other in others)


def _beside(point: Place, width: float, size: float) -> Iterator[Area]:
    """The places next to a point: on either side, below and above."""
    x, y = point
    for left in (x + BESIDE, x - BESIDE - width):
        for top in (y - size / 2, y + 1, y - size - 1):
            yield Area(left, top, left + width, top + size)
    for top in (y - BESIDE - size, y + BESIDE):
        yield Area(x - width / 2, top, x + width / 2, top + size)


def _around(point: Place, radius: float, width: float, size: float) -> Iterator[Area]:
    """The places that begin at a distance from a point, all around it."""
    for i in range(ANGLES):
        across, down = cos(2 * pi * i / ANGLES), sin(2 * pi * i / ANGLES)
        left = point[0] + radius * across - width * (0 if across > 0.3 else 1 if across < -0.3 else 0.5)
        top = point[1] + radius * down - size * (0 if down > 0.3 else 1 if down < -0.3 else 0.5)
        yield Area(left, top, left + width, top + size)


def _joined(area: Area, point: Place) -> Label:
    """A label with the line from the edge of its point to its own."""
    end = _nearest(Area(area.left - 1, area.top, area.right + 1, area.bottom), point)
    away = dist(point, end)
    part = min(1.0, OBSTACLE / away) if away else 0.0
    return Label(area, ((point[0] + part * (end[0] - point[0]), point[1] + part * (end[1] - point[1])), end))


def _pieces(start: Place, end: Place) -> Iterator[Place]:
    """Points along a line, none further from the next than a letter is wide."""
    count = max(1, ceil(hypot(end[0] - start[0], end[1] - start[1]) / OBSTACLE))
    for i in range(count + 1):
        yield start[0] + (end[0] - start[0]) * i / count, start[1] + (end[1] - start[1]) * i / count


def crosses(line: Line | None, area: Area) -> bool:
    """Whether a line runs over an area."""
    if line is None:
        return False
    left, top, right, bottom = area
    (x0, y0), (x1, y1) = line
    if max(x0, x1) < left or right < min(x0, x1) or max(y0, y1) < top or bottom < min(y0, y1):
        return False
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    inside = any(left < x < right and top < y < bottom for x, y in line)
    return inside or any(_meet(line, side) for side in pairwise(corners))


def _meet(first: Line, second: Line) -> bool:
    """Whether two lines cross."""
    (a, b), (c, d) = first, second
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Place, b: Place, c: Place) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
