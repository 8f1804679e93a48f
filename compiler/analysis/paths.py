"""What bounds a network's time: its critical path, what can run side by side, and what everything passes through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.compiler.analysis.graph import work

if TYPE_CHECKING:
    from spinec.compiler.analysis.graph import Graph

START = ""  # a node before everything that is given


def critical_path(found: Graph, convention: str = "conv", costs: Mapping[str, float] | None = None) -> list[str]:
    """The path of the most multiply-adds: with any number of devices, a network takes no less time than it.

    `costs` are other costs of nodes, such as milliseconds; what they do not name costs nothing.

    >>> from spinec import graph, load
    >>> " ".join(critical_path(graph(load("resnet-18")))[:3])
    'image stem pool'
    """
    import networkx as nx

    costs = work(found, convention) if costs is None else costs
    weighted: nx.DiGraph[str] = nx.DiGraph()
    weighted.add_nodes_from(found)
    weighted.add_edges_from((source, target, {"weight": costs.get(target, 0)}) for source, target in found.edges())
    path: list[str] = nx.dag_longest_path(weighted)
    return path


def generations(found: Graph) -> list[list[str]]:
    """Nodes that can run side by side: each generation reads only those before it."""
    import networkx as nx

    return [list(each) for each in nx.topological_generations(found)]


def bottlenecks(found: Graph) -> list[str]:
    """What everything that a network gives depends on through one value, in order: where it can be cut in two.

    >>> from spinec import graph, load
    >>> bottlenecks(graph(load("eff-spinenet-d0")))
    ['image', 'stem', 'b1']
    """
    import networkx as nx

    rooted: nx.DiGraph[str] = nx.DiGraph(found)
    rooted.add_edges_from((START, name) for name, degree in found.in_degree() if not degree)
    dominators = nx.immediate_dominators(rooted, START)
    chains: list[list[str]] = []
    for end in found.graph["outputs"].values():
        chain = [end]
        while dominators.get(chain[-1], START) not in (START, None):
            chain.append(dominators[chain[-1]])
        chains.append(chain[::-1])
    shared = set.intersection(*map(set, chains))
    return [name for name in chains[0] if name in shared]
