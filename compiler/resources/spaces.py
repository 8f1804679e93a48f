"""Spaces that are documents: specs with choices, whose work may be shared out, and what candidates cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.compiler.cost.report import Count
from spinec.compiler.cost_model.counter import Counter
from spinec.compiler.resources.candidates import Candidates, Space, candidates
from spinec.compiler.resources.gate import Gate, Limits
from spinec.compiler.resources.searchable import Chosen, Searchable
from spinec.spec.conventions import Convention
from spinec.spec.dump import flow
from spinec.spec.model import ModelSpec
from spinec.spec.scalars import Scalar as Value
from spinec.spec.spaces.load import Space as Document
from spinec.spec.spaces.load import draw, loads_space

KEPT = 256  # specs
COUNTS_KEPT = 10_000
BETA = ".beta"
MOST_DRAWS = 100  # for one candidate within the limits
FEW = 50  # specs that are compared block by block
NEXT_SEED = 1_000_003  # from one draw of many to the next


@dataclass(frozen=True, eq=False)
class ChoiceSpace:
    """A space that is a document.

    >>> from spinec.spec.spaces.load import load_space
    >>> space = ChoiceSpace(load_space("spinenet-49-topology"))
    >>> chosen = space.draw(1)[0]
    >>> macs, params = space.figures(chosen)
    >>> len(space.made(chosen).blocks)
    19
    """

    document: Document

    @property
    def name(self) -> str:
        """What the space is called."""
        return self.document.name

    @cached_property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """What is chosen: what the document says, and a beta for every block that takes part."""
        share = self.document.share
        betas = dict.fromkeys((f"{name}{BETA}" for name in self._shared), share.betas) if share else {}
        return {**self.document.parameters, **betas}

    @property
    def size(self) -> int:
        """How many ways there are to choose."""
        return prod(map(len, self.parameters.values()))

    def draw(self, number: int, seed: int = 0) -> list[dict[str, Value]]:
        """Ways to choose, every value as likely as another."""
        return draw(self.parameters, number, seed)

    def drawn(self, number: int, seed: int = 0) -> tuple[list[Chosen], int]:
        """So many ways to choose within the document's limits, and how many were drawn for them."""
        found: list[Chosen] = []
        for i in range(MOST_DRAWS):
            found += filter(self.within, self.draw(number, seed + i * NEXT_SEED))
            if len(found) >= number:
                return found[:number], (i + 1) * number
        return found, MOST_DRAWS * number

    @property
    def limits(self) -> Limits:
        """What the document lets no candidate exceed."""
        return Limits(**self.document.limits.model_dump())

    def within(self, chosen: Chosen) -> bool:
        """Whether a candidate is within the document's limits, but for that of latency, which nothing measures here."""
        return not self._gate.excess(chosen)

    @cached_property
    def _gate(self) -> Gate:
        return Gate(self, replace(self.limits, latency=None))

    def made(self, chosen: Chosen, name: str | None = None) -> ModelSpec:
        """The spec of a candidate.

        Raises:
            SpecError: where it is none.
        """
        if not self.document.share:
            return self.document.spec(chosen, name) if name else self._spec(self._values(chosen))
        shared = self._space(chosen)
        return shared.candidate(shared.dims(self.betas_of(chosen)), name or self.name)

    def key(self, chosen: Chosen) -> list[Any]:
        """What the spec depends on: dims that betas lead to, not the betas, since several lead to the same."""
        told: list[Any] = [f"{name}={chosen[name]}" for name in self.document.used(chosen)]
        if self.document.share:
            told += self._space(chosen).dims(self.betas_of(chosen)).values()
        return told

    def figures(self, chosen: Chosen, convention: Convention = "conv") -> tuple[int | float, int]:
        """Multiply-adds and parameters; where dims alone vary, by one formula for all candidates."""
        if self.betas:
            return self.betas.figures(dict(zip(self._shared, self.betas_of(chosen), strict=True)), convention)
        count: Count = self._count(tuple(chosen.items()))
        return count.macs(convention), count.params

    @cached_property
    def _count(self) -> Any:
        """What a candidate costs; kept, since a search counts one to refuse it, and to write down its figures."""
        counter = Counter()
        return lru_cache(COUNTS_KEPT)(lambda chosen: counter.count(self.made(dict(chosen))))

    @cached_property
    def betas(self) -> Space | None:
        """The redistributions that the space is made of, where nothing else is chosen."""
        return self._space({}) if self.document.share and not self.document.parameters else None

    def told(self, chosen: Chosen) -> str:
        """What was chosen, as far as the spec depends on it."""
        betas = [name for name in chosen if name not in self.document.parameters]
        used = [*self.document.used(chosen), *betas]
        return ", ".join(f"{name} {flow(chosen[name])}" for name in used)

    def to_json(self) -> dict[str, Any]:
        """The document as a text that needs no other file."""
        return {"document": self.document.text}

    @classmethod
    def from_json(cls, text: str) -> ChoiceSpace:
        """The space that `to_json` told of."""
        return cls(loads_space(text, "<study>"))

    @cached_property
    def _shared(self) -> tuple[str, ...]:
        """The blocks that have a beta, or of a group the first; the same in every candidate."""
        first = {name: values[0] for name, values in self.document.parameters.items()}
        return self._space(first).names

    def betas_of(self, chosen: Chosen) -> tuple[int | float, ...]:
        """The betas that were chosen, in order."""
        return tuple(chosen[f"{name}{BETA}"] for name in self._shared)  # type: ignore[misc]  # they are numbers

    def _space(self, chosen: Chosen) -> Space:
        """The redistributions of the spec that the other choices give."""
        found: Space = self._spaces(self._values(chosen))
        return found

    def _values(self, chosen: Chosen) -> tuple[Value, ...]:
        """What was chosen, but for betas; nothing if something is missing, which the document then says."""
        names = self.document.parameters
        return tuple(chosen[name] for name in names) if chosen.keys() >= names.keys() else ()

    @cached_property
    def _spec(self) -> Any:
        """The spec of values that were chosen; kept, since one candidate is counted, looked at and built."""
        return lru_cache(KEPT)(
            lambda values: self.document.spec(dict(zip(self.document.parameters, values, strict=False)))
        )

    @cached_property
    def _spaces(self) -> Any:
        return lru_cache(KEPT)(self._redistribution)

    def _redistribution(self, values: tuple[Value, ...]) -> Space:
        share = self.document.share
        assert share
        spec = self._spec(values)
        return Space(
            spec,
            values=share.betas,
            target=share.target,
            exact=share.exact,
            multiple=share.multiple,
            keep=share.keep,
            groups=share.groups,
            frozen=share.frozen,
        )


def counted(
    space: Searchable,
    choices: Sequence[Chosen],
    convention: Convention = "conv",
    scores: Sequence[tuple[float, ...]] = (),
    numbers: Sequence[int] = (),
) -> Candidates:
    """Candidates of a space and their figures; where a spec's work is shared out, all are counted at once."""
    if isinstance(space, Space):
        betas = [space.betas(chosen) for chosen in choices]
        return candidates(space, betas, convention, scores, numbers)
    if isinstance(space, ChoiceSpace) and space.betas:
        found = candidates(space.betas, [space.betas_of(chosen) for chosen in choices], convention)
        return replace(found, space=space, betas=(), scores=scores, numbers=numbers, choices=choices)
    figures = [space.figures(chosen, convention) for chosen in choices]
    macs, params = np.array([each[0] for each in figures]), np.array([each[1] for each in figures], np.int64)
    none = np.zeros((len(choices), 0), np.int64)
    return Candidates(space, (), none, macs, params, convention, scores, numbers, choices)


@dataclass(frozen=True)
class Survey:
    """What candidates of a space cost: those of a random sample, whether they are within its limits or not."""

    space: ChoiceSpace
    convention: Convention
    macs: NDArray[Any]
    params: NDArray[np.int64]
    within: float
    """The share of them within the limits."""
    fixed: tuple[str, ...]
    """The blocks that are the same in all of them."""


def survey(space: ChoiceSpace, number: int, seed: int = 0, convention: Convention = "conv") -> Survey:
    """Draw candidates of a space and count them."""
    drawn = space.draw(number, seed)
    found = counted(space, drawn, convention)
    specs = [space.made(chosen) for chosen in drawn[:FEW]]
    first = specs[0].blocks
    fixed = tuple(name for name in first if all(spec.blocks.get(name) == first[name] for spec in specs))
    within = sum(map(space.within, drawn)) / number
    return Survey(space, convention, found.macs, found.params, within, fixed)
