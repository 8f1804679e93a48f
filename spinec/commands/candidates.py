"""Candidates of a search: those of a study, and what a search would draw from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.commands.spaces import SpaceName, drawn_from, searched, write_specs
from spinec.options import (
    Approximate,
    Count,
    Form,
    Frozen,
    Groups,
    Output,
    Values,
    Work,
    app,
    fail,
    is_standard_output,
    print_table,
    write_output,
)
from spinec.suffixes import SPEC, written
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from spinec.compiler.resources.candidates import Candidates
    from spinec.search.plan import Plan
    from spinec.visualize.table.rows import Rows

SQLITE = b"SQLite format 3\0"  # how a file of it begins
SHOWN = 10  # rows of a table of candidates, where nobody says how many

Storage = Annotated[str, typer.Argument(metavar="FILE|URL", help="Where the study is stored.")]
StudyName = Annotated[str | None, typer.Option("--study", help="Name of the study. Default: the name of the spec.")]


@app.command()
def candidates(
    context: typer.Context,
    storage: Storage,
    study_name: StudyName = None,
    top: Annotated[int | None, typer.Option(min=1, help="Number of candidates to show, best first.")] = None,
    trial: Annotated[int | None, typer.Option(min=0, help="Show only the candidate of this trial.")] = None,
    output: Annotated[Path | None, written(SPEC, "Where to write the spec of that trial, or of the best one.")] = None,
    form: Output = Form.table,
) -> None:
    """Show the candidates of a study, or write their specs.

    Shows the cost and the score of each candidate. A table shows the best ones, the other formats have all of them.
    """
    refuse_idle(
        context,
        Idle("top", "with --trial, which shows one", trial is not None),
        Idle("top", "with -o, which shows what it writes", output),
        Idle("form", "with -o -, which shows specs instead of the table", is_standard_output(output)),
    )
    need_optuna()
    from spinec.search.results import candidates_of, scoreless, trial_of
    from spinec.search.storage import answering
    from spinec.search.study import read, scored

    study, plan = read(storage, study_name)
    with answering(storage):
        if trial is not None or output:
            chosen = None if trial is None else [trial_of(study, trial)]
            deliver(study, plan, output, form, chosen)
            _explain(chosen or [], form)
            return
        found = candidates_of(plan, scored(study))
        _show(found, form, top, None if top is None and form is not Form.table else _best_first(found, plan))
        if why := scoreless(study):
            typer.echo(f"  {why}", err=form is not Form.table)


@app.command()
def sample(
    context: typer.Context,
    name: SpaceName,
    candidates: Annotated[int, typer.Option("--candidates", "-n", min=1, help="Number of candidates to draw.")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    convention: Count = "conv",
    values: Values = "1,5,10,15,20",
    target: Work = None,
    approximate: Approximate = False,
    multiple: Annotated[int, typer.Option(help="Round new dims to multiples of this number.")] = 8,
    group: Groups = None,
    frozen: Frozen = "",
    top: Annotated[int | None, typer.Option(min=1, help="Number of candidates to show, in the order drawn.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write the spec of each.")
    ] = None,
    form: Output = Form.table,
) -> None:
    """Draw candidates at random and count the cost of each.

    Of a spec, shows how redistributed networks scatter around the budget (arXiv 2010.11426, Figure 5). Of a space,
    draws what is within its limits.
    """
    from spinec.compiler.resources.spaces import counted

    space = searched(context, name, values, target, approximate, multiple, group, frozen)
    drawn = drawn_from(space, candidates, seed)
    if output:
        write_specs(space, drawn, output)
    _show(counted(space, drawn, convention), form, top)


def need_optuna() -> None:
    """Say what to install, and exit with 1, where Optuna is missing."""
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        fail("Optuna is not installed: pip install 'spinec[search]'")


def is_study(name: str) -> bool:
    """Whether a name is that of a database, by its URL or by how the file begins."""
    if "://" in name:
        return True
    try:
        with Path(name).open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def study_rows(storage: str, study_name: str | None) -> Rows:
    """The candidates of a study that have a score, as a table of them would be read."""
    need_optuna()
    from spinec.search.results import candidates_of
    from spinec.search.study import read, scored
    from spinec.visualize.table.costs import candidate_table
    from spinec.visualize.table.rows import rows_of

    study, plan = read(storage, study_name)
    return rows_of(candidate_table(candidates_of(plan, scored(study))), storage)


def _best_first(found: Candidates, plan: Plan) -> list[int]:
    """The rows by score; with several, by the first."""
    sign = -1 if plan.directions[0] == "maximize" else 1
    return sorted(range(len(found.macs)), key=lambda row: sign * found.scores[row][0])


def _show(found: Candidates, form: Form, top: int | None, order: list[int] | None = None) -> None:
    """All candidates; in a table, or where so many are asked for, the first of an order."""
    from spinec.visualize.table.costs import candidate_table

    most = top or (SHOWN if form is Form.table else None)
    rows = (order or list(range(len(found.macs))))[:most]
    print_table(candidate_table(found, rows), form)
    if form is Form.table:
        near, fewer = found.near(0.1), found.fewer_params()
        of_all = f"; of all, {near:.1%} within 10 % of the multiply-adds, {fewer:.1%} with fewer parameters"
        typer.echo(f"  {len(rows)} of {len(found.macs):,} candidates{of_all if found.own else ''}")


def _explain(trials: list[FrozenTrial], form: Form) -> None:
    """Say why trials that were tried have no score."""
    from spinec.search.results import reason_of
    from spinec.search.worker import FAILURE

    for trial in trials:
        if trial.state.is_finished() and not trial.values:
            typer.echo(f"  trial {trial.number} has no score: {reason_of(trial)}", err=form is not Form.table)
            if failure := trial.user_attrs.get(FAILURE):
                typer.echo(failure, err=True)


def deliver(study: Study, plan: Plan, output: Path | None, form: Form, trials: list[FrozenTrial] | None = None) -> None:
    """Show the best candidates, or those given, and write their specs: a file, or a folder if there may be several."""
    from spinec.search.results import candidates_of, front, text_of
    from spinec.search.study import scored

    chosen = trials or front(study)
    if is_standard_output(output):
        texts = [text_of(study, plan, each, f"{plan.space.name}-{each.number}") for each in chosen]
        typer.echo("---\n".join(texts), nl=False)
        return
    found, order = _among(scored(study), chosen)
    _show(candidates_of(plan, found), form, len(chosen), order)
    if output is None:
        return
    files = {output: chosen[0]}
    if trials is None and len(plan.directions) > 1:
        output.mkdir(exist_ok=True)
        files = {output / f"{plan.space.name}-{each.number}.yaml": each for each in chosen}
    for file, trial in files.items():
        write_output(file, text_of(study, plan, trial, file.stem))
        typer.echo(f"{file}: {file.stem}, of trial {trial.number}", err=form is not Form.table)


def _among(trials: list[FrozenTrial], chosen: list[FrozenTrial]) -> tuple[list[FrozenTrial], list[int]]:
    """All trials, chosen ones without a score behind them, and the rows of those that were chosen."""
    known = {trial.number for trial in trials}
    every = [*trials, *(trial for trial in chosen if trial.number not in known)]
    rows = {trial.number: row for row, trial in enumerate(every)}
    return every, [rows[trial.number] for trial in chosen]
