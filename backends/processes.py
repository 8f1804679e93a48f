"""Processes that train a network together."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from spinec.spec.errors import BackendError

Across: TypeAlias = Literal["processes", "devices", "tpu"]
"""What shares a batch: the processes that were started for it; or all accelerators, or a TPU, that one process has."""


class Place(NamedTuple):
    """Which of the processes that train together this one is."""

    rank: int = 0
    """The first one tells, judges and writes."""
    number: int = 1
    local: int = 0
    """Which of those on its machine."""
    devices: int = 1
    """How many it has that share its part of a batch."""
    across: Across = "processes"

    @property
    def first(self) -> bool:
        """Whether it tells, judges and writes."""
        return self.rank == 0


ALONE = Place()


def share_of(batch: int, number: int, what: str = "processes") -> int:
    """Images of a batch that each is given.

    Raises:
        BackendError: where they cannot all be given as many.

    >>> share_of(8, 2)
    4
    """
    if batch % number:
        raise BackendError(
            f"batch: {batch} images cannot be shared by {number} {what}: expected a multiple of {number}"
        )
    return batch // number
