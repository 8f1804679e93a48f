"""The command line: `spinec/commands/` has the commands, `spinec/options.py` what they share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # looking for plugins costs a tenth of most commands

from spinec import __version__, commands
from spinec.options import app, fail
from spinec.spec.errors import SpinecError

__all__ = ["commands", "main"]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line: exits with 0, with 1 for bad input, with 2 for wrong usage."""
    with _errors():
        app()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except SpinecError as error:
        fail(str(error))
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        sys.exit(0)
