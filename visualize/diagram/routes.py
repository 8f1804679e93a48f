"""Which way every arrow takes. Blocks stand in the order of execution along x and at their level along y.

A column holds one block, so a line down a column meets no other; the line of a row to the right of a block belongs to
that block up to the next block of the row. So an arrow runs along its source's row to the column of its target and
turns towards it there. Where another block of the row is in between, it first changes to a track in the channel between
the rows. All arrows of a source share one track per channel, so lines grow with blocks and not with arrows.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Literal, NamedTuple

from spinec.visualize.diagram.network import Edge, Network

Way = Literal["straight", "row", "track"]


class Place(NamedTuple):
    """Where a node stands; rows count from the coarsest level, which is on top."""

    column: int
    row: int


class Net(NamedTuple):
    """A source in one of the channels beside its row; channel c is above row c."""

    source: str
    channel: int


class Route(NamedTuple):
    """The way of an edge. It enters its target from the left, from above or from below."""

    edge: Edge
    way: Way
    side: Literal["left", "above", "below"]
    net: Net | None = None


class Track(NamedTuple):
    """The line of a net within its channel, counted from the row of its source."""

    line: int
    is_upper: bool
    """Whether the row of its source is the upper one of the two beside the channel."""


def places_of(network: Network) -> dict[str, Place]:
    """The place of every node: a column each, and outputs in as few columns behind them as their levels allow."""
    row_of = {level: row for row, level in enumerate(sorted(set(network.levels.values()), reverse=True))}
    places = {node.name: Place(column, row_of[node.level]) for column, node in enumerate(network.nodes)}
    taken: dict[int, int] = {}
    for output in network.outputs:
        behind = taken[output.level] = taken.get(output.level, -1) + 1
        places[output.name] = Place(len(network.nodes) + behind, row_of[output.level])
    return places


def routes_of(network: Network, places: dict[str, Place]) -> list[Route]:
    """The way of every edge."""
    next_in_row = _next_in_row(places)
    return [_route(edge, places, next_in_row) for edge in network.edges]


def _next_in_row(places: dict[str, Place]) -> dict[str, int]:
    """For every node the column of the next one in its row; beyond all columns where there is none."""
    following: dict[int, int] = {}
    found = {}
    for name, place in sorted(places.items(), key=lambda item: -item[1].column):
        found[name] = following.get(place.row, len(places) + 1)
        following[place.row] = place.column
    return found


def _route(edge: Edge, places: dict[str, Place], next_in_row: dict[str, int]) -> Route:
    source, target = places[edge.source], places[edge.target]
    free = source.column < target.column and target.column <= next_in_row[edge.source]
    if source.row == target.row:
        return Route(edge, "straight", "left") if free else Route(edge, "track", "above", Net(edge.source, source.row))
    side: Literal["above", "below"] = "above" if source.row < target.row else "below"
    if free:
        return Route(edge, "row", side)
    return Route(edge, "track", side, Net(edge.source, source.row + (side == "above")))


def tracks_of(routes: Sequence[Route], places: dict[str, Place]) -> dict[Net, Track]:
    """A line for every net; nets share a line where one ends before the next begins."""
    spans: dict[Net, tuple[int, int]] = {}
    for route in routes:
        if route.net:
            source, target = 2 * places[route.edge.source].column + 1, 2 * places[route.edge.target].column
            low, high = spans.get(route.net, (source, source))
            spans[route.net] = min(low, target), max(high, target)
    lines: dict[tuple[int, bool], _Lines] = {}
    tracks = {}
    for net, span in sorted(spans.items(), key=lambda item: (item[1], item[0])):
        is_upper = places[net.source].row < net.channel
        tracks[net] = Track(lines.setdefault((net.channel, is_upper), _Lines()).take(*span), is_upper)
    return tracks


class _Lines:
    """Lines side by side, each taken from left to right by one net after the other."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []  # until where, and which line
        self.free: list[int] = []
        self.count = 0

    def take(self, start: int, end: int) -> int:
        """The line nearest to the row that is free from `start` on."""
        while self.taken and self.taken[0][0] < start:
            heappush(self.free, heappop(self.taken)[1])
        if self.free:
            line = heappop(self.free)
        else:
            line, self.count = self.count, self.count + 1
        heappush(self.taken, (end, line))
        return line
