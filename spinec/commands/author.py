"""Writing specs: a start, a check, a schema for the editor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from spinec.completion import fault_codes, spec_names
from spinec.options import STDIN, FaultForm, app, fail, print_faults, read_input, shown, write_output
from spinec.spec.errors import Fault, SpecError
from spinec.suffixes import SPEC, check_suffix


@app.command()
def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Specs, fragments, kinds, recipes and spaces to check. Use - for standard input.",
            autocompletion=spec_names,
        ),
    ],
    form: Annotated[
        FaultForm, typer.Option("--format", help="Output format: text for people, or a format for programs.")
    ] = FaultForm.text,
) -> None:
    """Check specs, fragments, kinds, recipes and spaces, and report every fault.

    Each fault is shown with its place, its code and what was expected. Exits with 1 if there is any.
    """
    checked = [(shown(name), *_checked(name)) for name in files]
    passed = all(extent is not None for _, extent, _ in checked)
    if form is FaultForm.text:
        for name, extent, faults in checked:
            _tell(name, extent, faults)
    else:
        print_faults(form, {name: faults for name, _, faults in checked}, passed=passed)
    if not passed:
        raise typer.Exit(1)


@app.command()
def explain(
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="A fault code such as SPN-201, or 'all' to list the codes.", autocompletion=fault_codes
        ),
    ],
) -> None:
    """Explain a fault code.

    Shows why the fault is raised, an example, and how to fix it.
    """
    from spinec.spec.codes import codes, explanation

    known = codes()
    wanted = code.upper() if code.upper().startswith("SPN-") else f"SPN-{code}"
    if code == "all":
        typer.echo("\n".join(f"{each.code}  {each.title}" for each in known.values()))
    elif wanted in known:
        typer.echo(explanation(known[wanted]))
    else:
        fail(f"no code {code!r}: 'spinec explain all' lists them")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="File to write.")] = Path("my-network.yaml"),
) -> None:
    """Write a commented starter spec."""
    from spinec.spec import load as spec_package

    check_suffix(file, *SPEC)
    if os.path.exists(file):  # False, unlike Path.exists, for a name that no file can have
        fail(f"{file}: exists already; name another file")
    starter = Path(spec_package.__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    write_output(file, starter)
    typer.echo(f"{file}: written; try 'spinec show {file}'")


class Described(StrEnum):
    """What a schema describes."""

    specs = "specs"
    recipes = "recipes"
    spaces = "spaces"
    results = "results"


@app.command()
def schema(
    of: Annotated[
        Described,
        typer.Argument(help="What to describe: specs, recipes of training, spaces, or the JSON that commands write."),
    ] = Described.specs,
    fragment: Annotated[bool, typer.Option("--fragment", help="Describe fragments instead of specs.")] = False,
) -> None:
    """Print a JSON Schema of specs, recipes, spaces or results.

    The schemas of specs, recipes and spaces are for your editor. The schema of results is for programs that read the
    JSON of commands.
    """
    import json

    from spinec.spec import schema as schemas
    from spinec.spec.results import results_schema

    if fragment and of is not Described.specs:
        raise typer.BadParameter(f"--fragment is of specs, not of {of}")
    made = {
        Described.specs: schemas.fragment_schema if fragment else schemas.schema,
        Described.recipes: schemas.recipe_schema,
        Described.spaces: schemas.space_schema,
        Described.results: results_schema,
    }
    typer.echo(json.dumps(made[of](), indent=2))


def _checked(name: str) -> tuple[str | None, Sequence[Fault]]:
    """How much a spec, a fragment or a kind has, None if it is at fault, and what is to be said of it."""
    from spinec.spec.checking import checked, checks

    try:
        return checks(read_input(), shown(name), Path(STDIN)) if name == STDIN else checked(name)
    except SpecError as error:
        return None, error.faults


def _tell(name: str, extent: str | None, faults: Sequence[Fault]) -> None:
    if extent is None:
        typer.echo(str(SpecError(faults)), err=True)
        return
    for fault in faults:
        typer.echo(str(fault), err=True)
    number = len(faults)
    warned = f", {number} warning{'s' if number > 1 else ''}" if number else ""
    typer.echo(f"{name}: valid, {extent}{warned}")
