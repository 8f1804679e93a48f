"""A network as a networkx graph: what analyses of this folder run on, and what users' own do.

It is made of a counted program and never read back: the program stays what is compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from spinec.compiler.cost.report import Count, Report, cost, operand_of
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.model import ModelSpec

if TYPE_CHECKING:
    import networkx as nx

    Graph: TypeAlias = nx.MultiDiGraph[str]

FLOAT = 4  # bytes of a number


def graph(what: ModelSpec | Program | Report) -> nx.MultiDiGraph[str]:
    """The network as a `networkx.MultiDiGraph`: image, blocks, endpoints and the head's parts, an edge per operand.

    A node has `kind` (a kind of block, or "image", "crops", "endpoint", "head"), `level`, `dim`, `shape`, `macs`
    (multiply-adds of one image, by convention), `params`, and `bytes` of its value in float32. `level` is None for what
    has none. An edge has `operand` (its place among the inputs), `resample` (the ops that fit it to the block), and
    `bytes` of what it carries. The graph itself has `name`, `size` and `outputs` (which node gives each).

    Raises:
        ShapeError: when a spec cannot be lowered at its input size.

    >>> from spinec import load
    >>> d0 = graph(load("eff-spinenet-d0"))
    >>> d0.nodes["b16"]["kind"], d0.nodes["b16"]["macs"]["conv"], sorted(d0.predecessors("b16"))
    ('mbconv', 89938976, ['b13', 'b14', 'b9'])
    """
    import networkx as nx  # 0.1 s to import, and most commands do without

    report = what if isinstance(what, Report) else cost(what if isinstance(what, Program) else lower(what))
    program, counts, resampled = report.program, report.by("block"), _resampled(report.program)
    outputs = dict(program.graph.outputs)
    found: Graph = nx.MultiDiGraph(name=program.name, size=program.size, outputs=outputs)
    for name in program.inputs:
        kind = "image" if name == "image" else "crops"
        found.add_node(name, kind=kind, level=0 if kind == "image" else None, **_value(program, name), **_cost(None))
    for node in program.graph.nodes:
        kind, level = _place(program, node.name)
        found.add_node(node.name, kind=kind, level=level, **_value(program, node.name), **_cost(counts[node.name]))
        for operand, source in enumerate(node.inputs):
            carried = found.nodes[source]["bytes"]
            found.add_edge(
                source, node.name, operand=operand, resample=resampled.get((node.name, operand), ()), bytes=carried
            )
    return found


def work(found: Graph, convention: str = "conv") -> dict[str, Any]:
    """The multiply-adds of every node."""
    return {name: data["macs"][convention] for name, data in found.nodes(data=True)}


def _place(program: Program, name: str) -> tuple[str, int | None]:
    spec = program.spec
    if name in spec.blocks:
        return spec.blocks[name].kind, spec.blocks[name].level
    return ("endpoint", spec.level_of(spec.outputs[name])) if name in spec.outputs else ("head", None)


def _value(program: Program, name: str) -> dict[str, Any]:
    path = program.values.get(name, name)
    shape = program.inputs[name].shape if name in program.inputs else program.shape(name)
    return {"shape": shape, "dim": shape[0], "bytes": FLOAT * program.sizes[path]}


def _cost(count: Count | None) -> dict[str, Any]:
    macs = {name: count.macs(name) if count else 0 for name in CONVENTIONS}
    return {"macs": macs, "params": count.params if count else 0}


def _resampled(program: Program) -> dict[tuple[str, int], tuple[str, ...]]:
    """The ops that fit an operand to its block, in order, by block and operand."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for step in program.steps:
        block, _, rest = step.path.partition(".")
        if (operand := operand_of(rest)) is not None:
            found[block, operand] = (*found.get((block, operand), ()), str(step.op))
    return found
