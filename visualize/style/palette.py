"""The colours of pictures, light and dark: told apart by the colour-blind, and never the only cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spinec.spec.kinds.library import look

Theme = Literal["auto", "light", "dark"]
Shape = Literal["round", "square", "pill", "cut"]
SHAPES: tuple[Shape, ...] = ("round", "square", "cut", "pill")


@dataclass(frozen=True)
class Colours:
    """What a theme paints with."""

    paper: str
    ink: str
    muted: str
    band: str
    line: str
    down: str
    up: str
    output: str
    added: str
    removed: str
    changed: str
    kinds: Sequence[tuple[str, str]]
    """Fill and outline of block kinds, in the order in which the kinds are defined."""

    def direction(self, name: str) -> str:
        """The colour of an arrow that goes down, up or stays at its level."""
        return {"down": self.down, "up": self.up}.get(name, self.line)

    def status_fill(self, status: str) -> str:
        """The fill of a block that was added, removed or changed."""
        return self.kinds[{"added": 0, "removed": 2, "changed": 5}[status]][0]


LIGHT = Colours(
    paper="#ffffff",
    ink="#1b1f24",
    muted="#57606a",
    band="#f3f5f8",
    line="#6b7580",
    down="#1a66ab",
    up="#a8480f",
    output="#b3261e",
    added="#1a66ab",
    removed="#a8480f",
    changed="#6a4bb5",
    kinds=(
        ("#cfe3f7", "#1f6fb2"),
        ("#cdeee2", "#0a7558"),
        ("#fde3c6", "#a85a00"),
        ("#f8d5e4", "#a8326e"),
        ("#f4ecb4", "#766600"),
        ("#e2dff6", "#5d4fb0"),
        ("#e3e6ea", "#57606a"),
    ),
)
DARK = Colours(
    paper="#0d1117",
    ink="#e6edf3",
    muted="#9aa4af",
    band="#161b22",
    line="#8b949e",
    down="#6cb6ff",
    up="#f0a35e",
    output="#ff7b72",
    added="#6cb6ff",
    removed="#f0a35e",
    changed="#b8a1ff",
    kinds=(
        ("#133a5e", "#6cb6ff"),
        ("#0c4235", "#4fd1a5"),
        ("#52300a", "#f0a35e"),
        ("#511c38", "#f08fbd"),
        ("#433a08", "#d9c64a"),
        ("#332b66", "#b0a4ff"),
        ("#2b3138", "#9aa4af"),
    ),
)

# From little to much: lightness falls all the way, so that the order survives grey and every kind of colour blindness.
_HEAT = (
    (0.0, (255, 247, 214)),
    (0.3, (253, 200, 110)),
    (0.6, (226, 106, 66)),
    (0.85, (140, 38, 80)),
    (1.0, (68, 14, 84)),
)
# What charts draw with: three to one or more against either paper, and of different lightness.
SERIES = ("#2f7fc1", "#c8641a", "#16876a", "#b5508a", "#8a7a10", "#7568c9")


def kind_shape(kind: str) -> Shape:
    """The outline of a block of a kind: the cue beside its colour."""
    turn, index = divmod(look(kind), len(LIGHT.kinds))
    return SHAPES[(index + index // len(SHAPES) + turn) % len(SHAPES)]


def kind_colours(colours: Colours, kind: str) -> tuple[str, str]:
    """Fill and outline of a block of a kind."""
    return colours.kinds[look(kind) % len(colours.kinds)]


def heat_fill(part: float) -> str:
    """The colour of a value from 0 to 1 of the largest.

    >>> heat_fill(0), heat_fill(1)
    ('#fff7d6', '#440e54')
    """
    part = min(1.0, max(0.0, part))
    upper = next(i for i, (at, _) in enumerate(_HEAT) if part <= at)
    (low, first), (high, second) = _HEAT[max(0, upper - 1)], _HEAT[upper]
    weight = (part - low) / (high - low) if high > low else 0.0
    return as_hex([a + (b - a) * weight for a, b in zip(first, second, strict=True)])


def text_on(fill: str) -> str:
    """Black or white, whichever reads better on a fill."""
    light, dark = "#ffffff", "#000000"
    return light if contrast(light, fill) > contrast(dark, fill) else dark


def contrast(first: str, second: str) -> float:
    """The contrast of two colours as WCAG 2 defines it, from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def as_hex(parts: Sequence[float]) -> str:
    """A colour of red, green and blue, each of 0 to 255."""
    return "#" + "".join(f"{round(part):02x}" for part in parts)
