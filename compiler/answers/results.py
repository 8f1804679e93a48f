"""Answers about one picture, in the pixels and by the names that people know it by."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.compiler.answers.run_lengths import run_lengths
from spinec.spec.notebook import artists

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class Answer:
    """What all answers are about: a picture, upright, and whether the weights were random, which makes them noise."""

    picture: Image = field(repr=False)
    name: str
    """Of its file, or nothing."""
    noise: bool
    notes: tuple[str, ...]
    """What was done to the picture that nobody asked for."""

    def draw(self) -> Image:
        """The picture with the answer on it."""
        drawn: Image = artists["answer"](self)
        return drawn

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        self.draw().save(data, format="PNG")
        return data.getvalue()


@dataclass(frozen=True, eq=False, repr=False)
class Detected(Answer):
    """Boxes in a picture, the surest first.

    >>> from spinec import detector
    >>> found = detector("eff-spinenet-m0")("examples/photograph.jpg")  # doctest: +SKIP
    """

    boxes: NDArray[np.float32]
    """(number, 4): top, left, bottom and right edge in pixels of the picture."""
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    """Number of the class of every box among the head's."""
    names: tuple[str, ...]
    """What these classes are called."""
    ids: tuple[int, ...]
    """What the data set calls them in its files."""
    masks: NDArray[np.bool_] | None = None
    """(number, height, width) of the picture, where the head cuts out what it finds."""

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {score:.2f}" for name, score in zip(self.names[:3], self.scores, strict=False))
        return f"<{len(self)} boxes{': ' + found if found else ''}{', ...' if len(self) > 3 else ''}>"

    def above(self, score: float) -> Detected:
        """The boxes that are surer than this."""
        return self._some([i for i, own in enumerate(self.scores) if own > score])

    def to_coco(self, image_id: int = 0) -> list[dict[str, Any]]:
        """The boxes as COCO's files of results have them: left, top, width and height; the data set's own ids."""
        return [self._entry(row, image_id) for row in range(len(self))]

    def _entry(self, row: int, image_id: int) -> dict[str, Any]:
        top, left, bottom, right = map(float, self.boxes[row])
        box = [left, top, right - left, bottom - top]
        score = float(self.scores[row])
        entry = {"image_id": int(image_id), "category_id": self.ids[row], "bbox": box, "score": score}
        return entry if self.masks is None else {**entry, "segmentation": run_lengths(self.masks[row])}

    def _some(self, rows: Sequence[int]) -> Detected:
        picked = list(rows)
        return replace(
            self,
            boxes=self.boxes[picked],
            scores=self.scores[picked],
            labels=self.labels[picked],
            names=tuple(self.names[i] for i in picked),
            ids=tuple(self.ids[i] for i in picked),
            masks=None if self.masks is None else self.masks[picked],
        )


@dataclass(frozen=True, eq=False, repr=False)
class Classified(Answer):
    """The likeliest classes of a picture, and how likely they are."""

    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<{', '.join(f'{name} {score:.2f}' for name, score in zip(self.names, self.scores, strict=True))}>"


class Area(NamedTuple):
    """A class in a picture, and how much of it."""

    name: str
    number: int
    pixels: int
    share: float


@dataclass(frozen=True, eq=False, repr=False)
class Segmented(Answer):
    """The class of every pixel of a picture."""

    labels: NDArray[np.int64]
    """(height, width) of the picture."""
    names: tuple[str, ...]
    """What all classes are called, by their number."""

    def __repr__(self) -> str:
        return (
            f"<{self.labels.shape[0]} x {self.labels.shape[1]} pixels: {', '.join(area.name for area in self.areas)}>"
        )

    @property
    def areas(self) -> list[Area]:
        """The classes that are in the picture, the largest first."""
        import numpy as np

        numbers, counts = np.unique(self.labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        found = ((int(numbers[i]), int(counts[i])) for i in order)
        return [Area(self.names[number], number, count, count / self.labels.size) for number, count in found]
