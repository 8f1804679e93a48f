"""What a search gives: specs that need nothing of it, and the figures of every candidate."""

from __future__ import annotations

from collections.abc import Sequence

from optuna import Study
from optuna.trial import FrozenTrial

from spinec.compiler.candidates import Candidates, candidates
from spinec.search.plan import Plan
from spinec.search.study import best, scored
from spinec.spec.dump import dump
from spinec.spec.errors import SearchError
from spinec.spec.model import ModelSpec


def spec_of(plan: Plan, trial: FrozenTrial, name: str | None = None) -> ModelSpec:
    """The very spec that was evaluated in a trial."""
    betas = [trial.params[each] for each in plan.space.names]
    return plan.space.candidate(plan.space.dims(betas), name)


def trial_of(study: Study, number: int) -> FrozenTrial:
    """A trial with a candidate, by its number.

    Raises:
        SearchError: when there is none.
    """
    trials = study.get_trials(deepcopy=False)
    if not 0 <= number < len(trials) or "dims" not in trials[number].user_attrs:
        raise SearchError(f"the study {study.study_name!r} has no candidate in a trial {number}")
    return trials[number]


def text_of(plan: Plan, trial: FrozenTrial, name: str) -> str:
    """A spec file: the spec of a trial, and how it was found as a comment."""
    betas = ",".join(f"{trial.params[each]:g}" for each in plan.space.names)
    scores = ", ".join(f"{value:g}" for value in trial.values or ())
    told = (
        f"# {plan.space.spec.name}, redistributed with betas {betas}.\n# {plan.evaluator} gave {scores or 'no score'}"
    )
    return f"{told} (trial {trial.number}).\n{dump(spec_of(plan, trial, name))}"


def front(study: Study) -> list[FrozenTrial]:
    """The best trial, or with several objectives the Pareto front.

    Raises:
        SearchError: when nothing was evaluated yet.
    """
    if not scored(study):
        raise SearchError(f"the study {study.study_name!r} has no candidate with a score yet")
    return best(study)


def candidates_of(plan: Plan, trials: Sequence[FrozenTrial]) -> Candidates:
    """The candidates of some trials, and their scores if every one has them."""
    betas = [tuple(trial.params[each] for each in plan.space.names) for trial in trials]
    scores = [tuple(trial.values) for trial in trials] if all(trial.values for trial in trials) else []
    numbers = [trial.number for trial in trials]
    return candidates(plan.space, betas, plan.limits.convention, scores, numbers)
