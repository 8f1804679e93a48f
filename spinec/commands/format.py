"""The one form of spec files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from spinec.options import STDIN, app, read_input, shown
from spinec.spec.errors import SpecError
from spinec.suffixes import SPEC, check_suffix


@app.command("fmt")
def format_files(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files or folders. Use - for standard input.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing. List the files that are not formatted.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing. Show what would change.")] = False,
) -> None:
    """Format spec files.

    Keeps comments and the meaning. Without a path, formats every spec in the current folder and below it. Exits with 0,
    with 1 if --check or --diff finds a file that is not formatted, and with 2 if a file cannot be read or written. That
    file stays as it is.
    """
    from spinec.spec.library import specs_in

    given = paths or [Path()]
    files = [file for path in given for file in (specs_in(path) if os.path.isdir(path) else [path])]
    outcomes = [_format(file, check=check, diff=diff) for file in files]
    if files != [Path(STDIN)]:
        _tell(outcomes, would=check or diff)
    if None in outcomes:
        raise typer.Exit(2)
    if (check or diff) and any(outcomes):
        raise typer.Exit(1)


def _format(file: Path, *, check: bool, diff: bool) -> bool | None:
    """Whether a file was, or is, not formatted; None if it cannot be read or written, which is said."""
    from spinec.spec.format import format_text

    name = shown(str(file))
    try:
        text = _text(file, name)
        formatted = format_text(text, name)
    except SpecError as error:
        typer.echo(str(error), err=True)
        return None
    write = not (check or diff)
    if diff:
        typer.echo(_difference(text, formatted, name), nl=False)
    if str(file) == STDIN and write:
        typer.echo(formatted, nl=False)
    elif text != formatted and (check or write):
        if write and not _write(file, formatted):
            return None
        typer.echo(f"{'formatted' if write else 'not formatted'}: {name}")
    return text != formatted


def _write(file: Path, text: str) -> bool:
    from spinec.spec.files import write_whole

    try:
        write_whole(file, text)
    except OSError as error:
        typer.echo(f"{file}: cannot be written: {error.strerror}", err=True)
        return False
    return True


def _text(file: Path, name: str) -> str:
    from spinec.spec.document import file_text

    check_suffix(file, *SPEC)
    return read_input() if str(file) == STDIN else file_text(file, name)


def _difference(text: str, formatted: str, name: str) -> str:
    from difflib import unified_diff
    from io import StringIO

    lines = unified_diff([*StringIO(text)], [*StringIO(formatted)], name, f"{name}, formatted")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _tell(outcomes: list[bool | None], *, would: bool) -> None:
    said = {
        True: "not formatted" if would else "formatted",
        False: "formatted already",
        None: "at fault",
    }
    parts = [f"{_files(outcomes.count(each))} {words}" for each, words in said.items() if each in outcomes]
    typer.echo(", ".join(parts) or "no specs here", err=True)


def _files(number: int) -> str:
    return f"{number} file{'s' if number != 1 else ''}"
