"""A picture as data: boxes, arrows and lines of text at their places. Layout makes it, writers write it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from spinec.visualize.diagram.network import Status
from spinec.visualize.style.palette import Shape
from spinec.visualize.style.typeface import text_width

Point: TypeAlias = tuple[float, float]
Direction = Literal["down", "up", "same"]
Anchor = Literal["start", "middle", "end"]
Role = Literal["title", "name", "text", "muted", "level", "down", "up", "same", "added", "removed", "changed", "output"]
HEAD = 7.0  # length of an arrow's head
HALF_HEAD = 3.2
CARD = 3.0  # how far a repeat stands behind the one before it


class Area(NamedTuple):
    """A rectangle, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Area, slack: float = 0.01) -> bool:
        """Whether two rectangles have more than an edge in common."""
        return (
            self.left + slack < other.right
            and other.left + slack < self.right
            and self.top + slack < other.bottom
            and other.top + slack < self.bottom
        )


class Text(NamedTuple):
    """One line of text; `y` is its base line."""

    x: float
    y: float
    text: str
    size: float
    role: Role = "text"
    anchor: Anchor = "start"

    @property
    def bold(self) -> bool:
        """Whether it is set in bold."""
        return self.role in ("title", "name", "output")

    @property
    def area(self) -> Area:
        """What it covers at most."""
        width = text_width(self.text, self.size, self.bold)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Area(left, self.y - 0.76 * self.size, left + width, self.y + 0.24 * self.size)


class Box(NamedTuple):
    """A block, the image, an output, or a sample in the legend; its texts lie within it."""

    name: str
    area: Area
    kind: str
    shape: Shape
    texts: tuple[Text, ...] = ()
    heat: float | None = None
    """Its share of the largest value, where the picture is a heat map."""
    cards: int = 0
    """How many repeats stand behind it."""
    is_output: bool = False
    status: Status = "same"
    words: str = ""
    block: str = ""

    @property
    def extent(self) -> Area:
        """The box with what stands behind it."""
        left, top, right, bottom = self.area
        return Area(left, top, right + self.cards * CARD, bottom + self.cards * CARD)


class Arrow(NamedTuple):
    """From a box to another: a trunk that all arrows of a box share, and a leg of its own that ends in a head.

    Where a picture is in strips, an arrow is in pieces, and only the last has a leg.
    """

    source: str
    target: str
    trunk: tuple[Point, ...]
    leg: tuple[Point, ...]
    direction: Direction
    width: float = 1.4
    texts: tuple[Text, ...] = ()
    status: Status = "same"
    words: str = ""

    @property
    def head(self) -> tuple[Point, Point, Point]:
        """The corners of the head, the tip first."""
        (x0, y0), (x, y) = self.leg[-2], self.leg[-1]
        dx, dy = _sign(x - x0), _sign(y - y0)
        half = HALF_HEAD + self.width / 2 - 0.7
        back_x, back_y = x - dx * HEAD, y - dy * HEAD
        return (x, y), (back_x + dy * half, back_y + dx * half), (back_x - dy * half, back_y - dx * half)

    @property
    def points(self) -> tuple[Point, ...]:
        """The whole way, corner by corner."""
        return (*self.trunk, *self.leg[1:]) if self.trunk else self.leg


class Ramp(NamedTuple):
    """A scale of heat, from nothing on the left to the largest value on the right."""

    area: Area


@dataclass(frozen=True)
class Picture:
    """A finished layout: what writers write down."""

    title: str
    description: str
    width: float
    height: float
    bands: tuple[Area, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    texts: tuple[Text, ...]
    legend: tuple[Box, ...] = ()
    legend_arrows: tuple[Arrow, ...] = ()
    ramps: tuple[Ramp, ...] = field(default=())
    panel: Area | None = None
    """What frames the outputs."""

    @property
    def all_texts(self) -> tuple[Text, ...]:
        """Every line of text, wherever it belongs."""
        of_boxes = (text for box in (*self.boxes, *self.legend) for text in box.texts)
        return (*self.texts, *of_boxes, *(text for arrow in self.arrows for text in arrow.texts))


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
