"""Searching: one study, worked on here, by several processes of this machine, or on Ray."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from optuna import Study

from spinec.search.evaluators import Evaluator, evaluator_name, find_evaluator
from spinec.search.job import Job, finished, seed_of
from spinec.search.plan import Plan
from spinec.search.proxy import Proxy
from spinec.search.pruners import pruner_of
from spinec.search.storage import answering
from spinec.search.study import begin
from spinec.search.worker import work
from spinec.spec.errors import SearchError
from spinec.spec.model import ModelSpec


def search(
    plan: Plan,
    storage: str,
    *,
    trials: int = 1000,
    name: str | None = None,
    strategy: str = "reinforce",
    seed: int | None = None,
    workers: int = 1,
    ray: bool = False,
    resume: bool = False,
    catch: int = 0,
    pruner: str = "none",
    evaluator: Evaluator | None = None,
    measure_latency: Callable[[ModelSpec], float] | None = None,
    told: Callable[[Study], object] = lambda study: None,
) -> Study:
    """Learn how a spec's work is best shared out: the study, with `trials` finished candidates.

    `storage` is a file, which SQLite keeps, or the URL of a database. One worker works in this process, more in
    processes of their own or on Ray. `evaluator` is what `plan.evaluator` names, where it is not to be imported.
    The search goes on after `catch` candidates on which the evaluator fails. `pruner` gives up those that do worse than
    others in what the evaluator reports of them. `told` is called now and then.

    Raises:
        SearchError: when the study cannot be begun or resumed, the evaluator fails, or nothing is within the limits.

    >>> import tempfile
    >>> from spinec import load
    >>> from spinec.compiler.resources.candidates import Space
    >>> plan = Plan(Space(load("sp-efficientnet-b0")), "spinec.search.objectives:likeness")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = search(plan, f"{folder}/search.db", trials=5, strategy="random", seed=0)
    >>> len(study.best_trial.params), 0.5 < study.best_value < 1
    (18, True)
    """
    if trials < 1 or workers < 1 or catch < 0:
        told_of = f"got {trials}, {workers} and {catch}"
        raise SearchError(f"expected at least one trial, one worker and no fewer than 0 failures, {told_of}")
    judge = evaluator or plan.judge
    if (ray or workers > 1) and evaluator is not None:
        plan = replace(plan, evaluator=_importable(evaluator))
    job = Job(storage, name or plan.space.name, trials, strategy, seed, catch, pruner, measure_latency)
    if evaluator is None and isinstance(plan.evaluator, Proxy):
        plan.evaluator.check(plan.space.made({key: values[0] for key, values in plan.space.parameters.items()}))
    plan.sampler(strategy, seed, measure_latency)  # what is wrong with it is said before anything is kept
    prunes = pruner_of(pruner, plan.evaluator, len(plan.directions))
    study = begin(storage, job.name, plan, resume, seed)
    with answering(storage):
        if ray:
            from spinec.search.on_ray import work_on_ray

            work_on_ray(job, workers, lambda: told(study))
        elif workers > 1:
            from spinec.search.processes import work_in_processes

            work_in_processes(job, workers, study, lambda: told(study))
        else:
            study.sampler = plan.sampler(strategy, seed_of(job, study, 0), measure_latency)
            study.pruner = prunes
            work(study, plan, judge, trials, catch=catch, told=lambda: told(study))
        if (done := finished(study)) < trials:
            raise SearchError(f"the search ended with {done} of {trials} trials finished; --resume goes on from here")
    return study


def _importable(evaluator: Evaluator) -> str:
    """What other processes find an evaluator by."""
    name = evaluator_name(evaluator)
    with suppress(SearchError):
        if find_evaluator(name) is evaluator:
            return name
    raise SearchError(f"several workers need an evaluator that they can import, as module:function; {name} is none")
