"""Batches by their step alone: step 1,000 is the same after a resumption, on one machine, or in a process of eight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.train.data.augment import Sample, View
from spinec.train.data.draws import draws, permutation
from spinec.train.data.examples import DataSet, Task
from spinec.train.data.placement import Placement
from spinec.train.data.workers import in_order

MOST = 100  # boxes of a picture that are learned, as in the authors' code


@dataclass(frozen=True, eq=False)
class Batch:
    """What a network sees at once, and what it is to say of it."""

    images: NDArray[np.float32]
    """(n, height, width, channels)."""
    sizes: NDArray[np.float32]
    """(n, 2): rows and columns that are picture, the rest being padding."""
    classes: NDArray[np.int64]
    """(n, boxes), -1 standing for none; or (n,) of pictures; or (n, height, width) of pixels."""
    boxes: NDArray[np.float32] | None
    """(n, boxes, 4): top, left, bottom and right edge in pixels of the images."""
    masks: NDArray[np.bool_] | None
    """(n, boxes, side, side): what is in the boxes."""
    positions: tuple[int, ...]
    """Which examples of the data set these are."""
    ids: tuple[int | str, ...]
    placements: tuple[Placement, ...] = field(repr=False)
    real: int
    """How many examples there are: the rest repeats the last one, to fill the last batch of an evaluation."""

    def first(self, number: int) -> Batch:
        """The same batch, of which so many examples at most are real."""
        return replace(self, real=min(self.real, number))

    @property
    def targets(self) -> dict[str, NDArray[np.generic]]:
        """What the `loss` of generated source takes beside the network's outputs, by name and in order."""
        given = {"boxes": self.boxes, "classes": self.classes, "masks": self.masks}
        return {name: values for name, values in given.items() if values is not None}


@dataclass(frozen=True)
class Endless:
    """Batches for training: one epoch after the other, each in an order of its own, no example ever left out.

    Of `processes`, each has its share of every batch: 2 processes of 4 examples are given what 1 process of 8 is.
    """

    data: DataSet
    view: View
    batch: int
    """Examples that each process is given in a step."""
    seed: int = 0
    rank: int = 0
    processes: int = 1
    most: int = MOST
    """Boxes of an example at most."""

    @property
    def steps_per_epoch(self) -> float:
        """Steps in which every example is seen once; the last of them may begin the next epoch."""
        return len(self.data) / (self.batch * self.processes)

    def place(self, number: int) -> tuple[int, int]:
        """The epoch and the position of the example that is seen after so many others."""
        epoch, place = divmod(number, len(self.data))
        return epoch, int(_order(self.seed, epoch, len(self.data))[place])

    def __getitem__(self, step: int) -> Batch:
        first = (step * self.processes + self.rank) * self.batch
        places = [self.place(first + i) for i in range(self.batch)]
        samples = [self.view(self.data[position], draws(self.seed, epoch, position)) for epoch, position in places]
        return collated(samples, [position for _, position in places], self.data.task, self.most)

    def stream(self, start: int, stop: int, workers: int = 0) -> Iterator[Batch]:
        """The batches of the steps from `start` to before `stop`, made by worker processes ahead of time."""
        return in_order(self.__getitem__, range(start, stop), workers)


@dataclass(frozen=True)
class Once:
    """Batches for evaluation: every example once, in order, nothing random; the last batch is filled up.

    Of `processes`, each has every so many batches.
    """

    data: DataSet
    view: View
    batch: int
    rank: int = 0
    processes: int = 1

    def __len__(self) -> int:
        batches = -(-len(self.data) // self.batch)
        return max(0, -(-(batches - self.rank) // self.processes))

    def __getitem__(self, number: int) -> Batch:
        first = (number * self.processes + self.rank) * self.batch
        positions = list(range(first, min(first + self.batch, len(self.data))))
        samples = [self.view(self.data[position], draws(0, 0, position)) for position in positions]
        missing = self.batch - len(positions)
        filled, repeated = samples + samples[-1:] * missing, positions + positions[-1:] * missing
        most = max(1, *(len(sample.boxes) for sample in samples))
        return collated(filled, repeated, self.data.task, most, real=len(positions))

    def stream(self, workers: int = 0) -> Iterator[Batch]:
        """All batches, made by worker processes ahead of time."""
        return in_order(self.__getitem__, range(len(self)), workers)


def collated(
    samples: Sequence[Sample], positions: Sequence[int], task: Task, most: int, real: int | None = None
) -> Batch:
    """Samples as one batch; of each, the first `most` boxes are kept, and fewer are filled up."""
    images = np.stack([sample.image for sample in samples])
    sizes = np.array([sample.placement.visible for sample in samples], np.float32)
    found: dict[str, Any] = {
        "positions": tuple(positions),
        "ids": tuple(sample.example.id for sample in samples),
        "placements": tuple(sample.placement for sample in samples),
        "real": len(samples) if real is None else real,
    }
    if task != "detection":
        return Batch(images, sizes, np.stack([sample.classes for sample in samples]), None, None, **found)
    classes = _filled([sample.classes for sample in samples], most, -1)
    boxes = _filled([sample.boxes for sample in samples], most, 0)
    masks = [sample.masks for sample in samples if sample.masks is not None]
    return Batch(images, sizes, classes, boxes, _filled(masks, most, 0) if masks else None, **found)


def _filled(rows: Sequence[NDArray[Any]], most: int, value: int) -> NDArray[Any]:
    filled = np.full((len(rows), most, *rows[0].shape[1:]), value, rows[0].dtype)
    for own, given in zip(filled, rows, strict=True):
        own[: len(given)] = given[:most]
    return filled


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, number: int) -> NDArray[np.int64]:
    return permutation(seed, epoch, number)
