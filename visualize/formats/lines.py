"""A line through points whose corners are rounded, as the pieces that drawing libraries know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from spinec.visualize.diagram.picture import Point

CORNER = 6.0


class Piece(NamedTuple):
    """Move to a point, a line to a point, or a quadratic curve by way of a corner to a point."""

    kind: Literal["move", "line", "curve"]
    point: Point
    corner: Point = (0.0, 0.0)


def rounded(points: Sequence[Point], corner: float = CORNER) -> Iterator[Piece]:
    """The pieces of a line that runs along the axes.

    >>> [piece.kind for piece in rounded([(0, 0), (40, 0), (40, 40)])]
    ['move', 'line', 'curve', 'line']
    """
    yield Piece("move", points[0])
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(corner, _distance(before, at) / 2, _distance(at, after) / 2)
        if radius:
            yield Piece("line", _towards(at, before, radius))
            yield Piece("curve", _towards(at, after, radius), at)
    yield Piece("line", points[-1])


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(start: Point, goal: Point, length: float) -> Point:
    part = length / _distance(start, goal)
    return start[0] + (goal[0] - start[0]) * part, start[1] + (goal[1] - start[1]) * part
