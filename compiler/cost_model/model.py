"""The cost of many candidates at once: what `cost` counts for each of them, to the integer.

Candidates differ in the dims, and maybe the repeats, of one spec's blocks. What a block costs by itself is looked up by
its dim; what it costs to bring dims together is a matrix product; what equal dims save is looked up again. All of it is
float64, which is exact here: every sum on the way is an integer below a bound, which is checked to be below 2^53.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinec.compiler.cost_model.every_dim import Integers
from spinec.compiler.cost_model.fitted_form import cost_form
from spinec.compiler.cost_model.quadratic_form import Form, channels
from spinec.compiler.cost_model.tables import CostTables, cost_tables
from spinec.spec.conventions import CONVENTIONS, Convention
from spinec.spec.errors import ShapeError
from spinec.spec.fields import MAX_DIM, MAX_REPEATS
from spinec.spec.model import ModelSpec

EXACT = 2**53  # integers below are exact in float64
CHUNK = 4096  # candidates at a time: their tables and columns fit in a core's cache


class CostModel:
    """A spec's cost at one input size as a function of its dims and repeats, for arrays of candidates.

    Column i of an array is for the i-th of `blocks`. Whether blocks can have such dims, and the limits
    that `lower` sets on single weights, are not looked at.

    Raises:
        SpecError: when the cost of a block is no quadratic form of the dims (`compiler/cost_model/fitted_form.py`).

    >>> from spinec import load
    >>> d0 = load("eff-spinenet-d0")
    >>> model = CostModel(d0)
    >>> model.macs([[block.dim for block in d0.blocks.values()], [16] * 19]).tolist()
    [2453285888, 1100262528]
    """

    def __init__(self, spec: ModelSpec, size: int | tuple[int, int] | None = None) -> None:
        self.spec = spec
        self.size = (size, size) if isinstance(size, int) else size or spec.input.size
        self.blocks = tuple(spec.blocks)
        self._form = cost_form(spec, self.size)
        self._usual = np.array([[block.repeats] for block in spec.blocks.values()])
        self._tables: dict[int, CostTables] = {}

    def macs(
        self, dims: ArrayLike, repeats: ArrayLike | None = None, convention: Convention = "conv", chunk: int = CHUNK
    ) -> NDArray[Any]:
        """Multiply-adds of N candidates, dims and repeats being (N, blocks); float64 where the convention has halves.

        Raises:
            ShapeError: when an array does not fit the spec, or a count could leave what float64 holds exactly.
            ValueError: when `chunk`, the candidates counted at a time, is less than one.
        """
        halves = self.flops(dims, repeats, convention, chunk)
        listed = CONVENTIONS[convention]
        prices = (*listed.prices.values(), listed.kernel_weight)
        return halves / 2 if any(price % 2 for price in prices) else halves // 2

    def flops(
        self, dims: ArrayLike, repeats: ArrayLike | None = None, convention: Convention = "conv", chunk: int = CHUNK
    ) -> Integers:
        """Floating point operations of N candidates: twice the multiply-adds."""
        CONVENTIONS.named(convention)
        return self._count(list(CONVENTIONS).index(convention), dims, repeats, chunk)

    def params(self, dims: ArrayLike, repeats: ArrayLike | None = None, chunk: int = CHUNK) -> Integers:
        """Parameters of N candidates."""
        return self._count(len(CONVENTIONS), dims, repeats, chunk)

    def _count(self, quantity: int, dims: ArrayLike, repeats: ArrayLike | None, chunk: int) -> Integers:
        if chunk < 1:
            raise ValueError(f"chunk: expected at least one candidate at a time, got {chunk}")
        widths, times = self._array(dims, "dims"), None if repeats is None else self._array(repeats, "repeats")
        if times is not None and len(times) != len(widths):
            raise ShapeError(f"{len(widths)} rows of dims, but {len(times)} rows of repeats")
        counts = np.empty(len(widths), np.int64)
        largest = np.stack([np.zeros_like(self._usual[:, 0]), self._usual[:, 0]])  # dims and repeats, by block
        for start in range(0, len(widths), chunk):
            rows = slice(start, start + chunk)
            columns = np.ascontiguousarray(widths[rows].T, np.int64)
            further = self._usual if times is None else np.ascontiguousarray(times[rows].T, np.int64)
            self._check_tied(columns, start)
            top = np.stack([_largest(columns, "dims", MAX_DIM), _largest(further, "repeats", MAX_REPEATS)])
            if (top > largest).any():  # in the first chunk, and seldom after it
                largest = np.maximum(largest, top)
                self._check_exact(quantity, *largest.tolist())
                tables = self._tables_for(quantity, int(self._with_joined(largest[0]).max()))
            known = self._with_joined(columns)
            counts[rows] = tables.count(known, None if times is None else further - self._usual)
        if self._form.times > 1:
            counts //= self._form.times
        return counts

    def _array(self, values: ArrayLike, what: str) -> NDArray[Any]:
        try:
            array = np.asarray(values)
        except ValueError:  # rows of several lengths
            raise ShapeError(f"{what}: expected integers, (N, {len(self.blocks)}), in rows of one length") from None
        if array.ndim != 2 or array.shape[1] != len(self.blocks) or array.dtype.kind not in "iu":
            raise ShapeError(f"{what}: expected integers, (N, {len(self.blocks)}), got {array.dtype}, {array.shape}")
        return array

    def _with_joined(self, columns: Integers) -> Integers:
        """The dims of blocks, and behind them the channels that blocks which join several take."""
        if not self._form.joined:
            return columns
        known = dict(zip(self.blocks, columns, strict=True)) | {"image": self.spec.input.channels}
        sums = [sum(known[source] for source in sources) for sources in self._form.joined.values()]
        return np.concatenate([columns, np.stack(sums)])

    def _check_tied(self, columns: Integers, start: int) -> None:
        tied = columns[[self.blocks.index(name) for name in self._form.tied]]
        if len(tied) > 1 and (unequal := (tied != tied[0]).any(0)).any():
            names = ", ".join(self._form.tied)
            row = start + int(unequal.argmax())
            raise ShapeError(f"dims: row {row}: the head reads {names} without endpoints, so they have one dim")

    def _check_exact(self, quantity: int, dims: list[int], repeats: list[int]) -> None:
        """No sum of a candidate's terms, in any order, exceeds the sum of the terms' sizes at the largest dims."""
        largest = self._form.known(dict(zip(self.blocks, dims, strict=True)))
        bound = sum(_size(form, quantity, largest) for form in (self._form.base, *self._form.saved.values()))
        for times, form in zip(repeats, self._form.again.values(), strict=True):
            bound += (times - 1) * _size(form, quantity, largest)
        if bound >= EXACT:
            raise ShapeError(f"{self.spec.name}: such dims could cost more than 2^53, which arrays cannot hold exactly")

    def _tables_for(self, quantity: int, largest: int) -> CostTables:
        known = self._tables.get(quantity)
        if known is None or known.limit <= largest:
            known = self._tables[quantity] = cost_tables(self._form, quantity, 1 << largest.bit_length())
        return known


def _largest(columns: Integers, what: str, most: int) -> Integers:
    """The largest value of every block; every value must be one that a spec may have."""
    if columns.min() < 1 or columns.max() > most:
        raise ShapeError(f"{what}: expected 1 to {most:,}, got {columns.min():,} to {columns.max():,}")
    largest: Integers = columns.max(1)
    return largest


def _size(form: Form, quantity: int, dims: dict[str, int]) -> int:
    """The sum of the sizes of a form's terms."""
    return sum(abs(f[quantity]) * channels(a, dims) * channels(b, dims) for (a, b), f in form.items())
