"""What a search needs of a space, whatever is chosen in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from spinec.spec.conventions import Convention
from spinec.spec.model import ModelSpec
from spinec.spec.scalars import Scalar as Value

Chosen: TypeAlias = Mapping[str, Value]
"""What was chosen for each parameter of a space."""


@runtime_checkable
class Searchable(Protocol):
    """A space: the choices in it, the spec that comes of them, and what that costs.

    `Space` in `candidates.py` is one: the betas of a single spec. That in `spaces.py` is a document with choices.
    """

    @property
    def name(self) -> str:
        """What the space is called."""

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """What is chosen, and from what."""

    def made(self, chosen: Chosen, name: str | None = None) -> ModelSpec:
        """The spec of a candidate, checked as a document is."""

    def key(self, chosen: Chosen) -> list[Any]:
        """What tells candidates apart, as JSON has it: equal ones have equal keys."""

    def figures(self, chosen: Chosen, convention: Convention = "conv") -> tuple[int | float, int]:
        """Multiply-adds and parameters, exactly."""

    def told(self, chosen: Chosen) -> str:
        """How a candidate was made, in a few words."""

    def to_json(self) -> dict[str, Any]:
        """The space in words that JSON has."""
