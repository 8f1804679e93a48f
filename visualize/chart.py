"""A chart: a table, what is drawn of it, and every form that it is written in."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from spinec.spec.files import write_whole
from spinec.visualize.figure.panels import Panel
from spinec.visualize.figure.sheet import POINT, Sheet, arrange
from spinec.visualize.formats.matplotlib_axes import paint
from spinec.visualize.formats.pgfplots import write_pgfplots
from spinec.visualize.formats.raster import METADATA, require_matplotlib
from spinec.visualize.formats.svg import fitting
from spinec.visualize.formats.unknown import unknown_form
from spinec.visualize.style.palette import DARK, LIGHT, Theme
from spinec.visualize.table.table import Table

Width = Literal["column", "page"]
WIDTHS: dict[Width, float] = {"column": 3.5, "page": 7.0}
"""Inches: of a column and of a page in most proceedings."""
INK, PAPER, FAINT = "#010203", "#fdfcfb", "#7f8081"  # stand for the theme's colours until the file is written
DATA = {".csv": "csv", ".json": "json", ".md": "markdown"}
PICTURES = (".svg", ".png", ".pdf", ".tex")


@dataclass(frozen=True)
class Chart:
    """What is drawn, and the numbers it is drawn from; notebooks show it by themselves."""

    table: Table
    panels: tuple[Panel, ...]
    """What is drawn of the table, and nothing else."""
    height: float = 3.0
    """Inches at the width of a page, legends aside."""

    @property
    def title(self) -> str:
        """What the chart shows."""
        return self.table.title

    def svg(self, theme: Theme | None = "auto", width: Width = "page") -> str:
        """The chart as SVG text; with the theme 'auto' it follows the reader's preference, without one its page."""
        text = self._render("svg", width).decode()
        text = text[text.index("<svg") :]
        text = re.sub(r' id="(figure|axes|patch|text|line2d|xtick|ytick|matplotlib|Path|legend)[^"]*"', "", text)
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        label = f'<svg class="spinec-chart" role="img" aria-label="{escape(self.title)}"'
        head = f"<title>{escape(self.title)}</title>\n" + (f"<style>{_style(theme)}</style>\n" if theme else "")
        opening, rest = text.removeprefix("<svg").split(">", 1)
        for mark, name in ((INK, "ink"), (PAPER, "paper"), (FAINT, "faint")):
            rest = rest.replace(mark, f"var(--{name})")
        return f"{label}{opening}>\n{head}{rest.lstrip()}"

    def save(self, path: str | Path, theme: Theme = "auto", width: Width = "page") -> None:
        """Write the chart whole (svg, png, pdf, tex), or the table behind it (csv, json, md), as the suffix says.

        Raises:
            SpecError: when there is no such format.
            OSError: when the file cannot be written.
        """
        write_whole(Path(path), chart_writer(Path(path))(self, theme, width))

    def _repr_svg_(self) -> str:
        return fitting(self.svg())

    def __repr__(self) -> str:
        return f"<Chart {self.title}>"

    def tex(self, theme: Theme = "light", width: Width = "page") -> str:
        r"""The chart as PGFPlots source, to be `\input` into a paper; its first lines say what the preamble needs."""
        return write_pgfplots(self.sheet(width), self.title, theme)

    def sheet(self, width: Width = "page") -> Sheet:
        """The chart laid out: what every format shows."""
        return arrange(self.panels, WIDTHS[width], self.height)

    def raster(self, form: str, theme: Theme = "light", width: Width = "page") -> bytes:
        """The chart as PNG or PDF."""
        return self._render(form, width, theme)

    def _render(self, form: str, width: Width, theme: Theme | None = None) -> bytes:
        """The bytes; without a theme, in the stand-ins for its colours."""
        require_matplotlib()
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        colours = DARK if theme == "dark" else LIGHT
        ink, paper, faint = (INK, PAPER, FAINT) if theme is None else (colours.ink, colours.paper, colours.muted)
        sheet = self.sheet(width)
        settings: Any = {**_SETTINGS, **_ink(ink, paper, faint)}
        with rc_context(settings):
            figure = Figure(figsize=(sheet.width / POINT, sheet.height / POINT), facecolor=paper)
            paint(figure, sheet)
            data = io.BytesIO()
            figure.savefig(data, format=form, dpi=200, metadata=METADATA[form], facecolor=paper)
        return data.getvalue()


_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "spinec", "pdf.fonttype": 42, "font.family": "DejaVu Sans",
    "axes.spines.top": False, "axes.spines.right": False, "grid.alpha": 0.35,
    "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "hatch.linewidth": 0.7,
    "text.parse_math": False,
}  # fmt: skip


def _ink(ink: str, paper: str, faint: str) -> dict[str, Any]:
    marks = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
    return {**dict.fromkeys(marks, ink), "grid.color": faint, "axes.facecolor": paper, "hatch.color": paper}


def _style(theme: Theme) -> str:
    def rules(dark: bool) -> str:
        colours = DARK if dark else LIGHT
        return f".spinec-chart{{--ink:{colours.ink};--paper:{colours.paper};--faint:{colours.muted}}}"

    if theme == "auto":
        return f"{rules(False)}@media(prefers-color-scheme:dark){{{rules(True)}}}"
    return rules(theme == "dark")


def chart_writer(path: Path) -> Callable[[Chart, Theme, Width], str | bytes]:
    """What writes a chart, or the data behind it, into a file of this name."""
    if path.suffix in DATA:
        form: Any = DATA[path.suffix]
        return lambda chart, theme, width: chart.table.to_text(form) + "\n"
    if path.suffix in (".svg", ".tex"):
        return Chart.svg if path.suffix == ".svg" else Chart.tex
    if path.suffix in PICTURES:
        return lambda chart, theme, width: chart.raster(path.suffix.removeprefix("."), theme, width)
    raise unknown_form(path, "chart", (*PICTURES, *DATA))
