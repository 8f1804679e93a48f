"""Folders of classes, as ImageNet comes: the name of a folder is the class of the pictures in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.data.examples import Example, Numbering, Task
from spinec.train.data.numbering import numbered
from spinec.train.data.pictures import is_picture, read_rgb


@dataclass(frozen=True, eq=False)
class FolderSet:
    """The pictures of a folder of folders."""

    folder: Path
    numbering: Numbering = field(repr=False)
    files: list[str] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    task: Task = "classification"

    @property
    def name(self) -> str:
        """What messages call it: its folder."""
        return str(self.folder)

    def absent(self) -> Iterable[str]:
        """None: the pictures are those that were found."""
        return ()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, position: int) -> Example:
        file = self.files[position]
        path = self.folder / file
        return Example(file, str(path), partial(read_rgb, path), label=int(self.labels[position]))


def open_folders(folder: Path, head: Any = None, splits: Iterable[Path] = ()) -> FolderSet:
    """The data set of a folder with a folder for each class; no picture is read.

    A class of any of the splits has a number: one that has pictures for training alone moves no other's.

    Raises:
        DataError: when a class has no number, or there are no pictures.
    """
    classes = sorted({each.name for split in (folder, *splits) for each in class_folders(split)})
    categories = dict(enumerate(classes))
    files = {number: _pictures_in(folder / name) for number, name in categories.items()}
    used = [number for number in files if files[number]]
    if not used:
        raise DataError(f"{folder}: no pictures in folders of classes")
    numbering = numbered(categories, head, str(folder), used)
    labels = [numbering.numbers[number] for number in used for _ in files[number]]
    names = [path.relative_to(folder).as_posix() for number in used for path in files[number]]
    return FolderSet(folder, numbering, names, np.array(labels, np.int64))


def class_folders(folder: Path) -> list[Path]:
    """The folders of classes in alphabetical order."""
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_picture(path)) if folder.is_dir() else []
