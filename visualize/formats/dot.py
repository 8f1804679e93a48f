"""Program -> DOT: the graph of ops with a cluster for every block and sub-graph, down to a depth of your choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError
from spinec.visualize.style.palette import LIGHT, kind_colours
from spinec.visualize.style.typeface import printable

if TYPE_CHECKING:
    from graphviz import Digraph

DEEPEST = 99
RENDERED = ("svg", "png", "pdf")


def write_dot(program: Program, depth: int = DEEPEST) -> str:
    """The graph as DOT source; depth 1 shows blocks, 2 what they are made of, and so on to the ops.

    >>> from spinec import load, lower
    >>> print(write_dot(lower(load("eff-spinenet-m0")), depth=1).splitlines()[0])
    digraph "eff-spinenet-m0" {
    """
    import graphviz

    font = {"fontname": "sans-serif"}
    drawn = graphviz.Digraph(
        program.name,
        graph_attr={"rankdir": "LR", **font, "fontsize": "11", "bgcolor": "transparent", "color": LIGHT.line},
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fillcolor": LIGHT.band,
            "color": LIGHT.line,
            **font,
            "fontsize": "10",
        },
        edge_attr={"color": LIGHT.line, "arrowsize": "0.7", **font, "fontsize": "9"},
    )
    for name, given in program.inputs.items():
        drawn.node(name, _label(name, _shape(given.shape)), fillcolor=LIGHT.paper)
    seen = _Walker(program, depth).walk(drawn, program.graph, "", {name: name for name in program.inputs}, 1)
    for name, value in program.graph.outputs.items():
        drawn.node(f"output {name}", _label(name, _shape(program.outputs[name])), color=LIGHT.output)
        drawn.edge(seen[value], f"output {name}")
    return str(drawn.source)


def render_dot(source: str, form: str) -> bytes:
    """DOT source drawn by Graphviz.

    Raises:
        BackendError: where Graphviz is not installed or fails.
    """
    import graphviz

    try:
        return bytes(graphviz.Source(source).pipe(format=form, quiet=True))
    except graphviz.ExecutableNotFound:
        message = "Graphviz is not installed: its 'dot' draws graphs of ops; or write a .dot file"
        raise BackendError(message) from None
    except graphviz.CalledProcessError as error:
        told = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else str(error.stderr)
        raise BackendError(f"Graphviz failed: {told.strip()[:500]}") from None


class _Walker:
    """Draws nested graphs, each as a cluster."""

    def __init__(self, program: Program, depth: int) -> None:
        self.program, self.depth = program, depth

    def walk(self, drawn: Digraph, graph: Graph, path: str, values: dict[str, str], level: int) -> dict[str, str]:
        """Draw a graph's nodes and the edges to them; `values` are the nodes that give each value, and grow."""
        for node in graph.nodes:
            where = f"{path}{node.name}"
            if isinstance(node.op, Graph) and level < self.depth and node.op.nodes:
                inner = dict(zip(node.op.inputs, (values[name] for name in node.inputs), strict=True))
                with drawn.subgraph(name=f"cluster {where}") as cluster:
                    cluster.attr(label=_label(f"{node.name}: {node.op.name}"), **self._fill(where, "bgcolor"))
                    values[node.name] = self.walk(cluster, node.op, f"{where}.", inner, level + 1)[node.op.result]
            else:
                what = node.op.name if isinstance(node.op, Graph) else str(node.op)
                label = _label(node.name, what, _shape(self.program.shape(where)))
                drawn.node(where, label, **self._fill(where, "fillcolor"))
                drawn.edges((values[name], where) for name in node.inputs)
                values[node.name] = where
        return values

    def _fill(self, where: str, key: str) -> dict[str, str]:
        """The colour of a block's kind, on the block itself."""
        block = self.program.spec.blocks.get(where)
        return {key: kind_colours(LIGHT, block.kind)[0]} if block else {}


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _label(*lines: str) -> str:
    """Lines of plain text: a backslash in them is only a character, and angle brackets are no markup."""
    import graphviz

    text: str = graphviz.nohtml(r"\n".join(graphviz.escape(printable(line)) for line in lines))
    return text
