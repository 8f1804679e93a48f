"""Training: from a spec, a recipe and a data set to weights."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from spinec.backends.processes import Across
from spinec.options import BackendName, Size, app, failing, read_spec, working
from spinec.progress import Progress
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.compiler.graph.program import Program
    from spinec.spec.model import ModelSpec
    from spinec.spec.recipes.model import Recipe
    from spinec.train.beginning import Beginning
    from spinec.train.rates import Rates


@app.command()
def train(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="A spec from the library, or a YAML file.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="The data set.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="How to train. Default: the paper's recipe for the head of the spec."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the recipe, such as optimizer.rate=0.1."),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="data|LIST|FILE",
            help="Classes of the head, if not the spec's: those of the data set, a list, a file of names.",
        ),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Start from a file of weights. Default: random weights.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--run", metavar="RUN", help="Folder of the run. Default: runs/NAME.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")] = None,
    backend: BackendName = "pytorch",
    size: Size = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read pictures ahead of time.")] = 1,
    across: Annotated[
        Across,
        typer.Option(
            help="What shares a batch: the processes of torchrun or TF_CONFIG; or, in TensorFlow, all devices of this "
            "process, or a TPU."
        ),
    ] = "processes",
) -> None:
    """Train a network on a data set.

    The folder of the run holds the spec, the recipe, the metrics, the weights of the last and the best evaluation, and
    all that --resume needs. Ctrl-C stops it after the step that it is at.
    """
    if resume is None and (name is None or data is None):
        raise typer.BadParameter("expected a spec and --data DIR, or --resume RUN")
    begun = "name data recipe settings classes weights folder backend size"
    refuse_idle(context, Idle(begun, "with --resume: a run goes on as it was begun", resume))
    from spinec.train.beginning import Asked, begin, take_up
    from spinec.train.folder import RunFolder
    from spinec.train.run import train as run_on

    with working("reading"):
        if name is None or data is None:
            assert resume
            beginning = take_up(RunFolder(resume), workers, across)
        else:
            asked = Asked(
                read_spec(name), data, recipe, settings or (), classes, weights, folder, backend, size, across
            )
            beginning = begin(asked, workers)
    run, kept = beginning.run, beginning.folder
    start = beginning.start.weights if beginning.start else None
    if not run.place.first:
        run_on(run, kept, _unjudged, weights=start)
        return
    for line in _told(beginning, weights, classes=bool(classes)):
        typer.echo(line, err=True)
    with working("building the network"):
        from spinec.train.judging import Judging

        judge = Judging(run, beginning.judged)
    if not resume:
        with failing(kept.path):
            kept.begin(run.program, run.recipe, beginning.needs, run.rates.steps)
    with Progress(run.rates.steps, run.recipe.batch) as progress, failing(kept.path):

        def judged(weights: Any) -> Any:
            with progress.judging():
                return judge(weights)

        whole = run_on(run, kept, judged, progress.show, start)
    if not whole:
        typer.echo(
            f"stopped: {shlex.join(['spinec', 'train', '--resume', str(kept.path)])} goes on from here", err=True
        )
        raise typer.Exit(130)
    typer.echo(f"{kept.best}: the weights of the best evaluation; see {kept.metrics}")


def _unjudged(weights: Any) -> NoReturn:
    """What judges in a process that does not."""
    raise AssertionError("the first process judges")


def _told(beginning: Beginning, file: Path | None, *, classes: bool) -> Iterator[str]:
    """What a user may not expect of a run that begins."""
    from spinec.train.norms import thin_norms

    program, recipe = beginning.run.program, beginning.run.recipe
    if classes:
        yield f"{program.name}: {_classes(program.spec)}"
    if (start := beginning.start) and start.anew:
        names, weights = _listed(start.anew), f"{len(start.anew)} of {len(program.weights)} weights"
        yield f"{file or beginning.needs.weights}: has {start.classes:,} classes, so {weights} start anew: {names}"
    elif start and classes:
        yield f"{file or beginning.needs.weights}: has as many classes, and the layers for them are taken, too"
    if recipe.scaled != 1:
        rate = f"{recipe.optimizer.rate:g} for {recipe.optimizer.per} images a step"
        yield f"rate: {rate}, so {recipe.rate:g} for {recipe.batch}"
    if recipe.optimizer.frozen or recipe.optimizer.parts:
        yield _learning(program, recipe)
    if beginning.run.place.number > 1:
        yield f"{beginning.run.place.number} processes share each batch"
    place = beginning.run.place
    if thin := thin_norms(program, recipe.batch, place.number, synchronized=recipe.synchronized):
        seen = f"norms of {_listed(_blocks(thin))} see as few as {min(thin.values())} values of a channel in a step"
        yield f"{seen}, too few to hold in inference: a larger --size or batch helps"
    yield _length(beginning.run.rates)


def _blocks(paths: Iterable[str]) -> list[str]:
    """What the paths of a network begin with, each once."""
    return [*dict.fromkeys(path.partition(".")[0] for path in paths)]


def _length(rates: Rates) -> str:
    """How long a run is."""
    epochs = f"{rates.steps / rates.steps_per_epoch:.3g} epochs"
    return f"{rates.steps:,} steps of {rates.recipe.batch:,} images, {epochs}; judged every {rates.every:,} steps"


def _classes(spec: ModelSpec) -> str:
    """What the classes of a head have become."""
    from spinec.spec.classes import classes_of
    from spinec.train.beginning import head_of

    labels = head_of(spec).labels
    names = classes_of(labels, 0).names
    return f"the head has {len(names):,} classes: {labels if isinstance(labels, str) else _listed(names)}"


def _learning(program: Program, recipe: Recipe) -> str:
    """How many weights learn, and at which rates."""
    from collections import Counter

    from spinec.backends.patterns import factors

    counts = Counter(factors(program, recipe).values())
    rates = [f"{count} learn at {recipe.rate * factor:g}" for factor, count in sorted(counts.items())]
    frozen = len(program.weights) - counts.total()
    return f"weights: {', '.join([f'{frozen} are frozen'] * bool(frozen) + rates)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
