"""A table: columns, rows, and how a person, a spreadsheet or a program reads them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Format = Literal["table", "json", "csv", "markdown"]
Cell: TypeAlias = "str | int | float | None"


@dataclass(frozen=True)
class Table:
    """Columns and rows; numbers stay numbers until they are shown."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    about: dict[str, Any] = field(default_factory=dict)

    def to_text(self, form: Format) -> str:
        """The table as text of any format but a terminal's."""
        writers = {"json": self._json, "csv": self._csv, "markdown": self._markdown}
        return writers[form]()

    def to_rich(self) -> RichTable:
        """The table for a terminal."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(
            title=self.title,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            show_footer=bool(self.total),
        )
        footers = [show_cell(cell) for cell in self.total] or [""] * len(self.columns)
        for i, (name, footer) in enumerate(zip(self.columns, footers, strict=True)):
            justify: Literal["right", "left"] = "right" if self.is_number(i) else "left"
            table.add_column(Text(name), footer=Text(footer), justify=justify, no_wrap=justify == "right")
        for row in self.rows:
            table.add_row(*(Text(show_cell(cell)) for cell in row))
        return table

    def _repr_html_(self) -> str:
        from spinec.visualize.notebook import table_html

        return table_html(self)

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers, or nothing."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(isinstance(cell, int | float) or _looks_like_number(cell) for cell in cells)

    def _json(self) -> str:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        total = {"total": dict(zip(self.columns, self.total, strict=True))} if self.total else {}
        return json.dumps({**self.about, "rows": rows, **total}, indent=2)

    def _csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([self.columns, *self.rows, *([self.total] if self.total else [])])
        return text.getvalue().rstrip("\n")

    def _markdown(self) -> str:
        rule = ["---:" if self.is_number(i) else "---" for i in range(len(self.columns))]
        rows = [
            [show_cell(cell).replace("|", "\\|") for cell in row]
            for row in [*self.rows, *([self.total] if self.total else [])]
        ]
        return "\n".join(f"| {' | '.join(row)} |" for row in [self.columns, rule, *rows])


def show_cell(cell: Cell) -> str:
    """A cell as a person reads it."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.1f}" if abs(cell) >= 1000 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _looks_like_number(cell: Cell) -> bool:
    return isinstance(cell, str) and cell[-1:] in "%BM" and cell[:1] in "+-0123456789"
