"""Whether a data set can be learned from: what is wrong is said before the first step, not hours later."""

from __future__ import annotations

from math import ceil

from spinec.spec.errors import DataError
from spinec.train.data.augment import View
from spinec.train.data.draws import draws
from spinec.train.data.examples import DataSet, Example

LOOKED_AT = 500  # examples of a split that are read: seconds; `spinec data check` reads all of them


def check_ready(data: DataSet, view: View) -> None:
    """Find what would stop a run: every file that is listed is looked for, and examples from all over are read.

    Raises:
        DataError: for the first thing that is wrong, or when there is nothing to learn.
    """
    if absent := next(iter(data.absent()), None):
        raise DataError(f"{absent}: no such file, and {data.name} lists it")
    for position in range(0, len(data), ceil(len(data) / LOOKED_AT)):
        view(data[position], draws(0, 0, position))
    if data.task == "detection" and not any(_is_taught(data[position]) for position in range(len(data))):
        raise DataError(f"{data.name}: has no boxes but those round crowds: there is nothing to learn or to judge by")


def _is_taught(example: Example) -> bool:
    """Whether there is a box to learn."""
    return bool((~example.crowd & (example.boxes[:, 2:] > example.boxes[:, :2]).all(1)).any())
