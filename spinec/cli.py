"""The command line. Each command loads what it needs when it runs; frameworks load in `run` alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from spinec import __version__
from spinec.spec.errors import SpinecError

if TYPE_CHECKING:
    from spinec.compiler.program import Program
    from spinec.spec.load import Loaded
    from spinec.visualize.tables import Format, Table

app = typer.Typer(
    name="spinec",
    help="Author, count and compile vision networks from block specs.",
    no_args_is_help=True,
    add_completion=False,
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


class Convention(StrEnum):
    """How multiply-adds are counted."""

    conv = "conv"
    profiler = "profiler"


class Form(StrEnum):
    """How a table is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


@dataclass(frozen=True)
class Pixels:
    """An input size."""

    height: int
    width: int


def _parse_size(text: str) -> Pixels:
    parts = text.lower().replace("×", "x").split("x")
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() for part in parts):
        raise typer.BadParameter("expected pixels as 512, or height x width as 300x500")
    return Pixels(int(parts[0]), int(parts[-1]))


Name = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A spec of the library, or a YAML file.")]
Size = Annotated[
    Pixels | None,
    typer.Option(parser=_parse_size, metavar="N|HxW", help="Input size; the spec's own where not given."),
]
Count = Annotated[Convention, typer.Option(help="How multiply-adds are counted: see 'spinec conventions'.")]
Output = Annotated[Form, typer.Option("--format", help="How the table is written.")]
BackendName = Annotated[str, typer.Option("--backend", "-b", help="The framework.")]


@app.command("list")
def list_specs(form: Output = Form.table) -> None:
    """List the specs of the library."""
    from spinec.spec.library import names
    from spinec.spec.load import read
    from spinec.visualize.tables import library_table, report_of

    _print(library_table(report_of(read(name).spec) for name in names()), form)


@app.command()
def show(name: Name, size: Size = None, convention: Count = Convention.conv, form: Output = Form.table) -> None:
    """Show a spec's blocks: levels, dims, inputs, shapes and share of the cost."""
    from spinec.compiler.cost import cost as count
    from spinec.visualize.tables import block_table

    program = _program(name, size)
    _print(block_table(program, count(program), convention.value), form)


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Specs to check.")],
) -> None:
    """Check specs: every fault at its place, with what was expected. Exits with 1 if any spec is at fault."""
    from spinec.spec.load import read

    faulty = 0
    for name in files:
        try:
            loaded = read(name)
        except SpinecError as error:
            faulty += 1
            typer.echo(str(error), err=True)
            continue
        _warn(loaded)
        typer.echo(f"{name}: valid, {len(loaded.spec.blocks)} blocks" + _warning_count(loaded))
    if faulty:
        raise typer.Exit(1)


@app.command()
def cost(
    name: Name,
    by: Annotated[By, typer.Option(help="What the rows are.")] = By.block,
    convention: Count = Convention.conv,
    size: Size = None,
    flops: Annotated[bool, typer.Option("--flops", help="Floating point operations: twice the multiply-adds.")] = False,
    form: Output = Form.table,
) -> None:
    """Count multiply-adds, parameters and activations, exactly and without a framework."""
    from spinec.compiler.cost import cost as count
    from spinec.visualize.tables import cost_table

    report = count(_program(name, size))
    _print(cost_table(report, by.value, convention.value, flops), form)
    if form is Form.table:
        typer.echo(f"  peak activation memory at inference: {report.peak_bytes / 2**20:.1f} MiB (float32, batch 1)")


@app.command("compile")
def compile_spec(
    name: Name,
    backend: BackendName = "pytorch",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Where to write; standard output if not given."),
    ] = None,
    size: Size = None,
) -> None:
    """Write a spec as standalone source of a framework."""
    from spinec.backends.backend import emit
    from spinec.spec.files import write_whole

    source = emit(_program(name, size), backend)
    if output is None:
        typer.echo(source, nl=False)
        return
    try:
        write_whole(output, source)
    except OSError as error:
        _fail(f"{output}: cannot be written: {error.strerror}")
    typer.echo(f"{output}: {len(source.splitlines())} lines of {backend}")


@app.command()
def run(
    name: Name,
    image: Annotated[Path, typer.Argument(help="A picture.")],
    backend_name: BackendName = "pytorch",
    size: Size = None,
    seed: Annotated[int, typer.Option(help="Of the fresh weights.")] = 0,
) -> None:
    """Run a compiled spec with fresh weights on a picture and show what comes out."""
    from spinec.backends.backend import backend
    from spinec.backends.image import load_image
    from spinec.visualize.tables import result_table

    program = _program(name, size)
    results = backend(backend_name).run(program, load_image(image, program.size), seed)
    _print(result_table(program, results, backend_name), Form.table)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for completion and checking in an editor."""
    import json

    from spinec.spec.schema import schema as json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("my-network.yaml"),
) -> None:
    """Write a commented spec to start from."""
    from spinec.spec import load as spec_package
    from spinec.spec.files import write_whole

    if file.exists():
        _fail(f"{file}: exists already; name another file")
    starter = Path(spec_package.__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    try:
        write_whole(file, starter)
    except OSError as error:
        _fail(f"{file}: cannot be written: {error.strerror}")
    typer.echo(f"{file}: written; try 'spinec show {file}'")


@app.command()
def conventions() -> None:
    """Say what each counting convention counts."""
    from spinec.compiler.conventions import CONVENTIONS

    for name, convention in CONVENTIONS.items():
        typer.echo(f"{name}: {convention.doc}")


@app.command()
def published(form: Output = Form.markdown) -> None:
    """Compare every published figure of the library with what is counted."""
    from spinec.spec.library import names
    from spinec.spec.load import read
    from spinec.visualize.tables import published_table, report_of

    _print(published_table(report_of(read(name).spec) for name in names()), form)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line: exits with 0, with 1 for a bad spec, with 2 for wrong usage."""
    with _errors():
        app()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except SpinecError as error:
        _fail(str(error))
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        sys.exit(0)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(1)


def _program(name: str, size: Pixels | None) -> Program:
    from spinec.compiler.pipeline import lower
    from spinec.spec.load import read

    loaded = read(name)
    _warn(loaded)
    return lower(loaded.spec, (size.height, size.width) if size else None)


def _warn(loaded: Loaded) -> None:
    for fault in loaded.warnings:
        typer.echo(str(fault), err=True)


def _warning_count(loaded: Loaded) -> str:
    number = len(loaded.warnings)
    return f", {number} warning{'s' if number > 1 else ''}" if number else ""


def _print(table: Table, form: Form) -> None:
    if form is not Form.table:
        typer.echo(table.to_text(cast("Format", form.value)))
        return
    from rich.console import Console
    from rich.measure import Measurement

    rendered, console = table.to_rich(), Console()
    wanted = Measurement.get(console, console.options.update(width=10_000), rendered).maximum
    console.width = max(wanted, len(table.title))  # figures are never cut, however narrow the terminal
    console.print(rendered)
