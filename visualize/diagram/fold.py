"""Chains of equal blocks as one box, so that a deep network fits on a page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

from spinec.compiler.cost.report import Count, total
from spinec.visualize.diagram.network import Edge, Network, Node


def fold(network: Network, settings: Mapping[str, Hashable]) -> Network:
    """The network with every chain of blocks that say the same as one node that repeats.

    In a chain every block takes the result of the one before it as it is, and nobody else reads that result.
    `settings` is what a block says of itself, inputs left out.
    """
    into: dict[str, str] = {}  # of every folded node the name of its chain
    nodes: list[Node] = []
    for chain in _chains(network, settings):
        name = chain[0].name if len(chain) == 1 else f"{chain[0].name} … {chain[-1].name}"
        into |= {node.name: name for node in chain}
        repeats = sum(node.repeats for node in chain)
        nodes.append(chain[-1]._replace(name=name, repeats=repeats, cost=_together(chain)))
    edges: list[Edge] = []
    for edge in network.edges:
        source, target = into.get(edge.source, edge.source), into.get(edge.target, edge.target)
        if source != target:
            edges.append(edge._replace(source=source, target=target))
    return replace(network, nodes=tuple(nodes), edges=tuple(edges))


def _chains(network: Network, settings: Mapping[str, Hashable]) -> list[list[Node]]:
    given: dict[str, list[Edge]] = {}
    readers: dict[str, int] = {}
    for edge in network.edges:
        given.setdefault(edge.target, []).append(edge)
        readers[edge.source] = readers.get(edge.source, 0) + 1
    chains: list[list[Node]] = []
    for node in network.nodes:
        before, inputs = chains[-1][-1] if chains else None, given.get(node.name, [])
        if (
            before
            and [(edge.source, edge.steps) for edge in inputs] == [(before.name, ())]
            and readers[before.name] == 1
            and settings.get(before.block, before.name) == settings.get(node.block, node.name)
        ):
            chains[-1].append(node)
        else:
            chains.append([node])
    return chains


def _together(nodes: list[Node]) -> Count | None:
    costs = [node.cost for node in nodes if node.cost]
    if not costs:
        return None
    return total(costs)
