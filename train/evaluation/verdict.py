"""What an evaluation finds: figures over all classes, and of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from spinec.train.data.examples import NONE, DataSet, Task
from spinec.train.evaluation.detections import Detection

Figures: TypeAlias = Mapping[str, float | None]
"""Shares by name; none where there was nothing to judge."""


class OfClass(NamedTuple):
    """How good the answers about one class are."""

    name: str
    number: int
    id: int
    """What the data set's files call it."""
    there: int
    """Boxes, pictures or pixels of the class, those that are not judged left out."""
    figures: Figures


@dataclass(frozen=True)
class Verdict:
    """How good a network's answers are."""

    task: Task
    images: int
    figures: Figures
    """Over all classes; the first is the one that networks are compared by: AP, top-1 or mIoU."""
    classes: tuple[OfClass, ...]
    """Of each class of the data set, by number."""
    detections: tuple[Detection, ...] = field(default=(), repr=False)
    """What was found, where that is boxes."""

    @property
    def score(self) -> float | None:
        """The figure that networks are compared by."""
        return next(iter(self.figures.values()))


def numbers_of(data: DataSet) -> list[int]:
    """The numbers of the classes that a data set has."""
    return [number for number, each in enumerate(data.numbering.ids) if each != NONE]
