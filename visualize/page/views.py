"""What the report's template sees: small views of tables, text ready to be shown, and nothing to decide."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spinec.visualize.formats.svg import style, variables
from spinec.visualize.style.palette import DARK, LIGHT, Theme
from spinec.visualize.table.table import Cell, Shown, Table, cell_value, show_cell

if TYPE_CHECKING:
    from markupsafe import Markup

FOLDER = Path(__file__).parent
LONG = 40  # characters from which a cell may be broken into lines


class CellView(NamedTuple):
    """A cell: its text, its value where it is a number, and the block that it names."""

    text: str
    number: float | None
    key: str

    @property
    def is_long(self) -> bool:
        """Whether it may be broken into lines."""
        return len(self.text) > LONG

    @property
    def is_plain(self) -> bool:
        """Whether the text says the number, but for separators of thousands."""
        return self.text.replace(",", "") == str(self.number)


class ColumnView(NamedTuple):
    """A column: its name, whether it holds numbers, and the choice it belongs to, of which one is shown at a time."""

    name: str
    is_number: bool
    choice: str = ""
    is_hidden: bool = False


class TableView(NamedTuple):
    """A table."""

    title: str
    columns: list[ColumnView]
    rows: list[list[CellView]]
    total: list[CellView]


class SourceView(NamedTuple):
    """A text with its highlighting."""

    title: str
    code: Markup


class DifferenceView(NamedTuple):
    """Two specs compared."""

    about: str
    diagram: Markup
    table: TableView


@dataclass(frozen=True)
class SectionView:
    """One spec."""

    id: str
    name: str
    about: str
    metrics: list[tuple[str, str]]
    conventions: list[str]
    diagram: Markup
    data: Markup
    blocks: TableView
    tables: Sequence[TableView] = ()
    charts: Sequence[Markup] = ()
    sources: Sequence[SourceView] = ()


@dataclass(frozen=True)
class PageView:
    """The whole report."""

    title: str
    theme: Theme
    sections: list[SectionView]
    summary: TableView | None = None
    charts: Sequence[Markup] = ()
    difference: DifferenceView | None = None

    def render(self) -> str:
        """The page as HTML."""
        return _rendered("report.html.jinja", self)


class PictureView(NamedTuple):
    """A picture within the page."""

    url: str
    """The picture itself, as a data URL."""
    width: int
    height: int
    says: str
    """What it shows, for those who do not see it."""
    caption: str


class ExampleView(NamedTuple):
    """One thing, shown in several pictures."""

    name: str
    pictures: list[PictureView]


@dataclass(frozen=True)
class RunsView:
    """A report on runs."""

    title: str
    theme: Theme
    tables: list[TableView]
    charts: Sequence[Markup] = ()
    further: Sequence[Markup] = ()
    """Charts that are shown when they are asked for."""
    settings: TableView | None = None
    """What the runs were asked for that differs."""
    difference: DifferenceView | None = None
    examples: Sequence[ExampleView] = ()
    notes: Sequence[str] = ()
    """About the examples."""
    sources: Sequence[SourceView] = ()

    def render(self) -> str:
        """The page as HTML."""
        return _rendered("runs.html.jinja", self, "img-src data:")


class BestView(NamedTuple):
    """One of the best candidates of a study."""

    title: str
    about: str
    difference: DifferenceView
    """To what the search began with."""
    source: SourceView


@dataclass(frozen=True)
class StudyView:
    """A report on a study."""

    title: str
    theme: Theme
    summary: TableView
    table: TableView
    """The best candidates in numbers."""
    best: Sequence[BestView] = ()
    charts: Sequence[Markup] = ()
    parallel: Markup | None = None
    parallel_says: str = ""
    choices: Sequence[Markup] = ()
    choices_say: str = ""
    further: Sequence[Markup] = ()
    """Choices of parameters that are shown when they are asked for."""
    reasons: TableView | None = None
    """Why candidates have no score."""

    def render(self) -> str:
        """The page as HTML."""
        return _rendered("study.html.jinja", self)


def _rendered(template: str, page: PageView | RunsView | StudyView, *allowed: str) -> str:
    """A page by its template; `allowed` is what a browser may load beside it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    script = (FOLDER / "report.js").read_text(encoding="utf-8")
    shown = environment.get_template(template)
    style = Markup(page_style())
    return shown.render(page=page, policy=_policy(script, allowed), style=style, script=Markup(script)) + "\n"


def _policy(script: str, allowed: Sequence[str] = ()) -> str:
    """What a browser may load and run: nothing from anywhere, and no script but the page's own."""
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = ("default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'", "base-uri 'none'")
    return "; ".join((*rules, "form-action 'none'", *allowed))


def table_view(table: Table, choices: Sequence[str] = ()) -> TableView:
    """A table as the template shows it; of columns that end in one of some choices, those of the first are shown."""
    numbers = [table.is_number(i) for i in range(len(table.columns))]
    rows = [[_cell(cell, number) for cell, number in zip(row, numbers, strict=True)] for row in table.rows]
    total = [_cell(cell, number) for cell, number in zip(table.total, numbers, strict=False)]
    columns = [_column(name, number, choices) for name, number in zip(table.titles, numbers, strict=True)]
    return TableView(table.title, columns, rows, total)


def _column(name: str, is_number: bool, choices: Sequence[str]) -> ColumnView:
    choice = next((choice for choice in choices if name.endswith(f", {choice}")), "")
    return ColumnView(name, is_number, choice, choice not in ("", *choices[:1]))


def _cell(cell: Cell, is_number: bool) -> CellView:
    text = show_cell(cell)
    given = cell_value(cell)
    value = (given if isinstance(given, int | float) else _value(text)) if is_number else None
    return CellView(text, value, (text if isinstance(cell, Shown) else str(cell)).partition(" (")[0])


def _value(text: str) -> float:
    digits = text.rstrip("% BM")
    return float(digits) if digits else float("-inf")


def page_style() -> str:
    """The style sheet: colours of both themes, chosen by the reader's preference or by the button."""
    light, dark = f"{variables(LIGHT)};--green:{LIGHT.kinds[1][1]}", f"{variables(DARK)};--green:{DARK.kinds[1][1]}"
    every = ":root,.spinec,.spinec-chart"
    chosen = ":root[data-theme={0}],[data-theme={0}] .spinec,[data-theme={0}] .spinec-chart"
    return "\n".join([
        f"{every}{{{light};--faint:{LIGHT.muted};color-scheme:light}}",
        f"@media(prefers-color-scheme:dark){{{every}{{{dark};--faint:{DARK.muted};color-scheme:dark}}}}",
        f"{chosen.format('light')}{{{light};--faint:{LIGHT.muted};color-scheme:light}}",
        f"{chosen.format('dark')}{{{dark};--faint:{DARK.muted};color-scheme:dark}}",
        style(None),
        (FOLDER / "report.css").read_text(encoding="utf-8"),
    ])  # fmt: skip
