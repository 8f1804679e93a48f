"""A picture too wide for a page, cut into strips below each other, as text is into lines.

Cuts lie between columns, where nothing but the lines of arrows runs on: each ends at the right of its strip and begins
again at the same height at the left of the next, with the name of its source.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import ceil, inf
from typing import NamedTuple

from spinec.visualize.diagram.picture import Area, Arrow, Box, Picture, Point, Text
from spinec.visualize.style.typeface import shortened, text_width

WIDEST = 3000.0
"""Above this width a picture is cut unless one asks for a single strip."""
STRIP = 2400.0
"""How wide strips are, about."""
GAP = 26.0
NAME = 6.5
ROOM, WIDEST_NAME = 26.0, 110.0
"""To the left of a strip: the room that there is for names of lines, and the most that is made."""


def cut(picture: Picture, columns: Sequence[float], top: float, bottom: float, margin: float, strip: float) -> Picture:
    """The picture in strips; columns begin where they may be cut, and what is above `top` stays there."""
    length = picture.width - columns[0]
    count = ceil(length / strip)
    ideal = (columns[0] + length * i / count for i in range(1, count))
    lefts = sorted({columns[0], *(_nearest(columns, x) for x in ideal)})
    if len(lefts) == 1:
        return picture
    edges = _Edges([*lefts, picture.width - margin])
    lines = [_Line(arrow, edges.split(arrow.trunk), edges.split(arrow.leg)) for arrow in picture.arrows]
    bands = [_used(picture.bands, lowest) for lowest in edges.lowest(picture.boxes, lines)]
    heights = [max((band.bottom for band in used), default=bottom) - top + GAP for used in bands]
    strips = _Strips(edges, list(accumulate(heights[:-1], initial=0.0)), edges[0] + _more_room(lines))
    return strips.picture(picture, lines, bands, top, margin)


def _nearest(columns: Sequence[float], x: float) -> float:
    right = bisect_right(columns, x)
    return min(columns[right - 1 : right + 1], key=lambda column: abs(column - x))


def _used(bands: Sequence[Area], lowest: float) -> tuple[Area, ...]:
    """The bands of a strip: those below its last block are left out."""
    return tuple(band for band in bands if band.top < lowest)


def _more_room(lines: Iterable[_Line]) -> float:
    """How much further to the right strips begin, so that the names of all lines that run on are told apart."""
    sources = {line.arrow.source for line in lines if len({each.strip for each in (*line.trunk, *line.leg)}) > 1}
    return max([0.0, *(text_width(_short(source), NAME) - ROOM for source in sources)])


def _short(name: str) -> str:
    return shortened(name, NAME, WIDEST_NAME)


class _Stretch(NamedTuple):
    """The part of a line that is in one strip."""

    strip: int
    points: Sequence[Point]


class _Line(NamedTuple):
    """An arrow, and the stretches of its trunk and of its leg."""

    arrow: Arrow
    trunk: list[_Stretch]
    leg: list[_Stretch]


class _Edges(list[float]):
    """Where strips begin, and where the last one ends."""

    def strip_of(self, x: float) -> int:
        """The strip that an x is in."""
        return min(len(self) - 2, max(0, bisect_right(self, x) - 1))

    def lowest(self, boxes: Iterable[Box], lines: Iterable[_Line]) -> list[float]:
        """The lowest y of what is in each strip."""
        found = [-inf] * (len(self) - 1)
        for box in boxes:
            strip = self.strip_of(box.area.left)
            found[strip] = max(found[strip], box.extent.bottom)
        for line in lines:
            for strip, points in (*line.trunk, *line.leg):
                found[strip] = max(found[strip], max([y for _, y in points]))
        return found

    def split(self, points: Sequence[Point]) -> list[_Stretch]:
        """The stretches of a line, but for those of no length."""
        if len(points) < 2:
            return []
        strip, least, most = self.strip_of(points[0][0]), min(points), max(points)
        if self[strip] <= least[0] and most[0] < self[strip + 1]:
            return [_Stretch(strip, points)] if least != most else []
        stretch, found = [points[0]], []
        for (_, y), point in pairwise(points):
            aim = self.strip_of(point[0])
            while strip != aim:
                step = 1 if aim > strip else -1
                corner = self[strip + (step > 0)], y
                found.append(_Stretch(strip, [*stretch, corner]))
                strip, stretch = strip + step, [corner]
            stretch.append(point)
        found.append(_Stretch(strip, stretch))
        return [each for each in found if any(point != each.points[0] for point in each.points)]


class _Strips:
    """The edges of strips, how far down each strip is moved, and where all of them begin."""

    def __init__(self, edges: _Edges, offsets: Sequence[float], left: float) -> None:
        self.edges, self.offsets, self.left = edges, offsets, left

    def picture(
        self, picture: Picture, lines: Iterable[_Line], bands: Sequence[Sequence[Area]], top: float, margin: float
    ) -> Picture:
        """The picture, everything at its new place."""
        arrows = tuple(piece for line in lines for piece in self.pieces(line))
        fixed = [text for text in picture.texts if text.y < top]
        repeated = [text for text in picture.texts if text.y >= top and text.x < self.edges[0]]
        moved = [self.text(text, self.edges.strip_of(text.x)) for text in picture.texts if text.x >= self.edges[0]]
        levels = [
            text._replace(y=text.y + offset)
            for offset, used in zip(self.offsets, bands, strict=True)
            for text in repeated
            if text.y < used[-1].bottom
        ]
        ends = [after - before + self.left for before, after in pairwise(self.edges)]
        return replace(
            picture,
            width=max(*ends, *(text.area.right for text in fixed)) + margin,
            height=self.offsets[-1] + bands[-1][-1].bottom,
            bands=tuple(
                Area(band.left, band.top + offset, end + margin / 2, band.bottom + offset)
                for offset, end, used in zip(self.offsets, ends, bands, strict=True)
                for band in used
            ),
            boxes=tuple(self.box(box) for box in picture.boxes),
            arrows=arrows,
            texts=(*fixed, *levels, *moved, *self.names(arrows)),
            panel=picture.panel and self.area(picture.panel, self.edges.strip_of(picture.panel.left)),
        )

    def point(self, point: Point, strip: int) -> Point:
        return point[0] - self.edges[strip] + self.left, point[1] + self.offsets[strip]

    def area(self, area: Area, strip: int) -> Area:
        return Area(*self.point((area.left, area.top), strip), *self.point((area.right, area.bottom), strip))

    def text(self, text: Text, strip: int) -> Text:
        x, y = self.point((text.x, text.y), strip)
        return Text(x, y, text.text, text.size, text.role, text.anchor)

    def box(self, box: Box) -> Box:
        strip = self.edges.strip_of(box.area.left)
        return box._replace(area=self.area(box.area, strip), texts=tuple(self.text(text, strip) for text in box.texts))

    def pieces(self, line: _Line) -> Iterator[Arrow]:
        """The arrow, cut where it runs from strip to strip; its head and its label are on the last piece."""
        arrow, trunk, leg = line
        last = leg[-1]
        begin = len(leg) == 1 and bool(trunk) and trunk[-1].strip == last.strip  # where the trunk ends, in one piece
        for each in (*trunk[: len(trunk) - begin], *leg[:-1]):
            yield arrow._replace(trunk=self.points(each), leg=(), texts=())
        texts = tuple(self.text(text, last.strip) for text in arrow.texts)
        yield arrow._replace(trunk=self.points(trunk[-1]) if begin else (), leg=self.points(last), texts=texts)

    def points(self, stretch: _Stretch) -> tuple[Point, ...]:
        edge, first, down = self.edges[stretch.strip], self.left, self.offsets[stretch.strip]
        return tuple((x - edge + first, y + down) for x, y in stretch.points)

    def names(self, arrows: Sequence[Arrow]) -> Iterator[Text]:
        """What the lines are called that begin at the left of a strip."""
        begins = {(arrow.points[0], arrow.source) for arrow in arrows if arrow.points[0][0] == self.left}
        for (x, y), source in sorted(begins):
            yield Text(x - 3, y + NAME / 3, _short(source), NAME, "muted", "end")
