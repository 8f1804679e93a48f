"""Maps of classes: PNG files whose values stand for the classes of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.data.examples import IGNORED
from spinec.train.data.pictures import read_values


def map_in(file: Path | BinaryIO, name: str, numbers: Mapping[int, int]) -> NDArray[np.uint8]:
    """(height, width): the classes of a file of values, numbered as the head does.

    Raises:
        DataError: when it cannot be read, or has a value of no class.
    """
    values = read_values(file, name)
    table = np.zeros(256, np.uint8)
    known = {IGNORED: IGNORED, **{value: number for value, number in numbers.items() if value < IGNORED}}
    table[list(known)] = list(known.values())
    if strange := sorted(set(np.unique(values).tolist()) - set(known)):
        raise DataError(f"{name}: has the value {strange[0]}, which stands for no class and is not {IGNORED}")
    return table[values]
