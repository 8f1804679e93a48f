"""Network -> Picture: rows, columns, ports and labels at their places. Linear in blocks and arrows but for sorting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple

from spinec.visualize.diagram.legend import legend_of
from spinec.visualize.diagram.network import IMAGE, OUTPUT, PLAIN, Edge, Network, Node
from spinec.visualize.diagram.picture import CARD, HEAD, Area, Arrow, Box, Direction, Picture, Point, Role, Text
from spinec.visualize.diagram.routes import Net, Place, Route, Track, places_of, routes_of, tracks_of
from spinec.visualize.diagram.strips import STRIP, WIDEST, cut
from spinec.visualize.style.palette import kind_shape
from spinec.visualize.style.typeface import shortened, text_width

NAME, NOTE, STEP = 12.0, 10.0, 8.5  # sizes of text
LINE = 10.0  # from one line of a label to the next
WIDEST_NAME = 110.0
MARGIN = 16.0
SIDE = 84.0  # room for the names of levels
TRACK = 7.0  # from one track to the next
PORTS = 11.0  # from one arrow that enters a box to the next
MOST_CARDS = 2
SHORT_LEG = HEAD + 9


@dataclass(frozen=True)
class Look:
    """How a picture looks, beyond what it shows."""

    labels: bool = True
    heat: Mapping[str, float] | None = None
    """Of every node its share of the largest value."""
    notes: Mapping[str, str] | None = None
    """Of every node what its second line says; its dim where there is none."""
    scale: tuple[str, str, str] = ("", "", "")
    """What the colours of a heat map mean, and its lowest and highest value."""
    subtitle: str = ""
    plain: bool = False
    """Whether colours say what became of blocks instead of their kind."""
    wrap: bool | None = None
    """Whether the picture is cut into strips below each other; where it is very wide if nothing is said."""
    strip: float = STRIP
    """How wide strips are, about."""
    widest: float = WIDEST
    """Above this width a picture is cut where nothing is said."""


def box_height(dim: int) -> float:
    """The height of a box, which grows with the square root of its dim."""
    return 27 + 2 * sqrt(min(dim, 4096))


def arrange(network: Network, look: Look) -> Picture:
    """Put everything at its place."""
    plan = _Plan(network, look)
    arrows = tuple(plan.arrow(route) for route in plan.routes)
    boxes = tuple(plan.box(node) for node in (*network.nodes, *network.outputs))
    panel, panel_texts = plan.panel()
    right = (panel.right if panel else plan.right) + MARGIN
    right = max(right, *(text.area.right + MARGIN for text in (*plan.titles, *panel_texts)))
    bands = tuple(Area(MARGIN / 2, top, right - MARGIN / 2, bottom) for top, bottom in plan.bands)
    texts = (*plan.titles, *plan.level_names(), *panel_texts)
    words = describe(network)
    picture = Picture(network.name, words, right, plan.bottom, bands, boxes, arrows, texts, panel=panel)
    if look.wrap or (look.wrap is None and right > look.widest):
        picture = cut(picture, plan.columns, plan.top, plan.bottom, MARGIN, look.strip)
    scale = look.scale if look.heat is not None else None
    bare = scale is not None and any(box.kind == PLAIN for box in boxes)
    legend = legend_of(network, scale, look.labels, look.plain, picture.height + 10, picture.width, bare)
    return replace(
        picture,
        height=legend.bottom + MARGIN,
        texts=(*picture.texts, *legend.texts),
        legend=legend.boxes,
        legend_arrows=legend.arrows,
        ramps=legend.ramps,
    )


def describe(network: Network) -> str:
    """The picture in words, for those who cannot see it."""
    levels = [node.level for node in network.blocks]
    outputs = ", ".join(f"{output.name} ({_shape(output.shape)})" for output in network.outputs)
    head = f" A {network.head} reads them." if network.head else ""
    return (
        f"{len(network.blocks)} blocks from level {min(levels, default=0)} to level {max(levels, default=0)}, in the"
        f" order of execution from left to right, coarse levels on top, joined by {len(network.edges)} arrows."
        f" Outputs: {outputs}.{head}"
    )


class _Ports(NamedTuple):
    """Where arrows enter one side of a box, from its centre, and how far they and their labels reach to either side."""

    offsets: tuple[float, ...]
    left: float
    right: float
    span: float


class _Plan:
    """What the steps of a layout learn, each from those before it."""

    def __init__(self, network: Network, look: Look) -> None:
        self.network, self.look = network, look
        self.nodes: dict[str, Node] = {node.name: node for node in (*network.nodes, *network.outputs)}
        self.places: dict[str, Place] = places_of(network)
        self.routes: list[Route] = routes_of(network, self.places)
        self.tracks: dict[Net, Track] = tracks_of(self.routes, self.places)
        self.entries: dict[tuple[str, str], list[Route]] = {}
        for route in self.routes:
            self.entries.setdefault((route.edge.target, route.side), []).append(route)
        self.heights = {name: _height(node) for name, node in self.nodes.items()}
        self.cards = {name: min(node.repeats - 1, MOST_CARDS) for name, node in self.nodes.items()}
        self.most_work = max((edge.cost.flops() for edge in network.edges if edge.cost), default=0)
        self.titles = self._titles()
        self._rows()
        self._sort_entries()
        self._columns()

    # Rows, from the top

    def _rows(self) -> None:
        count = max(place.row for place in self.places.values()) + 1
        above, below = [0.0] * count, [0.0] * count
        for name, place in self.places.items():
            half = self.heights[name] / 2
            up, down = self._reach(name, "above"), self._reach(name, "below") + self.cards[name] * CARD
            above[place.row] = max(above[place.row], half + up, self._label_height(self._entry(name, "left")) + 6)
            below[place.row] = max(below[place.row], half + down)
        if self.network.outputs:
            last = max(self.places[output.name].row for output in self.network.outputs)
            below[last] = max(below[last], 20 + (42 if self.network.head else 26))
        self.channels = [0.0] * (count + 1)
        lines: dict[tuple[int, bool], int] = {}
        for net, track in self.tracks.items():
            lines[net.channel, track.is_upper] = max(lines.get((net.channel, track.is_upper), 0), track.line + 1)
        y = self.top = (max(text.y for text in self.titles) if self.titles else 0) + MARGIN
        self.centres: list[float] = []
        self.bands: list[tuple[float, float]] = []
        for row in range(count + 1):
            both = lines.get((row, True), 0) + lines.get((row, False), 0)
            y += 8 if not both else 4 + TRACK * (both + 1)
            self.channels[row] = y
            if row < count:
                self.bands.append((y, y + above[row] + below[row]))
                self.centres.append(y + above[row])
                y += above[row] + below[row]
        self.bottom = y

    def _reach(self, name: str, side: str) -> float:
        """How far the arrows that enter a side, and their labels, stand off the box."""
        routes = self._entry(name, side)
        return max(SHORT_LEG, self._label_height(routes) + 10) if routes else 8

    def _label_height(self, routes: Sequence[Route]) -> float:
        return max((LINE * len(self._label(route.edge)) for route in routes), default=0)

    def _entry(self, name: str, side: str) -> list[Route]:
        return self.entries.get((name, side), [])

    def _label(self, edge: Edge) -> tuple[str, ...]:
        return tuple(step.short for step in edge.steps) if self.look.labels else ()

    def _label_width(self, route: Route) -> float:
        lines = self._label(route.edge)
        return max(text_width(line, STEP) for line in lines) + 5 if lines else 0

    def _turn(self, route: Route) -> float:
        """The y at which a route runs before it turns into the column of its target."""
        if route.net is None:
            return self.centres[self.places[route.edge.source].row]
        track, channel = self.tracks[route.net], route.net.channel
        if not track.is_upper:
            return self.channels[channel] - TRACK * (track.line + 1)
        return (self.bands[channel - 1][1] if channel else 0) + TRACK * (track.line + 1)

    def _sort_entries(self) -> None:
        """Nearest first, so that no arrow crosses another where both enter the same side."""
        for (_, side), routes in self.entries.items():
            if side != "left":
                routes.sort(key=self._turn, reverse=side == "above")

    # Columns, from the left

    def _columns(self) -> None:
        columns: dict[int, list[str]] = {}
        for name, place in self.places.items():
            columns.setdefault(place.column, []).append(name)
        leaving = {net.source for net in self.tracks}
        self.centre_x: dict[str, float] = {}
        self.widths: dict[str, float] = {}
        self.starts: dict[str, float] = {}
        self.exits: dict[str, float] = {}
        self.ports: dict[tuple[str, str], _Ports] = {}
        x = MARGIN + SIDE
        for column in sorted(columns):
            names = columns[column]
            zones = [self._zones(name) for name in names]
            left, right = max(zone[0] for zone in zones), max(zone[1] for zone in zones)
            gutter = 9.0 if any(name in leaving for name in names) else 2.0
            for name in names:
                self.starts[name], self.centre_x[name] = x, x + left
                self.exits[name] = x + left + right + gutter - 4
            x += left + right + gutter
        self.right = x

    @property
    def columns(self) -> list[float]:
        """Where columns begin; outputs, which one frame holds together, are one."""
        first = min((self.places[output.name].column for output in self.network.outputs), default=len(self.places))
        return sorted({self.starts[name] for name, place in self.places.items() if place.column <= first})

    def _zones(self, name: str) -> tuple[float, float]:
        """The room that a node needs to the left and to the right of its centre."""
        above, below = self._ports(name, "above"), self._ports(name, "below")
        node = self.nodes[name]
        lines = self._texts_of(node)
        widest = max(text_width(line, size, bold) for line, size, bold in lines)
        width = self.widths[name] = max(widest + 12, 38.0, above.span + 14, below.span + 14)
        straight = self._entry(name, "left")
        entry = max((self._label_width(route) for route in straight), default=0) + (HEAD + 6 if straight else 5)
        beside = self._label_height(straight) + 4 > self.heights[name] / 2  # the labels would stand beside each other
        left = max(width / 2, above.left) + entry if beside else max(width / 2 + entry, above.left)
        right = width / 2 + self.cards[name] * CARD
        return max(left, below.left) + 2, max(right, above.right, below.right) + 5

    def _ports(self, name: str, side: str) -> _Ports:
        """The first of several labels stands to the left of its arrow, every other to the right of its own."""
        routes = self._entry(name, side)
        widths = [self._label_width(route) for route in routes]
        at = [0.0]
        for i in range(1, len(routes)):
            at.append(at[-1] + max(PORTS, widths[i - 1] + 8 if i > 1 else 0))
        span = at[-1]
        left = span / 2 + (widths[0] + 1 if len(routes) > 1 else 0)
        right = span / 2 + (widths[-1] + 1 if routes else 0)
        ports = self.ports[name, side] = _Ports(tuple(x - span / 2 for x in at[: len(routes)]), left, right, span)
        return ports

    # What is drawn

    def box(self, node: Node) -> Box:
        """A node's box."""
        x, y = self.centre_x[node.name], self.centres[self.places[node.name].row]
        width, height = self.widths[node.name], self.heights[node.name]
        area = Area(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        lines = self._texts_of(node)
        first = y - 1 if len(lines) > 1 else y + 0.36 * NAME
        title: Role = "output" if node.kind == OUTPUT else "name"
        texts = tuple(
            Text(x, first + i * 12, line, size, title if bold else "text", "middle")
            for i, (line, size, bold) in enumerate(lines)
        )
        heat = (self.look.heat or {}).get(node.name)
        shape = "square" if node.kind == IMAGE else "pill" if node.kind == OUTPUT else kind_shape(node.kind)
        cards, is_output = self.cards[node.name], bool(node.outputs)
        words = node.words()
        is_bare = self.look.plain or self.look.heat is not None  # a colour would seem to say something of it
        kind = PLAIN if is_bare and heat is None and node.block else node.kind
        return Box(node.name, area, kind, shape, texts, heat, cards, is_output, node.status, words, node.block)

    def _texts_of(self, node: Node) -> tuple[tuple[str, float, bool], ...]:
        """The lines in a box: text, size, whether it is bold."""
        mark = {"added": "+ ", "removed": "− "}.get(node.status, "")
        name = shortened(mark + node.name, NAME, WIDEST_NAME, bold=True)
        if node.repeats > 1:
            name += f" ×{node.repeats}"
        note = (self.look.notes or {}).get(node.name) or str(node.dim)
        return (name, NAME, True), (shortened(note, NOTE, WIDEST_NAME), NOTE, False)

    def arrow(self, route: Route) -> Arrow:
        """An edge's arrow."""
        edge = route.edge
        source, target = self.nodes[edge.source], self.nodes[edge.target]
        y0, y = (self.centres[self.places[name].row] for name in (edge.source, edge.target))
        start = self.centre_x[edge.source] + self.widths[edge.source] / 2 + self.cards[edge.source] * CARD
        rise = 0 if self.look.plain else target.level - source.level
        direction: Direction = "down" if rise > 0 else "up" if rise < 0 else "same"
        if route.way == "straight":
            end = self.centre_x[edge.target] - self.widths[edge.target] / 2
            split = max(start, self.starts[edge.target])
            trunk: tuple[Point, ...] = ((start, y0), (split, y0))
            leg: tuple[Point, ...] = ((split, y0), (end, y0))
        else:
            x, turn = self._port(route), self._turn(route)
            half = self.heights[edge.target] / 2
            end = y - half if route.side == "above" else y + half + self.cards[edge.target] * CARD
            out = self.exits[edge.source]
            trunk = ((start, y0), (out, y0), (out, turn)) if route.net else ((start, y0),)
            from_x = max(start if not route.net else out, x - 14) if x > start else min(out, x + 14)
            trunk, leg = (*trunk, (from_x, turn)), ((from_x, turn), (x, turn), (x, end))
        work = edge.cost.flops() if edge.cost else 0
        width = 1.3 + (2.2 * work / self.most_work if self.most_work else 0)
        return Arrow(
            edge.source, edge.target, trunk, leg, direction, width,
            self._label_texts(route, leg[-1], direction), edge.status, edge.words(),
        )  # fmt: skip

    def _port(self, route: Route) -> float:
        name, side = route.edge.target, route.side
        place = next(i for i, each in enumerate(self._entry(name, side)) if each is route)
        return self.centre_x[name] + self.ports[name, side].offsets[place]

    def _label_texts(self, route: Route, tip: Point, direction: Role) -> tuple[Text, ...]:
        lines, (x, y) = self._label(route.edge), tip
        role: Role = direction if route.edge.status == "same" else route.edge.status
        if route.side == "left":
            ports = self.ports[route.edge.target, "above"]
            beside = LINE * len(lines) + 4 > self.heights[route.edge.target] / 2
            reach = max(0.0, ports.left - self.widths[route.edge.target] / 2) if beside else 0.0
            at, anchor, first = x - HEAD - 2 - reach, "end", y - 4 - LINE * (len(lines) - 1)
        else:
            routes = self._entry(route.edge.target, route.side)
            to_left = len(routes) > 1 and routes[0] is route
            at, anchor = (x - 5, "end") if to_left else (x + 5, "start")
            first = y - 5 - LINE * (len(lines) - 1) if route.side == "above" else y + 11
        return tuple(
            Text(at, first + LINE * i, line, STEP, role, "end" if anchor == "end" else "start")
            for i, line in enumerate(lines)
        )

    def panel(self) -> tuple[Area | None, tuple[Text, ...]]:
        """What frames the outputs, and what it says of the head."""
        if not self.network.outputs:
            return None, ()
        boxes = [self.box(output) for output in self.network.outputs]
        left = min(self.starts[output.name] for output in self.network.outputs)
        right = max(box.area.right for box in boxes) + 8
        lines = [self.network.head or "outputs"]
        if self.network.head:
            lines.append((self.look.notes or {}).get(self.network.head, "reads the outputs"))
        top, bottom = min(box.area.top for box in boxes) - 8, max(box.area.bottom for box in boxes)
        right = max(right, left + 12 + max(text_width(line, NOTE, bold=i == 0) for i, line in enumerate(lines)))
        middle = (left + right) / 2
        under: Role = "muted" if self.network.head_status == "same" else self.network.head_status
        texts = tuple(
            Text(middle, bottom + 14 + 12 * i, line, NOTE, "name" if i == 0 else under, "middle")
            for i, line in enumerate(lines)
        )
        return Area(left, top, right, bottom + 8 + 12 * len(lines)), texts

    def level_names(self) -> tuple[Text, ...]:
        """The level of every row, and the size of its maps."""
        sizes: dict[int, tuple[int, ...]] = {}
        for name, place in self.places.items():
            sizes.setdefault(place.row, self.nodes[name].shape[1:])
        levels = sorted(set(self.network.levels.values()), reverse=True)
        return tuple(
            text
            for row, level in enumerate(levels)
            for text in (
                Text(MARGIN, self.centres[row] - 1, f"level {level}", NOTE, "name"),
                Text(MARGIN, self.centres[row] + 11, _shape(sizes[row]), NOTE - 1, "level"),
            )
        )

    def _titles(self) -> tuple[Text, ...]:
        title = (Text(MARGIN, MARGIN + 10, self.network.name, 16, "title"),) if self.network.name else ()
        under = (Text(MARGIN, MARGIN + 26, self.look.subtitle, 10.5, "muted"),) if self.look.subtitle else ()
        return (*title, *under)


def _height(node: Node) -> float:
    return 30.0 if node.kind in (IMAGE, OUTPUT) else box_height(node.dim)


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
