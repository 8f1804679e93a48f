"""The paper's controller: a policy of independent choices, learned by REINFORCE (Williams, 1992).

Every parameter has a categorical distribution p over its values, given by logits. A finished trial moves the logits by

    rate * (advantage * (one-hot of what was chosen - p) + entropy * gradient of the entropy of p)

where the advantage is its score less a moving mean of scores, over their moving deviation: a rate suits any scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from spinec.search.history import History


class Controller(BaseSampler):
    """REINFORCE as an Optuna sampler, for categorical parameters and one objective.

    The policy is that which all finished trials of the study give, in the order in which they finished: nothing else is
    kept, so a study that is continued, or shared by workers, has one policy.
    """

    def __init__(
        self,
        space: Mapping[str, CategoricalDistribution],
        *,
        rate: float = 0.1,
        entropy: float = 0.05,
        memory: float = 0.95,
        seed: int | None = None,
    ) -> None:
        self._space = dict(space)
        self._rate, self._entropy, self._memory = rate, entropy, memory
        self._random = np.random.default_rng(seed)
        self._policy = _Policy([len(choices.choices) for choices in self._space.values()])
        self._seen: list[int] = []
        self._history = History(self._space)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters are drawn together."""
        return dict(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw from the policy."""
        self._learn(study, trial)
        chosen = self._policy.draw(self._random)
        return {name: each.choices[i] for (name, each), i in zip(self._space.items(), chosen, strict=True)}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuse a parameter that the policy was not told of."""
        raise ValueError(f"the controller knows no parameter {param_name!r}, only {', '.join(self._space)}")

    def reseed_rng(self) -> None:
        """Draw other numbers from now on."""
        self._random = np.random.default_rng()

    def probabilities(self, study: Study) -> dict[str, dict[Any, float]]:
        """Parameter: what the policy would choose, and how often."""
        self._learn(study, None)
        rows = zip(self._space.items(), self._policy.probabilities().tolist(), strict=True)
        return {name: dict(zip(each.choices, row, strict=False)) for (name, each), row in rows}

    def _learn(self, study: Study, trial: FrozenTrial | None) -> None:
        """Learn from what has finished since; from the start, should another order of finishing turn out."""
        sign = 1 if study.direction is StudyDirection.MAXIMIZE else -1
        trials = self._history.before(study, trial)
        order = [each.number for each in trials]
        if order[: len(self._seen)] != self._seen:
            self._policy, self._seen = _Policy([len(each.choices) for each in self._space.values()]), []
        for done in trials[len(self._seen) :]:
            chosen = [int(each.to_internal_repr(done.params[name])) for name, each in self._space.items()]
            self._policy.learn(chosen, sign * float(done.values[0]), self._rate, self._entropy, self._memory)
        self._seen = order


class _Policy:
    """Logits of every choice, and the moving mean and deviation of scores; rows of fewer choices are padded."""

    def __init__(self, choices: list[int]) -> None:
        self._rows = np.arange(len(choices))
        absent = np.arange(max(choices, default=1)) >= np.array(choices)[:, None]
        self._logits = np.where(absent, -np.inf, 0.0)
        self._mean = self._deviation = 0.0
        self._learned = 0

    def probabilities(self) -> NDArray[np.float64]:
        weights: NDArray[np.float64] = np.exp(self._logits - self._logits.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        return weights

    def draw(self, random: np.random.Generator) -> list[int]:
        ends = self.probabilities().cumsum(1)
        chosen: list[int] = (random.random((len(ends), 1)) * ends[:, -1:] >= ends).sum(1).tolist()
        return chosen

    def learn(self, chosen: list[int], score: float, rate: float, entropy: float, memory: float) -> None:
        advantage = self._advantage(score, memory)
        p = self.probabilities()
        logs = np.log(np.maximum(p, 1e-12))
        towards = -p
        towards[self._rows, chosen] += 1
        spreading = -p * (logs - (p * logs).sum(1, keepdims=True))
        step = rate * (advantage * towards + entropy * spreading)
        self._logits = self._logits + np.where(np.isinf(self._logits), 0.0, step)

    def _advantage(self, score: float, memory: float) -> float:
        """How much better than usual, in deviations; the usual is a moving mean that starts as a plain one."""
        score /= 4  # which changes no advantage, and keeps the largest differences finite
        self._learned += 1
        weight = max(1 / self._learned, 1 - memory)
        difference = score - self._mean
        self._mean += weight * difference
        self._deviation = sqrt(1 - weight) * hypot(self._deviation, sqrt(weight) * difference)  # no square to overflow
        return difference / self._deviation if self._deviation > 0 else 0.0
