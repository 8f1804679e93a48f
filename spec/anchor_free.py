"""What the maps of heads without anchors mean: which cells are to find a box, losses, and which boxes are kept.

Defaults are those of the papers' authors: FCOS (arXiv 1904.01355 and 2006.09214; tianzhi0549/FCOS),
CenterNet (arXiv 1904.07850; xingyizhou/CenterNet).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spinec.spec.detection import (
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
from spinec.spec.fields import Frozen, Kernel


class CentreSampling(Frozen):
    """Which cells are to find a box: those in its middle, at the level that suits its size; of several the smallest."""

    radius: Factor = Field(
        1.5, description="how far from a box's centre cells are to find it, in strides; 0: anywhere in the box"
    )
    reach: Positive = Field(
        8.0,
        description="most that a side of a box may be away from a cell that is to find it, in strides; the least "
        "is the level before's most. At the first level there is no least, at the last no most",
    )


class FCOSLoss(Frozen):
    """Focal loss of classes, a loss of boxes by their overlap, and cross entropy of how central a cell is."""

    alpha: FocalAlpha = 0.25
    gamma: FocalGamma = 2.0
    overlap: Literal["giou", "iou"] = Field(
        "giou", description="1 - the generalized overlap (arXiv 1902.09630), or -log of the overlap (arXiv 1608.01471)"
    )
    weighted: bool = Field(True, description="whether boxes count by how central their cells are")
    box_weight: Factor = Field(1.0, description="of the boxes' loss beside the classes'")
    centerness_weight: Factor = Field(1.0, description="of the loss of how central cells are, beside the classes'")


class FCOSDetections(Frozen):
    """Which boxes of an image are kept."""

    score: Score = 0.05
    candidates: Candidates = 5000
    candidates_per: CandidatesPer = "image"
    iou: Drop = 0.6
    soft: Soft = 0.0
    per_class: PerClass = True
    most: Most = 100


class Heat(Frozen):
    """How far around the centre of a box a heat map is warm: as far as a box that is off by it overlaps enough."""

    overlap: float = Field(0.7, gt=0, lt=1, description="of a box with one whose corners are off by the radius")
    wide: bool = Field(
        False,
        description="whether the radius is that of a grown box times 4 x overlap, as a slip in CornerNet's first code "
        "has it, which CenterNet's results come from (xingyizhou/CenterNet issue 273)",
    )


class CentreLoss(Frozen):
    """Focal loss of heat maps, where cells near a centre count less, and the absolute errors of sizes and offsets."""

    alpha: Factor = Field(2.0, description="how much less it counts what the network is sure of already")
    beta: Factor = Field(4.0, description="how much less it counts cells that are near a centre")
    size_weight: Factor = Field(0.1, description="of the loss of sizes, in cells, beside the heat maps'")
    offset_weight: Factor = Field(1.0, description="of the loss of offsets, in cells, beside the heat maps'")


class CentreDetections(Frozen):
    """Which centres of an image are kept: those that are the best of the cells around them."""

    score: Score = 0.0
    window: Kernel = Field(3, description="cells on each side of the window that a centre is the best of")
    most: Most = 100
