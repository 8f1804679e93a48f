"""One worker: asks a study for candidates and tells it their scores, until there are as many as wanted.

Several may share a study. None of them is trusted to live: what a dead one was at is tried again. Nothing is evaluated
twice: a worker writes down which candidate it has before it looks for equal ones, so of two with one candidate one at
least sees the other and steps back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from spinec.compiler.resources.searchable import Chosen
from spinec.search.evaluators import Evaluator
from spinec.search.liveness import Watch, beating, own_name
from spinec.search.plan import Plan
from spinec.search.study import FINISHED, KEY
from spinec.search.verdicts import evaluate, usable
from spinec.spec.errors import SearchError

MOST_TRIES = 3  # of one candidate, before it is held to be what ends workers
WHY, FAILURE = "why", "failure"  # attributes of a trial: why it has no score, and the traceback where that is why
WAIT = 0.5  # seconds between two looks at those who are at the last trials
PAUSES = (0.05, 10.0)  # seconds after a trial that was set aside: the first, and the longest of several in a row


def work(
    study: Study,
    plan: Plan,
    evaluator: Evaluator,
    trials: int,
    *,
    catch: int = 0,
    told: Callable[[], object] = lambda: None,
    wanted: Callable[[], bool] = lambda: True,
    watch: Watch | None = None,
) -> None:
    """Work on a study until `trials` are finished, or the work is not wanted any more.

    `catch` candidates may fail in all; they are given up. `told` is called after every trial.

    Raises:
        SearchError: when the evaluator fails once more, or nothing is within the limits.
    """
    watch, pause = watch or Watch(), PAUSES[0]
    with beating(study):
        while wanted():
            free_the_dead(study, watch)
            states = [trial.state for trial in study.get_trials(deepcopy=False)]
            if sum(state in FINISHED for state in states) >= trials and TrialState.RUNNING not in states:
                return
            if _taken(states) >= trials and TrialState.WAITING not in states:
                time.sleep(WAIT)
            elif _one_trial(study, plan, evaluator, trials, catch):
                told()
                pause = PAUSES[0]
            else:
                time.sleep(pause)
                pause = min(2 * pause, PAUSES[1])


def free_the_dead(study: Study, watch: Watch) -> None:
    """Let what dead workers were at be tried again."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    beats = study.user_attrs if running else {}
    for trial in running:
        worker = trial.user_attrs.get("worker")
        if worker is None:
            if watch.is_orphan(trial.number):
                _tell(study, trial.number, TrialState.FAIL)  # it never had a candidate
        elif watch.is_dead(worker, beats):
            give_back(study, trial)


def give_back(study: Study, trial: FrozenTrial) -> None:
    """Let a candidate be tried again; after some tries nobody does any more, and it counts as pruned."""
    if trial.state.is_finished():
        return
    tries = trial.user_attrs.get("tries", 1)
    if tries >= MOST_TRIES and KEY in trial.user_attrs:
        _tell(study, trial.number, TrialState.PRUNED)
        return
    if trial.params:  # first this: whoever dies in between leaves a candidate too many, which is found to be equal
        study.enqueue_trial(trial.params, user_attrs={"tries": tries + 1})
    _tell(study, trial.number, TrialState.FAIL)


def _one_trial(study: Study, plan: Plan, evaluator: Evaluator, trials: int, catch: int) -> bool:
    """Try a candidate; false if there was none for this worker, so that the trial was set aside."""
    trial = study.ask()
    try:
        trial.set_user_attr("worker", own_name())
        chosen = plan.suggest(trial)
        _keep_figures(trial, plan, chosen)
        everyone = study.get_trials(deepcopy=False)
        equal = _equal(everyone, trial)
        if _begun(everyone[: trial.number]) >= trials or (equal and equal.state is TrialState.RUNNING):
            _tell(study, trial.number, TrialState.FAIL)
            return False
        if equal:
            trial.set_user_attr("equal_to", equal.number)
            if reason := equal.user_attrs.get(WHY):
                trial.set_user_attr(WHY, reason)
            _tell(study, trial.number, equal.state, equal.values)
        else:
            _judge(study, trial, evaluator, plan, chosen, catch)
    except UpdateFinishedTrialError:  # this worker was thought dead, and its trial was taken away
        return False
    except BaseException:  # also Ctrl-C: what was begun is not lost
        give_back(study, study.get_trials(deepcopy=False)[trial.number])
        raise
    return True


def _judge(study: Study, trial: Trial, evaluator: Evaluator, plan: Plan, chosen: Chosen, catch: int) -> None:
    """Evaluate a candidate, and tell how it did.

    Raises:
        SearchError: when the evaluator fails, and has failed on as many candidates as it may.
    """
    name = f"{plan.space.name[:40]}-{trial.number}"
    verdict = evaluate(evaluator, plan.space.made(chosen, name), trial, len(plan.directions))
    if verdict.why:
        trial.set_user_attr(WHY, verdict.why)
    if verdict.failure:
        trial.set_user_attr(FAILURE, verdict.failure)
        if failed(study) >= catch:
            hint = f"more than the {catch} that --catch allows" if catch else "--catch N goes on after N failures"
            raise SearchError(f"the evaluator failed on trial {trial.number}:\n{verdict.failure}\n({hint})")
    _tell(study, trial.number, TrialState.COMPLETE if verdict.scores else TrialState.PRUNED, verdict.scores)


def failed(study: Study) -> int:
    """How many candidates were given up since the evaluator failed on them."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
    return sum(FAILURE in trial.user_attrs for trial in trials)


def _keep_figures(trial: Trial, plan: Plan, chosen: Chosen) -> None:
    """Write down what the candidate is and costs; with its key, others see that it is being tried."""
    macs, params = plan.space.figures(chosen, plan.limits.convention)
    trial.set_user_attr("macs", macs)
    trial.set_user_attr("params", params)
    trial.set_user_attr(KEY, plan.space.key(chosen))


def _equal(everyone: Sequence[FrozenTrial], trial: Trial) -> FrozenTrial | None:
    """A trial of the same candidate that is under way, or else one that is finished."""
    key, states = trial.user_attrs[KEY], (TrialState.RUNNING, *FINISHED)
    equal = [each for each in everyone if each.user_attrs.get(KEY) == key and each.number != trial.number]
    return min((each for each in equal if each.state in states), key=lambda each: each.state in FINISHED, default=None)


def _begun(trials: Sequence[FrozenTrial]) -> int:
    """How many will count."""
    states = [trial.state for trial in trials]
    return _taken(states) + states.count(TrialState.WAITING)


def _taken(states: Sequence[TrialState]) -> int:
    return sum(state is TrialState.RUNNING or state in FINISHED for state in states)


def _tell(study: Study, number: int, state: TrialState, values: Sequence[float] | None = None) -> None:
    """Tell how a trial ended, unless somebody else did: a worker that was thought dead has its trial taken away."""
    if state is TrialState.COMPLETE and not usable(values):
        state = TrialState.PRUNED  # equal to one that was told before scores had to be finite
    try:
        study.tell(number, values if state is TrialState.COMPLETE else None, state, skip_if_finished=True)
    except UpdateFinishedTrialError:
        return
