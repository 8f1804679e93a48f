"""Pruners: which candidates are given up before they are judged to the end, by what they report; Optuna's own."""

from __future__ import annotations

from collections.abc import Callable

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner

from spinec.search.proxy import Proxy
from spinec.spec.errors import SearchError, did_you_mean

PRUNERS: dict[str, Callable[[int, int | str], BasePruner]] = {
    "none": lambda first, last: NopPruner(),
    "median": lambda first, last: MedianPruner(),
    "hyperband": lambda first, last: HyperbandPruner(min_resource=first, max_resource=last),
}


def pruner_of(name: str, evaluator: str | Proxy, scores: int = 1) -> BasePruner:
    """A pruner by name, for an evaluator that gives so many scores.

    Raises:
        SearchError: when there is no such pruner, or it cannot have several scores.
    """
    if name not in PRUNERS:
        raise SearchError(f"no pruner {name!r}; {did_you_mean(name, PRUNERS)}")
    if name != "none" and scores > 1:
        raise SearchError(f"the pruner {name} takes one score, and the evaluator gives {scores}")
    if isinstance(evaluator, str):
        return PRUNERS[name](1, "auto")  # an evaluator of a user's may count in anything
    evaluate, schedule = evaluator.document.evaluate, evaluator.document.schedule
    return PRUNERS[name](evaluate.steps or 1, schedule.steps or "auto")
