"""Picture -> TikZ, for a paper: `\\usepackage{tikz}`, then `\\input` it. Nothing else is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spinec.visualize.diagram.picture import CARD, Area, Arrow, Box, Picture, Point, Text
from spinec.visualize.formats.lines import CORNER
from spinec.visualize.formats.paint import colours_of, paint_arrow, paint_box, paint_text
from spinec.visualize.formats.tex import colour, escaped
from spinec.visualize.style.palette import Colours, Theme, heat_fill

RAMP_STEPS = 12
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def write_tikz(picture: Picture, theme: Theme = "light") -> str:
    """The picture as a tikzpicture; set its width by \\resizebox."""
    colours = colours_of(theme)
    lines = [
        f"% {escaped(picture.title)}",
        r"% In the preamble: \usepackage{tikz}. In a column: \resizebox{\columnwidth}{!}{\input{this file}}",
        r"\begin{tikzpicture}[x=1bp,y=-1bp,every node/.style={inner sep=0,outer sep=0}]",
        *_rect(Area(0, 0, picture.width, picture.height), f"fill={colour(colours.paper)}"),
        *(line for band in picture.bands for line in _rect(band, f"fill={colour(colours.band)},rounded corners=4bp")),
    ]
    if picture.panel:
        lines += _rect(picture.panel, f"draw={colour(colours.line)},dashed,rounded corners=8bp")
    lines += _arrows((*picture.arrows, *picture.legend_arrows), colours)
    for box in (*picture.boxes, *picture.legend):
        lines += _box(box, colours)
    lines += [_text(text, paint_text(text, colours)) for text in picture.texts]
    for ramp in picture.ramps:
        left, top, right, bottom = ramp.area
        step = (right - left) / RAMP_STEPS
        for i in range(RAMP_STEPS):
            area = Area(left + i * step, top, left + (i + 1) * step, bottom)
            lines += _rect(area, f"fill={colour(heat_fill((i + 0.5) / RAMP_STEPS))}")
    return "\n".join([*lines, r"\end{tikzpicture}", ""])


def _arrows(arrows: Iterable[Arrow], colours: Colours) -> Iterator[str]:
    for arrow in arrows:
        stroke, corner = colour(paint_arrow(arrow, colours)), f"rounded corners={CORNER:g}bp"
        dash = ",dash pattern=on 5bp off 2bp" if arrow.direction == "up" else ""
        if len(arrow.trunk) > 1:
            yield rf"\draw[draw={colour(colours.line)},line width=1.3bp,{corner}] {_line(arrow.trunk)};"
        if not arrow.leg:
            continue
        tip, one, other = arrow.head
        stop = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
        yield rf"\draw[draw={stroke},line width={arrow.width:.1f}bp,{corner}{dash}] {_line((*arrow.leg[:-1], stop))};"
        yield rf"\fill[fill={stroke}] {_line((tip, one, other))} -- cycle;"
        yield from (_text(text, paint_text(text, colours)) for text in arrow.texts)


def _box(box: Box, colours: Colours) -> Iterator[str]:
    paint, (left, top, right, bottom) = paint_box(box, colours), box.area
    half = (bottom - top) / 2
    corner = {"round": "rounded corners=6bp,", "pill": f"rounded corners={min(half, (right - left) / 2):.1f}bp,"}
    style = f"{corner.get(box.shape, '')}fill={colour(paint.fill)},draw={colour(paint.outline)}"
    style += f",line width={paint.width}bp" + (",dashed" if paint.dashed else "")
    for i in range(box.cards, -1, -1):
        area = Area(*(side + i * CARD for side in box.area))
        yield from _cut(area, style) if box.shape == "cut" else _rect(area, style)
    yield from (_text(text, paint.ink or paint_text(text, colours)) for text in box.texts)


def _cut(area: Area, style: str) -> Iterator[str]:
    left, top, right, bottom = area
    cut = min(8.0, (bottom - top) / 3)
    corners = (
        (left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut),
        (right - cut, bottom), (left + cut, bottom), (left, bottom - cut), (left, top + cut),
    )  # fmt: skip
    yield rf"\path[{style}] {_line(corners)} -- cycle;"


def _rect(area: Area, style: str) -> Iterator[str]:
    yield rf"\path[{style}] ({area.left:.1f},{area.top:.1f}) rectangle ({area.right:.1f},{area.bottom:.1f});"


def _text(text: Text, ink: str) -> str:
    font = r"\sffamily" + (r"\bfseries" if text.bold else "")
    style = f"anchor={_ANCHORS[text.anchor]},scale={text.size / 10:.2f},text={colour(ink)},font={font}"
    return rf"\node[{style}] at ({text.x:.1f},{text.y:.1f}) {{{escaped(text.text)}}};"


def _line(points: Iterable[Point]) -> str:
    return " -- ".join(f"({x:.1f},{y:.1f})" for x, y in points)
