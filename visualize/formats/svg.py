"""Picture -> SVG: one text, no fonts, no scripts, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from html import escape

from spinec.spec.kinds.library import look
from spinec.visualize.diagram.network import IMAGE, OUTPUT, PLAIN
from spinec.visualize.diagram.picture import CARD, Area, Arrow, Box, Picture, Point, Ramp, Text
from spinec.visualize.formats.lines import rounded
from spinec.visualize.style.palette import DARK, LIGHT, Colours, Theme, heat_fill, text_on
from spinec.visualize.style.typeface import FAMILY, printable

RAMP_STEPS = 24


def write_svg(picture: Picture, theme: Theme | None = "auto", *, interactive: bool = False) -> str:
    """The picture as an SVG document.

    With the theme 'auto' it follows the reader's preference for light or dark; without one it leaves its style to the
    page that it stands in. `interactive` gives blocks a place in
    the order of the keyboard and names by which a page's script finds them.
    """
    width, height = _number(picture.width), _number(picture.height)
    role = "group" if interactive else "img"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="spinec" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="{role}" aria-label="{_text(picture.title)}">',
        f"<title>{_text(picture.title)}</title>",
        f"<desc>{_text(picture.description)}</desc>",
        *([f"<style>{style(theme)}</style>"] if theme else []),
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *(_rect(band, "band", 4) for band in picture.bands),
        *([_rect(picture.panel, "panel", 10)] if picture.panel else []),
        *_arrows(picture.arrows, interactive),
        *(_box(box, interactive) for box in picture.boxes),
        *(_text_line(text) for text in picture.texts),
        *(_box(box, False) for box in picture.legend),
        *_arrows(picture.legend_arrows, False),
        *(line for ramp in picture.ramps for line in _ramp(ramp)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def fitting(svg: str) -> str:
    """The picture, no wider than what it stands in; browsers cut off what is wider."""
    return svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)


def style(theme: Theme | None) -> str:
    """The rules of a theme; both, each for those who prefer it, for 'auto'; none but what both share without one."""
    kinds = "".join(f".spinec .k{i} .box{{fill:var(--f{i});stroke:var(--s{i})}}" for i in range(len(LIGHT.kinds)))
    common = (
        f"{kinds}.spinec text{{font-family:{FAMILY};fill:var(--ink)}}"
        ".spinec .title,.spinec .name,.spinec text.output{font-weight:600}.spinec .mid{text-anchor:middle}"
        ".spinec .end{text-anchor:end}.spinec .paper{fill:var(--paper)}.spinec .band{fill:var(--band)}"
        ".spinec .panel{fill:none;stroke:var(--line);stroke-dasharray:3 3}"
        ".spinec .muted,.spinec .level{fill:var(--muted)}"
        ".spinec .a path{fill:none;stroke:var(--line);stroke-width:1.3}.spinec .a .h{fill:var(--line);stroke:none}"
        ".spinec .a.up .l{stroke-dasharray:5 2}.spinec .box{stroke-width:1.4}.spinec .ramp{stroke:none}"
        ".spinec .image .box{fill:var(--paper);stroke:var(--line)}.spinec .hot .box{stroke:var(--line)}"
        ".spinec .output .box{fill:var(--paper);stroke:var(--output)}.spinec text.output{fill:var(--output)}"
        ".spinec .plain .box{fill:var(--paper);stroke:var(--line)}.spinec .removed .box{stroke-dasharray:4 3}"
        ".spinec .a.removed .l{stroke-dasharray:4 3}.spinec .out .box{stroke:var(--output);stroke-width:2.6}"
    )
    for name in ("down", "up"):
        common += f".spinec .a.{name} .l{{stroke:var(--{name})}}"
        common += f".spinec .a.{name} .h,.spinec text.{name}{{fill:var(--{name})}}"
    common += ".spinec text.same{fill:var(--muted)}"
    for name in ("added", "removed", "changed"):
        common += (
            f".spinec .{name} .box{{fill:var(--{name}-fill);stroke:var(--{name});stroke-width:2.4}}"
            f".spinec .a.{name} .l{{stroke:var(--{name})}}"
            f".spinec .a.{name} .h,.spinec text.{name}{{fill:var(--{name})}}"
        )
    if theme is None:
        return common
    if theme == "auto":
        dark = f"@media(prefers-color-scheme:dark){{.spinec{{{variables(DARK)}}}}}"
        return f".spinec{{{variables(LIGHT)}}}{dark}{common}"
    return f".spinec{{{variables(LIGHT if theme == 'light' else DARK)}}}{common}"


def variables(colours: Colours) -> str:
    """The colours of a theme as the style sheet names them."""
    names = ("paper", "ink", "muted", "band", "line", "down", "up", "output", "added", "removed", "changed")
    values = [f"--{name}:{getattr(colours, name)}" for name in names]
    values += [f"--{name}-fill:{colours.status_fill(name)}" for name in ("added", "removed", "changed")]
    values += [f"--f{i}:{fill};--s{i}:{stroke}" for i, (fill, stroke) in enumerate(colours.kinds)]
    return ";".join(values)


def _arrows(arrows: Iterable[Arrow], interactive: bool) -> Iterator[str]:
    for arrow in arrows:
        status = "" if arrow.status == "same" else f" {arrow.status}"
        names = f' data-from="{_text(arrow.source)}" data-to="{_text(arrow.target)}"' if interactive else ""
        title = f"<title>{_text(arrow.words)}</title>" if arrow.words else ""
        trunk = f'<path d="{_rounded(arrow.trunk)}"/>' if len(arrow.trunk) > 1 else ""
        leg = _leg(arrow) if arrow.leg else ""
        texts = "".join(_text_line(text) for text in arrow.texts)
        yield f'<g class="a {arrow.direction}{status}"{names}>{title}{trunk}{leg}{texts}</g>'


def _leg(arrow: Arrow) -> str:
    *leg, tip = arrow.leg
    (_, _), (ax, ay), (bx, by) = arrow.head
    stop = ((ax + bx) / 2, (ay + by) / 2)  # the line ends within the head
    line = f'<path class="l" d="{_rounded((*leg, stop))}" style="stroke-width:{_number(arrow.width)}"/>'
    return f'{line}<path class="h" d="M{_point(tip)}L{_point((ax, ay))}L{_point((bx, by))}Z"/>'


def _box(box: Box, interactive: bool) -> str:
    classes = [_paint(box)]
    classes += ["out"] if box.is_output else []
    classes += [box.status] if box.status != "same" else []
    left, top, right, bottom = box.area
    cards = "".join(
        _shape(box, Area(left + i * CARD, top + i * CARD, right + i * CARD, bottom + i * CARD))
        for i in range(box.cards, -1, -1)
    )
    title = f"<title>{_text(box.words)}</title>" if box.words else ""
    names = ""
    if interactive and box.name:
        names = f' data-name="{_text(box.name)}" tabindex="0" role="button" aria-label="{_text(box.words)}"'
    fill = "" if box.heat is None else text_on(heat_fill(box.heat))
    texts = "".join(_text_line(text, fill) for text in box.texts)
    return f'<g class="{" ".join(classes)}"{names}>{title}{cards}{texts}</g>'


def _paint(box: Box) -> str:
    if box.heat is not None:
        return "hot"
    return box.kind if box.kind in (IMAGE, OUTPUT, PLAIN) else f"k{look(box.kind) % len(LIGHT.kinds)}"


def _shape(box: Box, area: Area) -> str:
    fill = f' style="fill:{heat_fill(box.heat)}"' if box.heat is not None else ""
    left, top, right, bottom = area
    if box.shape == "cut":
        cut = min(8.0, (bottom - top) / 3)
        corners = (
            (left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut),
            (right - cut, bottom), (left + cut, bottom), (left, bottom - cut), (left, top + cut),
        )  # fmt: skip
        return f'<path class="box" d="M{"L".join(map(_point, corners))}Z"{fill}/>'
    radius = {"round": 6.0, "square": 0.0}.get(box.shape, (bottom - top) / 2)
    return _rect(area, "box", radius, fill)


def _rect(area: Area, name: str, radius: float, more: str = "") -> str:
    left, top, right, bottom = area
    size = f'width="{_number(right - left)}" height="{_number(bottom - top)}"'
    round_ = f' rx="{_number(min(radius, (right - left) / 2))}"' if radius else ""
    return f'<rect class="{name}" x="{_number(left)}" y="{_number(top)}" {size}{round_}{more}/>'


def _ramp(ramp: Ramp) -> Iterator[str]:
    left, top, right, bottom = ramp.area
    step = (right - left) / RAMP_STEPS
    for i in range(RAMP_STEPS):
        fill = f' style="fill:{heat_fill((i + 0.5) / RAMP_STEPS)}"'
        yield _rect(Area(left + i * step, top, left + (i + 1) * step + 0.3, bottom), "ramp", 0, fill)


def _text_line(text: Text, fill: str = "") -> str:
    anchor = {"start": "", "middle": " mid", "end": " end"}[text.anchor]
    style_ = f"font-size:{_number(text.size)}px" + (f";fill:{fill}" if fill else "")
    return (
        f'<text class="{text.role}{anchor}" x="{_number(text.x)}" y="{_number(text.y)}" style="{style_}">'
        f"{_text(text.text)}</text>"
    )


def _rounded(points: Sequence[Point]) -> str:
    """A line through points, its corners rounded."""
    if len(points) == 2:
        return f"M{_point(points[0])}L{_point(points[1])}"
    parts = []
    for kind, point, corner in rounded(points):
        parts.append(
            f"Q{_point(corner)} {_point(point)}"
            if kind == "curve"
            else f"{'M' if kind == 'move' else 'L'}{_point(point)}"
        )
    return "".join(parts)


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


@lru_cache(maxsize=4096)  # pictures repeat their coordinates
def _number(value: float) -> str:
    return str(whole) if (whole := int(value)) == value else f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Text as it may stand in XML: escaped, and without characters that XML forbids or that turn the line around."""
    return escape(printable(text), quote=True)
