"""What a data set gives: pictures and what is to be learned from each, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinec.train.data.masks import Mask

if TYPE_CHECKING:
    from PIL.Image import Image

Task: TypeAlias = Literal["detection", "segmentation", "classification"]
TASKS: tuple[Task, ...] = ("detection", "segmentation", "classification")
IGNORED = 255
"""What a map of classes says where no class is to be learned, as in padding."""
NONE = -1
"""Instead of an id, where the data set has no class of a number."""


@dataclass(frozen=True, eq=False)
class Example:
    """A picture and what is to be learned from it."""

    id: int | str
    """What the data set calls the picture."""
    name: str
    """What messages call it: its file."""
    read: Callable[[], Image] = field(repr=False)
    """The picture: RGB, upright."""
    size: tuple[int, int] | None = None
    """Height and width as the data set says; nothing where only the picture knows."""
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """(n, 4): top, left, bottom and right edge in pixels."""
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,): numbers among the classes of the head."""
    crowd: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(n,): whether the box is round several things, which are not told apart."""
    areas: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """(n,): pixels of each, as the data set says."""
    read_masks: Callable[[], list[Mask]] | None = field(default=None, repr=False)
    """The outline of each; nothing where the data set has none."""
    label: int | None = None
    """The class of the whole picture."""
    read_map: Callable[[], NDArray[np.uint8]] | None = field(default=None, repr=False)
    """(height, width): the class of each pixel, `IGNORED` where it is not judged."""


class Numbering(NamedTuple):
    """The classes of a data set, numbered as a head does."""

    names: tuple[str, ...]
    """What they are called, by their number; nothing where no class has the number."""
    ids: tuple[int, ...]
    """What the data set's files call the class of each number; `NONE` where they have none."""
    numbers: Mapping[int, int]
    """The number of each id."""


class DataSet(Protocol):
    """Examples by their position. A data set can be pickled: workers get copies of it."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def task(self) -> Task:
        """What is to be learned from it."""

    @property
    def numbering(self) -> Numbering:
        """Its classes: their `names`, and the `ids` that its files have for them, by their number."""

    def absent(self) -> Iterable[str]:
        """The files that it lists and that are not there; nothing of what was found where it lies."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> Example: ...
