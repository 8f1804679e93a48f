"""The colours of a picture's marks under a theme, for writers that have no style sheet."""

from __future__ import annotations

from typing import NamedTuple

from spinec.visualize.diagram.network import IMAGE, OUTPUT, PLAIN
from spinec.visualize.diagram.picture import Arrow, Box, Text
from spinec.visualize.style.palette import DARK, LIGHT, Colours, Theme, heat_fill, kind_colours, text_on


class Paint(NamedTuple):
    """How a box is painted."""

    fill: str
    outline: str
    width: float
    dashed: bool
    ink: str | None
    """The colour of its texts, where the fill asks for one."""


def colours_of(theme: Theme) -> Colours:
    """The colours of a theme; light ones for 'auto', which a file without a style sheet cannot follow."""
    return DARK if theme == "dark" else LIGHT


def paint_box(box: Box, colours: Colours) -> Paint:
    """The paint of a box."""
    ink = None
    if box.heat is not None:
        fill, outline = heat_fill(box.heat), colours.line
        ink = text_on(fill)
    elif box.kind == OUTPUT:
        fill, outline = colours.paper, colours.output
    elif box.kind in (IMAGE, PLAIN):
        fill, outline = colours.paper, colours.line
    else:
        fill, outline = kind_colours(colours, box.kind)
    width = 1.4
    if box.is_output:
        outline, width = colours.output, 2.6
    if box.status != "same":
        fill, outline, width = colours.status_fill(box.status), getattr(colours, box.status), 2.4
    return Paint(fill, outline, width, box.status == "removed", ink)


def paint_arrow(arrow: Arrow, colours: Colours) -> str:
    """The colour of an arrow's leg and head."""
    return str(getattr(colours, arrow.status)) if arrow.status != "same" else colours.direction(arrow.direction)


def paint_text(text: Text, colours: Colours) -> str:
    """The colour of a line of text."""
    if text.role in ("level", "same"):
        return colours.muted
    return str(getattr(colours, text.role, colours.ink))
