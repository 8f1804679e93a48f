"""Writing specs: a start, a check, a schema for the editor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.options import app, fail, warn, write_output
from spinec.spec.errors import SpinecError

if TYPE_CHECKING:
    from spinec.spec.load import Loaded


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Specs to check.")],
) -> None:
    """Check specs and name every fault.

    Each with its place and what was expected. Exits with 1 if any spec is at fault.
    """
    from spinec.spec.load import read

    faulty = 0
    for name in files:
        try:
            loaded = read(name)
        except SpinecError as error:
            faulty += 1
            typer.echo(str(error), err=True)
            continue
        warn(loaded)
        typer.echo(f"{name}: valid, {len(loaded.spec.blocks)} blocks" + _warning_count(loaded))
    if faulty:
        raise typer.Exit(1)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("my-network.yaml"),
) -> None:
    """Write a commented spec to start from."""
    from spinec.spec import load as spec_package

    if file.exists():
        fail(f"{file}: exists already; name another file")
    starter = Path(spec_package.__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    write_output(file, starter)
    typer.echo(f"{file}: written; try 'spinec show {file}'")


@app.command()
def schema() -> None:
    """Print the JSON Schema, for your editor."""
    import json

    from spinec.spec.schema import schema as json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


def _warning_count(loaded: Loaded) -> str:
    number = len(loaded.warnings)
    return f", {number} warning{'s' if number > 1 else ''}" if number else ""
