"""Programs -> one self-contained HTML page: diagrams to point at, sortable tables, charts, and the source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.compiler.conventions import CONVENTIONS
from spinec.compiler.cost import Count, Report, Row
from spinec.spec.dump import dump
from spinec.visualize.chart import Chart
from spinec.visualize.charts import breakdown, distribution
from spinec.visualize.compare import diff, flat, show
from spinec.visualize.draw import COLORS, Drawing, draw, heat_of
from spinec.visualize.network import Edge, Network, Node
from spinec.visualize.page import (
    DifferenceView,
    PageView,
    SectionView,
    SourceView,
    TableView,
    table_view,
)
from spinec.visualize.palette import Theme, heat_fill, text_on
from spinec.visualize.quantity import quantity
from spinec.visualize.svg import write_svg
from spinec.visualize.table import Cell, Table
from spinec.visualize.tables import cost_table

if TYPE_CHECKING:
    from markupsafe import Markup

STAGE, PAGE = 1200.0, 1700.0
"""How wide strips of diagrams are, about: beside the card, and alone."""
MACS = tuple(f"multiply-adds, {name}" for name in CONVENTIONS)


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
        _more(_section(f"spec-{i}", draw(report), report), report, given.get(report.program.name, ()), charts)
        for i, report in enumerate(reports, 1)
    ]
    page = PageView(
        ", ".join(report.program.name for report in reports),
        theme,
        sections,
        table_view(_summary(reports)) if len(reports) > 1 else None,
        _charts([distribution(reports)]) if charts else [],
        _difference(*reports) if len(reports) == 2 else None,
    )
    return page.render()


def write_page(drawing: Drawing, report: Report) -> str:
    """The page of one drawing: the diagram to point at, and what its blocks cost."""
    return PageView(report.program.name, drawing.theme, [_section("spec-1", drawing, report)]).render()


def _section(id_: str, drawing: Drawing, report: Report) -> SectionView:
    """The diagram and the table of its blocks."""
    program = report.program
    height, width = program.size
    about = (
        f"{len(program.spec.blocks)} blocks at {height} × {width} pixels: {quantity(report.macs())} multiply-adds,"
        f" {quantity(report.params)} parameters, at most {quantity(report.peak_bytes)} bytes of activations at once"
    )
    return SectionView(
        id_,
        program.name,
        ". ".join(filter(None, (about, program.spec.source))),
        list(COLORS.items()),
        list(CONVENTIONS),
        _svg(drawing),
        _json(_data(report, drawing.network)),
        _block_view(report),
    )


def _more(section: SectionView, report: Report, sources: Iterable[Source], charts: bool) -> SectionView:
    """The section with tables of all else that costs are shared by, charts, and the spec's text before other texts."""
    by: tuple[Any, ...] = ("level", "part", "category")
    shown = (Source("the spec", "yaml", dump(report.program.spec)), *sources)
    return replace(
        section,
        tables=[table_view(replace(cost_table(report, each, "conv"), title=f"by {each}")) for each in by],
        charts=_charts([breakdown(report, "level"), breakdown(report, "category")]) if charts else [],
        sources=[SourceView(source.title, _highlighted(source)) for source in shown],
    )


def _difference(before: Report, after: Report) -> DifferenceView:
    difference = diff(before, after)
    from markupsafe import Markup

    diagram = Markup(write_svg(difference.draw().picture_of(PAGE), None))  # the writer escapes
    return DifferenceView(difference.summary, diagram, table_view(difference.table))


def _svg(drawing: Drawing) -> Markup:
    from markupsafe import Markup

    return Markup(write_svg(drawing.picture_of(STAGE), None, interactive=True))


def _charts(charts: Iterable[Chart]) -> list[Markup]:
    from markupsafe import Markup

    return [Markup(chart.svg(None)) for chart in charts]


def _json(data: Any) -> Markup:
    """Data that a script element may hold: no text in it can end the element."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)


def _highlighted(source: Source) -> Markup:
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


def _block_view(report: Report) -> TableView:
    """Every block and what it costs in every convention."""
    spec, costs = report.program.spec, report.by("block")
    rows: list[list[Cell]] = []
    for name, count in costs.items():
        block = spec.blocks.get(name)
        what: list[Cell] = [block.kind, block.level, block.dim, block.repeats] if block else ["", None, None, None]
        inputs = ", ".join(given.block for given in block.inputs) if block else ""
        rows.append([name, *what, inputs, *_figures(count, report)])
    columns = ["block", "kind", "level", "dim", "repeats", "inputs"]
    counted = [f"{what}, {name}" for name in CONVENTIONS for what in ("multiply-adds", "% of multiply-adds")]
    total: list[Cell] = ["total", "", None, None, None, "", *_figures(report, report)]
    table = Table("by block", [*columns, *counted, "parameters", "activation bytes"], rows, total)
    return table_view(table, list(CONVENTIONS))


def _figures(count: Count, report: Report) -> list[Cell]:
    counted: list[Cell] = []
    for name in CONVENTIONS:
        whole = report.flops(name)
        counted += [count.macs(name), round(100 * count.flops(name) / whole, 1) if whole else 0.0]
    return [*counted, count.params, count.activation_bytes]


def _metrics(network: Network) -> dict[str, Any]:
    """What every colouring paints: fill, ink and text of every box."""
    found: dict[str, Any] = {}
    for color in COLORS:
        heat = heat_of(network, color, "conv") if color != "kind" else None
        if heat is None:
            found[color] = None
            continue
        fills = {name: heat_fill(part) for name, part in heat.parts.items()}
        values = {name: [fill, text_on(fill), heat.notes[name]] for name, fill in fills.items()}
        found[color] = {"scale": f"{heat.scale[1]} to {heat.scale[2]}", "values": values}
    return found


def _data(report: Report, network: Network) -> dict[str, Any]:
    """What the page's script knows beside the diagram; names that occur often are told once, in lists."""
    places: dict[str, int] = {}
    nodes = _nodes(report, network, places)
    costs = [MACS[0], "share", "parameters", "activation bytes", *MACS[1:]]
    return {"nodes": nodes, "names": list(places), "costs": costs, "metrics": _metrics(network)}


def _nodes(report: Report, network: Network, places: dict[str, int]) -> dict[str, Any]:
    """What the card says of every box."""
    ops: dict[str, list[Row]] = {}
    for row in report.rows:
        ops.setdefault(row.path.partition(".")[0], []).append(row)
    reads: dict[str, list[Edge]] = {}
    for edge in network.edges:
        reads.setdefault(edge.target, []).append(edge)
    return {
        node.name: {
            "fields": _fields(report, node),
            "cost": _costs(node.cost, report) if node.cost else [],
            "inputs": [[edge.source, _done(edge)] for edge in reads.get(node.name, ())],
            "ops": [_op(report, row, places) for row in ops.get(node.name, ())],
        }
        for node in (*network.nodes, *network.outputs)
    }


def _done(edge: Edge) -> str:
    return ", ".join(step.short for step in edge.steps) or "as it is"


def _fields(report: Report, node: Node) -> list[list[str]]:
    shape = [["shape", " × ".join(map(str, node.shape))], ["level", f"{node.level}, stride {2**node.level}"]]
    if not node.block:
        return shape
    block = report.program.spec.blocks[node.block]
    height, width = report.receptive_fields[node.block]
    own = flat(block.model_dump(exclude={"inputs", "level"}, exclude_none=True))
    seen = ["sees", f"{height} × {width} pixels"]
    return [*shape, seen, *([name.replace("_", " "), show(value)] for name, value in own.items())]


def _costs(count: Count, report: Report) -> list[str]:
    macs = [f"{count.macs(name):,}" for name in CONVENTIONS]
    share = 100 * count.flops() / report.flops() if report.flops() else 0.0
    return [macs[0], f"{share:.1f} %", f"{count.params:,}", f"{count.activation_bytes:,}", *macs[1:]]


def _op(report: Report, row: Row, places: dict[str, int]) -> list[Any]:
    path, op = (places.setdefault(text, len(places)) for text in (row.path.partition(".")[2], str(row.op)))
    return [path, op, list(report.program.shape(row.path)), row.halves[0] // 2]
