"""A picture too wide for a page, cut into strips below each other, as text is into lines.

Cuts lie between columns, where nothing but the lines of arrows runs on: each ends at the right of its strip and begins
again at the same height at the left of the next, with the name of its source.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from math import ceil, inf

from spinec.visualize.picture import Area, Arrow, Box, Picture, Point, Text
from spinec.visualize.typeface import shortened

WIDEST = 5400.0
"""Above this width a picture is cut unless one asks for a single strip."""
STRIP = 2400.0
"""How wide strips are, about."""
GAP = 26.0
NAME = 6.5
WIDEST_NAME = 26.0


def cut(picture: Picture, columns: Sequence[float], top: float, bottom: float, margin: float) -> Picture:
    """The picture in strips; columns begin where they may be cut, and what is above `top` stays there."""
    length = picture.width - columns[0]
    count = ceil(length / STRIP)
    ideal = (columns[0] + length * i / count for i in range(1, count))
    lefts = sorted({columns[0], *(min(columns, key=lambda column: abs(column - x)) for x in ideal)})
    if len(lefts) == 1:
        return picture
    edges = [*lefts, picture.width - margin]
    flat = _Strips(edges, [0.0] * len(lefts))
    bands = [_used(picture.bands, lowest) for lowest in flat.lowest(picture)]
    heights = [max((band.bottom for band in used), default=bottom) - top + GAP for used in bands]
    strips = _Strips(edges, list(accumulate(heights[:-1], initial=0.0)))
    return strips.picture(picture, bands, top, margin)


def _used(bands: Sequence[Area], lowest: float) -> tuple[Area, ...]:
    """The bands of a strip: those below its last block are left out."""
    return tuple(band for band in bands if band.top < lowest)


class _Strips:
    """Where strips begin, and where the last one ends; how far down each is moved."""

    def __init__(self, edges: Sequence[float], offsets: Sequence[float]) -> None:
        self.edges, self.offsets = edges, offsets

    def lowest(self, picture: Picture) -> list[float]:
        """The lowest y of what is in each strip."""
        found = [-inf] * len(self.offsets)
        for box in picture.boxes:
            strip = self.index(box.area.left)
            found[strip] = max(found[strip], box.extent.bottom)
        for arrow in picture.arrows:
            for strip, points in chain(self.line(arrow.trunk), self.line(arrow.leg)):
                found[strip] = max(found[strip], *(y for _, y in points))
        return found

    def picture(self, picture: Picture, bands: Sequence[Sequence[Area]], top: float, margin: float) -> Picture:
        """The picture, everything at its new place."""
        arrows = tuple(piece for arrow in picture.arrows for piece in self.pieces(arrow))
        fixed = [text for text in picture.texts if text.y < top]
        repeated = [text for text in picture.texts if text.y >= top and text.x < self.edges[0]]
        moved = [self.text(text, self.index(text.x)) for text in picture.texts if text.x >= self.edges[0]]
        levels = [
            text._replace(y=text.y + offset)
            for offset, used in zip(self.offsets, bands, strict=True)
            for text in repeated
            if text.y < used[-1].bottom
        ]
        ends = [after - before + self.edges[0] for before, after in pairwise(self.edges)]
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
            panel=picture.panel and self.area(picture.panel, self.index(picture.panel.left)),
        )

    def index(self, x: float) -> int:
        """The strip that an x is in."""
        return min(len(self.offsets) - 1, max(0, bisect_right(self.edges, x) - 1))

    def point(self, point: Point, strip: int) -> Point:
        return point[0] - self.edges[strip] + self.edges[0], point[1] + self.offsets[strip]

    def area(self, area: Area, strip: int) -> Area:
        return Area(*self.point((area.left, area.top), strip), *self.point((area.right, area.bottom), strip))

    def text(self, text: Text, strip: int) -> Text:
        x, y = self.point((text.x, text.y), strip)
        return text._replace(x=x, y=y)

    def box(self, box: Box) -> Box:
        strip = self.index(box.area.left)
        return box._replace(area=self.area(box.area, strip), texts=tuple(self.text(text, strip) for text in box.texts))

    def pieces(self, arrow: Arrow) -> Iterator[Arrow]:
        """The arrow, cut where it runs from strip to strip; its head and its label are on the last piece."""
        trunk, leg = list(self.line(arrow.trunk)), list(self.line(arrow.leg))
        strip, last = leg[-1]
        begin = trunk.pop()[1] if trunk and len(leg) == 1 and trunk[-1][0] == strip else ()
        for _, piece in (*trunk, *leg[:-1]):
            yield arrow._replace(trunk=piece, leg=(), texts=())
        yield arrow._replace(trunk=begin, leg=last, texts=tuple(self.text(text, strip) for text in arrow.texts))

    def line(self, points: Sequence[Point]) -> Iterator[tuple[int, tuple[Point, ...]]]:
        """The stretches of a line, and the strips that they are in."""
        if len(points) < 2:
            return
        strip, stretch = self.index(points[0][0]), [points[0]]
        for (_, y), (x, end) in pairwise(points):
            aim = self.index(x)
            while strip != aim:
                step = 1 if aim > strip else -1
                edge = self.edges[strip + (step > 0)]
                yield from self._moved(strip, [*stretch, (edge, y)])
                strip, stretch = strip + step, [(edge, y)]
            stretch.append((x, end))
        yield from self._moved(strip, stretch)

    def _moved(self, strip: int, stretch: Sequence[Point]) -> Iterator[tuple[int, tuple[Point, ...]]]:
        if len(set(stretch)) > 1:
            yield strip, tuple(self.point(point, strip) for point in stretch)

    def names(self, arrows: Sequence[Arrow]) -> Iterator[Text]:
        """What the lines are called that begin at the left of a strip."""
        begins = {(arrow.points[0], arrow.source) for arrow in arrows if arrow.points[0][0] == self.edges[0]}
        for (x, y), source in sorted(begins):
            yield Text(x - 3, y + NAME / 3, shortened(source, NAME, WIDEST_NAME), NAME, "muted", "end")
