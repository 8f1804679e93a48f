"""Advice on specs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.completion import spec_names
from spinec.options import STDIN, FaultForm, Size, app, print_faults, read_loaded, shown
from spinec.spec.errors import Fault, SpecError

if TYPE_CHECKING:
    from spinec.spec.load import Loaded

CANDIDATES = 20  # of a space, that are looked at


@app.command()
def lint(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|PATH", help="Specs, or folders of specs. Use - for standard input.", autocompletion=spec_names
        ),
    ] = None,
    multiple: Annotated[int, typer.Option(min=1, help="Dims should be multiples of this number.")] = 8,
    size: Size = None,
    form: Annotated[
        FaultForm, typer.Option("--format", help="Output format: text for people, or a format for programs.")
    ] = FaultForm.text,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 even if there is advice.")] = False,
) -> None:
    """Give advice on valid specs and spaces.

    Points out what an experienced author would ask about; 'spinec explain SPN-903' says why. Without a name, reads
    every spec in the current folder and below it. The comment '# spinec: ignore[SPN-903]' after a key turns this advice
    off for the key and everything below it. Exits with 1 if there is any advice, or if a spec has a fault.
    """
    found = {shown(name): _found(name, multiple, size) for name in _specs(names or ["."])}
    if form is FaultForm.text:
        _tell(found)
    else:
        print_faults(form, found, passed=not any(found.values()))
    faults = [fault for each in found.values() for fault in each]
    if any(fault.severity == "error" or not exit_zero for fault in faults):
        raise typer.Exit(1)


def _specs(names: list[str]) -> Iterator[str]:
    from spinec.spec.library import is_fragment, specs_in

    for name in names:
        if os.path.isdir(name):  # False, unlike Path.is_dir, for a name that no file can have
            yield from (str(path) for path in specs_in(Path(name)) if not is_fragment(path))
        else:
            yield name


def _found(name: str, multiple: int, size: tuple[int, int] | None) -> Sequence[Fault]:
    """Advice on a spec, or what it is at fault for."""
    from spinec.compiler.advice.lint import lint as advice
    from spinec.compiler.cost.report import cost
    from spinec.compiler.lowering.pipeline import lower
    from spinec.spec.spaces.load import names_space

    try:
        if name != STDIN and names_space(name):
            return _common([advice(each, cost(lower(each.spec, size)), multiple) for each in _candidates(name)])
        loaded = read_loaded(name)
        return advice(loaded, cost(lower(loaded.spec, size)), multiple)
    except SpecError as error:
        return error.faults


def _candidates(name: str) -> Iterator[Loaded]:
    """Some candidates of a space."""
    from spinec.spec.spaces.load import load_space

    space = load_space(name)
    return map(space.loaded, space.draw(CANDIDATES))


def _common(found: Sequence[Sequence[Fault]]) -> Sequence[Fault]:
    """What is said of every candidate: of one alone, it is the search that finds out."""
    everywhere = set.intersection(*({(fault.code, str(fault.place)) for fault in each} for each in found))
    return [fault for fault in found[0] if (fault.code, str(fault.place)) in everywhere]


def _tell(found: dict[str, Sequence[Fault]]) -> None:
    for faults in found.values():
        for fault in faults:
            typer.echo(str(fault))
    number = sum(map(len, found.values()))
    specs = f"{len(found)} spec{'s' if len(found) != 1 else ''}"
    typer.echo(f"{specs}, {number or 'no'} remark{'s' if number != 1 else ''}", err=True)
