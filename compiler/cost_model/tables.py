"""The tables in which the cost of candidates is looked up, and how a row of them is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinec.compiler.cost_model.every_dim import Integers, numbers
from spinec.compiler.cost_model.fitted_form import CostForm
from spinec.compiler.cost_model.quadratic_form import Form, Width, channels
from spinec.spec.kinds.widths import DIM

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CostTables:
    """One quantity, for dims below a limit. A table has a row for every block, or pair of blocks, a column per dim."""

    limit: int
    usual: Floats
    """What a block costs by itself, with the repeats of the spec; behind the blocks, what joined channels cost."""
    again: Floats
    """What each further repeat costs."""
    meeting: Integers
    """The blocks whose channels meet another block's, once for every channel number that does."""
    channels: Floats | None
    """Those channel numbers, unless they are the dims themselves."""
    factors: Floats
    """Of the product of every two such channel numbers."""
    sources: Integers
    targets: Integers
    saved: Floats
    """What is saved where a source and its target have this dim."""

    def count(self, dims: Integers, further: Integers | None) -> Floats:
        """The quantity for columns of dims, (blocks and what is joined, N), and of how many repeats more than usual."""
        at = dims + self._starts(len(dims))
        total: Floats = self.usual.take(at).sum(0)
        if further is not None:
            total += (self.again.take(at[: len(further)]) * further).sum(0)
        met = dims[self.meeting]
        widths = met.astype(np.float64) if self.channels is None else self.channels.take(met + self._starts(len(met)))
        total += np.einsum("ij,ij->j", self.factors @ widths, widths)
        target = dims[self.targets]
        saved = self.saved.take(target + self._starts(len(target)))
        total -= (saved * (dims[self.sources] == target)).sum(0)
        return total

    def _starts(self, rows: int) -> Integers:
        """Where every row of a table starts when it is laid out flat."""
        return np.arange(rows)[:, None] * self.limit


def cost_tables(form: CostForm, quantity: int, limit: int) -> CostTables:
    """The tables of one quantity. Entries for dims that were not checked may be inexact, and are not looked up."""
    blocks = {name: i for i, name in enumerate((*form.spec.blocks, *form.joined))}
    image = form.spec.input.channels
    alone: list[Form] = [{} for _ in blocks]
    together: dict[tuple[Width, Width], int] = {}
    for term, factors in form.base.items():
        met = {width.block for width in term} - {"", "image"}
        if len(met) == 2 and factors[quantity]:
            together[term] = factors[quantity]
        elif len(met) < 2:
            alone[blocks[met.pop()] if met else 0][term] = (
                factors  # what no dim changes is as well with the first block
            )
    once = _table(alone, quantity, limit, image)
    for (source, target), saving in form.saved.items():
        if source == "image" and image < limit:
            once[blocks[target], image] -= _table([saving], quantity, limit, image)[0, image]
    again = _table(list(form.again.values()), quantity, limit, image)
    repeats = np.array([[block.repeats] for block in form.spec.blocks.values()])
    once[: len(again)] += (repeats - 1) * again
    pairs = {pair: saving for pair, saving in form.saved.items() if pair[0] != "image" and _counts(saving, quantity)}
    widths = list(dict.fromkeys(width for term in together for width in term))
    products = np.zeros((len(widths), len(widths)))
    for (first, second), factor in together.items():
        products[widths.index(first), widths.index(second)] = factor
    derived = any(width.formula != DIM for width in widths)
    return CostTables(
        limit,
        once,
        again,
        np.array([blocks[width.block] for width in widths], np.int64),
        np.array([_channels(width, limit, image) for width in widths]) if derived else None,
        products,
        np.array([blocks[source] for source, _ in pairs], np.int64),
        np.array([blocks[target] for _, target in pairs], np.int64),
        _table(list(pairs.values()), quantity, limit, image),
    )


def _table(forms: Sequence[Form], quantity: int, limit: int, image: int) -> Floats:
    """A row for every form, of one block each: its value for every dim of the block."""
    table = np.zeros((len(forms), limit))
    for row, form in zip(table, forms, strict=True):
        for (first, second), factors in form.items():
            row += factors[quantity] * _channels(first, limit, image) * _channels(second, limit, image)
    return table


def _channels(width: Width, limit: int, image: int) -> Floats:
    """A channel number for every dim of its block."""
    if width.block in ("", "image"):
        return np.full(limit, float(channels(width, {"image": image})))
    return numbers(width.formula, limit).astype(np.float64)


def _counts(form: Form, quantity: int) -> bool:
    return any(factors[quantity] for factors in form.values())
