"""Picture -> PNG and PDF, by matplotlib: its wheels bring everything, fonts included, on every system."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from spinec.spec.errors import BackendError
from spinec.visualize.diagram.picture import CARD, Area, Arrow, Box, Picture, Point, Text
from spinec.visualize.formats.lines import rounded
from spinec.visualize.formats.paint import colours_of, paint_arrow, paint_box, paint_text
from spinec.visualize.style.palette import Colours, Theme, heat_fill
from spinec.visualize.style.typeface import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

DOTS = 144  # per inch of a PNG: two for every unit of the picture
MOST_PIXELS = 30_000  # along a side of a PNG, below the limit of 2^16 that matplotlib has
METADATA: dict[str, dict[str, Any]] = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""What would make the bytes of two runs differ is left out."""


def require_matplotlib() -> None:
    """Say how to get matplotlib where it is missing.

    Raises:
        BackendError: where it is not installed.
    """
    try:
        import matplotlib  # noqa: F401  (only figures are used, so whatever shows a notebook's plots is left alone)
    except ImportError:
        raise BackendError("matplotlib is not installed: pip install 'spinec[pictures]'") from None


def write_raster(picture: Picture, form: str, theme: Theme = "light") -> bytes:
    """The picture as PNG or PDF; a PNG has two pixels per unit, fewer where it would be too large.

    Raises:
        BackendError: where matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    colours = colours_of(theme)
    with rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans", "path.simplify": False}):
        figure = Figure(figsize=(picture.width / 72, picture.height / 72), facecolor=colours.paper)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
        axes.axis("off")
        _Painter(axes, colours).picture(picture)
        dots = min(DOTS, 72 * MOST_PIXELS / max(picture.width, picture.height))
        data = io.BytesIO()
        figure.savefig(data, format=form, dpi=dots, metadata=METADATA[form], facecolor=colours.paper)
    return data.getvalue()


class _Painter:
    """Puts marks on axes whose unit is the picture's."""

    def __init__(self, axes: Axes, colours: Colours) -> None:
        self.axes, self.colours, self.order = axes, colours, 0

    def picture(self, picture: Picture) -> None:
        colours = self.colours
        for band in picture.bands:
            self._rect(band, 4, fill=colours.band)
        if picture.panel:
            self._rect(picture.panel, 10, outline=colours.line, dashed=True)
        for arrow in (*picture.arrows, *picture.legend_arrows):
            self._arrow(arrow)
        for box in (*picture.boxes, *picture.legend):
            self._box(box)
        for ramp in picture.ramps:
            left, top, right, bottom = ramp.area
            step = (right - left) / 24
            for i in range(24):
                area = Area(left + i * step, top, left + (i + 1) * step + 0.3, bottom)
                self._rect(area, 0, fill=heat_fill((i + 0.5) / 24))
        for text in picture.texts:
            self._text(text, paint_text(text, colours))

    def _box(self, box: Box) -> None:
        paint = paint_box(box, self.colours)
        for i in range(box.cards, -1, -1):
            area = Area(*(side + i * CARD for side in box.area))
            half = (area.bottom - area.top) / 2
            radius = {"round": 6.0, "square": 0.0, "pill": min(half, (area.right - area.left) / 2)}.get(box.shape, 8.0)
            self._rect(area, radius, paint.fill, paint.outline, paint.width, paint.dashed, box.shape == "cut")
        for text in box.texts:
            self._text(text, paint.ink or paint_text(text, self.colours))

    def _arrow(self, arrow: Arrow) -> None:
        colour = paint_arrow(arrow, self.colours)
        if len(arrow.trunk) > 1:
            self._line(arrow.trunk, self.colours.line, 1.3)
        if not arrow.leg:
            return
        tip, one, other = arrow.head
        stop = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
        self._line((*arrow.leg[:-1], stop), colour, arrow.width, dashed=arrow.direction == "up")
        self._patch(_polygon((tip, one, other)), fill=colour)
        for text in arrow.texts:
            self._text(text, paint_text(text, self.colours))

    def _line(self, points: Iterable[Point], colour: str, width: float, dashed: bool = False) -> None:
        from matplotlib.path import Path

        vertices: list[Point] = []
        codes: list[Any] = []
        for piece in rounded(list(points)):
            if piece.kind == "curve":
                vertices += [piece.corner, piece.point]
                codes += [Path.CURVE3, Path.CURVE3]
            else:
                vertices.append(piece.point)
                codes.append(Path.MOVETO if piece.kind == "move" else Path.LINETO)
        self._patch(Path(vertices, codes), None, colour, width, (0, (5, 2)) if dashed else "-")

    def _rect(
        self,
        area: Area,
        radius: float,
        fill: str | None = None,
        outline: str | None = None,
        width: float = 1.0,
        dashed: bool = False,
        cut: bool = False,
    ) -> None:
        from matplotlib.patches import BoxStyle

        left, top, right, bottom = area
        place = (left, top, right - left, bottom - top)
        if cut:
            size = min(radius, (bottom - top) / 3)
            path = _polygon([
                (left + size, top), (right - size, top), (right, top + size), (right, bottom - size),
                (right - size, bottom), (left + size, bottom), (left, bottom - size), (left, top + size),
            ])  # fmt: skip
        elif radius:
            path = BoxStyle.Round(pad=0, rounding_size=radius)(*place, mutation_size=1)
        else:
            path = _polygon([(left, top), (right, top), (right, bottom), (left, bottom)])
        self._patch(path, fill, outline, width, (0, (4, 3)) if dashed else "-")

    def _patch(
        self, path: Path, fill: str | None = None, outline: str | None = None, width: float = 1.0, dash: Any = "-"
    ) -> None:
        from matplotlib.patches import PathPatch

        self.order += 1
        self.axes.add_patch(
            PathPatch(
                path,
                facecolor=fill or "none",
                edgecolor=outline or "none",
                linewidth=width if outline else 0,
                linestyle=dash,
                capstyle="butt",
                zorder=self.order,
            )
        )

    def _text(self, text: Text, colour: str) -> None:
        self.order += 1
        anchor = {"start": "left", "middle": "center", "end": "right"}[text.anchor]
        weight = "bold" if text.bold else "normal"
        self.axes.text(
            text.x, text.y, printable(text.text), size=text.size, color=colour, ha=anchor, va="baseline", weight=weight,
            zorder=self.order, parse_math=False,
        )  # fmt: skip


def _polygon(points: Iterable[Point]) -> Path:
    from matplotlib.path import Path

    vertices = list(points)
    return Path([*vertices, vertices[0]], closed=True)
