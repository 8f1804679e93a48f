"""Answers as rows: what people read of them, and what programs do."""

from __future__ import annotations

from collections.abc import Sequence

from spinec.compiler.answers.results import Answer, Classified, Detected, Segmented
from spinec.visualize.table.table import Cell, Column, Columns, Shown, Table

EDGES = ("top", "left", "bottom", "right")


def answer_table(kind: str, network: str, answers: Sequence[Answer]) -> Table:
    """What a network said of some pictures; `kind` is detect, classify or segment."""
    rows = [[answer.name, *row] for answer in answers for row in _rows(answer)]
    noise = any(answer.noise for answer in answers)
    title = f"{network}, {len(answers)} picture{'s' if len(answers) != 1 else ''}"
    columns: Columns = ["image", *_columns(kind)]
    about = {"name": network, "random_weights": noise}
    data = Table("", columns, rows)
    if len(answers) == 1:  # it is in the title, then
        columns, rows, title = columns[1:], [row[1:] for row in rows], f"{network}, {answers[0].name}"
    return Table(title, columns, rows, (), about, kind, data=data)


def _columns(kind: str) -> Columns:
    match kind:
        case "detect":
            return ["class", Column("number", "number", 2), Column("id", "id", 2), "score", *EDGES]
        case "classify":
            return ["class", Column("number", "number", 2), "score"]
    return ["class", Column("number", "number", 2), Column("share", "area"), "pixels"]


def _rows(answer: Answer) -> list[list[Cell]]:
    match answer:
        case Detected():
            return [
                [name, int(label), number, _score(score), *(_pixel(edge) for edge in box)]
                for name, label, number, score, box in zip(
                    answer.names, answer.labels, answer.ids, answer.scores, answer.boxes, strict=True
                )
            ]
        case Classified():
            told = zip(answer.names, answer.labels, answer.scores, strict=True)
            return [[name, int(label), _score(score)] for name, label, score in told]
        case Segmented():
            return [
                [area.name, area.number, Shown(area.share, f"{area.share:.1%}"), area.pixels] for area in answer.areas
            ]
    raise TypeError(f"expected an answer, got {type(answer).__name__}")


def _score(score: float) -> Shown:
    return Shown(float(score), f"{score:.3f}")


def _pixel(edge: float) -> Shown:
    return Shown(float(edge), f"{edge:.1f}")
