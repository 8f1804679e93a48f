"""Learning what is best in a space."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinec.commands.candidates import StudyName, deliver, need_optuna
from spinec.commands.spaces import SpaceName, limits_of, searched
from spinec.options import (
    Approximate,
    BackendName,
    Count,
    Form,
    Frozen,
    Groups,
    Output,
    Values,
    Work,
    app,
    figure,
    is_standard_output,
    words,
)
from spinec.suffixes import SPEC, STUDY, check_suffix, written
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from spinec.search.proxy import Direction

EVERY = 0.25  # seconds between two changes of the progress bar


class Strategy(StrEnum):
    """How candidates are chosen."""

    reinforce = "reinforce"
    evolution = "evolution"
    nsga2 = "nsga2"
    tpe = "tpe"
    random = "random"


class Pruner(StrEnum):
    """Which candidates are given up early."""

    none = "none"
    median = "median"
    hyperband = "hyperband"


@app.command()
def search(
    context: typer.Context,
    name: SpaceName,
    evaluator: Annotated[
        str | None, typer.Option(metavar="MODULE:FUNCTION", help="Your function: takes a ModelSpec, returns a score.")
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE", help="Train each candidate by this recipe instead, and judge it. A name or a file."
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="With --proxy: the data set.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="With --proxy: change a field of the recipe, such as batch=8."
        ),
    ] = None,
    backend: BackendName = "pytorch",
    readers: Annotated[
        int, typer.Option(min=0, help="With --proxy: processes of each worker that read pictures ahead of time.")
    ] = 0,
    measures: Annotated[
        str,
        typer.Option(
            "--also",
            metavar="NAME,...",
            help="With --proxy: further scores, without training: synflow, naswot, grad-norm.",
        ),
    ] = "",
    pruner: Annotated[
        Pruner, typer.Option(help="Which candidates to give up early, by the scores that are reported of them.")
    ] = Pruner.none,
    trials: Annotated[int, typer.Option(min=1, help="Total number of candidates, including earlier runs.")] = 1000,
    strategy: Annotated[Strategy, typer.Option(help="How to choose candidates.")] = Strategy.reinforce,
    directions: Annotated[
        str, typer.Option(help="For each score of the evaluator: maximize or minimize.")
    ] = "maximize",
    storage: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Where to store the study. Default: NAME-search.db.")
    ] = None,
    study_name: StudyName = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an existing study, or join it.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Number of parallel processes.")] = 1,
    catch: Annotated[int, typer.Option(min=0, help="Number of candidates that may fail before the search stops.")] = 0,
    ray: Annotated[bool, typer.Option("--ray", help="Run workers as Ray tasks, not as local processes.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed.")] = None,
    macs: Annotated[float | None, figure("Most multiply-adds, such as 2.5G.")] = None,
    params: Annotated[float | None, figure("Most parameters, such as 3.6M.")] = None,
    memory: Annotated[float | None, figure("Most bytes of activations in memory at once, such as 50M.")] = None,
    latency: Annotated[
        float | None, typer.Option(min=0, help="Highest latency in milliseconds, measured here.")
    ] = None,
    convention: Count = "conv",
    values: Values = "1,5,10,15,20",
    target: Work = None,
    approximate: Approximate = False,
    multiple: Annotated[int, typer.Option(help="Round new dims to multiples of this number.")] = 8,
    group: Groups = None,
    frozen: Frozen = "",
    output: Annotated[Path | None, written(SPEC, "File for the best spec, or a folder for a Pareto front.")] = None,
    form: Output = Form.table,
) -> None:
    """Learn what is best in a space, or how best to distribute a spec's work.

    A training or your own function judges candidates. You can stop a search at any time and continue it with --resume.
    """
    refuse_idle(
        context,
        Idle("evaluator", "with --proxy, which judges candidates itself", proxy is not None),
        Idle("directions", "with --proxy, whose score is to be maximized", proxy is not None),
        Idle("data settings backend readers measures", "without --proxy", proxy is None),
        Idle("form", "with -o -, which shows specs instead of the table", is_standard_output(output)),
    )
    if evaluator is None and (proxy is None or data is None):
        context.fail("expected --evaluator MODULE:FUNCTION, or --proxy RECIPE and --data DIR")
    if storage and "://" not in storage:
        check_suffix(Path(storage), *STUDY)
    need_optuna()
    from spinec.compiler.resources.gate import Limits
    from spinec.latency import latency as measured
    from spinec.search.job import finished
    from spinec.search.plan import Plan
    from spinec.search.proxy import proxy_of
    from spinec.search.results import scoreless
    from spinec.search.run import search as learn
    from spinec.search.storage import answering, shown

    space = searched(context, name, values, target, approximate, multiple, group, frozen)
    limits = limits_of(space, Limits(macs, params, memory, latency, convention))
    wanted: list[Direction] = words(directions)  # type: ignore[assignment]  # the plan checks them
    if proxy and data:
        judge = proxy_of(proxy, settings or (), data, backend=backend, readers=readers, also=tuple(words(measures)))
        plan = Plan(space, judge, judge.directions, limits)
    else:
        plan = Plan(space, str(evaluator), tuple(wanted), limits)
    kept = storage or f"{space.name}-search.db"
    with _Progress(trials) as progress, _chatter_apart():
        study = learn(
            plan,
            kept,
            trials=trials,
            name=study_name,
            strategy=strategy.value,
            seed=seed,
            workers=workers,
            ray=ray,
            resume=resume,
            catch=catch,
            pruner=pruner.value,
            measure_latency=measured,
            told=progress.show,
        )
        progress.show(study, last=True)
    with answering(kept):
        why = f" ({without})" if (without := scoreless(study)) else ""
        deliver(study, plan, output, form)
        told = f"{shown(kept)}: {finished(study)} trials of study {study.study_name}{why}"
    also = ["--study", study_name] if study_name else []
    typer.echo(f"{told}; see: {shlex.join(['spinec', 'candidates', shown(kept), *also])}", err=True)


@contextmanager
def _chatter_apart() -> Iterator[None]:
    """What the block, its libraries and its processes print goes to standard error: standard output has the result."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


class _Progress:
    """How far a study is, on a terminal, beside what a command puts out."""

    def __init__(self, trials: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (MofNCompleteColumn(), BarColumn(bar_width=None), TextColumn("{task.description}"))
        times = (TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("to go"))
        self._bar = Progress(*columns, *times, console=Console(stderr=True))
        self._task = self._bar.add_task("", total=trials)
        self._shown = 0.0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._bar.stop()
        if isinstance(error, KeyboardInterrupt):
            typer.echo("interrupted: the same command with --resume goes on from here", err=True)
            raise typer.Exit(128 + (error.args[0] if error.args else signal.SIGINT))

    def show(self, study: Study, last: bool = False) -> None:
        """Show how many trials are finished, and the best score with what that candidate costs."""
        from spinec.search.job import finished
        from spinec.search.study import best
        from spinec.search.worker import failed

        if time.monotonic() - self._shown < EVERY and not last:
            return
        self._bar.start()  # not before there is something to show
        self._shown = time.monotonic()
        leading = best(study) if len(study.directions) == 1 else []
        told = [_figures(trial) for trial in leading] + [f"{n} failed" for n in [failed(study)] if n]
        self._bar.update(self._task, completed=finished(study), description=", ".join(told))


def _figures(trial: FrozenTrial) -> str:
    """The score of a candidate and what it costs, as far as the study says, in few characters."""
    from spinec.visualize.style.quantity import quantity

    costs = [f"{quantity(cost)} {name}" for name in ("macs", "params") if (cost := trial.user_attrs.get(name))]
    return f"best {trial.values[0]:.6g}" + (f" ({', '.join(costs)})" if costs else "")
