"""What is evaluated: a network with some weights, the data that it is judged by, and its running statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.backends.checkpoints import read_checkpoint
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.errors import BackendError
from spinec.spec.load import load
from spinec.spec.model import ModelSpec
from spinec.spec.recipes.load import load_recipe
from spinec.spec.recipes.model import Recipe
from spinec.train.beginning import data_of, default_recipe
from spinec.train.data.examples import DataSet
from spinec.train.data.forms import open_data
from spinec.train.evaluation.judge import judge
from spinec.train.evaluation.verdict import Verdict
from spinec.train.folder import RunFolder, Which
from spinec.train.judging import answering, settle

if TYPE_CHECKING:
    from spinec.backends.weights import Array


class Source(NamedTuple):
    """A data set as a user names it; nothing where a run says it."""

    path: Path | None = None
    split: str | None = None
    images: Path | None = None


class Statistics(NamedTuple):
    """What running means and variances are taken anew from: so many of the batches that are learned from."""

    batches: int
    recipe: Recipe
    data: DataSet


@dataclass(frozen=True)
class Subject:
    """A network that is evaluated, and by what; its weights are random where there are none."""

    program: Program
    data: DataSet
    backend: str
    weights: Mapping[str, Array] | None
    statistics: Statistics | None

    def judged(self, seed: int, workers: int, **about: Any) -> Verdict:
        """How good its answers are."""
        live = answering(self.program, self.data.task, self.backend, self.weights, seed)
        if known := self.statistics:
            settle(live, self.program, known.recipe, known.data, self.backend, known.batches, workers)
        return judge(live.answer, self.data, self.program.input_shape, use=live.use, workers=workers, **about)


def of_run(folder: RunFolder, which: Which, source: Source, backend: str | None, statistics: int | None) -> Subject:
    """A run of a folder: its network and weights, judged by its own data if no other is named.

    Without a number of batches, what a state holds gets its running statistics as the recipe says, as the run judges
    it; the weights of an evaluation have theirs.

    Raises:
        SpinecError: where the run does not have these weights, or its data is not there any more.
    """
    needs, size = folder.needs()
    program, recipe = lower(load(folder.spec), size), load_recipe(folder.recipe)
    weights, head = folder.taken(program, which), program.spec.head
    of_state = recipe.evaluate.statistics if which in ("average", "plain") else 0
    number = of_state if statistics is None else statistics
    if source.path or source.split:
        place, split = source.path or needs.data, source.split
        judged = open_data(place, split or recipe.data.evaluate, head=head, images=source.images)
        learned = open_data(needs.data, recipe.data.train, head=head) if number else judged
    else:
        learned, judged = data_of(needs.data, recipe.data, head)
    known = Statistics(number, recipe, learned) if number else None
    return Subject(program, judged, backend or needs.backend, weights, known)


def of_spec(
    spec: ModelSpec, weights: Path | None, size: tuple[int, int] | None, source: Source, backend: str
) -> Subject:
    """A network of a spec, its weights from a file if there is one.

    Raises:
        SpinecError: where it has no head, or the weights or the data set do not fit it.
    """
    if spec.head is None:
        raise BackendError(f"{spec.name} has no head: there is nothing that it says of a picture")
    assert source.path
    data = open_data(source.path, source.split, head=spec.head, images=source.images)
    program = lower(spec, size)
    return Subject(program, data, backend, read_checkpoint(weights, program) if weights else None, None)


def statistics_of(
    spec: ModelSpec, source: Source, batches: int, recipe: str | None, settings: Sequence[str]
) -> Statistics:
    """What a recipe learns from, of the data set that a network is judged by.

    Raises:
        SpinecError: where there is no such recipe, or the data set has no such split.
    """
    assert source.path
    found = load_recipe(recipe or default_recipe(spec), settings)
    return Statistics(batches, found, open_data(source.path, found.data.train, head=spec.head, images=source.images))
