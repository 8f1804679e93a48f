"""Random numbers that depend on a seed and a place alone, whoever draws them, and in whichever order."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray


class Purpose(IntEnum):
    """What numbers are drawn for: those of one purpose tell nothing of another's."""

    augmentation = 0
    order = 1
    sets = 2
    holding_out = 3


def draws(seed: int, epoch: int, index: int, purpose: Purpose = Purpose.augmentation) -> Generator:
    """What draws the numbers of one picture in one epoch.

    >>> [round(draws(0, 3, 7).random(), 4) for _ in range(2)], round(draws(0, 4, 7).random(), 4)
    ([0.1403, 0.1403], 0.6335)
    """
    return Generator(_philox(seed, epoch, index, purpose))


def permutation(seed: int, epoch: int, number: int, purpose: Purpose = Purpose.order) -> NDArray[np.int64]:
    """The order of an epoch: by the rank of raw bits, which are the same in every version of numpy."""
    bits = _philox(seed, epoch, 0, purpose).random_raw(number)
    return np.argsort(bits, kind="stable").astype(np.int64)


def _philox(seed: int, epoch: int, index: int, purpose: Purpose) -> Philox:
    """Seed and epoch are the key; a picture has a stretch of 2^64 blocks to itself."""
    return Philox(key=np.array([seed, epoch], np.uint64), counter=np.array([0, index, 0, purpose], np.uint64))
