"""A table: columns, rows, and how a person, a spreadsheet or a program reads them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any, Literal, NamedTuple, TypeAlias

from spinec.spec.results import Result, plain

Format = Literal["table", "json", "csv", "markdown"]


class Shown(NamedTuple):
    """A value that people read in words of its own: a share as '12.3%', a shape as '64 x 32 x 32'."""

    value: Any
    text: str


class Column(NamedTuple):
    """What a column is called, and how soon it goes where there is no room for all."""

    title: str
    key: str = ""
    """What programs call it; made of the title where empty."""
    rank: int = 0
    """On a narrow terminal, columns of the highest rank go first; those of rank 0 stay."""


Cell: TypeAlias = "str | int | float | Shown | None"
Columns: TypeAlias = "list[str | Column]"


@dataclass(frozen=True)
class Table:
    """Columns and rows; numbers stay numbers until they are shown."""

    title: str
    columns: Sequence[str | Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    about: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    """What the rows are, for programs: a kind of `spec/results.yaml`."""
    passed: bool | None = None
    """The verdict of a command that judges."""
    data: Table | None = None
    """The same for programs, where what they read has other rows or columns."""

    @cached_property
    def heads(self) -> list[Column]:
        """The columns, each with its title and its key."""
        full = (column if isinstance(column, Column) else Column(column) for column in self.columns)
        return [column if column.key else column._replace(key=identifier(column.title)) for column in full]

    @property
    def titles(self) -> list[str]:
        """What people call the columns."""
        return [column.title for column in self.heads]

    def to_text(self, form: Format) -> str:
        """The table as text of any format but a terminal's."""
        if form == "json":
            return json.dumps(self.to_dict(), indent=2, allow_nan=False)
        return (self.data or self)._csv() if form == "csv" else self._markdown()

    def to_dict(self) -> Result:
        """The table as plain data, in the one shape of all results (`spec/results.yaml`)."""
        data = self.data or self
        keys = [column.key for column in data.heads]
        rows, total = (
            [dict(zip(keys, plain([cell_value(cell) for cell in row]), strict=True)) for row in given if row]
            for given in (data.rows, [data.total])
        )
        return {
            "kind": self.kind,
            "passed": self.passed,
            "about": plain(self.about),
            "rows": rows,
            "total": total[0] if total else None,
        }

    def to_html(self) -> str:
        """The table as HTML; text stays text.

        >>> Table("t", ["a"], [["<b>"]]).to_html()
        '<table><caption>t</caption><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
        """
        rows = [self.titles, *([show_cell(cell) for cell in row] for row in (*self.rows, self.total) if row)]
        tags = ["th", *(["td"] * (len(rows) - 1))]
        lines = ["".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in zip(tags, rows, strict=True)]
        return f"<table><caption>{escape(self.title)}</caption>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    def _repr_html_(self) -> str:
        return self.to_html()

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers, or nothing."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(map(_is_number, cells))

    def _csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.key for column in self.heads])
        writer.writerows([_written(cell) for cell in row] for row in (*self.rows, self.total) if row)
        return text.getvalue().rstrip("\n")

    def _markdown(self) -> str:
        rule = ["---:" if self.is_number(i) else "---" for i in range(len(self.columns))]
        rows = [
            [show_cell(cell).replace("|", "\\|") for cell in row]
            for row in [*self.rows, *([self.total] if self.total else [])]
        ]
        return "\n".join(f"| {' | '.join(row)} |" for row in [self.titles, rule, *rows])


def identifier(title: str) -> str:
    """What programs call a column that people know by this title.

    >>> identifier("relative multiply-adds"), identifier("% of parameters"), identifier("FLOPs")
    ('relative_macs', 'percent_of_params', 'flops')
    """
    text = title.lower()
    for word, name in (("multiply-adds", "macs"), ("parameters", "params"), ("%", "percent")):
        text = text.replace(word, name)
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def show_cell(cell: Cell) -> str:
    """A cell as a person reads it."""
    if isinstance(cell, Shown):
        return cell.text
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.1f}" if abs(cell) >= 1000 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def cell_value(cell: Cell) -> Any:
    """A cell as a program reads it."""
    return cell.value if isinstance(cell, Shown) else cell


def _written(cell: Cell) -> Any:
    """A cell of a spreadsheet: a number or a word as it is, of several the text, truth as in JSON."""
    value = cell_value(cell)
    if isinstance(value, bool):
        return str(value).lower()
    return show_cell(cell) if isinstance(value, list | tuple) else value


def _is_number(cell: Cell) -> bool:
    value = cell_value(cell)
    if isinstance(value, str):
        return value[-1:] in "%BM" and value[:1] in "+-0123456789"
    return isinstance(value, int | float) and not isinstance(value, bool)
