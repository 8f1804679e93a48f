"""What no candidate may exceed: checked before a candidate is evaluated, the cheap limits first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spinec.compiler.cost.report import cost
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.resources.searchable import Chosen, Searchable
from spinec.spec.conventions import Convention
from spinec.spec.errors import SearchError
from spinec.spec.model import ModelSpec


@dataclass(frozen=True)
class Limits:
    """The most that a candidate may cost; none where a limit is not given."""

    macs: float | None = None
    params: float | None = None
    memory: float | None = None
    """Bytes of activations alive at once at inference, float32 and batch 1."""
    latency: float | None = None
    """Milliseconds, by a measurement that the caller of the search gives."""
    convention: Convention = "conv"


class Gate:
    """Lets candidates within the limits pass; multiply-adds and parameters are looked at before anything is lowered."""

    def __init__(
        self, space: Searchable, limits: Limits, measure_latency: Callable[[ModelSpec], float] | None = None
    ) -> None:
        if limits.latency is not None and measure_latency is None:
            raise SearchError("a limit of latency needs a measurement of it")
        self._space, self._limits, self._measure = space, limits, measure_latency
        self._known: dict[tuple[Any, ...], str] = {}  # a measurement is not repeated

    def excess(self, chosen: Chosen) -> str:
        """Which limit a candidate exceeds first; nothing if none."""
        limits = self._limits
        if limits.macs is not None or limits.params is not None:
            macs, params = self._space.figures(chosen, limits.convention)
            if limits.macs is not None and macs > limits.macs:
                return "macs"
            if limits.params is not None and params > limits.params:
                return "params"
        if limits.memory is None and limits.latency is None:
            return ""
        key = tuple(self._space.key(chosen))
        if key not in self._known:
            self._known[key] = self._costly_excess(chosen)
        return self._known[key]

    def _costly_excess(self, chosen: Chosen) -> str:
        spec = self._space.made(chosen)
        if self._limits.memory is not None and cost(lower(spec)).peak_bytes > self._limits.memory:
            return "memory"
        if self._limits.latency is not None and self._measure and self._measure(spec) > self._limits.latency:
            return "latency"
        return ""
