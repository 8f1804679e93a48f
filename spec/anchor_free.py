"""What the maps of heads without anchors mean: which cells are to find a box, losses, and which boxes are kept.

Defaults are those of the papers' authors: FCOS (arXiv 1904.01355 and 2006.09214; tianzhi0549/FCOS).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spinec.spec.detection import (
    Candidates,
    Drop,
    Factor,
    FocalAlpha,
    FocalGamma,
    Most,
    PerClass,
    Positive,
    Score,
)
from spinec.spec.fields import Frozen


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
    iou: Drop = 0.6
    per_class: PerClass = True
    most: Most = 100
