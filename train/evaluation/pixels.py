"""Segmentation: how well the areas of classes are found, at the pictures' own sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.backends.image import at_own_scale
from spinec.train.data.batches import Batch
from spinec.train.data.examples import IGNORED, DataSet
from spinec.train.evaluation.verdict import OfClass, Verdict, numbers_of


@dataclass(eq=False)
class Pixels:
    """The classes that a network says the pixels of a data set to be of."""

    data: DataSet
    answer: Callable[..., tuple[Any, ...]]
    size: tuple[int, int]
    """Of what the network sees."""
    images: int = 0
    confusion: NDArray[np.int64] = field(init=False)
    """Pixels by their class and by the answer, the last of which stands for all that the data set does not have."""

    def __post_init__(self) -> None:
        number = len(self.data.numbering.names)
        self.confusion = np.zeros((number, number + 1), np.int64)

    def add(self, batch: Batch, images: NDArray[np.float32]) -> None:
        """Ask for the classes in a batch of images (n, channels, height, width), which may be of different sizes."""
        for row, (position, placement) in enumerate(zip(batch.positions[: batch.real], batch.placements, strict=False)):
            example = self.data[position]
            assert example.read_map  # it has been seen
            whole = at_own_scale(self.size, placement.original, placement.scaled)
            (told,) = self.answer(images[row : row + 1], whole)
            height, width = placement.original
            self.confusion += confused(example.read_map(), told[0, :height, :width], len(self.data.numbering.names))
            self.images += 1

    def verdict(self) -> Verdict:
        """Shares of the pixels that are judged."""
        right, there, told = np.diagonal(self.confusion), self.confusion.sum(1), self.confusion.sum(0)[:-1]
        classes = []
        for number in numbers_of(self.data):
            hit, own, said = int(right[number]), int(there[number]), int(told[number])
            figures = {"IoU": _share(hit, own + said - hit), "accuracy": _share(hit, own)}
            classes.append(
                OfClass(self.data.numbering.names[number], number, self.data.numbering.ids[number], own, figures)
            )
        known = [share for each in classes if (share := each.figures["IoU"]) is not None]
        figures = {"mIoU": float(np.mean(known)) if known else None}
        figures["pixel accuracy"] = _share(int(right.sum()), int(there.sum()))
        return Verdict("segmentation", self.images, figures, tuple(classes))


def confused(truth: NDArray[np.uint8], told: NDArray[Any], number: int) -> NDArray[np.int64]:
    """(number, number + 1): pixels by their class and by what is told; where that is no class, the last column.

    >>> confused(np.array([[0, 1], [1, 255]]), np.array([[0, 0], [7, 1]]), 2).tolist()
    [[1, 0, 0], [1, 0, 1]]
    """
    judged = truth != IGNORED
    rows, columns = truth[judged].astype(np.int64), np.minimum(told[judged].astype(np.int64), number)
    counted: NDArray[np.int64] = np.bincount(rows * (number + 1) + columns, minlength=number * (number + 1))
    return counted.reshape(number, number + 1)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
