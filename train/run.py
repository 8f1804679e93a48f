"""A run: one step after the other, judged now and then, kept so that it goes on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

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
    """What is trained, with what, and where it is written."""

    program: Program
    recipe: Recipe
    data: DataSet
    folder: RunFolder
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


def train(run: Run, judge: Judge, told: Told = lambda line: None, weights: Mapping[str, Array] | None = None) -> bool:
    """Train from where the folder's state is, or from some weights, or from fresh ones; False where asked to end.

    `judge` gives some weights as they are judged, and their figures, of which the first says which are the best. `told`
    gets every line of the metrics. Whatever ends the process, the same call goes on from the last state that was kept:
    on one CPU to the same weights, bit for bit. Of several processes, the first judges, tells and writes.

    Raises:
        TrainError: when a loss is no number any more; the last state is kept.
    """
    learner: Learner = backend(run.backend).learner(run.program, run.recipe, weights, run.place)
    first = run.place.first
    state, done = run.folder.kept(clean=first)
    if state:
        learner.load(state)
    rates, last = run.rates, time.monotonic()
    evaluations = rates.evaluations
    events = events_of(run.folder, done) if first else Events(run.folder, None)
    best = max((_first(line) for line in run.folder.told() if "loss" not in line), default=-1.0)

    def tell(line: Mapping[str, Any]) -> None:
        if first:
            run.folder.tell(line)
            events.tell(line)
            told(line)

    ending = False
    with asked_to_end() as ended:
        for step, batch in enumerate(run.batches.stream(done, rates.steps, run.workers), done):
            begun = time.monotonic()
            losses = learner.step(batch.images, batch.targets, rates[step], step)
            if bad := [name for name, value in losses.items() if not isfinite(value)]:
                kept = f"{run.folder.state} holds the state before" if run.folder.state.exists() else "none was kept"
                where = blame(learner.watch(batch.images, batch.targets, step), batch.images, batch.targets, batch.ids)
                raise TrainError(
                    f"step {step + 1}: {', '.join(bad)} is no number any more, {where}; {kept}: try a lower rate"
                )
            tell({"step": step + 1, "rate": rates[step], **losses, "seconds": round(time.monotonic() - begun, 4)})
            if first and step + 1 in evaluations:
                judged, figures = judge(learner.weights())
                run.folder.judged(run.program, judged, best=_first(figures) > best)
                best = max(best, _first(figures))
                tell({"step": step + 1, **figures})
            ending = learner.agree(ended())
            if first and (ending or step + 1 in evaluations or time.monotonic() - last > EVERY):
                run.folder.keep(learner.state(), step + 1)
                last = time.monotonic()
            if ending:
                break
        learner.agree(False)  # no process ends before the first has written
    return not ending


def _first(figures: Mapping[str, float | None]) -> float:
    """What says which weights are the best."""
    return next(value for name, value in figures.items() if name != "step") or 0.0
