"""What the marks of a picture mean: only those that it uses."""

from __future__ import annotations

from typing import NamedTuple

from spinec.spec.kinds.library import look
from spinec.visualize.diagram.network import IMAGE, PLAIN, Network, Status
from spinec.visualize.diagram.picture import CARD, Area, Arrow, Box, Direction, Ramp, Text
from spinec.visualize.diagram.steps import KEYS
from spinec.visualize.style.palette import kind_shape
from spinec.visualize.style.typeface import text_width

SIZE = 10.0
ROW = 22.0
START = 16.0
RAMP = 120.0
SAMPLE = Area(0, 0, 24, 14)
STATUSES: tuple[Status, ...] = ("added", "removed", "changed")
WORDS: dict[Direction, str] = {
    "down": "to a coarser level",
    "same": "within a level",
    "up": "to a finer level",
}


class Legend(NamedTuple):
    """Samples, and what they stand for."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    texts: tuple[Text, ...]
    ramps: tuple[Ramp, ...]
    bottom: float


def legend_of(
    network: Network,
    scale: tuple[str, str, str] | None,
    labels: bool,
    plain: bool,
    top: float,
    right: float,
    bare: bool = False,
) -> Legend:
    """The legend of a network's picture.

    `scale` says what the colours of a heat map mean; in a `plain` picture colours say what became of blocks.
    Blocks that are `bare` have no value in it.
    """
    pen = _Pen(top, right)
    kinds = sorted({node.kind for node in network.blocks}, key=look)
    if plain:
        _statuses(pen, network)
    elif scale:
        pen.ramp(*scale)
        if bare:
            pen.box(Box("", SAMPLE, PLAIN, "round"), "no value")
    else:
        for kind in kinds:
            pen.box(Box("", SAMPLE, kind, kind_shape(kind)), kind.replace("_", " "))
    usual = IMAGE if plain or scale or not kinds else kinds[0]
    if any(node.outputs for node in network.nodes):
        pen.box(Box("", SAMPLE, usual, "square", is_output=True), "output")
    if any(node.repeats > 1 for node in network.nodes):
        pen.box(Box("", SAMPLE, usual, "round", cards=2), "repeated")
    if not plain:
        for direction in _directions(network):
            pen.arrow(direction)
    pen.words("a taller box has more channels, a thicker arrow takes more multiply-adds")
    if labels and (keys := _keys(network)):
        pen.words(" · ".join(keys))
    return pen.legend()


def _statuses(pen: _Pen, network: Network) -> None:
    used = {node.status for node in (*network.nodes, *network.outputs)} | {edge.status for edge in network.edges}
    used.add(network.head_status)
    for status in STATUSES:
        if status in used:
            pen.box(Box("", SAMPLE, PLAIN, "round", status=status), status)


def _directions(network: Network) -> list[Direction]:
    levels = network.levels
    rises = {levels[edge.target] - levels[edge.source] for edge in network.edges}
    used = {"down": any(rise > 0 for rise in rises), "same": 0 in rises, "up": any(rise < 0 for rise in rises)}
    return [direction for direction in WORDS if used[direction]]


def _keys(network: Network) -> list[str]:
    words = {word for edge in network.edges for step in edge.steps for word in step.short.split()}
    return [f"{key}: {meaning}" for key, meaning in KEYS.items() if key in words]


class _Pen:
    """Sets one item after the other, in as many lines as it takes."""

    def __init__(self, top: float, right: float) -> None:
        self.x, self.y, self.right = START, top, right
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.texts: list[Text] = []
        self.ramps: list[Ramp] = []

    def box(self, sample: Box, words: str) -> None:
        offset = 32 + CARD * sample.cards
        x = self._room(offset + text_width(words, SIZE))
        self.boxes.append(sample._replace(area=Area(x, self.y, x + 24, self.y + 14)))
        self._text(x + offset, words)

    def arrow(self, direction: Direction) -> None:
        words = WORDS[direction]
        x = self._room(34 + text_width(words, SIZE))
        leg = ((x, self.y + 7), (x + 27, self.y + 7))
        self.arrows.append(Arrow("", "", (), leg, direction))
        self._text(x + 34, words)

    def ramp(self, words: str, low: str, high: str) -> None:
        shown = (words, low, high)
        x = self._room(sum(text_width(word, SIZE) for word in shown) + RAMP + 30)
        x = self._text(x, words) + 8
        x = self._text(x, low) + 5
        self.ramps.append(Ramp(Area(x, self.y, x + RAMP, self.y + 14)))
        self._text(x + RAMP + 5, high)

    def words(self, text: str) -> None:
        self._text(self._room(text_width(text, SIZE)), text, muted=True)

    def legend(self) -> Legend:
        """What was set."""
        bottom = self.y + ROW
        return Legend(tuple(self.boxes), tuple(self.arrows), tuple(self.texts), tuple(self.ramps), bottom)

    def _room(self, width: float) -> float:
        """Where an item begins: on this line, or on the next where it would not fit."""
        if self.x > START and self.x + width > self.right - START:
            self.x, self.y = START, self.y + ROW
        x, self.x = self.x, self.x + width + 20
        return x

    def _text(self, x: float, words: str, muted: bool = False) -> float:
        self.texts.append(Text(x, self.y + 11, words, SIZE, "muted" if muted else "text"))
        return x + text_width(words, SIZE)
