"""What a search gives: specs that need nothing of it, and the figures of every candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from spinec.compiler.resources.candidates import Candidates, Space
from spinec.compiler.resources.spaces import counted
from spinec.search.plan import Plan
from spinec.search.study import FINISHED, SEED, best, has_candidate, scored
from spinec.search.verdicts import usable
from spinec.search.worker import MOST_TRIES, WHY
from spinec.spec.dump import dump
from spinec.spec.errors import SearchError
from spinec.spec.model import MAX_TEXT, ModelSpec, Origin

RECIPE = "recipe"  # the attribute of a trial that names what its candidate was trained by
MOST_REASONS = 5  # that are told of one study


def spec_of(plan: Plan, trial: FrozenTrial, name: str | None = None) -> ModelSpec:
    """The very spec that was evaluated in a trial."""
    return plan.space.made(trial.params, name)


def start_of(plan: Plan) -> ModelSpec:
    """What candidates are compared to: the spec whose work is shared out, or the first of every choice of a space."""
    if isinstance(plan.space, Space):
        return plan.space.spec
    return plan.space.made({name: values[0] for name, values in plan.space.parameters.items()})


def trial_of(study: Study, number: int) -> FrozenTrial:
    """A trial with a candidate, by its number.

    Raises:
        SearchError: when there is none.
    """
    trials = study.get_trials(deepcopy=False)
    if not 0 <= number < len(trials) or not has_candidate(trials[number]):
        raise SearchError(f"the study {study.study_name!r} has no candidate in a trial {number}")
    return trials[number]


def text_of(study: Study, plan: Plan, trial: FrozenTrial, name: str) -> str:
    """A spec file: the spec of a trial, which says how it was found."""
    return dump(spec_of(plan, trial, name).model_copy(update={"origin": origin_of(study, plan, trial)}))


def origin_of(study: Study, plan: Plan, trial: FrozenTrial) -> Origin:
    """How the spec of a trial was found."""
    return Origin(
        study=study.study_name[:MAX_TEXT],
        trial=trial.number,
        spec=plan.space.name,
        scores=tuple(trial.values) if usable(trial.values) else (),
        evaluator=plan.evaluator_name[:MAX_TEXT],
        recipe=str(trial.user_attrs.get(RECIPE, ""))[:MAX_TEXT],
        seed=study.user_attrs.get(SEED),
        choices=trial.params,
    )


def front(study: Study) -> list[FrozenTrial]:
    """The best trial, or with several objectives the Pareto front.

    Raises:
        SearchError: when nothing was evaluated yet.
    """
    if not scored(study):
        why = scoreless(study) or "none was tried"
        raise SearchError(f"the study {study.study_name!r} has no candidate with a score yet: {why}")
    return best(study)


def scoreless(study: Study) -> str:
    """How many candidates were tried without getting a score, and why; nothing if all have one."""
    tried, reasons = study.get_trials(deepcopy=False, states=FINISHED), reasons_of(study)
    if not reasons:
        return ""
    told = [f"{reason} ({times:,})" for reason, times in reasons.most_common(MOST_REASONS)]
    rest = len(reasons) - len(told)
    told += [f"{rest:,} other reasons"] if rest else []
    return f"{reasons.total():,} of {len(tried):,} tried have no score: {'; '.join(told)}"


def reasons_of(study: Study) -> Counter[str]:
    """Why candidates that were tried have no score, and of how many each is the reason."""
    judged = {trial.number for trial in scored(study)}
    tried = study.get_trials(deepcopy=False, states=FINISHED)
    return Counter(reason_of(trial) for trial in tried if trial.number not in judged)


def reason_of(trial: FrozenTrial) -> str:
    """Why a trial that was tried has no score."""
    if reason := trial.user_attrs.get(WHY):
        return str(reason)
    if not has_candidate(trial):
        return "the database lacks what was tried"
    if trial.state is TrialState.COMPLETE:
        return f"the score is {', '.join(map(str, trial.values or ['missing']))}"
    tries = trial.user_attrs.get("tries", 1)
    return f"given up after {tries} tries" if tries >= MOST_TRIES else "pruned"


def candidates_of(plan: Plan, trials: Sequence[FrozenTrial]) -> Candidates:
    """The candidates of some trials, and their scores if every one has them."""
    scores = [tuple(trial.values) for trial in trials] if all(trial.values for trial in trials) else []
    numbers = [trial.number for trial in trials]
    return counted(plan.space, [trial.params for trial in trials], plan.limits.convention, scores, numbers)
