"""What the maps of SSD mean: the boxes that cells start from, losses, and which boxes are kept.

Defaults are those of tensorflow/models research/object_detection, ssdlite_mobilenet_v3_large_320x320_coco.config.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import Annotated, Literal

from pydantic import Field

from spinec.spec.detection import (
    BoxOrder,
    Candidates,
    CandidatesPer,
    Drop,
    Factor,
    FocalAlpha,
    FocalGamma,
    Most,
    PerClass,
    Positive,
    Score,
    Soft,
)
from spinec.spec.fields import Frozen

Scale = Annotated[float, Field(gt=0, le=1)]
TINY = 0.1  # the square of a reduced first output


class DefaultBoxes(Frozen):
    """The boxes that the cells of an output start from: of its scale, and one square towards the next output's.

    Scales are sides of squares, in shares of the image's shorter side; behind the last output's comes 1.
    """

    smallest: Scale = Field(0.2, description="scale of the first output; from it to the last one's by equal steps")
    largest: Scale = Field(0.95, description="scale of the last output")
    ratios: tuple[Positive, ...] = Field(
        (1.0, 2.0, 0.5, 3.0, 0.3333),
        min_length=1,
        max_length=64,
        description="width over height; an output with few anchors has the first of them",
    )
    square: Literal["last", "second"] = Field(
        "last", description="which of a cell's boxes is the square whose scale lies between its output's and the next"
    )
    reduced: bool = Field(
        True,
        description="whether the 3 boxes of a first output that has 3 are a square of 0.1 and the ratios 2 and 1/2",
    )
    clipped: bool = Field(False, description="whether no side is longer than the image's shorter one")
    factors: tuple[Positive, Positive] = Field(
        (10.0, 5.0), description="of offsets and of sizes, in what the network gives"
    )
    order: BoxOrder = "yxhw"

    def sides(self, anchors: Sequence[int]) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Height and width of the boxes of every output, given how many it has.

        Raises:
            ValueError: when an output has more than there are.

        >>> [(round(height, 4), round(width, 4)) for height, width in DefaultBoxes().sides([3, 6])[0]]
        [(0.1, 0.1), (0.1414, 0.2828), (0.2828, 0.1414)]
        """
        steps = len(anchors) - 1
        scales = [self.smallest, self.largest]
        if steps:
            scales = [*(self.smallest + (self.largest - self.smallest) * k / steps for k in range(steps + 1)), 1.0]
        near = zip(anchors, pairwise(scales), strict=True)
        return tuple(self._of(count, *each, first=k == 0) for k, (count, each) in enumerate(near))

    def _of(self, count: int, scale: float, after: float, *, first: bool) -> tuple[tuple[float, float], ...]:
        """The boxes of an output of a scale, before one of another."""
        if count > len(self.ratios) + 1:
            raise ValueError(f"{count} anchors, and {len(self.ratios)} ratios make {len(self.ratios) + 1} of them")
        boxes = [(scale / sqrt(ratio), scale * sqrt(ratio)) for ratio in self.ratios]
        boxes.insert(1 if self.square == "second" else len(boxes), (sqrt(scale * after),) * 2)
        if first and count == 3 and self.reduced:
            boxes = [(TINY, TINY), *((scale / sqrt(ratio), scale * sqrt(ratio)) for ratio in (2.0, 0.5))]
        longest = 1.0 if self.clipped else float("inf")
        return tuple((min(height, longest), min(width, longest)) for height, width in boxes[:count])


class SSDLoss(Frozen):
    """Focal loss of classes, or cross entropy of them and the worst that is none, and Huber loss of boxes."""

    kind: Literal["focal", "softmax"] = Field(
        "focal", description="sigmoids and focal loss, or softmax and cross entropy, with class 0 for the background"
    )
    alpha: FocalAlpha = 0.75
    gamma: FocalGamma = 2.0
    negatives: Factor = Field(
        3.0,
        description="with softmax: anchors without a box that learn, those with the largest loss, for each with one",
    )
    delta: Positive = Field(1.0, description="of Huber loss: quadratic up to this error, linear above")
    box_weight: Factor = Field(1.0, description="of the boxes' loss, the mean of four numbers, beside the classes'")


class SSDDetections(Frozen):
    """Which boxes of an image are kept."""

    score: Score = 1e-8
    candidates: Candidates = 5000
    candidates_per: CandidatesPer = "image"
    iou: Drop = 0.6
    soft: Soft = 0.0
    per_class: PerClass = True
    most: Most = 100
