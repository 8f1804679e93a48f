"""Charts by matplotlib, each with the table behind it: the figures that papers show, from specs and results."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from spinec.compiler.cost import By, Report
from spinec.spec.conventions import Convention
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.fields import figure_value
from spinec.spec.files import write_whole
from spinec.visualize.palette import DARK, LIGHT, SERIES, Theme
from spinec.visualize.raster import METADATA, require_matplotlib
from spinec.visualize.share import shares
from spinec.visualize.tables import Cell, Table
from spinec.visualize.typeface import printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Width = Literal["column", "page"]
WIDTHS: dict[Width, float] = {"column": 3.5, "page": 7.0}
"""Inches: of a column and of a page in most proceedings."""
INK, PAPER, FAINT = "#010203", "#fdfcfb", "#7f8081"  # stand for the theme's colours until the file is written
MARKERS = "osD^vP"
WIDEST_NAME = 180.0
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
DATA = {".csv": "csv", ".json": "json", ".md": "markdown"}
PICTURES = (".svg", ".png", ".pdf")


class Point(NamedTuple):
    """A network in a chart of cost against score; points of one family are joined, of one panel compared."""

    family: str
    name: str
    cost: float
    score: float
    panel: str = ""


@dataclass(frozen=True)
class Chart:
    """What is drawn, and the numbers it is drawn from; notebooks show it by themselves."""

    table: Table
    paint: Callable[[Figure], None]
    height: float = 3.0
    """Inches, at the width of a page."""

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
        """Write the chart whole (svg, png, pdf), or the table behind it (csv, json, md), as the suffix says.

        Raises:
            SpecError: when there is no such format.
            OSError: when the file cannot be written.
        """
        write_whole(Path(path), chart_writer(Path(path))(self, theme, width))

    def _repr_svg_(self) -> str:
        return self.svg()

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
        inches = WIDTHS[width]
        settings: Any = {**_SETTINGS, **_ink(ink, paper, faint), "font.size": 7 if width == "column" else 8.5}
        with rc_context(settings):
            figure = Figure(figsize=(inches, self.height * (inches / 7) ** 0.6), layout="constrained", facecolor=paper)
            self.paint(figure)
            data = io.BytesIO()
            figure.savefig(data, format=form, dpi=200, metadata=METADATA[form], facecolor=paper)
        return data.getvalue()


_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "spinec", "pdf.fonttype": 42, "font.family": "DejaVu Sans",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.grid.axis": "y", "grid.alpha": 0.35,
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
    if path.suffix == ".svg":
        return Chart.svg
    if path.suffix in PICTURES:
        return lambda chart, theme, width: chart.raster(path.suffix.removeprefix("."), theme, width)
    hint = partial(did_you_mean, path.suffix or path.name, (*PICTURES, *DATA))
    raise SpecError(
        [
            Fault(
                "SPN-801",
                f"{path.name}: no chart is written as {path.suffix or 'a file without a suffix'!r}",
                None,
                hint,
            )
        ]
    )


def distribution(reports: Sequence[Report], convention: Convention = "conv") -> Chart:
    """Dims and shares of cost of every block, specs side by side (Eff-SpineNet, Figure 3)."""
    rows: list[list[Cell]] = []
    for report in reports:
        spec, costs = report.program.spec, report.by("block")
        share = shares({name: costs[name].flops(convention) for name in spec.blocks})
        rows += [[spec.name, name, block.level, block.dim, share[name]] for name, block in spec.blocks.items()]
    columns = ["spec", "block", "level", "dim", "share of multiply-adds"]
    title = f"Dims and shares of cost: {', '.join(report.program.name for report in reports)}"
    table = Table(title, columns, rows, about={"convention": convention})
    return Chart(table, partial(_paint_distribution, table), 3.9)


def _paint_distribution(table: Table, figure: Figure) -> None:
    specs = list(dict.fromkeys(str(row[0]) for row in table.rows))
    by_spec = {spec: {str(row[1]): row for row in table.rows if row[0] == spec} for spec in specs}
    blocks = list(dict.fromkeys(str(row[1]) for row in table.rows))
    axes = figure.subplots(2, 1, sharex=True)
    bar = 0.82 / len(specs)
    for place, (panel, column, label) in enumerate(zip(axes, (3, 4), ("dim", "% of multiply-adds"), strict=True)):
        for i, spec in enumerate(specs):
            at = [x + (i - (len(specs) - 1) / 2) * bar for x, block in enumerate(blocks) if block in by_spec[spec]]
            values = [by_spec[spec][block][column] for block in blocks if block in by_spec[spec]]
            panel.bar(at, values, bar, label=spec, color=SERIES[i % 6], hatch=HATCHES[i % 6], zorder=2)
        panel.set_ylabel(label)
        if place == 0:
            panel.legend(loc="upper left", ncols=min(3, len(specs)))
    levels = [next(str(found[block][2]) for found in by_spec.values() if block in found) for block in blocks]
    many = len(blocks) > 40
    axes[1].set_xticks(
        range(len(blocks)),
        levels if many else [f"{level}\n{block}" for level, block in zip(levels, blocks, strict=True)],
    )
    axes[1].set_xlabel("level" if many else "level, block")
    if len(blocks) > 22:
        axes[1].tick_params(axis="x", labelsize=5)


def breakdown(report: Report, by: By = "level", convention: Convention = "conv") -> Chart:
    """Share of multiply-adds and of parameters by level, category or part."""
    costs = report.by(by)
    names = sorted(costs, key=lambda name: (len(name), name)) if by == "level" else list(costs)
    macs = shares({name: costs[name].flops(convention) for name in names})
    params = shares({name: costs[name].params for name in names})
    if by != "level":
        names = sorted(names, key=lambda name: -macs[name])
    rows = [[name, costs[name].macs(convention), macs[name], costs[name].params, params[name]] for name in names]
    columns = [by, "multiply-adds", "% of multiply-adds", "parameters", "% of parameters"]
    table = Table(f"Cost of {report.program.name} by {by}", columns, rows, about={"convention": convention})
    return Chart(table, partial(_paint_breakdown, table), 0.9 + 0.32 * len(rows))


def _paint_breakdown(table: Table, figure: Figure) -> None:
    axes = figure.subplots()
    rows = [row for row in table.rows if row[2] or row[4]]  # what costs nothing is in the table
    names = [str(row[0]) for row in rows]
    for i, (column, label) in enumerate(((2, "multiply-adds"), (4, "parameters"))):
        at = [y + (i - 0.5) * 0.4 for y in range(len(names))]
        values = [float(row[column] or 0) for row in rows]
        bars = axes.barh(at, values, 0.38, label=label, color=SERIES[i], hatch=HATCHES[i])
        axes.bar_label(bars, [f"{value:.1f} %" for value in values], padding=2, fontsize="small")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("% of the model")
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.legend(loc="lower right")


def trade_off(points: Iterable[Point], cost: str = "multiply-adds", score: str = "score") -> Chart:
    """Cost against score, a line per family and a name at every point (Eff-SpineNet, Figures 1, 4 and 7).

    Scores that cannot be compared, since their metric differs, are in panels of their own.
    """
    rows = sorted(_readable(points), key=lambda point: (point.panel, point.family, point.cost))
    panels = len({point.panel for point in rows})
    table = Table(f"{score} against {cost}", ["family", "name", cost, score, "panel"], rows)
    return Chart(table, partial(_paint_trade_off, table), 0.4 + 3.0 * max(1, panels))


def _paint_trade_off(table: Table, figure: Figure) -> None:
    panels: dict[str, dict[str, list[Any]]] = {}
    for row in table.rows:
        panels.setdefault(str(row[4]), {}).setdefault(str(row[0]), []).append(row)
    grid = figure.subplots(max(1, len(panels)), 1, squeeze=False)
    for (axes,), (panel, families) in zip(grid, panels.items(), strict=False):
        for i, (family, rows) in enumerate(families.items()):
            line = f"{MARKERS[i % 6]}-"
            axes.plot([row[2] for row in rows], [row[3] for row in rows], line, color=SERIES[i % 6], label=family)
        _cost_axis(axes, table.columns[2], [float(row[2] or 0) for rows in families.values() for row in rows])
        axes.set_ylabel(panel or table.columns[3])
        axes.grid(visible=True, axis="both")
        axes.margins(x=0.12, y=0.2)
        if len(families) > 1:
            axes.legend(loc="best", fontsize="x-small")
    figure.draw_without_rendering()  # so that every point has its place, and names can find theirs
    for (axes,), families in zip(grid, panels.values(), strict=False):
        _name_points(axes, [row for rows in families.values() for row in rows])


def _name_points(axes: Axes, rows: Sequence[Any]) -> None:
    """A name beside every point, where it stands on no other."""
    taken = [axes.transData.transform((row[2], row[3])) for row in rows]
    boxes = [(x - 4, y - 4, x + 4, y + 4) for x, y in taken]
    frame = axes.get_window_extent()
    for row in rows:
        for across, up, side in _BESIDE:
            text = axes.annotate(
                str(row[1]), (row[2], row[3]), (across, up), textcoords="offset points", ha=side, fontsize="x-small"
            )
            text.set_in_layout(False)
            box = text.get_window_extent().extents
            apart = all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in boxes)
            if apart and frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1:
                boxes.append((box[0], box[1], box[2], box[3]))
                break
            text.remove()


_BESIDE = [
    (across, up, side)
    for step in range(4)
    for across, up, side in (
        (6, -9 - 9 * step, "left"),
        (6, 4 + 9 * step, "left"),
        (-6, 4 + 9 * step, "right"),
        (-6, -9 - 9 * step, "right"),
    )
]
"""Where a name may stand, in points from its point: nearest first."""


def _readable(points: Iterable[Point]) -> list[Point]:
    """The points with names that a chart has room for."""

    def name(text: str) -> str:
        return shortened(printable(text), 7, WIDEST_NAME)

    return [
        point._replace(family=name(point.family), name=name(point.name), panel=name(point.panel)) for point in points
    ]


def _cost_axis(axes: Axes, label: str, costs: Sequence[float]) -> None:
    from matplotlib.ticker import EngFormatter, NullFormatter

    if costs and min(costs) > 0 and max(costs) > 8 * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(label)


def candidates(
    points: Iterable[Point], centre: float | None = None, cost: str = "multiply-adds", score: str = "score"
) -> Chart:
    """Sampled candidates: cost against score, within a fifth of the centre, a tenth shaded (Eff-SpineNet, Figure 5).

    The centre is the mean cost where none is given.
    """
    rows = [point[:4] for point in _readable(points)]
    middle = centre if centre is not None else sum(row[2] for row in rows) / max(1, len(rows))
    near = sum(abs(row[2] / middle - 1) <= 0.1 + 1e-9 for row in rows) if middle else 0
    about = {"centre": middle, "within 10 %": near, "candidates": len(rows)}
    table = Table(f"{len(rows)} candidates: {score} against {cost}", ["family", "name", cost, score], rows, about=about)
    return Chart(table, partial(_paint_candidates, table), 3.6)


def _paint_candidates(table: Table, figure: Figure) -> None:
    axes, middle = figure.subplots(), float(table.about["centre"])
    axes.axvspan(0.9 * middle, 1.1 * middle, color=SERIES[0], alpha=0.12, linewidth=0)
    axes.axvline(middle, color=SERIES[0], linewidth=1, linestyle="--")
    families: dict[str, list[Any]] = {}
    for row in table.rows:
        families.setdefault(str(row[0]), []).append(row)
    for i, (family, rows) in enumerate(families.items()):
        style: dict[str, Any] = {
            "color": SERIES[i % 6],
            "marker": MARKERS[i % 6],
            "alpha": 0.75,
            "linewidths": 0,
            "label": family,
        }
        axes.scatter([row[2] for row in rows], [row[3] for row in rows], 14, **style)
    _cost_axis(axes, table.columns[2], [])
    if middle:
        axes.set_xlim(0.8 * middle, 1.2 * middle)
    axes.set_ylabel(table.columns[3])
    near, all_ = table.about["within 10 %"], table.about["candidates"]
    axes.set_title(f"{near} of {all_} within 10 % of the centre", fontsize="medium")
    if len(families) > 1:
        axes.legend()


def published_points(reports: Iterable[Report], cost: Literal["macs", "params"] = "macs") -> list[Point]:
    """The published score of every spec that has one, against its published cost; panels by metric and data set."""
    points = []
    for report in reports:
        given = report.program.spec.published
        if not given or given.score is None:
            continue
        figure = given.macs if cost == "macs" else given.params
        if figure is not None:
            panel = f"{given.metric}, {given.dataset}" if given.dataset else given.metric
            name = report.program.name
            family = re.sub(r"\d+", "", name, count=1)
            points.append(Point(family, name, figure_value(figure), given.score, panel))
    return points


def points_of(rows: Iterable[Mapping[str, str]], cost: str, score: str, name: str) -> list[Point]:
    """Points from rows of text, such as a CSV file's: which columns are cost and score, 'family' where there is one.

    Raises:
        SpecError: naming the row and the column that is missing or no number.
    """
    return [
        Point(row.get("family") or "", row.get("name") or "", number_in(row, cost, place), number_in(row, score, place))
        for place, row in ((f"{name}, row {number}", row) for number, row in enumerate(rows, 1))
    ]


def number_in(row: Mapping[str, str], column: str, place: str) -> float:
    """The number in a column of a row; `place` is how errors call the row."""
    if column not in row:
        raise SpecError([Fault("SPN-802", f"{place}: no column {column!r}", None, partial(did_you_mean, column, row))])
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = nan
    if not isfinite(value):
        raise SpecError([Fault("SPN-802", f"{place}: {column} is {row[column]!r}, expected a number")])
    return value
