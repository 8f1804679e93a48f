"""Spaces: what there is to choose in them, and candidates of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.completion import space_names
from spinec.options import (
    STDIN,
    Count,
    Form,
    Output,
    app,
    fail,
    failing,
    groups_of,
    number,
    print_table,
    read_input,
    read_spec,
    shown,
    warn,
    words,
    write_output,
)
from spinec.spec.model import ModelSpec
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.compiler.resources.candidates import Space
    from spinec.compiler.resources.gate import Limits
    from spinec.compiler.resources.searchable import Chosen
    from spinec.compiler.resources.spaces import ChoiceSpace

OF_BETAS = "values target approximate multiple group frozen"
SpaceName = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE",
        help="A space or a spec: its name or a file, or - for standard input.",
        autocompletion=space_names,
    ),
]


@app.command()
def space(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A space: its name or a file, or - for standard input.",
            autocompletion=space_names,
        ),
    ],
    samples: Annotated[int, typer.Option(min=1, help="Number of candidates to count for the range of costs.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    convention: Count = "conv",
    form: Output = Form.table,
) -> None:
    """Show what there is to choose in a space.

    Shows every choice, the number of candidates, and the range of what they cost, over candidates drawn at random.
    """
    from spinec.compiler.resources.spaces import survey
    from spinec.visualize.table.spaces import space_table, told

    wanted = read_space(name)
    found = survey(wanted, samples, seed, convention)
    print_table(space_table(found), form)
    if form is Form.table:
        typer.echo(told(found))


def searched(
    context: typer.Context,
    name: str,
    values: str,
    target: float | None,
    approximate: bool,
    multiple: int,
    group: list[str] | None,
    frozen: str,
) -> Space | ChoiceSpace:
    """The candidates that a command tells of: those of a space, or the redistributions of a spec."""
    from spinec.compiler.resources.candidates import Space

    found = read_either(name)
    is_space = not isinstance(found, ModelSpec)
    refuse_idle(context, Idle(OF_BETAS, "with a space, which says it itself", is_space))
    if not isinstance(found, ModelSpec):
        return found
    return Space(
        found,
        values=tuple(number(value) for value in words(values)),
        target=target,
        exact=not approximate,
        multiple=multiple,
        groups=tuple(tuple(each) for each in groups_of(group)),
        frozen=tuple(words(frozen)),
    )


def read_either(name: str) -> ModelSpec | ChoiceSpace:
    """A space or a spec, by name or file, or from standard input."""
    from spinec.spec.library import begins_space
    from spinec.spec.load import reads
    from spinec.spec.spaces.load import names_space

    if name != STDIN:
        return read_space(name) if names_space(name) else read_spec(_known(name))
    text = read_input()
    if begins_space(text):
        return _space_of(text)
    loaded = reads(text, shown(name), Path(STDIN))
    warn(loaded)
    return loaded.spec


def _known(name: str) -> str:
    """A name, if it is no misspelt one of a space.

    Raises:
        SpecError: saying which space was meant.
    """
    from spinec.spec.errors import Fault, SpecError, close_to
    from spinec.spec.library import library
    from spinec.spec.spaces.load import spaces

    meant = "" if name in library() or os.path.exists(name) else close_to(Path(name), spaces())
    if meant:
        raise SpecError([Fault("SPN-102", f"no space or spec {name!r} in the library, and no such file", None, meant)])
    return name


def read_space(name: str) -> ChoiceSpace:
    """A space by name or file, or from standard input."""
    from spinec.compiler.resources.spaces import ChoiceSpace
    from spinec.spec.spaces.load import load_space

    return _space_of(read_input()) if name == STDIN else ChoiceSpace(load_space(name))


def _space_of(text: str) -> ChoiceSpace:
    from spinec.compiler.resources.spaces import ChoiceSpace
    from spinec.spec.spaces.load import loads_space

    document = loads_space(text, shown(STDIN), Path(STDIN))
    document.check()
    return ChoiceSpace(document)


def drawn_from(space: Space | ChoiceSpace, number: int, seed: int) -> list[Chosen]:
    """So many candidates at random; those of a space within its limits."""
    from spinec.compiler.resources.candidates import Space

    if isinstance(space, Space):
        return [dict(zip(space.names, betas, strict=True)) for betas in space.draw(number, seed)]
    found, tried = space.drawn(number, seed)
    if len(found) < number:
        fail(f"{space.name}: only {len(found):,} of {tried:,} candidates drawn are within the limits")
    return found


def write_specs(space: Space | ChoiceSpace, drawn: Sequence[Chosen], folder: Path) -> None:
    """Write a spec for each candidate."""
    from spinec.spec.dump import dump

    with failing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for i, chosen in enumerate(drawn):
        stem = f"{space.name[:57]}-{i}"
        write_output(
            folder / f"{stem}.yaml", f"# {space.name}: {space.told(chosen)}.\n{dump(space.made(chosen, stem))}"
        )
    typer.echo(f"{folder}: {len(drawn)} specs", err=True)


def limits_of(space: Space | ChoiceSpace, given: Limits) -> Limits:
    """What no candidate may exceed: what options say, and else what the space says."""
    from spinec.compiler.resources.candidates import Space
    from spinec.compiler.resources.gate import Limits

    if isinstance(space, Space):
        return given
    return replace(
        space.limits, **{name: value for name, value in vars(given).items() if value != vars(Limits())[name]}
    )
