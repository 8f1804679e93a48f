"""Proposals: boxes of any class that anchors become."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from spinec.backends.pytorch.tasks.anchors import make_anchors
from spinec.backends.pytorch.tasks.boxes import best, clip, decode
from spinec.backends.pytorch.tasks.rows import in_rows

LEVELS = ("P3", "P4", "P5", "P6", "P7")
PROPOSAL_IOU, PROPOSED = 0.7, 1000


@torch.no_grad()
def propose(
    outputs: dict[str, Tensor], sizes: Tensor, candidates: int
) -> tuple[Tensor, Tensor]:
    """Proposals (N, PROPOSED, 4) and their scores; a score of 0 stands for none.

    The best `candidates` of every level are compared, those of one level only.
    """
    boxes = decode(in_rows(outputs, "deltas", 4), make_anchors(outputs, "deltas"))
    logits = in_rows(outputs, "objectness", 1)[..., 0]
    maps = [outputs[f"objectness_{level}"].flatten(1) for level in LEVELS]
    counts = [each.shape[1] for each in maps]
    boxes, near, sure = clip(boxes, sizes), [], []
    for level, (box, score) in enumerate(
        zip(torch.split(boxes, counts, 1), torch.split(logits, counts, 1), strict=True)
    ):
        score, order = score.topk(min(candidates, score.shape[1]))
        near.append(box.gather(1, order[..., None].expand(-1, -1, 4)))
        others = (level, len(LEVELS) - level - 1)  # a level is a label to `best`
        sure.append(F.pad(score.sigmoid()[..., None], others))
    boxes, scores = torch.cat(near, 1), torch.cat(sure, 1)
    number = boxes.shape[1]
    boxes, scores, _ = best(boxes, scores, 0.0, number, PROPOSAL_IOU, True, PROPOSED)
    return boxes, scores
