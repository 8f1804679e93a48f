"""What the marks of a picture mean: only those that it uses."""

from __future__ import annotations

from typing import NamedTuple

from spinec.visualize.network import IMAGE, Network
from spinec.visualize.palette import kind_index, kind_shape
from spinec.visualize.picture import CARD, Area, Arrow, Box, Ramp, Text
from spinec.visualize.steps import KEYS
from spinec.visualize.typeface import text_width

SIZE = 10.0
ROW = 22.0
START = 16.0
RAMP = 120.0
WORDS = {
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


def legend_of(network: Network, scale: tuple[str, str, str] | None, labels: bool, top: float, right: float) -> Legend:
    """The legend of a network's picture; `scale` says what the colours of a heat map mean."""
    pen = _Pen(top, right)
    used = sorted({node.kind for node in network.blocks}, key=kind_index)
    for kind in used if scale is None else ():
        pen.box(Box("", _AREA, kind, kind_shape(kind)), kind.replace("_", " "))
    if scale:
        pen.ramp(*scale)
    if any(node.outputs for node in network.nodes):
        pen.box(Box("", _AREA, used[0] if scale is None else IMAGE, "square", is_output=True), "output")
    if any(node.repeats > 1 for node in network.nodes):
        pen.box(Box("", _AREA, used[0] if scale is None else IMAGE, "round", cards=2), "repeated")
    levels = network.levels
    moves = [levels[edge.source] - levels[edge.target] for edge in network.edges]
    for direction, is_used in (("down", min(moves) < 0), ("same", 0 in moves), ("up", max(moves) > 0)):
        if is_used:
            pen.arrow(direction)
    pen.words("a taller box has more channels, a thicker arrow takes more multiply-adds")
    shown = {step.short for edge in network.edges for step in edge.steps} if labels else set()
    words = {word for short in shown for word in short.split()}
    keys = [f"{key}: {meaning}" for key, meaning in KEYS.items() if key in words]
    if keys:
        pen.words(" · ".join(keys))
    return pen.legend()


_AREA = Area(0, 0, 24, 14)


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

    def arrow(self, direction: str) -> None:
        words = WORDS[direction]
        x = self._room(34 + text_width(words, SIZE))
        leg = ((x, self.y + 7), (x + 27, self.y + 7))
        self.arrows.append(Arrow("", "", (), leg, direction))  # type: ignore[arg-type]  # the words' keys are directions
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
