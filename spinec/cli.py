"""The command line: `spinec/commands/` has the commands, `spinec/options.py` what they share."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Annotated

import typer
from typer.main import get_command_name

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # looking for plugins costs a tenth of most commands

from spinec import commands
from spinec.commands.data import data_app
from spinec.commands.weights import weights_app
from spinec.help import Command
from spinec.options import app, fail
from spinec.spec.errors import SpinecError
from spinec.spec.version import __version__

__all__ = ["commands", "main"]

UNWRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}  # without a file's name: standard output


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line: exits with 0, with 1 for bad input, with 2 for wrong usage."""
    gc.set_threshold(100_000)  # what is loaded stays: to search it for cycles again and again takes a while
    with _errors():
        asked = sys.argv[1] if len(sys.argv) > 1 else ""
        _narrowed(asked)(prog_name="spinec")  # whatever it was started as: shells ask for completion by this name


for _info in (*app.registered_commands, *weights_app.registered_commands, *data_app.registered_commands):
    _info.cls = Command


def _narrowed(asked: str) -> typer.Typer:
    """The app with no command but the one that is asked for: to make all of them costs a tenth of most runs."""
    found = [
        command
        for command in app.registered_commands
        if command.callback and (command.name or get_command_name(command.callback.__name__)) == asked
    ]
    if not found:
        return app
    narrow = copy(app)
    narrow.registered_commands, narrow.registered_groups = found, []
    return narrow


@contextmanager
def _errors() -> Iterator[None]:
    try:
        with _flushed():
            yield
    except SpinecError as error:
        fail(str(error))
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITTEN:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or what is left is tried once more at the end, with a traceback
        fail(f"standard output: cannot be written: {error.strerror}")


@contextmanager
def _flushed() -> Iterator[None]:
    """What was said has left the process before it is over."""
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
