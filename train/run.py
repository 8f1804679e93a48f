"""A run: one step after the other, judged now and then, kept so that it goes on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.backends.backend import backend
from spinec.backends.blame import blame
from spinec.backends.learner import Learner
from spinec.backends.processes import ALONE, Place
from spinec.compiler.graph.program import Program
from spinec.spec.errors import TrainError
from spinec.spec.recipes.model import Recipe
from spinec.train.data.batches import Endless
from spinec.train.data.examples import DataSet
from spinec.train.ending import asked_to_end
from spinec.train.events import Events, events_of
from spinec.train.folder import RunFolder
from spinec.train.rates import Rates
from spinec.train.views import batches

if TYPE_CHECKING:
    from spinec.backends.weights import Array

    Judge = Callable[[Mapping[str, Array]], tuple[Mapping[str, Array], Mapping[str, float | None]]]
    Told = Callable[[Mapping[str, Any]], object]

EVERY = 300.0  # seconds from one time that the state is kept to the next


@dataclass(frozen=True)
class Run:
    """What is trained, and with what."""

    program: Program
    recipe: Recipe
    data: DataSet
    backend: str = "pytorch"
    workers: int = 0
    place: Place = ALONE

    @property
    def batches(self) -> Endless:
        """What this process learns from, by step: its share of every batch."""
        return batches(self.program, self.recipe, self.data, self.place)

    @property
    def rates(self) -> Rates:
        """The rate of every step."""
        return Rates(self.recipe, self.batches.steps_per_epoch)


class Step(NamedTuple):
    """A step that was taken; the first has the number 1."""

    number: int
    rate: float
    losses: Mapping[str, float]
    seconds: float


class DivergedError(TrainError):
    """A loss is no number any more, and says so by the step and by where it began."""


def descend(run: Run, learner: Learner, done: int = 0) -> Iterator[Step]:
    """Take the steps of a run that follow the first `done`.

    Raises:
        DivergedError: when a loss is no number any more; the weights are those before that step.
    """
    rates = run.rates
    for index, batch in enumerate(run.batches.stream(done, rates.steps, run.workers), done):
        begun = time.monotonic()
        losses = learner.step(batch.images, batch.targets, rates[index], index)
        if bad := [name for name, value in losses.items() if not isfinite(value)]:
            where = blame(learner.watch(batch.images, batch.targets, index), batch.images, batch.targets, batch.ids)
            raise DivergedError(f"step {index + 1}: {', '.join(bad)} is no number any more, {where}")
        yield Step(index + 1, rates[index], losses, round(time.monotonic() - begun, 4))


def train(
    run: Run,
    folder: RunFolder,
    judge: Judge,
    told: Told = lambda line: None,
    weights: Mapping[str, Array] | None = None,
) -> bool:
    """Train from where the folder's state is, or from some weights, or from fresh ones; False where asked to end.

    `judge` gives some weights as they are judged, and their figures, of which the first says which are the best. `told`
    gets every line of the metrics. Whatever ends the process, the same call goes on from the last state that was kept:
    on one CPU to the same weights, bit for bit. Of several processes, the first judges, tells and writes.

    Raises:
        TrainError: when a loss is no number any more; the last state is kept.
    """
    learner: Learner = backend(run.backend).learner(run.program, run.recipe, weights, run.place)
    first = run.place.first
    state, done = folder.kept(clean=first)
    if state:
        learner.load(state)
    evaluations, last = run.rates.evaluations, time.monotonic()
    events = events_of(folder, done) if first else Events(folder, None)
    best = max((_first(line) for line in folder.told() if "loss" not in line), default=-1.0)

    def tell(line: Mapping[str, Any]) -> None:
        if first:
            folder.tell(line)
            events.tell(line)
            told(line)

    ending = False
    with asked_to_end() as ended:
        for step in _going(run, folder, learner, done):
            tell({"step": step.number, "rate": step.rate, **step.losses, "seconds": step.seconds})
            if first and step.number in evaluations:
                judged, figures = judge(learner.weights())
                folder.judged(run.program, judged, best=_first(figures) > best)
                best = max(best, _first(figures))
                tell({"step": step.number, **figures})
            ending = learner.agree(ended())
            if first and (ending or step.number in evaluations or time.monotonic() - last > EVERY):
                folder.keep(learner.state(), step.number)
                last = time.monotonic()
            if ending:
                break
        learner.agree(False)  # no process ends before the first has written
    return not ending


def _going(run: Run, folder: RunFolder, learner: Learner, done: int) -> Iterator[Step]:
    """The steps of a run; who goes on after one that diverged is told from where."""
    try:
        yield from descend(run, learner, done)
    except DivergedError as error:
        kept = f"{folder.state} holds the state before" if folder.state.exists() else "none was kept"
        raise TrainError(f"{error}; {kept}: try a lower rate") from None


def _first(figures: Mapping[str, float | None]) -> float:
    """What says which weights are the best."""
    return next(value for name, value in figures.items() if name != "step") or 0.0
