"""How good a network's answers are on a data set, or those that a file of results has."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinec.commands.answers import NOISE, Seed, Weights
from spinec.commands.data import ImageFolder, Split
from spinec.completion import spec_names
from spinec.options import (
    BackendName,
    Form,
    Output,
    Size,
    app,
    deliver_text,
    fail,
    failing,
    is_standard_output,
    print_table,
    read_spec,
    working,
    write_output,
)
from spinec.suffixes import written
from spinec.usage import Idle, is_given, refuse_idle

if TYPE_CHECKING:
    from spinec.train.data.examples import DataSet
    from spinec.train.evaluation.verdict import Verdict
    from spinec.visualize.table.table import Column, Table

COUNTED = {"detection": "boxes", "classification": "images", "segmentation": "pixels"}
"""What there is of a class, by the task."""
FIRST = ("AP", "AP50", "mask AP", "top-1", "top-5", "IoU", "accuracy")
"""Figures that stay where there is no room for all."""


class Which(StrEnum):
    """Weights of a run."""

    best = "best"
    last = "last"
    average = "average"
    plain = "plain"


@app.command()
def evaluate(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR|FILE",
            help="A folder, a JSON file in COCO's form, or tar files as 'x-{000..010}.tar'.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE",
            help="A spec of the library or a YAML file. Use - for standard input.",
            autocompletion=spec_names,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Judge a run of 'spinec train', by its own data if there is no --data."),
    ] = None,
    which: Annotated[
        Which,
        typer.Option(
            help="Weights of the run: of its best or last evaluation; of its last state, the average or the plain ones."
        ),
    ] = Which.best,
    results: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Judge this file of results, in COCO's form, instead of a network."),
    ] = None,
    split: Split = None,
    images: ImageFolder = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Judge the first pictures only.")] = None,
    weights: Weights = None,
    statistics: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Take running means and variances anew, from N batches of training."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Of which recipe these are. Default: the paper's for the head."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of it, such as batch=8.")
    ] = None,
    backend: BackendName = "pytorch",
    size: Size = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures that the network sees at once.")] = 8,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes that read the pictures.")] = 0,
    seed: Seed = 0,
    output: Annotated[
        Path | None, written(("results", (".json",)), "File to write what is found to, in COCO's form; for detection.")
    ] = None,
    form: Output = Form.table,
) -> None:
    """Say how good a network's answers are on a data set.

    Detection: COCO's twelve figures, of boxes and of masks. Classification: top-1 and top-5. Segmentation: IoU and
    pixel accuracy, at the pictures' own sizes. Over all classes and of each.
    """
    from spinec.train.evaluation.results_file import judge_results, results_text

    if name is None and results is None and run is None:
        context.fail("expected a spec to evaluate, --results with a file to judge, or --run with a run")
    if source is None and run is None:
        context.fail("Missing option '--data'; --run judges a run by its own data")
    of_networks = "name run which weights statistics recipe settings backend size batch workers seed output"
    refuse_idle(
        context,
        Idle(of_networks, "with --results", results is not None),
        Idle("name weights size seed recipe settings", "with --run", run is not None),
        Idle("which", "without --run", run is None),
        Idle("recipe settings", "without --statistics", not statistics),
        Idle("images", "without --data", source is None),
        Idle("seed", "with --weights", weights is not None),
        Idle("form", "with -o -, which shows results instead of the table", is_standard_output(output)),
    )
    if source and results:
        data = _listed(source, split, images)
        with working(f"judging {results}"):
            verdict = judge_results(results, data, limit)
        print_table(verdict_table(str(results), data, verdict, split), form)
        return
    from spinec.train.folder import RunFolder
    from spinec.train.subject import Source, of_run, of_spec, statistics_of

    place = Source(source, split, images)
    _check_place(output)
    if run is not None:
        own = backend if is_given(context, "backend") else None
        subject, called = of_run(RunFolder(run), which.value, place, own, statistics), f"{run} ({which})"
    else:
        spec, called = read_spec(str(name)), str(name)
        subject = of_spec(spec, weights, size, place, backend)
        if statistics:
            subject = replace(subject, statistics=statistics_of(spec, place, statistics, recipe, settings or ()))
        if weights is None:
            typer.echo(NOISE, err=True)
    data = subject.data
    refuse_idle(context, Idle("output", f"for {data.task}", data.task != "detection"))
    with _progress(min(len(data), limit or len(data))) as told:
        verdict = subject.judged(seed, workers, batch=batch, limit=limit, told=told)
    if output is not None and is_standard_output(output):
        deliver_text(results_text(data, verdict.detections), output, "")
        return
    if output is not None:
        write_output(output, results_text(data, verdict.detections))
        typer.echo(f"{output}: written", err=True)
    print_table(verdict_table(called, data, verdict, split, noise=subject.weights is None), form)


def _check_place(output: Path | None) -> None:
    """Fail where a file cannot be written before the pictures are looked at, not after."""
    if output is None or is_standard_output(output):
        return
    with failing(output), suppress(FileNotFoundError):
        if stat.S_ISDIR(output.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not output.parent.is_dir():
        fail(f"{output}: cannot be written: there is no folder {output.parent}")


def _listed(source: Path, split: str | None, images: Path | None) -> DataSet:
    """The data set that results are about; the pictures of a JSON file need not be there."""
    from spinec.train.data.coco import open_coco
    from spinec.train.data.forms import open_data

    if source.suffix.lower() == ".json" and split is None:
        return open_coco(source, images or source.parent)
    return open_data(source, split, images=images)


@contextmanager
def _progress(whole: int) -> Iterator[Callable[[int], object]]:
    """What is told how many pictures have been judged: a bar for a person at a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda number: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking at pictures", total=whole)
        yield lambda number: progress.update(task, completed=number)


def verdict_table(
    name: str, data: DataSet, verdict: Verdict, split: str | None = None, *, noise: bool = False
) -> Table:
    """What was found: a row for every class, and all of them as the total."""
    from spinec.visualize.table.table import Column, Shown, Table

    def shown(values: Any) -> list[Any]:
        return [None if value is None else Shown(value, f"{value:.3f}") for value in values]

    rows = [[each.name, each.number, each.id, each.there, *shown(each.figures.values())] for each in verdict.classes]
    figures = list(verdict.classes[0].figures)
    columns: list[str | Column] = ["class", Column("number", "number", 5), Column("id", "id", 5)]
    columns += [Column(COUNTED[verdict.task], COUNTED[verdict.task], 4)]
    columns += [Column(each, "", 0 if each in FIRST else 2 if "AP" in each else 3) for each in figures]
    total = ["all", None, None, sum(each.there for each in verdict.classes), *shown(verdict.figures.values())]
    about = {"name": name, "data": data.name, "split": split or "", "images": verdict.images, "random_weights": noise}
    title = f"{name}, {verdict.images:,} picture{'s' if verdict.images != 1 else ''} of {data.name}"
    return Table(title, columns, rows, total, about, f"{verdict.task}_figures")
