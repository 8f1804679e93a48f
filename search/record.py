"""What a study tells those who look at it: all that was tried, what parameters mattered, and what nothing beats."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

from optuna import Study
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from spinec.search.study import FINISHED, best, scored
from spinec.spec.errors import SearchError
from spinec.visualize.study import Search, Tried

FEWEST = 2  # candidates with scores that importances can be told of


def record(study: Study) -> Search:
    """All trials that are finished, in their order."""
    judged = {trial.number for trial in scored(study)}
    tried = [
        Tried(
            trial.number,
            tuple(trial.values) if trial.number in judged else (),
            trial.params,
            trial.user_attrs.get("macs"),
            trial.user_attrs.get("params"),
        )
        for trial in study.get_trials(deepcopy=False, states=FINISHED)
    ]
    minimize = tuple(each is StudyDirection.MINIMIZE for each in study.directions)
    return Search(study.study_name, minimize, sorted(tried))


def importances(study: Study) -> list[dict[str, float]]:
    """How much every score depends on each parameter, as shares of 1, by PED-ANOVA (Watanabe et al., IJCAI 2023).

    What is told is how unlike the choices of the best tenth are to those of all. That needs no further package, and
    takes parameters that only some candidates have.

    Raises:
        SearchError: when too few candidates have a score.
    """
    trials = scored(study)
    if len(trials) < FEWEST:
        raise SearchError(
            f"the study {study.study_name!r} has {len(trials)} candidates with a score; importances need {FEWEST}"
        )
    names = sorted({name for trial in trials for name in trial.params})
    found = []
    for i, direction in enumerate(study.directions):
        target = partial(_low, i, direction is StudyDirection.MAXIMIZE)
        found.append(_importances(study, names, target))
    return found


def _low(objective: int, is_negative: bool, trial: FrozenTrial) -> float:
    """A score of a trial, low where it is good."""
    score = float(trial.values[objective])
    return -score if is_negative else score


def _importances(study: Study, names: list[str], target: Callable[[FrozenTrial], float]) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that low is good, which it is, and that candidates are few
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), params=names, target=target)


def front(study: Study, shown: Search, cost: str = "macs") -> list[int]:
    """The trials that no other beats: by their scores, or where there is one, by it and by what they cost."""
    if len(shown.minimize) > 1:
        return [trial.number for trial in best(study)]
    sign = 1 if shown.minimize[0] else -1
    priced = [(getattr(each, cost), sign * each.scores[0], each.trial) for each in shown.scored if _has(each, cost)]
    found, lowest = [], float("inf")
    for _, score, trial in sorted(priced):
        if score < lowest:
            found.append(trial)
            lowest = score
    return found


def _has(each: Tried, cost: str) -> bool:
    return getattr(each, cost) is not None
