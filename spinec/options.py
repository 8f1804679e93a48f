"""What commands share: the options that mean the same everywhere, and how a program is read and a table shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn, cast

import typer

from spinec.completion import backend_names, convention_names, spec_names
from spinec.help import Commands
from spinec.spec.conventions import CONVENTIONS, Convention

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from spinec.compiler.graph.program import Program
    from spinec.spec.load import Loaded
    from spinec.spec.model import ModelSpec
    from spinec.spec.reports import Faults
    from spinec.visualize.table.table import Format, Table

app = typer.Typer(
    name="spinec",
    cls=Commands,
    help="Describe vision networks as block specs, count their cost and compile them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help costs more time than most commands
    context_settings={"help_option_names": ["-h", "--help"]},
)


class By(StrEnum):
    """What a cost table's rows are."""

    model = "model"
    level = "level"
    block = "block"
    part = "part"
    op = "op"
    category = "category"


class Form(StrEnum):
    """How a table is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class FaultForm(StrEnum):
    """How faults are written."""

    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"


class Pixels(NamedTuple):
    """An input size."""

    height: int
    width: int


def parse_size(text: str) -> Pixels:
    """An input size as a user writes it."""
    parts = text.lower().replace("×", "x").split("x")
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() for part in parts):
        raise typer.BadParameter("expected pixels as 512, or height x width as 300x500")
    return Pixels(int(parts[0]), int(parts[-1]))


def _parse_figure(text: str) -> float:
    """A figure as papers print it, or a number as Python writes it."""
    from pydantic import TypeAdapter, ValidationError

    from spinec.spec.fields import Figure, figure_value

    try:
        return figure_value(TypeAdapter(Figure).validate_python(text))
    except ValidationError:
        return _plain_figure(text)


def _plain_figure(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 <= value < inf:
        raise typer.BadParameter(f"expected a figure such as 2.5G, 3.6M, 1e9 or 1200000, got {text!r}")
    return value


def _parse_convention(text: str) -> str:
    """The name of a convention, of spinec or a plug-in."""
    if text not in CONVENTIONS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(map(repr, CONVENTIONS))}.")
    return text


def figure(about: str) -> typer.models.OptionInfo:
    """An option that takes a figure such as 2.5G."""
    option: typer.models.OptionInfo = typer.Option(parser=_parse_figure, metavar="FIGURE", help=about)
    return option


def words(text: str) -> list[str]:
    """What is separated by commas."""
    return [word.strip() for word in text.split(",")] if text else []


def groups_of(groups: list[str] | None) -> list[list[str]]:
    """What an option that may be repeated lists each time."""
    return [words(group) for group in groups or []]


def number(text: str) -> int | float:
    """One of several numbers."""
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        raise typer.BadParameter(f"expected numbers separated by commas, got {text!r}") from None


def whole_number(text: str) -> int:
    """One of several whole numbers."""
    if not text.strip().isdecimal():
        raise typer.BadParameter(f"expected whole numbers separated by commas, got {text!r}")
    return int(text)


STDIN = "-"
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE",
        help="A spec of the library or a YAML file. Use - for standard input.",
        autocompletion=spec_names,
    ),
]
Size = Annotated[
    Pixels | None,
    typer.Option(parser=parse_size, metavar="N|HxW", help="Input size. Default: the size in the spec."),
]
Count = Annotated[
    Convention,
    typer.Option(
        parser=_parse_convention,
        metavar="CONVENTION",
        help="How to count multiply-adds: see 'spinec conventions'.",
        autocompletion=convention_names,
    ),
]
Output = Annotated[Form, typer.Option("--format", help="Output format.")]
Work = Annotated[float | None, figure("Total work F_t, such as 1.6G. Default: that of the spec.")]
Approximate = Annotated[bool, typer.Option("--approximate", help="Use only the first term of the work F_i, C_i c_i^2.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", metavar="B,B", help="Blocks that share one dim. Can be repeated.")
]
Frozen = Annotated[str, typer.Option(metavar="B,B", help="Blocks that keep their dims.")]
Values = Annotated[str, typer.Option(help="Values that a beta can have.")]
BackendName = Annotated[str, typer.Option("--backend", "-b", help="Framework to use.", autocompletion=backend_names)]


def fail(message: str) -> NoReturn:
    """Say what is wrong and exit with 1."""
    typer.echo(message, err=True)
    sys.exit(1)


def read_spec(name: str) -> ModelSpec:
    """A spec by name or file; its warnings are shown."""
    loaded = read_loaded(name)
    warn(loaded)
    return loaded.spec


def read_loaded(name: str) -> Loaded:
    """A spec by name or file, or from standard input; what that one names is looked for in the current folder."""
    from spinec.spec.load import read, reads

    return reads(read_input(), shown(name), Path(STDIN)) if name == STDIN else read(name)


def shown(name: str) -> str:
    """What messages call a file that a user names."""
    return "<stdin>" if name == STDIN else name


def read_input() -> str:
    """The text on standard input, which can be read once."""
    from spinec.spec.document import MAX_BYTES, decode
    from spinec.spec.errors import Fault, SpecError

    data = sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin else b""
    if not data:
        message = f"{shown(STDIN)}: cannot be read: it is empty, or was read already"
        raise SpecError([Fault("SPN-101", message, None, f"{STDIN!r} can stand for one file")])
    return decode(data, shown(STDIN))


def read_program(name: str, size: Pixels | None) -> Program:
    """The program of a spec by name or file; its warnings are shown."""
    from spinec.compiler.lowering.pipeline import lower

    return lower(read_spec(name), size)


def read_image(path: Path, program: Program) -> NDArray[np.float32]:
    """A picture as a program takes it; what was done to it unasked is said."""
    from spinec.backends.image import load_image

    picture = load_image(path, program.input_shape)
    for note in picture.notes:
        typer.echo(note, err=True)
    return picture.values


def warn(loaded: Loaded) -> None:
    """Show what a spec warns of."""
    for fault in loaded.warnings:
        typer.echo(str(fault), err=True)


def print_table(table: Table, form: Form) -> None:
    """Show a table: for a person on a terminal, or as text in another form."""
    if form is not Form.table:
        typer.echo(table.to_text(cast("Format", form.value)))
        return
    from rich.console import Console

    from spinec.visualize.table.terminal import fitted, print_fitted

    console = Console()
    shown = fitted(table, _width(console))
    print_fitted(shown, console)
    if shown.left_out:
        print_remark(f"no room for {', '.join(shown.left_out)}: --format csv has all")


def print_remark(text: str) -> None:
    """Say something below a table, in lines that fit the terminal."""
    from textwrap import fill

    from rich.console import Console

    width = _width(Console())
    typer.echo(fill(text, width, initial_indent="  ", subsequent_indent="  ") if width else f"  {text}")


def _width(console: Console) -> int | None:
    """How many characters a line may have, where somebody reads it at a terminal."""
    return console.width if sys.stdout.isatty() or "COLUMNS" in os.environ else None


def print_faults(form: FaultForm, found: Faults, *, passed: bool) -> None:
    """Write the faults of every file, and the verdict, for another program."""
    from spinec.spec import reports
    from spinec.spec.version import __version__

    match form:
        case FaultForm.json:
            typer.echo(reports.to_json(found, passed=passed))
        case FaultForm.sarif:
            typer.echo(reports.to_sarif(found, __version__))
        case FaultForm.github if text := reports.to_github(found):
            typer.echo(text)


def is_standard_output(output: Path | None) -> bool:
    """Whether `-o -` was asked for."""
    return str(output) == "-"


def deliver_text(text: str, output: Path | None, told: str) -> None:
    """Write text whole to a file and tell so, or to standard output where no file is given."""
    if output is None or is_standard_output(output):
        typer.echo(text, nl=False)
        return
    write_output(output, text)
    typer.echo(f"{output}: {told}")


def write_output(path: Path, data: str | bytes) -> None:
    """Write a file whole, or say why not and exit with 1."""
    from spinec.spec.files import write_whole

    with failing(path):
        write_whole(path, data)


@contextmanager
def failing(path: Path) -> Iterator[None]:
    """Say why a file cannot be written and exit with 1."""
    try:
        yield
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror or error}")


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say what takes long while it does, to a person at a terminal and to nobody else."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)):
        yield
