"""What proposals and the regions cut out at them are to learn."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from spinec.backends.pytorch.tasks.anchors import make_anchors
from spinec.backends.pytorch.tasks.boxes import encode, overlap
from spinec.backends.pytorch.tasks.matching import match
from spinec.backends.pytorch.tasks.rows import in_rows
from spinec.backends.pytorch.tasks.sampling import draw
from spinec.backends.pytorch.tasks.totals import in_all, mean

LEVELS = ("P3", "P4", "P5", "P6", "P7")
ANCHOR_SAMPLES, ANCHOR_SHARE, ANCHOR_DELTA = 256, 0.5, 1 / 9
REGION_IOU, SAMPLES, SHARE = 0.5, 512, 0.25
WEIGHTS, DELTA = (10.0, 10.0, 5.0, 5.0), 1.0


def proposal_losses(
    outputs: dict[str, Tensor], boxes: Tensor, real: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross entropy of the anchors drawn, and Huber loss of all that have a box.

    The latter is the mean of each level by itself, of all levels together.
    """
    anchors = make_anchors(outputs, "deltas")
    which, positive, negative = match(anchors, boxes, real)
    chosen, others = draw(positive, negative, noise, ANCHOR_SAMPLES, ANCHOR_SHARE)
    logits = in_rows(outputs, "objectness", 1)[..., 0]
    entropy = F.binary_cross_entropy_with_logits(
        logits, chosen.to(logits.dtype), reduction="none"
    )
    score_loss = mean(torch.where(chosen | others, entropy, 0).sum(1))
    goals = encode(of_each(boxes, which), anchors)
    deltas = in_rows(outputs, "deltas", 4)
    huber = F.huber_loss(deltas, goals, reduction="none", delta=ANCHOR_DELTA).mean(-1)
    counts = [outputs[f"objectness_{level}"][0].numel() for level in LEVELS]
    rows = zip(
        torch.split(huber, counts, 1), torch.split(positive, counts, 1), strict=True
    )
    box_loss = torch.stack([mean_of(each, found) for each, found in rows]).sum()
    return score_loss / ANCHOR_SAMPLES, box_loss


def mean_of(values: Tensor, some: Tensor) -> Tensor:
    """The mean of some values; 0 if there is none."""
    return torch.where(some, values, 0).sum() / in_all(some).clamp(min=1)


def of_each(rows: Tensor, which: Tensor) -> Tensor:
    """Of rows (N, M, numbers) those that are asked for (N, R), as (N, R, numbers)."""
    return rows.gather(1, which[..., None].expand(-1, -1, rows.shape[2]))


@torch.no_grad()
def draw_regions(
    proposals: Tensor, exist: Tensor, boxes: Tensor, real: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Regions (N, R, 4) among proposals and boxes, those that have a box first.

    Which box they have, whether they have one, and whether they are to learn that.
    """
    candidates = torch.cat([proposals, boxes], 1)
    exist = torch.cat([exist, real], 1)
    shared = overlap(candidates, boxes).masked_fill(~real[:, None], -1.0)
    most, which = shared.max(2)
    found = most > REGION_IOU
    positive, negative = draw(exist & found, exist & ~found, noise, SAMPLES, SHARE)
    rank = torch.where(positive, 0, torch.where(negative, 1, 2))
    order = rank.argsort(dim=1, stable=True)[:, :SAMPLES]
    regions = of_each(candidates, order)
    which, positive, negative = (
        each.gather(1, order) for each in (which, positive, negative)
    )
    return regions, which, positive, positive | negative


def region_losses(
    found: dict[str, Tensor],
    labels: Tensor,
    regions: Tensor,
    boxes: Tensor,
    judged: Tensor,
) -> tuple[Tensor, Tensor]:
    """Cross entropy of the labels (N, R) of judged regions, Huber loss of their boxes.

    Each has a box; where the label is 0, the background, nothing is learned of it.
    """
    entropy = F.cross_entropy(found["crop_class"], labels.flatten(), reduction="none")
    goals = encode(boxes, regions) * boxes.new_tensor(WEIGHTS)
    goals = torch.where(labels[..., None] > 0, goals, 0)
    deltas = found["crop_box"].reshape(*labels.shape, -1, 4)
    own = labels[..., None, None].expand(-1, -1, 1, 4)
    deltas = deltas.gather(2, own)[:, :, 0]
    huber = F.huber_loss(deltas, goals, reduction="none", delta=DELTA).mean(-1)
    return mean_of(entropy.view_as(judged), judged), mean_of(huber, labels > 0)
