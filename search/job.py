"""What one of several workers is to do, and doing it: in this process, in others of this machine, or on Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from optuna import Study

from spinec.search.pruners import pruner_of
from spinec.search.storage import answering
from spinec.search.study import FINISHED, read
from spinec.search.worker import work
from spinec.spec.model import ModelSpec


@dataclass(frozen=True)
class Job:
    """What a worker is to do, in words that can be sent to another process or machine."""

    storage: str = field(repr=False)  # it may hold a password
    name: str
    trials: int
    strategy: str
    seed: int | None
    catch: int
    pruner: str = "none"
    measure_latency: Callable[[ModelSpec], float] | None = None


def work_alone(job: Job, index: int, wanted: Callable[[], bool] = lambda: True) -> None:
    """Be one of several workers."""
    study, plan = read(job.storage, job.name)
    judge = plan.judge
    with answering(job.storage):
        study.sampler = plan.sampler(job.strategy, seed_of(job, study, index), job.measure_latency)
        study.pruner = pruner_of(job.pruner, plan.evaluator)
        work(study, plan, judge, job.trials, catch=job.catch, wanted=wanted)


def finished(study: Study) -> int:
    """How many trials are finished."""
    return len(study.get_trials(deepcopy=False, states=FINISHED))


def seed_of(job: Job, study: Study, index: int) -> int | None:
    """Another seed for every worker and every start: a study that is resumed does not draw the same again."""
    if job.seed is None:
        return None
    started = len(study.get_trials(deepcopy=False))
    return int(np.random.SeedSequence([job.seed, index, started]).generate_state(1)[0])
