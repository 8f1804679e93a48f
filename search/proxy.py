"""The proxy task (arXiv 2010.11426, Section 5.1.1): a candidate is trained for a short while, and judged."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from spinec.search.evaluators import NoScoreError
from spinec.spec.errors import DataError, SearchError, did_you_mean
from spinec.spec.model import ModelSpec

if TYPE_CHECKING:
    from optuna import Trial

    from spinec.spec.recipes.model import Recipe
    from spinec.train.data.examples import DataSet
    from spinec.train.evaluation.verdict import Figures
    from spinec.train.run import Run

Direction: TypeAlias = Literal["maximize", "minimize"]
STATISTICS = 20  # batches that running means and variances are taken anew from, where a recipe takes them from none
MASKS = "mask AP"
"""What networks that find masks are compared by; all others by the first figure."""


class Sets(NamedTuple):
    """A data set as candidates with one kind of head see it."""

    classes: str | list[str]
    """What the classes of the head become."""
    learned: DataSet
    judged: DataSet


@dataclass(frozen=True)
class Proxy:
    """Trains a candidate by a recipe and gives its AP, mask AP, top-1 or mIoU: an evaluator.

    All candidates have the recipe's seed, so on one CPU a candidate's score repeats exactly. Their heads get the
    classes of the data set.

    Raises:
        NoScoreError: where the training diverges, or memory does not suffice.
        SpinecError: where the data set or the recipe are not for such a spec.
    """

    recipe: str
    """The document."""
    data: str
    backend: str = "pytorch"
    readers: int = 0
    """Processes that read pictures ahead of time."""
    also: tuple[str, ...] = ()
    """Zero-cost proxies, which are further objectives."""

    @property
    def directions(self) -> tuple[Direction, ...]:
        """What is to become of each score."""
        best: Direction = "maximize"
        return (best,) * (1 + len(self.also))

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the training by {self.document.recipe}, in {self.backend}"

    @cached_property
    def document(self) -> Recipe:
        """What the recipe says."""
        from spinec.spec.document import Allowance, read_text
        from spinec.spec.recipes.load import read_recipe

        return read_recipe(read_text(self.recipe, "<recipe>"), None, Allowance())

    def __call__(self, spec: ModelSpec, trial: Trial | None = None) -> tuple[float, ...]:
        """The scores of a candidate, that of the training first.

        Evaluations before the last are reported to the trial, which may be pruned.
        """
        from spinec.backends.backend import backend
        from spinec.train.run import DivergedError

        try:
            return self._scores(spec, trial)
        except DivergedError as error:
            why = f"diverged at {error}"
        except Exception as error:
            if not isinstance(error, MemoryError) and not backend(self.backend).lacks_memory(error):
                raise
            why = f"out of memory: {str(error).partition(chr(10))[0] or type(error).__name__}"
        finally:
            gc.collect()  # models are in circles, and the next one may need all memory
        raise NoScoreError(why)  # from here, where nothing holds the arrays of the training any more

    def check(self, spec: ModelSpec) -> None:
        """Find what no candidate like a spec could be trained with, and damaged data.

        Raises:
            SpinecError: where there is something.
        """
        from spinec.backends.backend import backend
        from spinec.train.beginning import check_splits, head_of
        from spinec.train.data.ready import check_ready

        measures = backend(self.backend).MEASURES
        if unknown := [each for each in self.also if each not in measures]:
            known = did_you_mean(unknown[0], measures) if measures else "it has none"
            raise SearchError(f"{self.backend} has no zero-cost proxy {unknown[0]!r}: {known}")
        check_splits(Path(self.data), self.document.data, head_of(spec))
        run, judged = self._run(spec)
        run.rates  # noqa: B018  (which are refused where the rate drops before the first step)
        for data in (run.data, judged):
            check_ready(data, run.batches.view)

    def _scores(self, spec: ModelSpec, trial: Trial | None) -> tuple[float, ...]:
        from spinec.backends.backend import backend
        from spinec.train.judging import Judging
        from spinec.train.run import descend

        run, data = self._run(spec)
        if trial is not None:
            trial.set_user_attr("recipe", run.recipe.recipe)
        batch, measures = run.batches[0], backend(self.backend).MEASURES
        others = [measures[each](run.program, run.recipe, batch.images, batch.targets) for each in self.also]
        judge, rates, score = Judging(run, data), run.rates, 0.0
        learner = backend(self.backend).learner(run.program, run.recipe)
        for step in descend(run, learner):
            if step.number in rates.evaluations:
                figures = judge(learner.weights())[1]
                score = score_of(figures, data)
                if trial is not None:
                    _tell(trial, step.number, rates.steps, score, figures)
        return score, *others

    def _run(self, spec: ModelSpec) -> tuple[Run, DataSet]:
        """The training of a candidate, and what it is judged by."""
        from spinec.compiler.lowering.pipeline import lower
        from spinec.train.beginning import named
        from spinec.train.run import Run

        sets = self._sets(spec)
        program = lower(named(spec, sets.classes))
        return Run(program, self.document, sets.learned, self.backend, self.readers), sets.judged

    def _sets(self, spec: ModelSpec) -> Sets:
        """The data set, which is opened once in a process for each kind of head."""
        from spinec.train.beginning import OF_DATA, classes_for, data_of, head_of, named

        key = self, type(head_of(spec))
        if key not in OPENED:
            classes = classes_for(spec, OF_DATA, Path(self.data), self.document)
            OPENED[key] = Sets(classes, *data_of(self.data, self.document.data, named(spec, classes).head))
        return OPENED[key]


OPENED: dict[tuple[Proxy, type], Sets] = {}


def proxy_of(recipe: str, settings: Sequence[str], data: Path, **more: Any) -> Proxy:
    """The proxy task by a recipe of the library or of a file, changed by settings such as ``schedule.steps=100``.

    A short training has not settled its running means and variances: where the recipe takes none anew, this does.

    `more` are the other fields of a `Proxy`.

    Raises:
        SpinecError: where there is no such recipe.

    >>> proxy_of("proxy-small", ["batch=8"], Path("digits")).document.batch
    8
    """
    from spinec.spec.recipes.dump import dump_recipe
    from spinec.spec.recipes.load import load_recipe

    found = load_recipe(recipe, settings)
    if not found.evaluate.statistics:
        found = load_recipe(recipe, [*settings, f"evaluate.statistics={STATISTICS}"])
    return Proxy(dump_recipe(found), str(data.absolute()), **more)


def score_of(figures: Figures, data: DataSet) -> float:
    """What a candidate is compared by.

    Raises:
        DataError: where there was nothing to judge.
    """
    score = figures[MASKS] if MASKS in figures else next(iter(figures.values()))
    if score is None:
        raise DataError(f"{data.name}: has nothing that a candidate can be judged by")
    return score


def _tell(trial: Trial, step: int, steps: int, score: float, figures: Figures) -> None:
    """Report an evaluation, and let the trial be pruned after one before the last.

    Raises:
        TrialPruned: saying when.
    """
    from optuna import TrialPruned

    trial.set_user_attr("figures", dict(figures))
    if len(trial.study.directions) > 1:
        return  # Optuna prunes by one score
    trial.report(score, step)
    if step < steps and trial.should_prune():
        raise TrialPruned(f"pruned at step {step} of {steps}")
