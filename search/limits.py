"""A strategy within limits: what it draws is looked at before it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from spinec.compiler.resources.gate import Gate
from spinec.spec.errors import SearchError

MOST_DRAWS = 10_000  # for one trial
PATIENCE = 20  # draws that a strategy has before chance helps: it may insist on what is refused


class Limited(BaseSampler):
    """Another sampler, asked again until what it draws is within the limits; after many times chance is asked."""

    def __init__(
        self,
        inner: BaseSampler,
        distributions: Mapping[str, CategoricalDistribution],
        gate: Gate,
        seed: int | None = None,
    ) -> None:
        self._inner, self._gate = inner, gate
        self._distributions = dict(distributions)
        self._chance = RandomSampler(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All choices are drawn together, since limits are on all of them together."""
        return dict(self._distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The first draw within the limits.

        Raises:
            SearchError: when there is none among many.
        """
        reasons: dict[str, int] = {}
        for i in range(MOST_DRAWS):
            drawn = self._draw(self._inner if i < PATIENCE else self._chance, study, trial)
            excess = self._gate.excess(drawn)
            if not excess:
                return drawn
            reasons[excess] = reasons.get(excess, 0) + 1
        told = ", ".join(f"{what} {times:,}" for what, times in reasons.items())
        raise SearchError(f"none of {MOST_DRAWS:,} candidates is within the limits; over the limit of: {told}")

    def _draw(self, sampler: BaseSampler, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        wanted = sampler.infer_relative_search_space(study, trial)
        drawn = sampler.sample_relative(study, trial, wanted)
        return {
            name: drawn[name] if name in drawn else sampler.sample_independent(study, trial, name, distribution)
            for name, distribution in self._distributions.items()
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the other sampler does, for what is no choice of the space."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Tell the other sampler."""
        self._inner.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Tell the other sampler."""
        self._inner.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Draw other numbers from now on."""
        self._inner.reseed_rng()
        self._chance.reseed_rng()
