"""Program -> DOT: the graph of ops with a cluster for every block and sub-graph, down to a depth of your choice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping

from spinec.compiler.graph.hierarchy import Graph, Node
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError
from spinec.visualize.style.palette import LIGHT, kind_colours
from spinec.visualize.style.typeface import printable

DEEPEST = 99
RENDERED = ("svg", "png", "pdf")


def write_dot(program: Program, depth: int = DEEPEST) -> str:
    """The graph as DOT source; depth 1 shows blocks, 2 what they are made of, and so on to the ops.

    >>> from spinec import load, lower
    >>> print(write_dot(lower(load("eff-spinenet-m0")), depth=1).splitlines()[0])
    digraph "eff-spinenet-m0" {
    """
    walker = _Walker(program, depth)
    font = 'fontname="sans-serif", fontsize'
    box = f'shape=box, style="rounded,filled", fillcolor="{LIGHT.band}", color="{LIGHT.line}"'
    lines = [
        f"digraph {_quoted(program.name)} {{",
        f'  graph [rankdir=LR, {font}=11, bgcolor="transparent", color="{LIGHT.line}"]',
        f"  node [{box}, {font}=10]",
        f'  edge [color="{LIGHT.line}", arrowsize=0.7, {font}=9]',
        *(
            f'  {_quoted(name)} [label={_quoted(name, _shape(given.shape))}, fillcolor="{LIGHT.paper}"]'
            for name, given in program.inputs.items()
        ),
        *walker.walk(program.graph, "", {name: name for name in program.inputs}, 1),
    ]
    for name, value in program.graph.outputs.items():
        node = _quoted(f"output {name}")
        label = _quoted(name, _shape(program.outputs[name]))
        lines.append(f'  {node} [label={label}, color="{LIGHT.output}"]')
        lines.append(f"  {_quoted(walker.seen[value])} -> {node}")
    lines.append("}")
    return "\n".join(lines) + "\n"


def render_dot(source: str, form: str) -> bytes:
    """DOT source drawn by Graphviz.

    Raises:
        BackendError: where Graphviz is not installed or fails.
    """
    program = shutil.which("dot")
    if program is None:
        raise BackendError("Graphviz is not installed: its 'dot' draws graphs of ops; or write a .dot file")
    result = subprocess.run([program, f"-T{form}"], input=source.encode(), capture_output=True, check=False)
    if result.returncode:
        raise BackendError(f"Graphviz failed: {result.stderr.decode(errors='replace').strip()[:500]}")
    return result.stdout


class _Walker:
    """Writes nested graphs; `seen` maps the values of the outermost one to the nodes that give them."""

    def __init__(self, program: Program, depth: int) -> None:
        self.program, self.depth = program, depth
        self.seen: dict[str, str] = {}

    def walk(self, graph: Graph, path: str, values: dict[str, str], level: int) -> Iterator[str]:
        indent = "  " * level
        for node in graph.nodes:
            where = f"{path}{node.name}"
            if isinstance(node.op, Graph) and level < self.depth and node.op.nodes:
                inner = dict(zip(node.op.inputs, (values[name] for name in node.inputs), strict=True))
                yield f"{indent}subgraph {_quoted('cluster ' + where)} {{"
                yield f"{indent}  label={_quoted(f'{node.name}: {node.op.name}')}{self._fill(where)}"
                yield from self.walk(node.op, f"{where}.", inner, level + 1)
                yield f"{indent}}}"
                values[node.name] = inner[node.op.result]
            else:
                yield from self._node(node, where, values, indent)
                values[node.name] = where
        if not path:
            self.seen = values

    def _node(self, node: Node, where: str, values: Mapping[str, str], indent: str) -> Iterator[str]:
        what = node.op.name if isinstance(node.op, Graph) else str(node.op)
        label = _quoted(node.name, what, _shape(self.program.shape(where)))
        yield f"{indent}{_quoted(where)} [label={label}{self._fill(where, ', fillcolor')}]"
        yield from (f"{indent}{_quoted(values[name])} -> {_quoted(where)}" for name in node.inputs)

    def _fill(self, where: str, key: str = "; bgcolor") -> str:
        """The colour of a block's kind, on the block itself."""
        block = self.program.spec.blocks.get(where)
        return f'{key}="{kind_colours(LIGHT, block.kind)[0]}"' if block else ""


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _quoted(*lines: str) -> str:
    r"""Lines as a DOT string: a backslash or a quote in them is only a character."""
    shown = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + r"\n".join(shown) + '"'
