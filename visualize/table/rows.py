"""The rows of a table that was written to a file: what `Table.to_text` writes, read back, and tables like it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import isfinite, nan
from typing import Any, NamedTuple

from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.visualize.table.table import Table, identifier

SYNONYMS = ({"name", "candidate", "trial"},)
"""What different tables call the same column."""
RULE = 9 * "─"
"""What stands in every table for a terminal, and in no other."""
_BARS = re.compile(r"(?<!\\)\|")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")


class Row(NamedTuple):
    """A row by its columns, and what errors call it."""

    place: str
    cells: Mapping[str, Any]

    def cell(self, column: str) -> Any:
        """What a column holds, under that name or another for the same.

        Raises:
            SpecError: when there is no such column.
        """
        found = named(self.cells, column)
        if found is None:
            hint = partial(did_you_mean, column, self.cells)
            raise SpecError([Fault("SPN-802", f"{self.place}: no column {column!r}", None, hint)])
        return self.cells[found]

    def text(self, column: str) -> str:
        """What a column holds, as text; nothing where there is no such column."""
        found = named(self.cells, column)
        return "" if found is None or self.cells[found] is None else str(self.cells[found])

    def number(self, column: str) -> float:
        """The number in a column.

        Raises:
            SpecError: naming the row, when there is no such column or it holds no number.
        """
        cell = self.cell(column)
        if not isfinite(value := number_of(cell)):
            raise SpecError([Fault("SPN-802", f"{self.place}: {column} is {cell!r}, expected a number")])
        return value


class Rows(NamedTuple):
    """The rows of a table, and what it says beside them."""

    rows: Sequence[Row]
    about: Mapping[str, Any]

    def figure(self, name: str) -> float | None:
        """A number that is said beside the rows, under that name or another for the same."""
        found = named(self.about, name)
        value = nan if found is None else number_of(self.about[found])
        return value if isfinite(value) else None


def read_rows(text: str, name: str) -> Rows:
    """The rows of a table in JSON, Markdown or CSV, whichever the text is; `name` is what errors call it.

    Raises:
        SpecError: when it is none of them, or says other columns than it has.

    >>> read_rows("| block | multiply-adds |\\n| --- | ---: |\\n| b1 | 1,234 |", "t.md").rows[0].number("macs")
    1234.0
    """
    start = text.lstrip()[:1]
    reader: Callable[[str, str], Rows] = _json if start in ("{", "[") else _markdown if start == "|" else _csv
    return reader(text, name)


def rows_of(table: Table, name: str) -> Rows:
    """The rows of a table that was never written."""
    said = table.to_dict()
    return Rows(_numbered(said["rows"], name), said["about"])


def named(columns: Mapping[str, Any], wanted: str) -> str | None:
    """The column of a name; or the first that is called the same but for signs and case, or called otherwise."""
    words = _words(wanted)
    same = next((names for names in SYNONYMS if words in names), {words})
    alike = (column for names in ({words}, same) for column in columns if _words(column) in names)
    return wanted if wanted in columns else next(alike, None)


def number_of(cell: Any) -> float:
    """The number that a cell says, thousands separated or not; NaN where it says none.

    >>> number_of("1,234,567"), number_of("12.5 %"), number_of("1,5")
    (1234567.0, 12.5, nan)
    """
    if isinstance(cell, str):
        cell = cell.strip().removesuffix("%").rstrip()
        cell = cell.replace(",", "") if _THOUSANDS.fullmatch(cell) else cell
    try:
        return nan if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError, OverflowError):
        return nan


def _words(column: str) -> str:
    return identifier(re.sub(r"multiply[ _]adds", "multiply-adds", column.lower()))


def _json(text: str, name: str) -> Rows:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unread(name, f"no JSON: {error}") from None
    found = data.get("rows") if isinstance(data, dict) else data
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _unread(name, "JSON without a list of rows")
    about = data.get("about", data) if isinstance(data, dict) else {}
    return Rows(_numbered(found, name), about if isinstance(about, dict) else {})


def _markdown(text: str, name: str) -> Rows:
    lines = [list(_cells(line)) for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or not all(re.fullmatch(r":?-+:?", cell) for cell in lines[1]):
        raise _unread(name, "a Markdown table without a line of dashes below its columns")
    return _checked([lines[0], *lines[2:]], name)


def _cells(line: str) -> Iterator[str]:
    for cell in _BARS.split(line.strip().removeprefix("|").removesuffix("|")):
        yield cell.replace("\\|", "|").strip()


def _csv(text: str, name: str) -> Rows:
    try:
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
    except csv.Error as error:
        raise _unread(name, f"no CSV: {error}") from None
    if not lines:
        raise _unread(name, "nothing in it")
    if RULE in text:
        raise _unread(name, "a table for a terminal, in which numbers are rounded and rows left out")
    return _checked(lines, name)


def _checked(lines: Sequence[Sequence[str]], name: str) -> Rows:
    columns = lines[0]
    for i, line in enumerate(lines[1:], 1):
        if len(line) != len(columns):
            raise _unread(f"{name}, row {i}", f"expected {len(columns)} cells, as there are columns, got {len(line)}")
    return Rows(_numbered((dict(zip(columns, line, strict=True)) for line in lines[1:]), name), {})


def _numbered(rows: Iterable[Mapping[str, Any]], name: str) -> list[Row]:
    return [Row(f"{name}, row {i}", row) for i, row in enumerate(rows, 1)]


def _unread(name: str, why: str) -> SpecError:
    hint = "expected CSV, JSON or Markdown, as '--format csv' of a command writes it"
    return SpecError([Fault("SPN-802", f"{name}: {why}", None, hint)])
