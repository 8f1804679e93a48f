"""Where to cut a network into parts that run one after the other on devices of their own (pipeline parallelism).

Parts take whole nodes, and nothing goes back: a node's part is no earlier than those of what it reads. Every value that
a later part reads crosses each boundary up to there, once. Of all cuts whose parts are even enough, the one is found
across which the fewest bytes go. Without the evenness it is a minimum cut, in a graph that has every node once for each
boundary; with it, nodes are moved by branch and bound, and minimum cuts say what is left to gain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.compiler.analysis.graph import work
from spinec.spec.errors import Fault, SpecError

if TYPE_CHECKING:
    import networkx as nx

    from spinec.compiler.analysis.graph import Graph

MOST_EFFORT = 100_000  # nodes of all flow graphs that are cut before the best so far is given: some 20 seconds
MOST_PARTS = 64
FIRST, LAST = ("first",), ("last",)  # the two ends of a flow; no node is called so


class Part(NamedTuple):
    """What runs on one device."""

    nodes: tuple[str, ...]
    macs: int | float
    params: int
    sent: int
    """Bytes that go on to the next part, for one image in float32."""
    crossing: tuple[str, ...]
    """The nodes whose values those are."""


@dataclass(frozen=True)
class Split:
    """A network in parts."""

    parts: tuple[Part, ...]
    is_best: bool
    """Whether no other cut as even has fewer bytes; else the search was ended, and there may be one."""

    @property
    def sent(self) -> int:
        """Bytes across all boundaries."""
        return sum(part.sent for part in self.parts)

    @property
    def speedup(self) -> float:
        """How many times as many images a pipeline takes in a time, if sending costs nothing."""
        most = max(part.macs for part in self.parts)
        return sum(part.macs for part in self.parts) / most if most else 1.0


def split(found: Graph, parts: int, balance: float = 1.1, convention: str = "conv") -> Split:
    """Cut a network where the fewest bytes cross, no part having more than `balance` times its share of multiply-adds.

    Where a node alone has more, or no order of nodes is that even, parts may be as large as the most even cut of the
    order in which nodes run.

    Raises:
        SpecError: when there are fewer nodes than parts, or less than an even share is allowed.

    >>> from spinec import graph, load
    >>> halves = split(graph(load("eff-spinenet-d0")), 2)
    >>> [part.macs for part in halves.parts], halves.sent
    ([1111590336, 1341695552], 1703936)
    """
    order = [name for name, data in found.nodes(data=True) if data["kind"] not in ("image", "crops")]
    if not 2 <= parts <= min(MOST_PARTS, len(order)):
        most = min(MOST_PARTS, len(order))
        raise SpecError([Fault("SPN-710", f"parts: expected 2 to {most}, got {parts}", None, "a node is in one part")])
    if not balance >= 1:
        raise SpecError([Fault("SPN-710", f"balance: expected at least 1, an even share, got {balance}")])
    return _Search(found, order, parts, balance, convention).best()


class _Search:
    """Branch and bound over the parts that nodes may be in."""

    def __init__(self, found: Graph, order: list[str], parts: int, balance: float, convention: str) -> None:
        self.found, self.order, self.parts = found, order, parts
        self.work = work(found, convention)
        even = even_cut([self.work[name] for name in order], parts)
        self.chosen = dict(zip(order, even, strict=True))
        self.limit = max(balance * sum(self.work.values()) / parts, max(self._loads(self.chosen)))
        self.bytes, self.effort = self._bytes(self.chosen), 0

    def best(self) -> Split:
        """The best cut, or the best so far."""
        waiting = [dict.fromkeys(self.order, (0, self.parts - 1))]
        while waiting and self.effort < MOST_EFFORT:
            waiting += self._branches(waiting.pop())
        return Split(tuple(self._part(i) for i in range(self.parts)), not waiting)

    def _branches(self, allowed: dict[str, tuple[int, int]]) -> list[dict[str, tuple[int, int]]]:
        """What is left to try where nodes may be in these parts: nothing, or two halves of it."""
        if not self._tighten(allowed):
            return []
        cut = self._minimum(allowed)
        sent = self._bytes(cut)
        if sent >= self.bytes:
            return []
        wrong = self._wrong(cut)
        if wrong is None:
            self.chosen, self.bytes = cut, sent
            return []
        part, there = wrong
        ranges = ((name, *allowed[name]) for name in there)
        free = [name for name, low, high in ranges if low < high and low <= part <= high]
        if not free:
            return []
        name = max(free, key=self.work.__getitem__)
        return [{**allowed, name: each} for each in _halves(*allowed[name], part)]

    def _wrong(self, cut: Mapping[str, int]) -> tuple[int, list[str]] | None:
        """A part that has too much or nothing, and the nodes by which that may change."""
        loads = self._loads(cut)
        full = max(range(self.parts), key=loads.__getitem__)
        if loads[full] > self.limit:
            return full, [name for name in self.order if cut[name] == full]
        empty = set(range(self.parts)) - set(cut.values())
        return (min(empty), self.order) if empty else None

    def _tighten(self, allowed: dict[str, tuple[int, int]]) -> bool:
        """Leave only parts that order and evenness allow a node; whether every node has one."""
        for name in self.order:
            low = max((allowed[each][0] for each in self._before(name)), default=0)
            allowed[name] = max(low, allowed[name][0]), allowed[name][1]
        for name in reversed(self.order):
            high = min((allowed[each][1] for each in self.found.successors(name)), default=self.parts - 1)
            allowed[name] = allowed[name][0], min(high, allowed[name][1])
        fixed = [0.0] * self.parts
        for name, (low, high) in allowed.items():
            if low > high:
                return False
            if low == high:
                fixed[low] += self.work[name]
        return bool(max(fixed) <= self.limit)

    def _minimum(self, allowed: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """The parts that the fewest bytes cross between, however uneven."""
        import networkx as nx

        self.effort += len(self.order) * (self.parts - 1)
        _, (before, _) = nx.minimum_cut(self._flow(allowed), FIRST, LAST, capacity="capacity")
        boundaries = range(self.parts - 1)
        return {name: sum((name, i) not in before for i in boundaries) for name in self.order}

    def _flow(self, allowed: Mapping[str, tuple[int, int]]) -> nx.DiGraph[Any]:
        """Every node once for each boundary; it is on the first side there where it runs before the boundary.

        Edges without a capacity cannot be cut: what a node reads runs no later, and who is before a boundary is before
        all further ones. A value costs its bytes at a boundary where it has been made and is still to be read.
        """
        import networkx as nx

        flow: nx.DiGraph[Any] = nx.DiGraph()
        flow.add_nodes_from((FIRST, LAST))
        for i in range(self.parts - 1):
            for name in self.order:
                low, high = allowed[name]
                flow.add_node((name, i))
                if i + 2 < self.parts:
                    flow.add_edge((name, i), (name, i + 1))
                if high <= i:
                    flow.add_edge(FIRST, (name, i))
                if low > i:
                    flow.add_edge((name, i), LAST)
                for source in self._before(name):
                    flow.add_edge((name, i), (source, i))
                    flow.add_edge(("value", source, i), (name, i))
                    flow.add_edge((source, i), ("value", source, i), capacity=self.found.nodes[source]["bytes"])
        return flow

    def _before(self, name: str) -> list[str]:
        return [source for source in self.found.predecessors(name) if source in self.chosen]

    def _loads(self, cut: Mapping[str, int]) -> list[float]:
        loads = [0.0] * self.parts
        for name, part in cut.items():
            loads[part] += self.work[name]
        return loads

    def _bytes(self, cut: Mapping[str, int]) -> int:
        return sum(self.found.nodes[name]["bytes"] * (last - first) for name, first, last in self._lives(cut))

    def _lives(self, cut: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
        """Every node, its part, and the last part that reads it."""
        for name, part in cut.items():
            yield name, part, max((cut[reader] for reader in self.found.successors(name)), default=part)

    def _part(self, index: int) -> Part:
        names = tuple(name for name in self.order if self.chosen[name] == index)
        crossing = tuple(name for name, first, last in self._lives(self.chosen) if first <= index < last)
        data = self.found.nodes
        macs = sum(self.work[name] for name in names)
        return Part(
            names, macs, sum(data[n]["params"] for n in names), sum(data[n]["bytes"] for n in crossing), crossing
        )


def _halves(low: int, high: int, part: int) -> list[tuple[int, int]]:
    """A range of parts in two, one of which ends or begins with a part."""
    middle = part if part < high else part - 1
    return [(middle + 1, high), (low, middle)]


def even_cut(amounts: list[int | float], parts: int) -> list[int]:
    """The part of each amount, in order, where the largest sum of a part is the least; no part is empty.

    >>> even_cut([1, 2, 3, 4, 5, 6], 2)
    [0, 0, 0, 0, 1, 1]
    """
    sums = [0.0]
    for amount in amounts:
        sums.append(sums[-1] + amount)
    best = sums  # the largest sum of the first i amounts, in one part
    ends: list[list[int]] = []
    for part in range(1, parts):
        now, end = [float("inf")] * len(sums), [0] * len(sums)
        for i in range(part + 1, len(sums)):
            end[i] = min(range(part, i), key=lambda j: max(best[j], sums[i] - sums[j]))
            now[i] = max(best[end[i]], sums[i] - sums[end[i]])
        best = now
        ends.append(end)
    bounds = [len(amounts)]
    for end in reversed(ends):
        bounds.append(end[bounds[-1]])
    bounds.append(0)
    return [part for part, (first, last) in enumerate(pairwise(bounds[::-1])) for _ in range(first, last)]
