"""A diagram to point at: one spec's section of a page, with what its blocks are and cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spinec.compiler.cost.report import Count, Report, Row
from spinec.spec.conventions import CONVENTIONS
from spinec.visualize.diagram.heat import COLORS, heat_of
from spinec.visualize.diagram.network import Edge, Network, Node
from spinec.visualize.diagram.picture import Picture
from spinec.visualize.formats.svg import write_svg
from spinec.visualize.page.views import PageView, SectionView, TableView, table_view
from spinec.visualize.style.palette import Theme, heat_fill, text_on
from spinec.visualize.style.quantity import quantity
from spinec.visualize.style.values import flat, show
from spinec.visualize.table.table import Cell, Table

if TYPE_CHECKING:
    from markupsafe import Markup

STAGE = 1200.0
"""How wide strips of a diagram are, about, beside the card."""


def write_page(report: Report, network: Network, picture: Picture, theme: Theme) -> str:
    """The page of one picture: the diagram to point at, and what its blocks cost."""
    return PageView(report.program.name, theme, [section_of("spec-1", report, network, picture)]).render()


def section_of(id_: str, report: Report, network: Network, picture: Picture) -> SectionView:
    """The diagram, what its card says, and the table of its blocks."""
    from markupsafe import Markup

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
        Markup(write_svg(picture, None, interactive=True)),
        _json(_data(report, network)),
        _block_view(report),
    )


def _json(data: Any) -> Markup:
    """Data that a script element may hold: no text in it can end the element."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)


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
    first, *further = (f"multiply-adds, {name}" for name in CONVENTIONS)
    costs = [first, "share", "parameters", "activation bytes", *further]
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
    return [path, op, list(report.program.shape(row.path)), row.flops() // 2]
