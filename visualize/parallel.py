"""Parallel coordinates on a page: an axis for every parameter and score, a line across them for every candidate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from spinec.visualize.charts import readable
from spinec.visualize.study import Search, Tried, Value, order, word
from spinec.visualize.style.typeface import shortened, text_width

SIZE = 11.0
WIDEST = 110.0  # of a name or a value
TALL, TOP, EDGE = 300.0, 26.0, 14.0
APART = 34.0  # from what is written at an axis to the axis before it
MOST_LABELS = 12  # values of an axis that are all written
MOST_LINES = 300  # candidates beside the best
MOST_BEST, BEST = 30, 0.1  # candidates that stand out: a share of all, and at most
SPREAD = 9.0  # how far lines through one value are apart, at most
NOTHING = "–"  # where a candidate lacks a parameter
GOLDEN = 0.6180339887


class Coordinate(NamedTuple):
    """One axis: where it stands, its name, and where its labels are."""

    x: float
    name: str
    labels: tuple[tuple[float, str], ...]


class Line(NamedTuple):
    """One candidate."""

    trial: int
    is_best: bool
    ys: tuple[float, ...]
    """Where it crosses every axis."""


@dataclass(frozen=True)
class Parallel:
    """What is drawn."""

    width: float
    height: float
    axes: tuple[Coordinate, ...]
    lines: tuple[Line, ...]

    def svg(self) -> str:
        """The picture as a part of a page, which has its style."""
        width, height = f"{self.width:.1f}", f"{self.height:.1f}"
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" class="spinec parallel" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" role="img" aria-label="parallel coordinates">',
            *(_path(self.axes, line) for line in self.lines),
            *(text for axis in self.axes for text in _axis(axis)),
            "</svg>",
        ])  # fmt: skip


def parallel(search: Search, parameters: Sequence[str]) -> Parallel:
    """The candidates with scores along some parameters and all scores; the best tenth by the first score stands out."""
    shown = _shown(search)
    given = [[each.choices.get(name, NOTHING) for each, _ in shown] for name in parameters]
    columns = [_choices(values) for values in given]
    scores = [[each.scores[i] for each, _ in shown] for i in range(len(search.minimize))]
    columns += [_scores(values, smaller) for values, smaller in zip(scores, search.minimize, strict=True)]
    axes: list[Coordinate] = []
    x = 0.0
    for name, column in zip([*parameters, *search.objectives], columns, strict=True):
        said = shortened(readable(name), SIZE, WIDEST)
        room = max((text_width(text, SIZE) for _, text in column.labels), default=0.0) + 8
        x += max(room, text_width(said, SIZE, bold=True) / 2) + (APART if axes else EDGE)
        axes.append(Coordinate(x, said, column.labels))
        x += text_width(said, SIZE, bold=True) / 2 - 8
    lines = [
        Line(each.trial, is_best, tuple(_apart(column.ys[i], column.spread, each.trial) for column in columns))
        for i, (each, is_best) in enumerate(shown)
    ]
    return Parallel(x + EDGE + 16, TOP + TALL + EDGE, tuple(axes), tuple(lines))


def _shown(search: Search) -> list[tuple[Tried, bool]]:
    """Candidates, and whether each is one of the best, which come last: they are painted over the others."""
    scored = search.scored
    sign = 1 if search.minimize[0] else -1
    ranked = sorted(scored, key=lambda each: (sign * each.scores[0], each.trial))
    best = min(MOST_BEST, max(1, round(BEST * len(ranked))))
    rest = sorted(ranked[best:])
    every = -(-len(rest) // MOST_LINES) or 1
    return [*((each, False) for each in rest[::every]), *((each, True) for each in reversed(ranked[:best]))]


class _Column(NamedTuple):
    """Of every line where it crosses an axis, and what is written beside the axis."""

    ys: list[float]
    labels: tuple[tuple[float, str], ...]
    spread: float = 0.0


def _choices(values: Sequence[Value]) -> _Column:
    """Values at equal distances, the largest above."""
    known = {word(value): value for value in values}
    names = sorted(known, key=lambda name: (name != NOTHING, order(known[name])))
    step = TALL / max(1, len(names) - 1) if len(names) > 1 else TALL
    places = {name: TOP + (TALL - i * step if len(names) > 1 else TALL / 2) for i, name in enumerate(names)}
    every = -(-len(names) // MOST_LABELS) or 1
    labels = tuple((places[name], shortened(name, SIZE, WIDEST)) for name in names[::every])
    return _Column([places[word(value)] for value in values], labels, min(SPREAD, 0.6 * step))


def _scores(values: Sequence[float], is_smaller_better: bool) -> _Column:
    """Better scores are above."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    half = high / 2 - low / 2  # of two numbers that are each as large as numbers go, the difference is not one
    parts = [(value / 2 - low / 2) / half if half else 0.5 for value in values]
    ys = [TOP + TALL * (part if is_smaller_better else 1 - part) for part in parts]
    ends = ((low, high) if is_smaller_better else (high, low)) if half else (low,)
    places = (TOP, TOP + TALL) if half else (TOP + TALL / 2,)
    return _Column(ys, tuple((y, f"{end:.4g}") for y, end in zip(places, ends, strict=True)) if values else ())


def _apart(y: float, spread: float, trial: int) -> float:
    """Lines through one value beside each other, by their trials."""
    return min(TOP + TALL, max(TOP, y + spread * (trial * GOLDEN % 1 - 0.5)))


def _path(axes: Sequence[Coordinate], line: Line) -> str:
    places = " L".join(f"{axis.x:.1f} {y:.1f}" for axis, y in zip(axes, line.ys, strict=True))
    return f'<path class="{"best" if line.is_best else "tried"}" d="M{places}"/>'


def _axis(axis: Coordinate) -> Iterator[str]:
    yield f'<path class="axis" d="M{axis.x:.1f} {TOP:g} V{TOP + TALL:g}"/>'
    yield f'<text class="name mid" x="{axis.x:.1f}" y="{TOP - 12:g}" font-size="{SIZE:g}">{escape(axis.name)}</text>'
    for y, text in axis.labels:
        yield f'<text class="end" x="{axis.x - 5:.1f}" y="{y + 4:.1f}" font-size="{SIZE:g}">{escape(text)}</text>'
