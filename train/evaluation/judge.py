"""A network's answers to every picture of a data set, judged by what is to be learned from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.data.augment import View, fitted
from spinec.train.data.batches import Batch, Once
from spinec.train.data.crops import CentreCrop
from spinec.train.data.examples import DataSet, Task
from spinec.train.evaluation.boxes import Boxes
from spinec.train.evaluation.classes import Classes
from spinec.train.evaluation.pixels import Pixels
from spinec.train.evaluation.verdict import Verdict

GREY_OR_COLOUR = (1, 3)


class Judge(Protocol):
    """What gives the pictures of a data set to a network, and keeps count of its answers."""

    def add(self, batch: Batch, images: NDArray[np.float32]) -> None:
        """Judge the answers to a batch of images (n, channels, height, width)."""

    def verdict(self) -> Verdict:
        """What was found."""


def judge(
    answer: Callable[..., tuple[Any, ...]],
    data: DataSet,
    shape: tuple[int, ...],
    *,
    use: Callable[..., Any] | None = None,
    batch: int = 8,
    limit: int | None = None,
    workers: int = 0,
    told: Callable[[int], object] = lambda number: None,
) -> Verdict:
    """How good a network's answers are on a data set, or on the first `limit` pictures of it.

    `answer` and `use` are those of a live model (`backends.backend.Live`) whose first part is the one for the data
    set's task, and `shape` (channels, height, width) is what it takes. The classes of the data set are numbered as its
    head does: `open_data(..., head=head)`. Without `use`, boxes are judged and masks are not. `told` is called after
    every batch, with the number of pictures that have been judged.

    Raises:
        DataError: when faster-coco-eval is missing, or a picture cannot be read.
    """
    channels, height, width = shape
    if channels not in GREY_OR_COLOUR:
        raise DataError(f"the network takes {channels} channels, and a data set's pictures have 1 (grey) or 3 (RGB)")
    whole = len(data) if limit is None else min(limit, len(data))
    judged = _judge(data, answer, use, (height, width))
    once = Once(data, _view(data.task, (height, width), channels), min(batch, whole))
    for each in _first(once, whole, workers):
        judged.add(each, each.images.transpose(0, 3, 1, 2))
        told(each.positions[each.real - 1] + 1)
    return judged.verdict()


def _judge(data: DataSet, answer: Callable[..., Any], use: Callable[..., Any] | None, size: tuple[int, int]) -> Judge:
    match data.task:
        case "detection":
            return Boxes(data, answer, use)
        case "classification":
            return Classes(data, answer)
        case "segmentation":
            return Pixels(data, answer, size)


def _view(task: Task, size: tuple[int, int], channels: int) -> View:
    """What `detect`, `classify` and `segment` see."""
    return CentreCrop(size, channels=channels) if task == "classification" else fitted(size, channels)


def _first(once: Once, number: int, workers: int) -> Iterator[Batch]:
    """The batches of the first pictures; of the last batch, only so many are real."""
    for batch in islice(once.stream(workers), -(-number // once.batch)):
        yield batch.first(number - batch.positions[0])
