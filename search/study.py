"""Studies: where they are kept, and what they are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
from optuna import Study
from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from spinec.search.plan import Plan
from spinec.spec.collection import paused_collection
from spinec.spec.errors import SearchError, did_you_mean

PLAN = "plan"  # the study's attribute that holds the plan
PATIENCE = 60  # seconds that a writer waits for another one to finish
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def begin(storage: str, name: str, plan: Plan, resume: bool = False) -> Study:
    """A new study; or, if it may be resumed, the one that is there, which must be of the same plan.

    `storage` is a file, which SQLite keeps, or the URL of a database.

    Raises:
        SearchError: when the storage cannot be used, or holds a study that is not to be, or cannot be, resumed.
    """
    kept = _storage(storage)
    try:
        study = optuna.create_study(
            storage=kept, study_name=name, directions=list(plan.directions), load_if_exists=resume
        )
    except DuplicatedStudyError:
        raise SearchError(f"{storage} holds a study {name!r} already: --resume continues it") from None
    known = study.user_attrs.get(PLAN)
    if known is None:
        if _trials(study):
            raise SearchError(f"{storage}: the study {name!r} is not one of spinec")
        study.set_user_attr(PLAN, plan.to_json())
    elif differing := _differing(known, json.loads(json.dumps(plan.to_json()))):
        raise SearchError(f"{storage}: the study {name!r} was begun otherwise: {differing}")
    _trials(study)
    return study


def read(storage: str, name: str | None = None) -> tuple[Study, Plan]:
    """A study that is there, by name unless it is the only one, and its plan.

    Raises:
        SearchError: when there is none, or it is not of spinec.
    """
    if "://" not in storage and not Path(storage).is_file():
        raise SearchError(f"{storage}: no such file")
    kept = _storage(storage)
    names = optuna.get_all_study_names(kept)
    if name is None and len(names) != 1:
        raise SearchError(f"{storage} holds {len(names)} studies; name one: {', '.join(names)}")
    if name is not None and name not in names:
        raise SearchError(f"{storage}: no study {name!r}; {did_you_mean(name, names)}")
    study = optuna.load_study(storage=kept, study_name=name or names[0])
    if PLAN not in study.user_attrs:
        raise SearchError(f"{storage}: the study {study.study_name!r} is not one of spinec")
    _trials(study)
    return study, Plan.from_json(study.user_attrs[PLAN])


def scored(study: Study) -> list[FrozenTrial]:
    """The trials that were evaluated to the end."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def best(study: Study) -> list[FrozenTrial]:
    """The best trial; with several objectives, all that no other beats. Of equal candidates, the first."""
    trials = [study.best_trial] if len(study.directions) == 1 and scored(study) else study.best_trials
    unlike = {tuple(trial.user_attrs["dims"]): trial for trial in sorted(trials, key=lambda t: -t.number)}
    return sorted(unlike.values(), key=lambda trial: (trial.values, trial.number))


def _trials(study: Study) -> list[FrozenTrial]:
    """All trials; Optuna keeps them, so they are read from the storage once."""
    with paused_collection():
        return study.get_trials(deepcopy=False)


def _storage(text: str) -> RDBStorage:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = text if "://" in text else f"sqlite:///{Path(text).resolve()}"
    lite = url.startswith("sqlite")
    try:
        storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": PATIENCE}} if lite else None)
    except ImportError as error:
        raise SearchError(f"{_hidden(url)}: the driver of this database is missing: {error.__cause__}") from None
    except (ArgumentError, SQLAlchemyError, StorageInternalError, RuntimeError) as error:
        raise SearchError(f"{_hidden(url)}: not a storage that can be used: {_first_line(error)}") from None
    if lite:
        _make_sure(storage)
    return storage


def _make_sure(storage: RDBStorage) -> None:
    """Let SQLite serve several writers: every transaction alone, and committed once the system has it.

    Optuna reads a trial's state and then sets it; only a transaction that locks from its start makes this one step.
    """

    @event.listens_for(storage.engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # leaves BEGIN to us
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(storage.engine, "begin")
    def lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    storage.engine.dispose()  # connections made before do not know this


def _differing(known: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What two plans differ in, as a person would say it."""
    before, now = ({**plan, **plan["limits"], "limits": None} for plan in (known, wanted))
    told = [
        "another spec" if name == "spec" else f"{name} {before.get(name)}, now {now[name]}"
        for name in now
        if before.get(name) != now[name]
    ]
    return "; ".join(told)


def _hidden(url: str) -> str:
    """A URL that may be shown."""
    from sqlalchemy.engine import make_url

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
