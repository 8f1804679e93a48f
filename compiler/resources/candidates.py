"""Candidates: the specs that betas from a few values make of one spec, and what all of them cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.compiler.cost_model.model import CostModel
from spinec.compiler.resources.redistribute import Number, attention, budget_of, new_dims, values_of
from spinec.compiler.resources.scaling import revise
from spinec.compiler.resources.searchable import Chosen, Searchable
from spinec.compiler.resources.work import Unit, distribution_fault, units
from spinec.spec.conventions import Convention
from spinec.spec.dump import dump
from spinec.spec.model import ModelSpec


@dataclass(frozen=True)
class Space:
    """Every candidate that `redistribute` makes of a spec with betas from these values; the fields are its arguments.

    >>> from spinec import load
    >>> space = Space(load("sp-efficientnet-b0"))
    >>> len(space.names), space.size == 5**18
    (18, True)
    >>> space.dims([1] * 18) == {name: block.dim for name, block in space.spec.blocks.items()}
    True
    """

    spec: ModelSpec
    values: tuple[int | float, ...] = (1, 5, 10, 15, 20)
    target: int | float | None = None
    exact: bool = True
    multiple: int = 8
    keep: float = 0.9
    groups: tuple[tuple[str, ...], ...] = ()
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.values)) < len(self.values) or not self.values:
            raise distribution_fault(f"values: expected some, no two of them equal, got {list(self.values)}")
        self.dims([self.values[0]] * len(self.names))  # what is wrong with the settings is said at once

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def parameters(self) -> Mapping[str, tuple[int | float, ...]]:
        """What is chosen: a beta for every block, or group of blocks."""
        return dict.fromkeys(self.names, self.values)

    def made(self, chosen: Chosen, name: str | None = None) -> ModelSpec:
        """The spec of a candidate."""
        return self.candidate(self.dims(self.betas(chosen)), name)

    def key(self, chosen: Chosen) -> list[Any]:
        """What tells candidates apart: their dims."""
        return list(self.dims(self.betas(chosen)).values())

    def figures(self, chosen: Chosen, convention: Convention = "conv") -> tuple[int | float, int]:
        """Multiply-adds and parameters, exactly."""
        row = [self.key(chosen)]
        return self.cost_model.macs(row, convention=convention).item(), self.cost_model.params(row).item()

    def told(self, chosen: Chosen) -> str:
        """How a candidate was made."""
        return f"betas {','.join(f'{beta:g}' for beta in self.betas(chosen))}"

    def to_json(self) -> dict[str, Any]:
        """The space in words that JSON has."""
        own = {name: value for name, value in vars(self).items() if name in type(self).__dataclass_fields__}
        groups = [list(group) for group in self.groups]
        return {
            **own,
            "spec": dump(self.spec),
            "groups": groups,
            "values": list(self.values),
            "frozen": list(self.frozen),
        }

    def betas(self, chosen: Chosen) -> tuple[Any, ...]:
        """The betas that were chosen, in order."""
        if missing := [name for name in self.names if name not in chosen]:
            raise distribution_fault(f"no beta is chosen for {', '.join(missing)}")
        return tuple(chosen[name] for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """What the betas are for, in order: a block, or the first block of a group."""
        return tuple(unit.blocks[0] for unit in self._units)

    @property
    def size(self) -> int:
        """How many vectors of betas there are."""
        return int(len(self.values) ** len(self.names))

    def dims(self, betas: Sequence[Number]) -> dict[str, int]:
        """Block: its dim with these betas."""
        alphas = attention(self._units, values_of(self._units, betas, "betas"), self._budget)
        after = zip(self._units, new_dims(self._units, alphas, self.multiple, self.keep), strict=True)
        return self._own | {block: dim for unit, dim in after for block in unit.blocks}

    def candidate(self, dims: dict[str, int], name: str | None = None) -> ModelSpec:
        """The spec of a candidate, checked as a document is."""
        return revise(self.spec, dims, {}, name=name)

    def draw(self, number: int, seed: int = 0) -> list[tuple[int | float, ...]]:
        """Vectors of betas, each beta drawn by itself and every value as likely as another."""
        if number < 0 or seed < 0:
            raise ValueError(f"expected numbers of candidates and seeds from 0 on, got {number} and {seed}")
        chosen = np.random.default_rng(seed).integers(len(self.values), size=(number, len(self.names)))
        return [tuple(self.values[i] for i in row) for row in chosen.tolist()]

    @cached_property
    def cost_model(self) -> CostModel:
        """What candidates cost, many at once."""
        return CostModel(self.spec)

    @cached_property
    def _units(self) -> list[Unit]:
        return units(self.spec, exact=self.exact, groups=self.groups, frozen=self.frozen)

    @cached_property
    def _budget(self) -> Fraction:
        return budget_of(self.spec, self._units, self.target, self.exact)

    @cached_property
    def _own(self) -> dict[str, int]:
        return {name: block.dim for name, block in self.spec.blocks.items()}


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidates and their figures, a row for each: how a distribution of resources was sampled (Figure 5)."""

    space: Searchable
    betas: Sequence[tuple[Number, ...]]
    """Of every candidate, where a spec's work is shared out; none where other things are chosen."""
    dims: NDArray[np.int64]
    """(candidates, blocks)"""
    macs: NDArray[Any]
    params: NDArray[np.int64]
    convention: Convention = "conv"
    scores: Sequence[tuple[float, ...]] = ()
    """One or several of every candidate, if they were evaluated."""
    numbers: Sequence[int] = field(default=())
    """What a study calls them; their order if none is given."""
    choices: Sequence[Chosen] = ()
    """What was chosen for every candidate, where it is no betas."""

    @cached_property
    def own(self) -> tuple[float, int] | None:
        """Multiply-adds and parameters of the spec that they were made from, if it is one."""
        if not isinstance(self.space, Space):
            return None
        model = self.space.cost_model
        dims = [[block.dim for block in self.space.spec.blocks.values()]]
        return model.macs(dims, convention=self.convention).item(), model.params(dims).item()

    def near(self, share: float = 0.1, macs: float | None = None) -> float:
        """How many, as a share of all, have the multiply-adds of the spec, or those given, within a share of them."""
        target = (self.own or (0.0,))[0] if macs is None else macs
        return float(np.mean(np.abs(self.macs - target) <= share * target)) if len(self.macs) else 0.0

    def fewer_params(self) -> float:
        """How many, as a share of all, have fewer parameters than the spec."""
        return float(np.mean(self.params < self.own[1])) if len(self.params) and self.own else 0.0


def candidates(
    space: Space,
    betas: Sequence[tuple[Number, ...]],
    convention: Convention = "conv",
    scores: Sequence[tuple[float, ...]] = (),
    numbers: Sequence[int] = (),
) -> Candidates:
    """The candidates of some vectors of betas, counted at once.

    >>> from spinec import Space, load
    >>> space = Space(load("sp-efficientnet-b0"))
    >>> sampled = candidates(space, space.draw(1000))
    >>> round(sampled.near(0.1), 1), round(sampled.fewer_params(), 1)
    (0.8, 0.5)
    """
    rows = [list(space.dims(each).values()) for each in betas]
    dims = np.array(rows, np.int64).reshape(-1, len(space.spec.blocks))
    macs, params = space.cost_model.macs(dims, convention=convention), space.cost_model.params(dims)
    return Candidates(space, betas, dims, macs, params, convention, scores, numbers)
