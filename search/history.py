"""What strategies learn from: the finished trials of a study."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from spinec.search.verdicts import usable

LEARNED_FROM = (TrialState.COMPLETE, TrialState.PRUNED)


class History:
    """Trials with finite scores, in the order in which they finished; pruned ones with the last that they reported.

    It is read once for a trial, however often a candidate is drawn for it.
    """

    def __init__(self, parameters: Iterable[str]) -> None:
        self._parameters = set(parameters)
        self._read_for: FrozenTrial | None = None
        self._trials: list[FrozenTrial] = []

    def before(self, study: Study, trial: FrozenTrial | None) -> list[FrozenTrial]:
        """What is known when a candidate is drawn for a trial."""
        if trial is None or trial is not self._read_for:
            trials = study.get_trials(deepcopy=False, states=LEARNED_FROM)
            trials = [each for each in trials if usable(each.values) and each.params.keys() == self._parameters]
            self._trials = sorted(trials, key=lambda each: (each.datetime_complete or datetime.max, each.number))
            self._read_for = trial
        return self._trials
