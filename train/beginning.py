"""How a run is begun, and how one that was stopped is taken up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinec.backends.backend import backend
from spinec.backends.patterns import factors
from spinec.backends.processes import Across, Place, share_of
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.classes import class_lists, read_names
from spinec.spec.errors import TrainError
from spinec.spec.heads import Head, MaskRCNN
from spinec.spec.load import load
from spinec.spec.making import change
from spinec.spec.model import ModelSpec
from spinec.spec.recipes.load import load_recipe
from spinec.spec.recipes.model import Data, Recipe
from spinec.train.data.examples import DataSet, Task
from spinec.train.data.forms import open_data, splits_of
from spinec.train.data.held_out import held_out
from spinec.train.data.numbering import task_of
from spinec.train.data.ready import check_ready
from spinec.train.folder import Needs, RunFolder
from spinec.train.run import Run
from spinec.train.start import Start, read_start

HOLDS_OUT = "; --set data.hold_out=N holds out N of the pictures that are learned from"
SPLITS = (("train", "learns from", ""), ("evaluate", "judges by", HOLDS_OUT))
OF_DATA = "data"
"""Instead of names of classes: those of the data set."""
BACKGROUND = "background"


@dataclass(frozen=True)
class Asked:
    """What a user asks for."""

    spec: ModelSpec
    data: Path
    recipe: str | None = None
    """A name or a file; nothing for the paper's."""
    settings: Sequence[str] = ()
    """Changes of the recipe, as ``optimizer.rate=0.1``."""
    classes: str | None = None
    """What the head's classes become: those of the `data`, a list of the library or a file of names."""
    weights: Path | None = None
    folder: Path | None = None
    backend: str = "pytorch"
    size: tuple[int, int] | None = None
    across: Across = "processes"


@dataclass(frozen=True)
class Beginning:
    """A run that can go."""

    run: Run
    folder: RunFolder
    needs: Needs
    judged: DataSet
    """What its weights are judged by."""
    start: Start | None
    """The weights that it starts from; random ones where there are none, or where it goes on from a state."""

    def check(self) -> None:
        """Find what would stop the run.

        Raises:
            SpinecError: when its recipe does not fit its data, or the data are damaged.
        """
        self.run.rates  # noqa: B018  (which are refused where the rate drops before the first step)
        for data in (self.run.data, self.judged):
            check_ready(data, self.run.batches.view)


def begin(asked: Asked, workers: int = 0) -> Beginning:
    """A run that begins. In its folder, nothing is written yet.

    Raises:
        SpinecError: where the folder is not free, or the data set or the weights do not fit the spec.
    """
    place = backend(asked.backend).join(asked.across)
    recipe = load_recipe(asked.recipe or default_recipe(asked.spec), asked.settings)
    check_splits(asked.data, recipe.data, head_of(asked.spec))
    spec = with_classes(asked.spec, asked.classes, asked.data, recipe) if asked.classes else asked.spec
    program = lower(spec, asked.size)
    folder = RunFolder(asked.folder or Path("runs") / spec.name)
    if place.first:
        folder.check_free()
    weights = str(asked.weights.absolute()) if asked.weights else None
    needs = Needs(str(asked.data.absolute()), asked.backend, weights)
    beginning = _opened(program, recipe, folder, needs, workers, place)
    beginning.check()
    return beginning


def take_up(folder: RunFolder, workers: int = 0, across: Across = "processes") -> Beginning:
    """The run of a folder, as it was begun.

    Raises:
        SpinecError: where there is no run, or what it needs is not there any more.
    """
    needs, size = folder.needs()
    place = backend(needs.backend).join(across)
    return _opened(lower(load(folder.spec), size), load_recipe(folder.recipe), folder, needs, workers, place)


def _opened(program: Program, recipe: Recipe, folder: RunFolder, needs: Needs, workers: int, place: Place) -> Beginning:
    share_of(recipe.batch, place.number * place.devices)
    factors(program, recipe)  # whose patterns may match nothing
    start = read_start(Path(needs.weights), program) if needs.weights and not folder.state.exists() else None
    learned, judged = data_of(needs.data, recipe.data, program.spec.head)
    return Beginning(Run(program, recipe, learned, needs.backend, workers, place), folder, needs, judged, start)


def judged_by(place: str, said: Data, head: Head | None) -> DataSet:
    """What the result is judged by.

    Raises:
        SpinecError: where it is not there.
    """
    return data_of(place, said, head)[1] if said.hold_out else open_data(place, said.evaluate, head=head)


def data_of(place: str, said: Data, head: Head | None) -> tuple[DataSet, DataSet]:
    """What is learned from, and what the result is judged by."""
    learned = open_data(place, said.train, head=head)
    return held_out(learned, said.hold_out) if said.hold_out else (learned, open_data(place, said.evaluate, head=head))


def check_splits(place: Path, said: Data, head: Head) -> None:
    """Find a split that is not there.

    Raises:
        TrainError: saying which field of the recipe names another.
    """
    splits = splits_of(place, task_of(head)) if os.path.isdir(place) else {}
    for key, use, besides in SPLITS[: 1 if said.hold_out else 2]:
        if splits and (name := getattr(said, key)) not in splits:
            other = f"--set data.{key}=NAME takes another, of {', '.join(splits)}"
            raise TrainError(f"{place}: has no split {name!r}, which the recipe {use}: {other}{besides}")


def head_of(spec: ModelSpec) -> Head:
    """What a spec is taught.

    Raises:
        TrainError: where it has no head.
    """
    if spec.head is None:
        raise TrainError(f"{spec.name}: has no head, and nothing says what is to be learned")
    return spec.head


def default_recipe(spec: ModelSpec) -> str:
    """The paper's recipe for what a spec's head is taught."""
    head = head_of(spec)
    return "mask-rcnn" if isinstance(head, MaskRCNN) else task_of(head)


def with_classes(spec: ModelSpec, classes: str, data: Path, recipe: Recipe) -> ModelSpec:
    """A spec whose head has other classes.

    Raises:
        SpinecError: where there are none, or the head cannot have them.
    """
    return named(spec, classes_for(spec, classes, data, recipe))


def classes_for(spec: ModelSpec, classes: str, data: Path, recipe: Recipe) -> str | list[str]:
    """The classes that a user names, as a document says them for a head such as that of a spec.

    Raises:
        SpinecError: where there are none.
    """
    head = head_of(spec)
    first = head_of(change(spec, {"head": _plain(head)})).first_class
    if classes in class_lists() and (not first or class_lists()[classes].names[0] == BACKGROUND):
        return classes
    return [BACKGROUND] * first + _names(classes, task_of(head), data, recipe)


def named(spec: ModelSpec, classes: str | list[str]) -> ModelSpec:
    """A spec whose head has classes that `classes_for` gave.

    Raises:
        SpinecError: where the head cannot have them.
    """
    return change(spec, {"head": {"labels": None, "classes": classes, **_plain(head_of(spec))}})


def _plain(head: Head) -> dict[str, bool]:
    """What leaves out a background among classes that are none, where a head may have one."""
    return {"background": False} if "background" in type(head).model_fields else {}


def _names(classes: str, task: Task, data: Path, recipe: Recipe) -> list[str]:
    if classes == OF_DATA:
        return list(open_data(data, recipe.data.train, task=task).numbering.names)
    if classes in class_lists():
        return list(class_lists()[classes].names)
    names = read_names(classes)
    for line, name in enumerate(names, 1):
        if (first := names.index(name) + 1) < line:
            raise TrainError(
                f"{classes}: line {line}: {name!r} is in line {first} already, and data has classes by name"
            )
    return names
