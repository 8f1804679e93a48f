"""Classification: how often the likeliest class is right, or one of the five likeliest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.train.data.batches import Batch
from spinec.train.data.examples import DataSet
from spinec.train.evaluation.verdict import OfClass, Verdict, numbers_of

TOP = {"top-1": 1, "top-5": 5}


@dataclass(eq=False)
class Classes:
    """The classes that a network says the pictures of a data set to be of."""

    data: DataSet
    answer: Callable[..., tuple[Any, ...]]
    places: list[tuple[int, int]] = field(default_factory=list)
    """Of each picture its class, and how many classes are likelier by the answer."""

    def add(self, batch: Batch, images: NDArray[np.float32]) -> None:
        """Ask for the classes of a batch of images (n, channels, height, width)."""
        _, labels = self.answer(images)
        for number, told in zip(batch.classes[: batch.real].tolist(), labels.tolist(), strict=False):
            self.places.append((number, told.index(number) if number in told else len(self.data.numbering.names)))

    def verdict(self) -> Verdict:
        """Shares of the pictures."""
        found = np.array(self.places, np.int64).reshape(-1, 2)
        classes = []
        for number in numbers_of(self.data):
            own = found[found[:, 0] == number, 1]
            name, known = self.data.numbering.names[number], self.data.numbering.ids[number]
            classes.append(OfClass(name, number, known, len(own), _shares(own)))
        return Verdict("classification", len(found), _shares(found[:, 1]), tuple(classes))


def _shares(places: NDArray[np.int64]) -> dict[str, float | None]:
    return {name: float((places < most).mean()) if len(places) else None for name, most in TOP.items()}
