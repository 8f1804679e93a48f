"""Programs -> one self-contained HTML page: diagrams to point at, sortable tables, charts, and the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.compiler.cost.report import Report
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.dump import dump
from spinec.visualize.chart import Chart, Width
from spinec.visualize.charts import breakdown, distribution
from spinec.visualize.difference import diff
from spinec.visualize.draw import draw
from spinec.visualize.formats.svg import write_svg
from spinec.visualize.page.section import STAGE, section_of
from spinec.visualize.page.views import (
    DifferenceView,
    PageView,
    SectionView,
    SourceView,
    table_view,
)
from spinec.visualize.style.palette import Theme
from spinec.visualize.table.costs import cost_table
from spinec.visualize.table.table import Cell, Table

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE = 1700.0
"""How wide strips of a diagram are, about, that has no card beside it."""


class Source(NamedTuple):
    """A text that a report shows: its title, the language that it is highlighted as, the text."""

    title: str
    language: str
    text: str


def write_report(
    reports: Sequence[Report],
    sources: Mapping[str, Sequence[Source]] | None = None,
    *,
    charts: bool = True,
    theme: Theme = "auto",
) -> str:
    """The report on one or several counted programs, as HTML that needs nothing else and asks the network for nothing.

    `sources` are texts to show by the name of the spec, such as its generated source; the spec's own text is always
    there. Charts need matplotlib.

    Raises:
        BackendError: where charts are wanted and matplotlib is not installed.
    """
    if not reports:
        raise ValueError("reports: expected at least one")
    given = sources or {}
    sections = [
        _more(_section(f"spec-{i}", report), report, given.get(report.program.name, ()), charts)
        for i, report in enumerate(reports, 1)
    ]
    page = PageView(
        ", ".join(report.program.name for report in reports),
        theme,
        sections,
        table_view(_summary(reports)) if len(reports) > 1 else None,
        charts_of([distribution(reports)]) if charts else [],
        difference_of(*reports) if len(reports) == 2 else None,
    )
    return page.render()


def _section(id_: str, report: Report) -> SectionView:
    drawing = draw(report)
    return section_of(id_, report, drawing.network, drawing.picture_of(STAGE))


def _more(section: SectionView, report: Report, sources: Iterable[Source], charts: bool) -> SectionView:
    """The section with tables of all else that costs are shared by, charts, and the spec's text before other texts."""
    by: tuple[Any, ...] = ("level", "part", "category")
    shown = (Source("the spec", "yaml", dump(report.program.spec)), *sources)
    return replace(
        section,
        tables=[table_view(replace(cost_table(report, each, "conv"), title=f"by {each}")) for each in by],
        charts=charts_of([breakdown(report, "level"), breakdown(report, "category")]) if charts else [],
        sources=[SourceView(source.title, highlighted(source)) for source in shown],
    )


def difference_of(before: Report, after: Report, *, width: float = PAGE, labels: bool = True) -> DifferenceView:
    """Two specs compared, as a part of a page, about so wide."""
    difference = diff(before, after)
    from markupsafe import Markup

    diagram = Markup(write_svg(difference.draw(labels=labels).picture_of(width), None))  # the writer escapes
    return DifferenceView(difference.summary, diagram, table_view(difference.table))


def charts_of(charts: Iterable[Chart], width: Width = "page") -> list[Markup]:
    """Charts as parts of a page."""
    from markupsafe import Markup

    return [Markup(chart.svg(None, width)) for chart in charts]


def highlighted(source: Source) -> Markup:
    """A text with the marks of its language."""
    from markupsafe import Markup
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    formatter = HtmlFormatter(nowrap=True, classprefix="hl-")
    shown = highlight(source.text, get_lexer_by_name(source.language), formatter)
    return Markup(shown)  # pygments escapes


def _summary(reports: Sequence[Report]) -> Table:
    """The specs side by side: a column each."""

    def row(name: str, values: Iterable[Cell]) -> list[Cell]:
        return [name, *values]

    specs = [report.program.spec for report in reports]
    rows = [
        row("input", (" × ".join(map(str, report.program.size)) for report in reports)),
        row("blocks", (str(len(spec.blocks)) for spec in specs)),
        row("levels", (_levels(report) for report in reports)),
        row("head", (spec.head.kind if spec.head else "none" for spec in specs)),
        *(row(f"multiply-adds, {name}", (f"{report.macs(name):,}" for report in reports)) for name in CONVENTIONS),
        row("parameters", (f"{report.params:,}" for report in reports)),
        row("activation bytes", (f"{report.activation_bytes:,}" for report in reports)),
        row("peak activation bytes", (f"{report.peak_bytes:,}" for report in reports)),
    ]
    return Table("side by side", ["measure", *(spec.name for spec in specs)], rows)


def _levels(report: Report) -> str:
    levels = [block.level for block in report.program.spec.blocks.values()]
    return f"{min(levels)} to {max(levels)}"
