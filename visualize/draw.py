"""Programs -> pictures: what is drawn, in which colours, and into which kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias

from spinec.compiler.cost.report import Report, cost
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.collection import paused_collection
from spinec.spec.conventions import Convention
from spinec.spec.errors import did_you_mean
from spinec.spec.files import write_whole
from spinec.spec.model import ModelSpec
from spinec.visualize.diagram.fold import fold as fold_chains
from spinec.visualize.diagram.heat import COLORS, Color, heat_of, heat_of_values
from spinec.visualize.diagram.layout import Look, arrange
from spinec.visualize.diagram.matching import settings
from spinec.visualize.diagram.network import Network, network_of
from spinec.visualize.diagram.picture import Picture
from spinec.visualize.formats.svg import fitting, write_svg
from spinec.visualize.formats.unknown import no_form, unknown_form
from spinec.visualize.style.palette import Theme
from spinec.visualize.style.quantity import quantity

CELL = 1100.0
"""How wide a strip is, about, that can be read in a cell of a notebook."""
Drawable: TypeAlias = ModelSpec | Program | Report


@dataclass(frozen=True)
class Drawing:
    """A network laid out: SVG text, or a file of any format; notebooks show it by themselves."""

    network: Network
    look: Look
    theme: Theme = "auto"
    report: Report | None = None
    """What it is a drawing of, where that is one network."""

    @cached_property
    def picture(self) -> Picture:
        """Boxes, arrows and text at their places."""
        return arrange(self.network, self.look)

    def picture_of(self, width: float) -> Picture:
        """The picture for a place of about a width: in strips of it, unless one asked for a single one."""
        return arrange(self.network, replace(self.look, strip=width, widest=1.25 * width))

    @property
    def svg(self) -> str:
        """The drawing as SVG text."""
        with paused_collection():
            return write_svg(self.picture, self.theme)

    def save(self, path: str | Path) -> None:
        """Write the drawing whole, in the format that the file's suffix names: svg, png, pdf, tex or mmd.

        The same drawing gives the same bytes in every run.

        Raises:
            SpecError: when there is no such format.
            OSError: when the file cannot be written.
        """
        write_whole(Path(path), writer_of(Path(path))(self))

    def _repr_svg_(self) -> str:
        """The drawing for a notebook: in strips as wide as a cell, and never cut off by its edge."""
        with paused_collection():
            return fitting(write_svg(self.picture_of(CELL), self.theme))

    def __repr__(self) -> str:
        return f"<Drawing of {self.network.name}: {len(self.network.blocks)} blocks, {len(self.network.edges)} arrows>"


@paused_collection()
def draw(
    what: Drawable,
    color: Color = "kind",
    *,
    convention: Convention = "conv",
    theme: Theme = "auto",
    labels: bool = True,
    fold: bool = False,
    unfold: bool = False,
    values: Mapping[str, float] | None = None,
    wrap: bool | None = None,
) -> Drawing:
    """Draw a network: blocks in the order of execution along x, at their level along y.

    `color` paints by kind or as a heat map by share of cost; `values` are your own, such as milliseconds by block, and
    are painted instead. `labels` says on arrows how features are resampled, `fold` shows chains of equal blocks as one
    box, `unfold` every repeat of a block as a box of its own. `wrap` cuts a picture into strips, one below the other as
    lines of text are; where nothing is said, one that is wider than 3000 units.

    Raises:
        ValueError: when there is nothing of that name to colour by, `values` name no block, or both `fold` and `unfold`
            are asked for.

    >>> from spinec import load
    >>> drawing = draw(load("eff-spinenet-d0"), "macs")
    >>> drawing.svg.startswith("<svg ")
    True
    """
    if color not in COLORS:
        raise ValueError(f"cannot colour by {color!r}; {did_you_mean(color, COLORS)}")
    if fold and unfold:
        raise ValueError("expected fold or unfold: one shows repeats as one box, the other as many")
    report = report_of(what)
    network = network_of(report, unfold=unfold)
    if fold:
        spec = report.program.spec
        network = fold_chains(network, {name: settings(block) for name, block in spec.blocks.items()})
    height, width = report.program.size
    macs, params = quantity(report.macs(convention)), quantity(report.params)
    about = f"{height} × {width} pixels, {macs} multiply-adds, {params} parameters, convention '{convention}'"
    look = Look(labels, subtitle=about, wrap=wrap)
    heat = heat_of(network, color, convention) if color != "kind" else None
    heat = heat if values is None else heat_of_values(network, values)
    if heat:
        look = replace(look, heat=heat.parts, notes=heat.notes, scale=heat.scale)
        return Drawing(network, look, theme, report)
    if network.head_cost:
        share = 100 * network.head_cost.flops(convention) / max(1, report.flops(convention))
        look = replace(look, notes={network.head: f"{share:.1f} % of multiply-adds"})
    return Drawing(network, look, theme, report)


def report_of(what: Drawable) -> Report:
    """What a drawable costs."""
    if isinstance(what, Report):
        return what
    return cost(what if isinstance(what, Program) else lower(what))


def _svg(drawing: Drawing) -> str:
    return drawing.svg


def _mermaid(drawing: Drawing) -> str:
    from spinec.visualize.formats.mermaid import write_mermaid

    return write_mermaid(drawing.network)


def _tikz(drawing: Drawing) -> str:
    from spinec.visualize.formats.tikz import write_tikz

    return write_tikz(drawing.picture, drawing.theme)


def _raster(form: str, drawing: Drawing) -> bytes:
    from spinec.visualize.formats.raster import write_raster

    return write_raster(drawing.picture, form, drawing.theme)


def _page(drawing: Drawing) -> str:
    from spinec.visualize.page.section import STAGE, write_page

    if drawing.report is None:
        raise no_form("no page is written of a comparison", "'spinec report A B' does that")
    if drawing.look.heat is not None:
        raise no_form("on a page its reader chooses what colours mean", "leave out color and values")
    return write_page(drawing.report, drawing.network, drawing.picture_of(STAGE), drawing.theme)


FORMATS: dict[str, Callable[[Drawing], str | bytes]] = {
    ".svg": _svg,
    ".png": partial(_raster, "png"),
    ".pdf": partial(_raster, "pdf"),
    ".tex": _tikz,
    ".mmd": _mermaid,
    ".html": _page,
}


def writer_of(path: Path) -> Callable[[Drawing], str | bytes]:
    """What writes a drawing into a file of this name."""
    if path.suffix not in FORMATS:
        raise unknown_form(path, "picture", FORMATS)
    return FORMATS[path.suffix]
