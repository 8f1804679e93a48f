"""What CenterNet's maps mean and are to learn (arXiv 1904.07850)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinec.backends.pytorch.tasks.boxes import best, clip
from spinec.backends.pytorch.tasks.rows import precise
from spinec.backends.pytorch.tasks.totals import in_all

LEVEL, STRIDE, OVERLAP, WIDE = "P2", 4, 0.7, False
ALPHA, BETA, SIZE_WEIGHT, OFFSET_WEIGHT = 2.0, 4.0, 0.1, 1.0
SCORE, WINDOW, MOST = 0.0, 3, 100


def as_rows(outputs: dict[str, Tensor], kind: str) -> Tensor:
    """A map as (N, all cells, channels), row by row of the image."""
    return outputs[f"{kind}_{LEVEL}"].flatten(2).transpose(1, 2)


@torch.no_grad()
def detect(
    model: nn.Module, images: Tensor, sizes: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST); a score of 0 stands for none.

    `sizes` (N, 2) says how many rows and columns are image, the rest being padding.
    """
    outputs = precise(model(images))
    if sizes is None:
        sizes = torch.tensor(images.shape[2:], dtype=torch.float32)
        sizes = sizes.to(images.device).expand(images.shape[0], 2)
    scores = outputs[f"heatmap_{LEVEL}"].sigmoid()
    around = F.max_pool2d(scores, WINDOW, 1, WINDOW // 2)
    scores = torch.where(scores == around, scores, 0).flatten(2).transpose(1, 2)
    lengths = outputs[f"heatmap_{LEVEL}"].shape[2:]
    cells = [torch.arange(length).to(scores) for length in lengths]
    # channels: a width and a height; an offset to the right and one down
    centre = torch.cartesian_prod(*cells) + as_rows(outputs, "offset").flip(-1)
    half = as_rows(outputs, "size").flip(-1).clamp(min=0) / 2
    boxes = clip(torch.cat([centre - half, centre + half], -1) * STRIDE, sizes)
    # the windows have dropped what is beside a better one: no overlap is too much
    boxes, scores, labels = best(boxes, scores, SCORE, MOST, 1.0, True, MOST)
    return boxes, scores, labels


def radius(sizes: Tensor) -> Tensor:
    """How far the corners of a box of some height and width (..., 2) may be off.

    So far that, moved, shrunk or grown by it, the box overlaps itself by OVERLAP.
    """
    sides, area = sizes.sum(-1), sizes.prod(-1)
    moved = sides**2 - 4 * area * (1 - OVERLAP) / (1 + OVERLAP)
    shrunk = sides**2 - 4 * area * (1 - OVERLAP)
    inner = torch.minimum((sides - moved.sqrt()) / 2, (sides - shrunk.sqrt()) / 4)
    grown = (sides**2 + 4 * area * (1 - OVERLAP) / OVERLAP).sqrt() - sides
    return OVERLAP * grown if WIDE else torch.minimum(inner, grown / 4)


def make_heat(cells: Tensor, sizes: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The heat (N, M, H, W) around the cells (N, M, 2) of boxes' centres, 1 in these.

    Sizes (N, M, 2) are heights and widths, in cells.
    """
    reach = radius(sizes.ceil()).floor()[..., None]
    deviation = (2 * reach + 1) / 6
    heats = []
    for axis, length in enumerate(shape):
        off = torch.arange(length).to(cells) - cells[..., axis, None]
        heat = torch.exp(-(off**2) / (2 * deviation**2))
        heats.append(torch.where(off.abs() <= reach, heat, 0))
    return heats[0][..., :, None] * heats[1][..., None, :]


def loss(
    outputs: dict[str, Tensor], boxes: Tensor, classes: Tensor
) -> dict[str, Tensor]:
    """Focal loss of heat maps over the centres, errors of sizes and offsets over boxes.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area in the image does. An error is the mean of two numbers, as the authors' code
    has it; in the paper it is their sum.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = F.pad(boxes, (0, 0, 0, 1)) / STRIDE  # at least one, which is none
    classes = F.pad(classes, (0, 1), value=-1)
    shape = outputs[f"heatmap_{LEVEL}"].shape[2:]
    boxes = clip(boxes, boxes.new_tensor(shape).expand(boxes.shape[0], 2))
    real = (classes >= 0) & (boxes[..., 2:] > boxes[..., :2]).all(-1)
    sizes = boxes[..., 2:] - boxes[..., :2]
    centres = (boxes[..., 2:] + boxes[..., :2]) / 2
    cells = centres.floor()

    heat = make_heat(cells, sizes, shape).flatten(2)
    heat = torch.where(real[..., None], heat, 0)
    logits = as_rows(outputs, "heatmap").transpose(1, 2)
    which = classes.clamp(min=0)[..., None].expand_as(heat)
    heat = torch.zeros_like(logits).scatter_reduce(1, which, heat, "amax")
    hot = heat == 1
    sure = torch.where(hot, logits, -logits)
    weight = torch.where(hot, 1, (1 - heat) ** BETA)
    focal = -weight * F.logsigmoid(sure) * (ALPHA * F.logsigmoid(-sure)).exp()
    heatmap_loss = focal.sum() / in_all(hot).clamp(min=1)

    place = (cells[..., 0] * shape[1] + cells[..., 1]).long()
    place = torch.where(real, place, 0)[..., None].expand(-1, -1, 2)
    # channels: a width and a height; an offset to the right and one down
    goals = {"size": sizes.flip(-1), "offset": (centres - cells).flip(-1)}
    errors = {}
    for kind, goal in goals.items():
        off = (as_rows(outputs, kind).gather(1, place) - goal).abs().mean(-1)
        errors[kind] = torch.where(real, off, 0).sum() / in_all(real).clamp(min=1)
    total = heatmap_loss + SIZE_WEIGHT * errors["size"]
    total = total + OFFSET_WEIGHT * errors["offset"]
    return {"loss": total, "heatmap": heatmap_loss, **errors}
