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
from spinec.compiler.graph.program import Program
from spinec.spec.errors import TrainError
from spinec.spec.recipes.model import Recipe
from spinec.train.data.batches import Endless
from spinec.train.data.examples import DataSet
from spinec.train.ending import asked_to_end
from spinec.train.events import events_of
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

    @property
    def batches(self) -> Endless:
        """What is learned from, by step."""
        return batches(self.program, self.recipe, self.data)

    @property
    def rates(self) -> Rates:
        """The rate of every step."""
        return Rates(self.recipe, self.batches.steps_per_epoch)


def train(run: Run, judge: Judge, told: Told = lambda line: None, weights: Mapping[str, Array] | None = None) -> bool:
    """Train from where the folder's state is, or from some weights, or from fresh ones; False where asked to end.

    `judge` gives some weights as they are judged, and their figures, of which the first says which are the best. `told`
    gets every line of the metrics. Whatever ends the process, the same call goes on from the last state that was kept:
    on one CPU to the same weights, bit for bit.

    Raises:
        TrainError: when a loss is no number any more; the last state is kept.
    """
    learner: Learner = backend(run.backend).learner(run.program, run.recipe, weights)
    state, done = run.folder.kept()
    if state:
        learner.load(state)
    rates, last, events = run.rates, time.monotonic(), events_of(run.folder, done)
    best = max((_first(line) for line in run.folder.told() if "loss" not in line), default=-1.0)

    def tell(line: Mapping[str, Any]) -> None:
        run.folder.tell(line)
        events.tell(line)
        told(line)

    with asked_to_end() as ended:
        for step, batch in enumerate(run.batches.stream(done, rates.steps, run.workers), done):
            begun = time.monotonic()
            losses = learner.step(batch.images, batch.targets, rates[step], step)
            if bad := [name for name, value in losses.items() if not isfinite(value)]:
                kept = f"{run.folder.state} holds the state before" if run.folder.state.exists() else "none was kept"
                first = blame(learner.watch(batch.images, batch.targets, step), batch.images, batch.targets, batch.ids)
                raise TrainError(
                    f"step {step + 1}: {', '.join(bad)} is no number any more, {first}; {kept}: try a lower rate"
                )
            tell({"step": step + 1, "rate": rates[step], **losses, "seconds": round(time.monotonic() - begun, 4)})
            if step + 1 in rates.evaluations:
                judged, figures = judge(learner.weights())
                run.folder.judged(run.program, judged, best=_first(figures) > best)
                best = max(best, _first(figures))
                tell({"step": step + 1, **figures})
            if ended() or step + 1 in rates.evaluations or time.monotonic() - last > EVERY:
                run.folder.keep(learner.state(), step + 1)
                last = time.monotonic()
            if ended():
                return False
    return True


def _first(figures: Mapping[str, float | None]) -> float:
    """What says which weights are the best."""
    return next(value for name, value in figures.items() if name != "step") or 0.0
