"""What a study searches: kept with the study, so that whoever continues or shares it searches the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from optuna import Trial
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from pydantic import BaseModel, ValidationError

from spinec.compiler.resources.candidates import Space
from spinec.compiler.resources.gate import Gate, Limits
from spinec.compiler.resources.searchable import Searchable
from spinec.compiler.resources.spaces import ChoiceSpace
from spinec.search.controller import Controller
from spinec.search.evaluators import Evaluator, find_evaluator
from spinec.search.evolution import Evolution
from spinec.search.limits import Limited
from spinec.search.proxy import Direction, Proxy
from spinec.spec.errors import SearchError, did_you_mean
from spinec.spec.load import loads
from spinec.spec.model import ModelSpec

Distributions = dict[str, CategoricalDistribution]

STRATEGIES: dict[str, Callable[[Distributions, int | None], BaseSampler]] = {
    "reinforce": lambda space, seed: Controller(space, seed=seed),
    "evolution": lambda space, seed: Evolution(space, seed=seed),
    "nsga2": lambda space, seed: NSGAIISampler(seed=seed),
    "tpe": lambda space, seed: TPESampler(seed=seed),
    "random": lambda space, seed: RandomSampler(seed=seed),
}


@dataclass(frozen=True)
class Plan:
    """Which candidates there are, what judges them (`module:function`, or a training), and what they may cost."""

    space: Searchable
    evaluator: str | Proxy
    directions: tuple[Direction, ...] = ("maximize",)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for direction in self.directions:
            if direction not in ("maximize", "minimize"):
                raise SearchError(f"direction {direction!r}: {did_you_mean(direction, ('maximize', 'minimize'))}")
        if not self.directions:
            raise SearchError("expected a direction for every score: maximize or minimize")

    @property
    def judge(self) -> Evaluator:
        """What judges candidates.

        Raises:
            SearchError: when there is no such function.
        """
        return find_evaluator(self.evaluator) if isinstance(self.evaluator, str) else self.evaluator

    @property
    def evaluator_name(self) -> str:
        """What messages and specs call what judges candidates."""
        return self.evaluator if isinstance(self.evaluator, str) else self.evaluator.name

    @property
    def distributions(self) -> Distributions:
        """What Optuna draws: every choice of the space."""
        return {name: CategoricalDistribution(values) for name, values in self.space.parameters.items()}

    def suggest(self, trial: Trial) -> dict[str, Any]:
        """What is chosen in a trial."""
        return {name: trial.suggest_categorical(name, values) for name, values in self.space.parameters.items()}

    def sampler(
        self, strategy: str, seed: int | None = None, measure_latency: Callable[[ModelSpec], float] | None = None
    ) -> BaseSampler:
        """A strategy by name, within the limits.

        Raises:
            SearchError: when there is no such strategy, or it cannot have several objectives.
        """
        if strategy not in STRATEGIES:
            raise SearchError(f"no strategy {strategy!r}; {did_you_mean(strategy, STRATEGIES)}")
        if strategy == "reinforce" and len(self.directions) > 1:
            raise SearchError("reinforce takes one score; nsga2, evolution, tpe and random take several")
        inner = STRATEGIES[strategy](self.distributions, seed)
        return Limited(inner, self.distributions, Gate(self.space, self.limits, measure_latency), seed)

    def to_json(self) -> dict[str, Any]:
        """The plan in words that JSON has."""
        directions = list(self.directions)
        judged = {"evaluator": self.evaluator_name, "directions": directions, "limits": asdict(self.limits)}
        proxy = {} if isinstance(self.evaluator, str) else {"proxy": asdict(self.evaluator)}
        return {**self.space.to_json(), **judged, **proxy}

    @classmethod
    def from_json(cls, data: object) -> Plan:
        """The plan that `to_json` told of.

        Raises:
            SearchError: when it is none.
            SpecError: when its spec, or what is to become of it, is none.
        """
        try:
            form = _OfDocument if isinstance(data, dict) and "document" in data else _OfBetas
            kept = form.model_validate(data)
        except ValidationError as error:
            places = sorted({".".join(map(str, each["loc"])) for each in error.errors()} - {""})
            raise SearchError(f"missing or of another type: {', '.join(places) or 'all of it'}") from None
        return cls(kept.space(), kept.proxy or kept.evaluator, tuple(kept.directions), kept.limits)


class _Kept(BaseModel):
    """A plan in words that JSON has."""

    evaluator: str
    proxy: Proxy | None = None
    directions: list[Direction]
    limits: Limits


class _OfDocument(_Kept):
    """A plan to search a space that is a document."""

    document: str

    def space(self) -> Searchable:
        return ChoiceSpace.from_json(self.document)


class _OfBetas(_Kept):
    """A plan to redistribute the work of a spec."""

    spec: str
    values: list[int | float]
    target: int | float | None
    exact: bool
    multiple: int
    keep: float
    groups: list[list[str]]
    frozen: list[str]

    def space(self) -> Searchable:
        return Space(
            loads(self.spec),
            values=tuple(self.values),
            target=self.target,
            exact=self.exact,
            multiple=self.multiple,
            keep=self.keep,
            groups=tuple(map(tuple, self.groups)),
            frozen=tuple(self.frozen),
        )
