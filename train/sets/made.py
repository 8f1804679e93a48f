"""The data sets that can be made, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from spinec.spec.errors import DataError, did_you_mean
from spinec.spec.files import whole
from spinec.train.sets.digits import make_classes, make_scenes
from spinec.train.sets.nuclei import make_nuclei


class Made(NamedTuple):
    """A data set that can be made."""

    make: Callable[..., None]
    options: tuple[str, ...]
    """What it depends on."""


SETS = {
    "digits": Made(make_scenes, ("seed", "size", "train", "val")),
    "digits-classes": Made(make_classes, ("size",)),
    "nuclei": Made(make_nuclei, ("size",)),
}


def make_set(name: str, folder: Path, **options: int | None) -> None:
    """Write a data set into a folder, whole or not at all; an option that is None is left at its default.

    Raises:
        DataError: when there is no such data set, what it is made of is not installed, or the folder is there already.
        OSError: when nothing can be written there.
    """
    if name not in SETS:
        raise DataError(f"no data set {name!r}: {did_you_mean(name, SETS)}")
    if os.path.lexists(folder):
        raise DataError(f"{folder}: exists already; name another folder")
    given = {key: value for key, value in options.items() if value is not None}
    make = partial(SETS[name].make, **given)
    with whole(folder) as made:
        made.mkdir()
        make(made)
