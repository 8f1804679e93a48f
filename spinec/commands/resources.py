"""Specs made from specs: their work shared out anew, scaled, or fitted to a budget."""

from __future__ import annotations

from enum import StrEnum
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from spinec.completion import spec_names
from spinec.options import (
    Approximate,
    Count,
    Form,
    Frozen,
    Groups,
    Name,
    Output,
    Size,
    Values,
    Work,
    app,
    fail,
    figure,
    groups_of,
    is_standard_output,
    number,
    print_table,
    read_spec,
    whole_number,
    words,
    write_output,
)
from spinec.suffixes import SPEC, written
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.spec.conventions import Convention
    from spinec.spec.model import ModelSpec


class By(StrEnum):
    """What is scaled to fit a budget."""

    width = "width"
    size = "size"
    depth = "depth"


File = Annotated[Path | None, written(SPEC, "File for the new spec. Use - to print it instead of the table.")]
NewName = Annotated[str | None, typer.Option("--name", help="Name of the new spec. Default: the name of its file.")]


@app.command()
def redistribute(
    context: typer.Context,
    name: Name,
    betas: Annotated[str, typer.Option(help="Attention of each block: 10,10,5 in order, or b1=10,b2=5.")],
    target: Work = None,
    approximate: Approximate = False,
    multiple: Annotated[int, typer.Option(help="Round new dims to multiples of this number.")] = 8,
    group: Groups = None,
    frozen: Frozen = "",
    output: File = None,
    new_name: NewName = None,
    form: Output = Form.table,
) -> None:
    """Redistribute the work of a spec's blocks.

    The attention of a block, beta, determines its share of the total work (arXiv 2010.11426, Equations 2-4).
    """
    from spinec.compiler.resources.redistribute import redistribute as share_out

    refuse_idle(context, _no_table(output))
    spec = read_spec(name)
    after = share_out(
        spec,
        _shares(betas),
        target=target,
        exact=not approximate,
        multiple=multiple,
        groups=groups_of(group),
        frozen=words(frozen),
        name=_new_name(spec, "redistributed", output, new_name),
    )
    _deliver(spec, after, Made(f"redistributed with betas {betas}"), output, form)


@app.command()
def betas(
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE",
            help="A spec of the library or a YAML file. Use - for standard input.",
            autocompletion=spec_names,
        ),
    ],
    after: Annotated[
        str, typer.Argument(metavar="AFTER", help="A spec with the same blocks.", autocompletion=spec_names)
    ],
    values: Values = "1,5,10,15,20",
    target: Work = None,
    approximate: Approximate = False,
    multiple: Annotated[int, typer.Option(help="The dims were rounded to multiples of this number.")] = 8,
    group: Groups = None,
    frozen: Frozen = "",
    form: Output = Form.table,
) -> None:
    """List the betas that turn one spec into another.

    Lists every vector of betas with which 'redistribute' makes the second spec from the first. Exits with 1 if there is
    none. The dims were then made in another way, or with other values.
    """
    from spinec.compiler.resources.explain import explain
    from spinec.visualize.table.costs import betas_cell
    from spinec.visualize.table.table import Table

    specs = read_spec(before), read_spec(after)
    found = explain(
        *specs,
        [number(value) for value in words(values)],
        target=target,
        exact=not approximate,
        multiple=multiple,
        groups=groups_of(group),
        frozen=words(frozen),
    )
    rows = [[betas_cell(vector)] for vector in found]
    about = {"before": specs[0].name, "after": specs[1].name}
    if found or form is not Form.table:
        print_table(Table(f"{specs[0].name} to {specs[1].name}", ["betas"], rows, (), about, "betas"), form)
    if not found:
        reason = "its dims were made in another way, or with other values, target or multiple"
        fail(f"no betas of {values} turn {specs[0].name} into {specs[1].name}: {reason}")
    if form is Form.table:
        typer.echo(
            f"  {len(found)} vector{'s' if len(found) > 1 else ''} of betas {'do' if len(found) > 1 else 'does'} it"
        )


@app.command()
def scale(
    context: typer.Context,
    name: Name,
    width: Annotated[float, typer.Option(help="Factor for the dim of every block.")] = 1,
    size: Size = None,
    depth: Annotated[
        float | None, typer.Option(help="Factor for the total repeats of every level, rounded up.")
    ] = None,
    totals: Annotated[str, typer.Option(metavar="N,N", help="Total repeats of each level, from level 1 on.")] = "",
    multiple: Annotated[
        int, typer.Option(help="Round scaled dims to multiples of this number, like 'scale' in specs.")
    ] = 4,
    output: File = None,
    new_name: NewName = None,
    form: Output = Form.table,
) -> None:
    """Scale the width, depth or input size of a spec."""
    from spinec.compiler.resources.scaling import scale as scaled

    refuse_idle(context, _no_table(output), Idle("multiple", "without --width", width == 1))
    spec = read_spec(name)
    after = scaled(
        spec,
        width=width,
        size=size,
        depth=depth,
        level_totals=[whole_number(total) for total in words(totals)] or None,
        multiple=multiple,
        name=_new_name(spec, "scaled", output, new_name),
    )
    factors = {"width": width, "depth": depth, "level totals": totals}
    shown = [f"{what} {factor}" for what, factor in factors.items() if factor and factor != 1]
    _deliver(spec, after, Made(f"scaled: {', '.join([*shown, f'size {_pixels(after)}'])}"), output, form)


@app.command()
def compound(
    context: typer.Context,
    name: Name,
    phi: Annotated[float, typer.Argument(help="Member of the family; 0 is the spec itself.")],
    depth: Annotated[float, typer.Option(help="Depth factor from one member to the next.")] = 1.2,
    width: Annotated[float, typer.Option(help="Width factor from one member to the next.")] = 1.1,
    growth: Annotated[float, typer.Option("--size", help="Input size factor from one member to the next.")] = 1.15,
    multiple: Annotated[int, typer.Option(help="Round scaled dims to multiples of this number.")] = 8,
    size_multiple: Annotated[
        int | None, typer.Option(help="Round sizes to multiples of this number. Default: the coarsest stride.")
    ] = None,
    output: File = None,
    new_name: NewName = None,
    form: Output = Form.table,
) -> None:
    """Scale the depth, width and input size of a spec together.

    Each has a factor, which is raised to the power of PHI (arXiv 1905.11946, Equation 3).
    """
    from spinec.compiler.resources.scaling import compound as member

    refuse_idle(context, _no_table(output))
    spec = read_spec(name)
    after = member(
        spec,
        phi,
        depth=depth,
        width=width,
        size=growth,
        multiple=multiple,
        size_multiple=size_multiple,
        name=_new_name(spec, f"phi{phi:g}", output, new_name),
    )
    _deliver(spec, after, Made(f"scaled by {depth:g}, {width:g} and {growth:g} to the power of {phi:g}"), output, form)


@app.command()
def fit(
    context: typer.Context,
    name: Name,
    macs: Annotated[float | None, figure("Most multiply-adds, such as 2.5G.")] = None,
    params: Annotated[float | None, figure("Most parameters, such as 3.6M.")] = None,
    by: Annotated[By, typer.Option(help="What to scale.")] = By.width,
    over: Annotated[bool, typer.Option("--over", help="Find the nearest spec, even if it is over the budget.")] = False,
    convention: Count = "conv",
    multiple: Annotated[
        int, typer.Option(help="Round scaled dims to multiples of this number, like 'scale' in specs.")
    ] = 4,
    size_multiple: Annotated[
        int | None, typer.Option(help="Round sizes to multiples of this number. Default: the coarsest stride.")
    ] = None,
    output: File = None,
    new_name: NewName = None,
    form: Output = Form.table,
) -> None:
    """Scale a spec as close to a budget as possible.

    The budget limits multiply-adds, parameters, or both. Every candidate is counted exactly.
    """
    from spinec.compiler.resources.fit import fit as fitted

    refuse_idle(
        context,
        _no_table(output),
        Idle("multiple", f"with --by {by}", by is not By.width),
        Idle("size_multiple", f"with --by {by}", by is not By.size),
        Idle(
            "convention", "where no multiply-adds are asked for or shown", macs is None and is_standard_output(output)
        ),
    )
    spec = read_spec(name)
    found = fitted(
        spec,
        macs=macs,
        params=params,
        by=by.value,
        convention=convention,
        over=over,
        multiple=multiple,
        size_multiple=size_multiple,
        name=_new_name(spec, "fitted", output, new_name),
    )
    within = found.report.macs(convention) <= (macs or inf) and found.report.params <= (params or inf)
    made = Made(f"fitted: {by} {found.factor:g}", convention, found.factor, within)
    _deliver(spec, found.spec, made, output, form)


def _no_table(output: Path | None) -> Idle:
    """The rule of every command that writes a spec: its table's form says nothing where a spec takes its place."""
    return Idle("form", "with -o -, which shows the spec instead of the table", is_standard_output(output))


def _shares(text: str) -> dict[str, int | float] | list[int | float]:
    given = words(text)
    if not any("=" in word for word in given):
        return [number(word) for word in given]
    return {block.strip(): number(value) for block, _, value in (word.partition("=") for word in given)}


def _new_name(spec: ModelSpec, how: str, output: Path | None, given: str | None) -> str:
    """What the new spec is called: as asked, or as its file, or after the old one."""
    return given or (output.stem if output and str(output) != "-" else f"{spec.name}-{how}")


def _pixels(spec: ModelSpec) -> str:
    return " x ".join(map(str, spec.input.size))


class Made(NamedTuple):
    """How a new spec was made; the factor that was found, and whether the budget is kept, where there is one."""

    how: str
    convention: Convention = "conv"
    factor: float | None = None
    passed: bool | None = None


def _deliver(before: ModelSpec, after: ModelSpec, made: Made, output: Path | None, form: Form) -> None:
    """Write the new spec, and show what became of the old one."""
    from spinec.spec.dump import dump

    text = f"# {before.name}, {made.how}.\n{dump(after)}"
    if is_standard_output(output):
        typer.echo(text, nl=False)
        return
    _show_changes(before, after, made, form)
    if output:
        write_output(output, text)
        typer.echo(f"{output}: {after.name}, {len(after.blocks)} blocks", err=form is not Form.table)


def _show_changes(before: ModelSpec, after: ModelSpec, made: Made, form: Form) -> None:
    from spinec.compiler.cost.report import cost
    from spinec.compiler.lowering.pipeline import lower
    from spinec.visualize.table.table import Cell, Column, Table

    convention = made.convention
    reports = [cost(lower(spec)) for spec in (before, after)]
    blocks = [report.by("block") for report in reports]
    deeper = any(block.repeats != after.blocks[name].repeats for name, block in before.blocks.items())
    rows: list[list[Cell]] = []
    for name, block in before.blocks.items():
        new = after.blocks[name]
        repeats = [block.repeats, new.repeats] if deeper else []
        macs = [counts[name].macs(convention) for counts in blocks]
        rows.append(
            [name, block.level, block.dim, new.dim, *repeats, *macs, *(counts[name].params for counts in blocks)]
        )
    repeated = [Column("repeats", rank=2), Column("new repeats", rank=2)] if deeper else []
    columns: list[str | Column] = ["block", Column("level", rank=1), "dim", "new dim", *repeated]
    totals = [*(report.macs(convention) for report in reports), *(report.params for report in reports)]
    total = ["model", *[None] * (len(columns) - 1), *totals]
    columns += ["multiply-adds", "new multiply-adds", "parameters", "new parameters"]
    sizes = _pixels(after) if _pixels(after) == _pixels(before) else f"{_pixels(before)} to {_pixels(after)}"
    title = f"{after.name} at {sizes}, convention '{convention}'"
    factor = {} if made.factor is None else {"factor": made.factor}
    about = {"name": after.name, "made_from": before.name, "how": made.how, "convention": convention, **factor}
    print_table(Table(title, columns, rows, total, about, "changes", made.passed), form)
    if form is Form.table:
        typer.echo(f"  {before.name}, {made.how}")
