"""A table on a terminal: as wide as it is where there is room, made to fit where there is not.

Figures are shortened first, then text is wrapped, then columns go, by rank. What names a row is never broken, nor a
figure cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from spinec.visualize.style.quantity import quantity
from spinec.visualize.table.table import Cell, Column, Table, show_cell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

LONG = 10_000  # figures from here on have a short form
BROKEN = 16  # characters of a word that may be broken: of more, as many stay together
_PARTS = re.compile(r"(?<! x) (?!x )")
GAP = 2  # blanks between columns


@dataclass(frozen=True)
class Fitted:
    """A table as it fits a width: its cells as text, the width of every column, and what had no room."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    """The total, if there is one, at the end."""
    has_total: bool
    numbers: tuple[bool, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Of its longest line."""
        return sum(self.widths) + GAP * (len(self.widths) - 1)


def fitted(table: Table, width: int | None) -> Fitted:
    """The table for a terminal of this width; without one, all of it."""
    fits = _laid_out(table, shorten=False)
    if width is None or fits.width <= width:
        return fits
    for columns in _fewer(table.heads):
        fewer, left_out = _only(table, columns), [each.title for each in table.heads if each not in columns]
        for shorten, wrap in ((False, False), (True, False), (True, True)):
            fits = replace(_shrunk(_laid_out(fewer, shorten=shorten), wrap, width), left_out=tuple(left_out))
            if fits.width <= width:
                return fits
    return fits


def _fewer(columns: Sequence[Column]) -> Iterator[Sequence[Column]]:
    """All columns, then ever fewer: the last of the highest rank goes first, those of rank 0 stay."""
    yield columns
    while any(column.rank for column in columns):
        goes = max(reversed(columns), key=lambda column: column.rank)
        columns = [column for column in columns if column is not goes]
        yield columns


def _only(table: Table, columns: Sequence[Column]) -> Table:
    places = [place for place, column in enumerate(table.heads) if column in columns]
    rows = [[row[place] for place in places] for row in table.rows]
    return replace(table, columns=columns, rows=rows, total=[table.total[place] for place in places if table.total])


def _laid_out(table: Table, *, shorten: bool) -> Fitted:
    rows = tuple(tuple(_text(cell, shorten) for cell in row) for row in (*table.rows, table.total) if row)
    columns, numbers = tuple(table.heads), tuple(table.is_number(place) for place in range(len(table.columns)))
    widths = tuple(
        max(map(_wide, (column.title, *(row[place] for row in rows)))) for place, column in enumerate(columns)
    )
    return Fitted(table.title, columns, rows, bool(table.total), numbers, widths)


def _text(cell: Cell, shorten: bool) -> str:
    is_long = shorten and isinstance(cell, int | float) and abs(cell) >= LONG
    return quantity(float(cell)) if is_long and isinstance(cell, int | float) else show_cell(cell)


def _wide(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _least(table: Fitted, wrap: bool) -> list[int]:
    """How narrow every column may be: titles wrap always; text, too, where it may."""
    least = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        may_wrap = wrap and place > 0 and not table.numbers[place]
        held = [_unbroken(cell) for cell in cells] if may_wrap else map(_wide, cells)
        least.append(max(_longest(_lines(column.title, 1)), *held, 0))
    return least


def _unbroken(text: str) -> int:
    """How much of a text stays on one line: a word, up to a length, and all of a shape such as 64 x 32 x 32."""
    return max((min(BROKEN, _wide(word)) if " " not in word else _wide(word) for word in _PARTS.split(text)), default=0)


def _longest(words: Sequence[str]) -> int:
    return max(map(_wide, words), default=0)


def _lines(title: str, width: int) -> list[str]:
    """A title broken between words, and behind hyphens."""
    from textwrap import wrap

    return wrap(title, width, break_long_words=False)


def _shrunk(table: Fitted, wrap: bool, width: int) -> Fitted:
    """The table within a width, or as narrow as it may be: the widest column gives first."""
    widths, least = list(table.widths), _least(table, wrap)
    excess = table.width - width
    while excess > 0 and any(map(int.__gt__, widths, least)):
        _, place = max((wide, place) for place, wide in enumerate(widths) if wide > least[place])
        widths[place] -= 1
        excess -= 1
    return replace(table, widths=tuple(widths))


def print_fitted(table: Fitted, console: Console) -> None:
    """Show a table, without blanks at the ends of its lines."""
    from rich.segment import Segment, Segments
    from rich.text import Text

    console.print(Text(table.title, "table.title"), soft_wrap=True)
    console.width = max(console.width, table.width)
    for line in console.render_lines(_rich(table), pad=False):
        told = list(line)
        while told and not told[-1].text.strip():
            told.pop()
        if told:
            told[-1] = Segment(told[-1].text.rstrip(), told[-1].style)
        console.print(Segments([*told, Segment.line()]), end="", soft_wrap=True)


def _rich(table: Fitted) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        box=box.SIMPLE_HEAD,
        show_footer=table.has_total,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    *rows, last = table.rows if table.has_total else (*table.rows, ("",) * len(table.columns))
    for column, footer, is_number, width in zip(table.columns, last, table.numbers, table.widths, strict=True):
        justify: Literal["right", "left"] = "right" if is_number else "left"
        title = "\n".join(_lines(column.title, max(width, 1)))
        shown.add_column(Text(title), Text(footer), justify=justify, width=width, overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown
