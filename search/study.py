"""Studies: where they are kept, and what they are of."""

from __future__ import annotations

import json
from typing import Any

import optuna
from optuna import Study
from optuna.exceptions import DuplicatedStudyError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from spinec.search.plan import Plan
from spinec.search.storage import answering, open_storage, shown
from spinec.search.verdicts import usable
from spinec.spec.collection import paused_collection
from spinec.spec.errors import SearchError, SpinecError, did_you_mean
from spinec.spec.model import MAX_SEED

PLAN, SEED = "plan", "seed"  # the study's attributes that hold the plan, and the seed that it began with
DOCUMENTS = ("spec", "document", "recipe")  # of a plan
KEY = "dims"  # that of a trial that tells candidates apart; where dims alone vary, it is these
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def begin(storage: str, name: str, plan: Plan, resume: bool = False, seed: int | None = None) -> Study:
    """A new study; or, if it may be resumed, the one that is there, which must be of the same plan.

    `storage` is a file, which SQLite keeps, or the URL of a database.

    Raises:
        SearchError: when the storage cannot be used, or holds a study that is not to be, or cannot be, resumed.
    """
    kept = open_storage(storage)
    with answering(storage):
        try:
            study = optuna.create_study(
                storage=kept, study_name=name, directions=list(plan.directions), load_if_exists=resume
            )
        except DuplicatedStudyError:
            raise SearchError(f"{shown(storage)} holds a study {name!r} already: --resume continues it") from None
        except KeyError:  # it can neither be made nor found
            raise SearchError(f"{shown(storage)}: no study can be begun here: the database is damaged") from None
        if _trials(study) or PLAN in study.user_attrs:
            _check_same(_plan_of(study, storage), plan, f"{shown(storage)}: the study {name!r}")
        else:
            if seed is not None and seed <= MAX_SEED:
                study.set_user_attr(SEED, seed)
            study.set_user_attr(PLAN, plan.to_json())
    return study


def read(storage: str, name: str | None = None) -> tuple[Study, Plan]:
    """A study that is there, by name unless it is the only one, and its plan.

    Raises:
        SearchError: when there is none, or it is not of spinec.
    """
    kept = open_storage(storage, new=False)
    with answering(storage):
        names = optuna.get_all_study_names(kept)
        if name is None and len(names) != 1:
            known = f"{len(names)} studies; name one: {', '.join(names)}" if names else "no study"
            raise SearchError(f"{shown(storage)} holds {known}")
        if name is not None and name not in names:
            raise SearchError(f"{shown(storage)}: no study {name!r}; {did_you_mean(name, names)}")
        study = optuna.load_study(storage=kept, study_name=name or names[0])
        plan = _plan_of(study, storage)
        _trials(study)
    return study, plan


def scored(study: Study) -> list[FrozenTrial]:
    """The trials that were evaluated to the end."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [trial for trial in trials if has_candidate(trial) and usable(trial.values)]


def has_candidate(trial: FrozenTrial) -> bool:
    """Whether a trial got so far as to have one, and it is there still."""
    return KEY in trial.user_attrs and bool(trial.params)


def best(study: Study) -> list[FrozenTrial]:
    """The best trial; with several objectives, all that no other beats. Of equal candidates, the first."""
    trials = scored(study)
    if len(study.directions) == 1:
        sign = 1 if study.direction is StudyDirection.MAXIMIZE else -1
        return [max(trials, key=lambda trial: sign * trial.values[0])] if trials else []
    judged = optuna.create_study(directions=study.directions)  # of these trials alone
    judged.add_trials(trials)
    front = [trials[trial.number] for trial in judged.best_trials]
    unlike = {tuple(trial.user_attrs[KEY]): trial for trial in sorted(front, key=lambda t: -t.number)}
    return sorted(unlike.values(), key=lambda trial: (trial.values, trial.number))


def _trials(study: Study) -> list[FrozenTrial]:
    """All trials; Optuna keeps them, so they are read from the storage once."""
    with paused_collection():
        return study.get_trials(deepcopy=False)


def _plan_of(study: Study, storage: str) -> Plan:
    """What a study was begun with.

    Raises:
        SearchError: when the study is not of spinec, or its plan is damaged.
    """
    told = f"{shown(storage)}: the study {study.study_name!r}"
    if PLAN not in study.user_attrs:
        raise SearchError(f"{told} is not one of spinec")
    try:
        plan = Plan.from_json(study.user_attrs[PLAN])
    except SpinecError as error:
        raise SearchError(f"{told} has a damaged plan: {error}") from None
    if [each.name.lower() for each in study.directions] != list(plan.directions):
        raise SearchError(f"{told} has other directions than its plan: the database is damaged")
    return plan


def _check_same(known: Plan, wanted: Plan, told: str) -> None:
    if differing := _differing(*(json.loads(json.dumps(plan.to_json())) for plan in (known, wanted))):
        raise SearchError(f"{told} was begun otherwise: {differing}")


def _differing(known: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What two plans differ in, as a person would say it."""
    before, now = map(_flat, (known, wanted))
    told = [
        f"another {name}" if name in DOCUMENTS else f"{name} {before.get(name)}, now {now[name]}"
        for name in now
        if before.get(name) != now[name]
    ]
    return "; ".join(told)


def _flat(plan: dict[str, Any]) -> dict[str, Any]:
    return {**plan, **plan["limits"], "limits": None, **plan.get("proxy", {}), "proxy": None}
