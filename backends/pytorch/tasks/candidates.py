"""Which pairs of a box and a label are compared, of every level or label."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = ("P3", "P4", "P5", "P6", "P7")
LEVEL_CANDIDATES, LABEL_CANDIDATES = 0, 0


def limit(scores: Tensor, outputs: dict[str, Tensor]) -> Tensor:
    """Scores (N, A, labels), and 0 for all but the best of every level or label.

    LEVEL_CANDIDATES or LABEL_CANDIDATES says how many that are; 0 stands for all.
    """
    if LABEL_CANDIDATES:
        rows = F.pad(scores, (0, 0, 0, LABEL_CANDIDATES))  # at least as many
        least = rows.topk(LABEL_CANDIDATES, 1).values[:, -1:]
        return torch.where(scores >= least, scores, 0)
    if LEVEL_CANDIDATES:
        of_boxes = [outputs[f"box_{level}"].flatten(1) for level in LEVELS]
        counts = [each.shape[1] // 4 for each in of_boxes]
        levels = torch.split(scores, counts, 1)
        return torch.cat([limit_level(each) for each in levels], 1)
    return scores


def limit_level(scores: Tensor) -> Tensor:
    """The same of one level: its best pairs are of the boxes that have its best."""
    number, last = LEVEL_CANDIDATES, scores.shape[1] - 1
    most, near = F.pad(scores.amax(2), (0, number)).topk(number)  # at least as many
    near = near.clamp(max=last)[..., None].expand(-1, -1, scores.shape[2])
    pairs = torch.where(most[..., None] > 0, scores.gather(1, near), 0)
    least = pairs.flatten(1).topk(number).values[:, -1, None, None]
    return torch.where(scores >= least, scores, 0)
