"""Regularised evolution (Real et al., arXiv 1802.01548): tournaments among the youngest, and one mutation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from spinec.search.history import History


class Evolution(BaseSampler):
    """Regularised evolution as an Optuna sampler, for categorical parameters and any number of objectives.

    The population is the `population` trials that finished last: who is old dies, however fit. A parent is the best of
    `tournament` of them, or one that none of them beats in every objective; its child has one value changed. Until the
    population is full, candidates are drawn at random. The study itself is the whole state.
    """

    def __init__(
        self,
        space: Mapping[str, CategoricalDistribution],
        *,
        population: int = 50,
        tournament: int = 20,
        seed: int | None = None,
    ) -> None:
        self._space = dict(space)
        self._population, self._tournament = population, tournament
        self._random = np.random.default_rng(seed)
        self._history = History(self._space)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters are made together."""
        return dict(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A child of a good parent, or a stranger while there are too few to choose from."""
        alive = self._history.before(study, trial)
        if len(alive) < self._population:
            return {name: self._draw(each.choices) for name, each in self._space.items()}
        alive = alive[-self._population :]
        chosen = self._random.choice(len(alive), min(self._tournament, len(alive)), replace=False)
        return self._mutated(_fittest([alive[i] for i in chosen], study.directions).params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuse a parameter that evolution was not told of."""
        raise ValueError(f"evolution knows no parameter {param_name!r}, only {', '.join(self._space)}")

    def reseed_rng(self) -> None:
        """Draw other numbers from now on."""
        self._random = np.random.default_rng()

    def _mutated(self, parent: Mapping[str, Any]) -> dict[str, Any]:
        """The parent with another value of one parameter that has several."""
        free = [name for name, each in self._space.items() if len(each.choices) > 1]
        if not free:
            return dict(parent)
        name = self._draw(free)
        others = [choice for choice in self._space[name].choices if choice != parent[name]]
        return {**parent, name: self._draw(others)}

    def _draw(self, choices: Any) -> Any:
        return choices[int(self._random.integers(len(choices)))]


def _fittest(trials: list[FrozenTrial], directions: list[StudyDirection]) -> FrozenTrial:
    """The first of the trials that no other beats in every objective."""
    signs = np.array([1 if direction is StudyDirection.MAXIMIZE else -1 for direction in directions])
    scores = np.array([trial.values for trial in trials]) * signs
    beaten = [bool(((scores > own).all(1)).any()) for own in scores]
    return trials[beaten.index(False)]
