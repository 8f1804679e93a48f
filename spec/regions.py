"""Regions of an image that a head looks at closer: which anchors propose them, how they are cut out, what they learn.

Defaults are those of the paper's authors' public code (tensorflow/tpu models/official/detection).
"""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from spinec.spec.detection import MOST, Anchors, Closest, CountedAnchors, Detections, Positive, ordered
from spinec.spec.fields import MAX_LEVEL, Frozen, Ratio


def _of_one_scale(anchors: Any) -> Any:
    return {"scales": 1, **anchors} if isinstance(anchors, dict) else anchors


FewAnchors: TypeAlias = Annotated[
    CountedAnchors,
    BeforeValidator(_of_one_scale),
    PlainSerializer(lambda anchors: {name: getattr(anchors, name) for name in Anchors.model_fields}),
]
"""Anchors, of one scale where nothing is said of scales. They are dumped in full: what they leave out is not theirs."""


def _of_no_level(detections: Detections) -> Detections:
    if detections.candidates_per == "level":
        raise ValueError("regions are of no level: expected 'candidates_per' to be image or class")
    return detections


RegionDetections: TypeAlias = Annotated[Detections, AfterValidator(_of_no_level)]
"""Which boxes of an image are kept, of regions that were cut out of several levels."""


class Proposals(Frozen):
    """Which anchors become proposals, the regions that are looked at closer, and which of them learn it."""

    positive: Ratio = Field(0.7, description="from this overlap on an anchor is to propose the box")
    negative: Ratio = Field(0.3, description="below this overlap with every box it is to propose none")
    force: bool = Field(
        True, description="whether the anchor closest to a box is to propose it, however small the overlap"
    )
    closest: Closest = "first"
    samples: int = Field(256, ge=1, le=MOST, description="anchors of an image that learn, drawn at random")
    share: Ratio = Field(0.5, description="of them at most that are to propose a box")
    delta: Positive = Field(1 / 9, description="of Huber loss: quadratic up to this error, linear above")
    candidates: int = Field(1000, ge=1, le=MOST, description="anchors of a level that are compared, the best")
    training_candidates: int = Field(2000, ge=1, le=MOST, description="the same in training")
    iou: Ratio = Field(0.7, description="overlap with a better one of its level from which on one is dropped")
    most: int = Field(1000, ge=1, le=MOST, description="proposals of an image, over all levels")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        ordered(self.negative, self.positive)
        return self


class Regions(Frozen):
    """Which level proposals are cut out of, which of them learn, and what."""

    level: int = Field(4, ge=0, le=MAX_LEVEL, description="that a region of `side` pixels is cut out of")
    side: Positive = Field(224.0, description="of it; twice the side is one level more, half the side one less")
    iou: Ratio = Field(0.5, description="overlap with a box above which a region is to find it")
    samples: int = Field(512, ge=1, le=MOST, description="regions of an image that learn, drawn at random")
    share: Ratio = Field(0.25, description="of them at most that are to find a box")
    mask_samples: int = Field(128, ge=1, le=MOST, description="of these at most that learn a mask")
    weights: tuple[Positive, Positive, Positive, Positive] = Field(
        (10.0, 10.0, 5.0, 5.0), description="of the four numbers of a box, in what the network gives"
    )
    delta: Positive = Field(1.0, description="of Huber loss: quadratic up to this error, linear above")
