"""What the maps of a detection head mean: anchors, which of them are to find what, losses, and which boxes are kept.

Defaults are the paper's (arXiv 2010.11426); where it is silent, its authors' public code (tensorflow/tpu).
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from spinec.spec.fields import Besides, Frozen, Ratio

Positive = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
MOST = 1_000_000
FocalAlpha = Annotated[Ratio, Field(description="weight of what an anchor is to find; all else weighs 1 - alpha")]
FocalGamma = Annotated[Factor, Field(description="how much less it counts what the network is sure of already")]
Score = Annotated[float, Field(ge=0, lt=1, description="that a box must exceed; scores are probabilities")]
Candidates = Annotated[int, Field(ge=1, le=MOST, description="pairs of a box and a class that are compared, the best")]
CandidatesPer = Annotated[
    Literal["image", "level", "class"],
    Field(description="whether that is the number of all, of those of each level, or of those of each class"),
]
Drop = Annotated[Ratio, Field(description="overlap with a better box from which on one is dropped")]
PerClass = Annotated[bool, Field(description="whether only boxes of one class drop one another")]
Soft = Annotated[
    Factor,
    Field(
        description="above 0 a box is not dropped by `iou`: its score falls by exp(-overlap^2 / soft) for every better "
        "one (Soft-NMS, arXiv 1704.04503)"
    ),
]
Most = Annotated[int, Field(ge=1, le=MOST, description="boxes of an image")]
Closest = Annotated[
    Literal["first", "all"],
    Field(
        description="with `force`, of several anchors as close to a box: the first, which finds that box, or all, each "
        "of which finds the box that overlaps it most"
    ),
]
BoxOrder = Annotated[Literal["yxhw", "xywh"], Field(description="of the four numbers of a box")]
RATIOS = 3  # at each scale, where only the number of anchors is given


def _shape(value: Any, side: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, list | tuple):
        return side(value)
    if len(value) != 2:
        raise ValueError("expected a ratio of width to height, or [height, width]")
    return tuple(map(side, value))


Shape: TypeAlias = Annotated[
    Positive,
    WrapValidator(_shape, json_schema_input_type=Positive | tuple[Positive, Positive]),
    PlainSerializer(lambda shape: shape),
]
"""Of an anchor: width over height, or height and width in shares of the anchor's size."""


class Anchors(Frozen):
    """The boxes that every cell starts from, in the order of the channels."""

    size: Positive = Field(3.0, description="side of the smallest square anchor, in strides of its level")
    scales: int = Field(3, ge=1, le=64, description="sizes in every octave: size x 2^(k / scales)")
    ratios: tuple[Shape, ...] = Field(
        (1.0, 2.0, 0.5),
        min_length=1,
        max_length=64,
        description="width over height, or [height, width] in shares of the size",
    )
    order: Literal["scale", "ratio"] = Field(
        "scale", description="in the channels: scale by scale, and of each its ratios, or ratio by ratio"
    )
    offset: Ratio = Field(0.5, description="where in a cell the middle of its anchors is, from its left and its top")
    whole: bool = Field(
        False,
        description="whether sizes are whole pixels, rounded down, and so are half the sides of a box, to the nearest",
    )

    @property
    def per_cell(self) -> int:
        """How many there are."""
        return self.scales * len(self.ratios)

    def sides(self, stride: int) -> tuple[tuple[float, float], ...]:
        """Height and width of every anchor of a cell, in strides, which are pixels, in the order of the channels.

        >>> Anchors(scales=1, ratios=(4, 1)).sides(8), Anchors(size=4.2, scales=1, ratios=(2,), whole=True).sides(8)
        (((1.5, 6.0), (3.0, 3.0)), ((3.0, 5.75),))
        """
        sizes = [self.size * 2 ** (k / self.scales) for k in range(self.scales)]
        if self.whole:
            sizes = [int(size * stride) / stride for size in sizes]
        boxes = [[(size * height, size * width) for height, width in map(_sides, self.ratios)] for size in sizes]
        if self.order == "ratio":
            boxes = [list(of_ratio) for of_ratio in zip(*boxes, strict=True)]
        found = [side for group in boxes for side in group]
        if self.whole:
            found = [(_even(height, stride), _even(width, stride)) for height, width in found]
        return tuple(found)


def _sides(shape: float | tuple[float, float]) -> tuple[float, float]:
    return shape if isinstance(shape, tuple) else (1 / sqrt(shape), sqrt(shape))


def _even(side: float, stride: int) -> float:
    """A side in strides with half of it whole pixels."""
    return 2 * round(side * stride / 2) / stride


def _counted(anchors: Any) -> Any:
    if isinstance(anchors, bool) or not isinstance(anchors, int):
        return anchors
    if anchors < 1:
        raise ValueError("expected a number above 0, or which: {scales: 3, ratios: [1, 2]}")
    if anchors % RATIOS:
        return {"scales": anchors, "ratios": (1.0,)}
    return {"scales": anchors // RATIOS}


CountedAnchors: TypeAlias = Annotated[Anchors, BeforeValidator(_counted), Besides(type="integer")]
"""Anchors of a cell: which, or how many; three ratios at each scale where that goes, squares where not."""


def ordered(negative: float, positive: float) -> None:
    """Refuse overlaps that make an anchor find a box and none at once."""
    if negative > positive:
        raise ValueError(f"expected 'negative' to be at most 'positive', which is {positive}")


class Matching(Frozen):
    """Which anchors are to find a box, by their overlap (intersection over union) with it."""

    positive: Ratio = Field(0.5, description="from this overlap on an anchor is to find the box")
    negative: Ratio = Field(0.5, description="below this overlap with every box it is to find none")
    force: bool = Field(
        True, description="whether the anchor closest to a box is to find it, however small the overlap"
    )
    closest: Closest = "first"

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        ordered(self.negative, self.positive)
        return self


class FocalLoss(Frozen):
    """Focal loss of classes and a loss of boxes, both over the number of anchors that are to find a box."""

    alpha: FocalAlpha = 0.25
    gamma: FocalGamma = 1.5
    box: Literal["huber", "l1"] = Field("huber", description="of boxes: Huber loss, or the absolute error")
    delta: Positive = Field(0.1, description="of Huber loss: quadratic up to this error, linear above")
    box_weight: Factor = Field(50.0, description="of the boxes' loss, the mean of four numbers, beside the classes'")
    per_image: bool = Field(
        False,
        description="whether an image's losses are over its own number of anchors, at least 1, and the mean of the "
        "images counts; or those of all images are over the number in all of them + 1",
    )


class Detections(Frozen):
    """Which boxes of an image are kept."""

    score: Score = 0.05
    candidates: Candidates = 5000
    candidates_per: CandidatesPer = "image"
    iou: Drop = 0.5
    soft: Soft = 0.0
    per_class: PerClass = True
    most: Most = 100
