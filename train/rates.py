"""The learning rate of every step, by the recipe's schedule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, cos, pi

from spinec.spec.errors import TrainError
from spinec.spec.recipes.load import FITTING
from spinec.spec.recipes.model import Recipe

EVERY = 10.0  # epochs from one evaluation to the next, where a recipe does not say


@dataclass(frozen=True)
class Rates:
    """How long a run is, and the rate of each of its steps."""

    recipe: Recipe
    steps_per_epoch: float

    def __post_init__(self) -> None:
        """Find what does not fit together.

        Raises:
            TrainError: when the rate drops before the run begins.
        """
        try:
            self.recipe.schedule.drops_in(self.epochs)
        except ValueError as error:
            raise TrainError(f"{self.recipe.recipe}: schedule.drops: {error}: {FITTING}") from None

    @property
    def epochs(self) -> float:
        """How often all images are seen."""
        return self.recipe.schedule.epochs or self.steps / self.steps_per_epoch

    @property
    def steps(self) -> int:
        """Steps of the whole run; one that is begun counts.

        >>> from spinec.spec.recipes.load import load_recipe
        >>> Rates(load_recipe("detection"), 463).steps
        300950
        """
        schedule = self.recipe.schedule
        return schedule.steps or ceil((schedule.epochs or 0) * self.steps_per_epoch)

    @property
    def evaluations(self) -> frozenset[int]:
        """The steps after which the network is judged; the last is one of them."""
        return frozenset([*range(self.every, self.steps, self.every), self.steps])

    @property
    def every(self) -> int:
        """Steps from one evaluation to the next."""
        asked = self.recipe.evaluate
        return asked.steps or max(1, round((asked.every or EVERY) * self.steps_per_epoch))

    def __getitem__(self, step: int) -> float:
        """The rate of a step, the first of which is 0: rising in a line as it warms up, from then on as scheduled."""
        warm = self._warm
        if step >= warm:
            return self._scheduled(step)
        start = self.recipe.schedule.warmup.start * self.recipe.scaled if self.recipe.schedule.warmup else 0.0
        return start + (self._scheduled(warm) - start) * step / warm

    @property
    def _warm(self) -> int:
        """How many steps warm up."""
        warmup = self.recipe.schedule.warmup
        if warmup is None:
            return 0
        return warmup.steps or ceil((warmup.epochs or 0) * self.steps_per_epoch)

    def _scheduled(self, step: int) -> float:
        schedule, rate, epoch = self.recipe.schedule, self.recipe.rate, step / self.steps_per_epoch
        match schedule.kind:
            case "cosine":
                return rate * (1 + cos(pi * min(1.0, step / self.steps))) / 2
            case "exponential":
                return rate * float(schedule.factor ** (epoch // schedule.every))
        factors = [factor for start, factor in self._drops.items() if epoch >= start]
        return rate * (factors[-1] if factors else 1.0)

    @cached_property
    def _drops(self) -> dict[float, float]:
        return self.recipe.schedule.drops_in(self.epochs)
