"""The block DAG as a networkx graph, for analysis and for whoever brings their own. Derived, never the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinec.compiler.cost.report import cost
from spinec.compiler.graph.program import Program
from spinec.spec.conventions import Convention

if TYPE_CHECKING:
    import networkx as nx


def view(program: Program) -> nx.MultiDiGraph[str]:
    """Blocks, endpoints and heads as nodes, with shape, level and cost; an edge per operand, in order by `operand`.

    A plain DiGraph would merge the two edges of ``x + x`` and forget which input came first.

    >>> from spinec import load, lower
    >>> graph = view(lower(load("eff-spinenet-d0")))
    >>> sorted(graph.predecessors("b16"))
    ['b13', 'b14', 'b9']
    """
    import networkx as nx  # 0.1 s to import, and most commands do without

    spec, costs = program.spec, cost(program).by("block")
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=program.name)
    for name, given in program.inputs.items():
        graph.add_node(name, shape=given.shape, level=0 if name == "image" else None, macs=0, params=0)
    for node in program.graph.nodes:
        count = costs[node.name]
        level = spec.blocks[node.name].level if node.name in spec.blocks else None
        graph.add_node(
            node.name, shape=program.shape(node.name), level=level, macs=count.macs("conv"), params=count.params
        )
        for operand, source in enumerate(node.inputs):
            graph.add_edge(source, node.name, operand=operand)
    return graph


def longest_path(program: Program, convention: Convention = "conv") -> list[str]:
    """The chain of nodes from the image to an output that has the most multiply-adds: what bounds latency."""
    import networkx as nx

    graph, costs = view(program), cost(program).by("block")
    for _, target, data in graph.edges(data=True):
        data["weight"] = costs[target].macs(convention)
    path: list[str] = nx.dag_longest_path(nx.DiGraph(graph), weight="weight")
    return path
