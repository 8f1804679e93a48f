"""Training: from a spec, a recipe and a data set to weights."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinec.options import BackendName, Size, app, fail, failing, read_spec, working
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.spec.model import ModelSpec
    from spinec.spec.recipes.model import Recipe
    from spinec.train.run import Run

OF_DATA = "data"


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
            metavar=f"{OF_DATA}|LIST|FILE",
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
) -> None:
    """Train a network on a data set.

    The folder of the run holds the spec, the recipe, the metrics, the weights of the last and the best evaluation, and
    all that --resume needs. Ctrl-C stops it after the step that it is at.
    """
    if resume is None and (name is None or data is None):
        raise typer.BadParameter("expected a spec and --data DIR, or --resume RUN")
    begun = "name data recipe settings classes weights folder backend size"
    refuse_idle(context, Idle(begun, "with --resume: a run goes on as it was begun", resume))
    from spinec.train.run import train as run_on

    with working("reading"):
        run, judged, start, asked = (
            _resumed(resume, workers)
            if resume
            else _begun(name, data, recipe, settings, classes, weights, folder, backend, size, workers)
        )
    if run.recipe.scaled != 1:
        typer.echo(
            f"rate: {run.recipe.optimizer.rate:g} for {run.recipe.optimizer.per} images a step, so {run.recipe.rate:g} "
            f"for {run.recipe.batch}",
            err=True,
        )
    with working("building the network"):
        from spinec.train.judging import Judging

        judge = Judging(run, judged)
    if asked:
        with failing(run.folder.path):
            run.folder.begin(run.program, run.recipe, asked)
    with _Progress(run.rates.steps, run.recipe.batch) as progress, failing(run.folder.path):
        whole = run_on(run, judge, progress.show, start)
    if not whole:
        typer.echo(
            f"stopped: {shlex.join(['spinec', 'train', '--resume', str(run.folder.path)])} goes on from here", err=True
        )
        raise typer.Exit(130)
    typer.echo(f"{run.folder.best}: the weights of the best evaluation; see {run.folder.metrics}")


def _begun(
    name: str | None,
    data: Path | None,
    recipe: str | None,
    settings: list[str] | None,
    classes: str | None,
    weights: Path | None,
    folder: Path | None,
    backend: str,
    size: Any,
    workers: int,
) -> Any:
    """A run that begins, the data that it is judged by, the weights that it begins with, and what it is asked for."""
    from spinec.backends.checkpoints import read_checkpoint
    from spinec.compiler.lowering.pipeline import lower
    from spinec.spec.recipes.load import load_recipe
    from spinec.train.folder import RunFolder

    assert name is not None
    assert data is not None
    spec = read_spec(name)
    if spec.head is None:
        fail(f"{spec.name}: has no head, and nothing says what is to be learned")
    wanted = load_recipe(recipe or default_recipe(spec), settings or [])
    spec = _with_classes(spec, classes, data, wanted) if classes else spec
    program = lower(spec, size)
    place = RunFolder(folder or Path("runs") / spec.name)
    place.check_free()
    start = read_checkpoint(weights, program) if weights else None
    run, judged = _run(program, wanted, str(data), place, backend, workers)
    asked = {
        "spec": name,
        "data": str(data.resolve()),
        "backend": backend,
        "weights": str(weights.resolve()) if weights else None,
    }
    return run, judged, start, asked


def _resumed(path: Path, workers: int) -> Any:
    """The run of a folder, the data that it is judged by, and the weights that it began with."""
    from spinec.backends.checkpoints import read_checkpoint
    from spinec.compiler.lowering.pipeline import lower
    from spinec.spec.load import load
    from spinec.spec.recipes.load import load_recipe
    from spinec.train.folder import RunFolder

    folder = RunFolder(path)
    asked = folder.asked()
    program = lower(load(path / "spec.yaml"), tuple(asked["size"]))
    recipe = load_recipe(path / "recipe.yaml")
    start = read_checkpoint(Path(asked["weights"]), program) if asked["weights"] else None
    return *_run(program, recipe, asked["data"], folder, asked["backend"], workers), start, None


def _run(program: Any, recipe: Recipe, data: str, folder: Any, backend: str, workers: int) -> tuple[Run, Any]:
    from spinec.train.data.forms import open_data
    from spinec.train.run import Run

    head = program.spec.head
    learned, judged = (open_data(data, split, head=head) for split in (recipe.data.train, recipe.data.evaluate))
    return Run(program, recipe, learned, folder, backend, workers), judged


def default_recipe(spec: ModelSpec) -> str:
    """The paper's recipe for what a spec's head is taught."""
    from spinec.spec.heads import MaskRCNN
    from spinec.train.data.numbering import task_of

    return "mask-rcnn" if isinstance(spec.head, MaskRCNN) else task_of(spec.head)


def _with_classes(spec: ModelSpec, classes: str, data: Path, recipe: Recipe) -> ModelSpec:
    """A spec whose head has other classes."""
    from spinec.spec.classes import class_lists, read_names
    from spinec.spec.making import change
    from spinec.train.data.forms import open_data

    named: Any = classes
    if classes == OF_DATA:
        named = list(open_data(data, recipe.data.train).names)
    elif classes not in class_lists():
        named = read_names(classes)
    found = {"classes": named, **({"background": False} if hasattr(spec.head, "background") else {})}
    changed = change(spec, {"head": {"labels": None, **found}})
    typer.echo(f"{spec.name}: the head has {changed.head.classes:,} classes: {_shown(named)}", err=True)  # type: ignore[union-attr]
    return changed


def _shown(names: Any) -> str:
    return names if isinstance(names, str) else ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


class _Progress:
    """How far a run is: a bar on a terminal, and a line for every evaluation."""

    def __init__(self, steps: int, batch: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            TextColumn("to go"),
        )
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=steps)
        self._batch = batch

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, line: Mapping[str, Any]) -> None:
        """Show a line of the metrics."""
        if "loss" not in line:
            figures = {name: value for name, value in line.items() if name != "step"}
            typer.echo(
                f"step {line['step']}: "
                + ", ".join(f"{name} {value:.3f}" for name, value in [*figures.items()][:3] if value is not None),
                err=True,
            )
            return
        rate = self._batch / max(line["seconds"], 1e-9)
        self._bar.update(
            self._task, completed=line["step"], description=f"loss {line['loss']:.4f}, {rate:.1f} images/s"
        )
