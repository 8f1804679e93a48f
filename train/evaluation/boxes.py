"""Detection: boxes, and masks where the head and the data set have them, by COCO's twelve figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinec.train.data.batches import Batch
from spinec.train.data.examples import DataSet, Example
from spinec.train.data.placement import Placement
from spinec.train.evaluation.detections import Detection, edges, truths_of
from spinec.train.evaluation.precision import coco_eval, counts_of, encoded
from spinec.train.evaluation.verdict import OfClass, Verdict, numbers_of

MASKS = "mask "  # before the names of the figures of masks


@dataclass(eq=False)
class Boxes:
    """The boxes that a network finds in the pictures of a data set."""

    data: DataSet
    answer: Callable[..., tuple[Any, ...]]
    use: Callable[..., Any] | None = None
    examples: dict[int, Example] = field(default_factory=dict)
    found: list[Detection] = field(default_factory=list)
    masks: bool = False
    """Whether what is found has masks."""

    def __post_init__(self) -> None:
        coco_eval()  # so that it is not missing when the pictures have been seen

    def add(self, batch: Batch, images: NDArray[np.float32]) -> None:
        """Find what is in a batch of images (n, channels, height, width)."""
        told = self.answer(images, batch.sizes)
        self.masks = self.use is not None and len(told) > 3
        for position, placement, *found in zip(batch.positions[: batch.real], batch.placements, *told, strict=False):
            self.examples[position] = self.data[position]
            self.found += self._detections(position, placement, *found)

    def verdict(self) -> Verdict:
        """COCO's figures."""
        return boxes_judged(self.data, self.examples, self.found, masks=self.masks)

    def _detections(
        self,
        position: int,
        placement: Placement,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        labels: NDArray[np.int64],
        *masks: NDArray[np.float32],
    ) -> list[Detection]:
        """What was found in a picture, in its own pixels; classes that the data set does not have are left out."""
        known = np.isin(labels, numbers_of(self.data))
        own = placement.back(boxes)
        kept = known & (scores > 0) & (own[:, 2:] > own[:, :2]).all(1)  # what lies in the padding has no area left
        pasted = self._pasted(placement, own[kept], *(each[kept] for each in masks))
        rows = zip(labels[kept].tolist(), edges(own[kept]), scores[kept].tolist(), pasted, strict=True)
        return [Detection(position, *row) for row in rows]

    def _pasted(
        self, placement: Placement, boxes: NDArray[np.float32], *masks: NDArray[np.float32]
    ) -> list[dict[str, Any]] | list[None]:
        if self.use is None or not masks or not len(boxes):
            return [None] * len(boxes)
        return encoded(self.use("paste", *masks, boxes, placement.original))


def boxes_judged(
    data: DataSet, examples: dict[int, Example], found: Iterable[Detection], *, masks: bool = False
) -> Verdict:
    """COCO's figures for what was found in some pictures of a data set, which are given by their positions.

    With `masks`, all that was found has one, and these are judged, too, where the data set has outlines.
    """
    found = tuple(found)
    masks = masks and all(example.read_masks for example in examples.values())
    truths = truths_of(examples, masks=masks)
    numbers = numbers_of(data)
    boxes = counts_of(truths, found, numbers, "bbox")
    counts = {"": boxes, MASKS: counts_of(truths, found, numbers, "segm")} if masks else {"": boxes}

    def figures(number: int | None = None) -> dict[str, float | None]:
        each = ((before, counted.figures(number)) for before, counted in counts.items())
        return {before + name: value for before, told in each for name, value in told.items()}

    there = Counter(thing.number for thing in truths.things if not thing.crowd)
    classes = [
        OfClass(data.numbering.names[number], number, data.numbering.ids[number], there[number], figures(number))
        for number in numbers
    ]
    return Verdict("detection", len(examples), figures(), tuple(classes), found)
