"""A data set of which some examples are held out: the network is judged by what it does not learn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.data.draws import Purpose, permutation
from spinec.train.data.examples import DataSet, Example, Numbering, Task


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the examples of a data set, in its order."""

    whole: DataSet
    positions: NDArray[np.int64] = field(repr=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.whole.name

    @property
    def task(self) -> Task:
        """What is to be learned from it."""
        return self.whole.task

    @property
    def numbering(self) -> Numbering:
        """The classes of all of it."""
        return self.whole.numbering

    def absent(self) -> Iterable[str]:
        """The files that all of it lists and that are not there."""
        return self.whole.absent()

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, position: int) -> Example:
        return self.whole[int(self.positions[position])]


def held_out(data: DataSet, number: int) -> tuple[Part, Part]:
    """The data set without so many examples, and these.

    Which ones depends on the two numbers alone: whatever is trained, and by whatever seed, is judged by the same.

    Raises:
        DataError: when none would be left.
    """
    if number >= len(data):
        raise DataError(f"{data.name}: has {len(data):,} pictures, and 'data.hold_out' is {number:,}: expected fewer")
    order = permutation(0, 0, len(data), Purpose.holding_out)
    return Part(data, np.sort(order[number:])), Part(data, np.sort(order[:number]))
