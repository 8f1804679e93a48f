"""What CenterNet's maps mean and are to learn (arXiv 1904.07850)."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from spinec.backends.tensorflow.tasks.boxes import best, clip
from spinec.backends.tensorflow.tasks.rows import precise
from spinec.backends.tensorflow.tasks.totals import in_all

LEVEL, STRIDE, OVERLAP, WIDE = "P2", 4, 0.7, False
ALPHA, BETA, SIZE_WEIGHT, OFFSET_WEIGHT = 2.0, 4.0, 0.1, 1.0
SCORE, WINDOW, MOST = 0.0, 3, 100


def as_rows(found: tf.Tensor) -> tf.Tensor:
    """A map as (N, all cells, channels), row by row of the image."""
    height, width, channels = ops.shape(found)[1:]
    return tf.reshape(found, [-1, height * width, channels])


def detect(
    model: keras.Model, images: tf.Tensor, sizes: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST); a score of 0 stands for none.

    `sizes` (N, 2) says how many rows and columns are image, the rest being padding.
    """
    outputs = precise(model(images, training=False))
    if sizes is None:
        sizes = tf.shape(images)[None, 1:3]
    scores = tf.sigmoid(outputs[f"heatmap_{LEVEL}"])
    around = tf.nn.max_pool2d(scores, WINDOW, 1, "SAME")
    peaks = as_rows(tf.where(scores == around, scores, tf.zeros_like(scores)))
    cells = [tf.range(length) for length in ops.shape(scores)[1:3]]
    cell = tf.reshape(tf.stack(tf.meshgrid(*cells, indexing="ij"), -1), [-1, 2])
    # channels: a width and a height; an offset to the right and one down
    offset = as_rows(outputs[f"offset_{LEVEL}"])[..., ::-1]
    centre = tf.cast(cell, offset.dtype) + offset
    half = tf.nn.relu(as_rows(outputs[f"size_{LEVEL}"])[..., ::-1]) / 2
    boxes = clip(tf.concat([centre - half, centre + half], -1) * STRIDE, sizes)
    # the windows have dropped what is beside a better one: no overlap is too much
    return best(boxes, peaks, SCORE, MOST, 1.0, True, MOST)


def radius(sizes: tf.Tensor) -> tf.Tensor:
    """How far the corners of a box of some height and width (..., 2) may be off.

    So far that, moved, shrunk or grown by it, the box overlaps itself by OVERLAP.
    """
    sides, area = tf.reduce_sum(sizes, -1), tf.reduce_prod(sizes, -1)
    moved = sides**2 - 4 * area * (1 - OVERLAP) / (1 + OVERLAP)
    shrunk = sides**2 - 4 * area * (1 - OVERLAP)
    inner = tf.minimum((sides - tf.sqrt(moved)) / 2, (sides - tf.sqrt(shrunk)) / 4)
    grown = tf.sqrt(sides**2 + 4 * area * (1 - OVERLAP) / OVERLAP) - sides
    return OVERLAP * grown if WIDE else tf.minimum(inner, grown / 4)


def make_heat(cells: tf.Tensor, sizes: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """The heat (N, M, H, W) around the cells (N, M, 2) of boxes' centres, 1 in these.

    Sizes (N, M, 2) are heights and widths, in cells.
    """
    reach = tf.floor(radius(tf.math.ceil(sizes)))[..., None]
    deviation = (2 * reach + 1) / 6
    heats = []
    for axis, length in enumerate(shape):
        off = tf.cast(tf.range(length), cells.dtype) - cells[..., axis, None]
        heat = tf.exp(-(off**2) / (2 * deviation**2))
        heats.append(tf.where(tf.abs(off) <= reach, heat, tf.zeros_like(heat)))
    return heats[0][..., :, None] * heats[1][..., None, :]


def loss(
    outputs: dict[str, tf.Tensor], boxes: tf.Tensor, classes: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Focal loss of heat maps over the centres, errors of sizes and offsets over boxes.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area in the image does. An error is the mean of two numbers, as the authors' code
    has it; in the paper it is their sum.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = tf.pad(boxes, [[0, 0], [0, 1], [0, 0]]) / STRIDE  # at least one: none
    classes = tf.pad(classes, [[0, 0], [0, 1]], constant_values=-1)
    shape = outputs[f"heatmap_{LEVEL}"].shape[1:3]
    boxes = clip(boxes, tf.constant([[*shape]], boxes.dtype))
    real = (classes >= 0) & tf.reduce_all(boxes[..., 2:] > boxes[..., :2], -1)
    counts = tf.cast(real, boxes.dtype)
    sizes = boxes[..., 2:] - boxes[..., :2]
    centres = (boxes[..., 2:] + boxes[..., :2]) / 2
    cells = tf.floor(centres)

    heat = as_rows(tf.transpose(make_heat(cells, sizes, shape), [0, 2, 3, 1]))
    heat = tf.transpose(heat, [0, 2, 1]) * counts[..., None]
    logits = tf.transpose(as_rows(outputs[f"heatmap_{LEVEL}"]), [0, 2, 1])
    which = tf.cast(tf.maximum(classes, 0), tf.int32)
    image = tf.zeros_like(which) + tf.range(tf.shape(which)[0])[:, None]
    where = tf.stack([image, which], -1)
    heat = tf.tensor_scatter_nd_max(tf.zeros_like(logits), where, heat)
    hot = heat == 1
    sure = tf.where(hot, logits, -logits)
    weight = tf.where(hot, tf.ones_like(heat), (1 - heat) ** BETA)
    modulator = tf.exp(ALPHA * tf.math.log_sigmoid(-sure))
    focal = -weight * tf.math.log_sigmoid(sure) * modulator
    centred = tf.maximum(in_all(tf.cast(hot, focal.dtype)), 1)
    heatmap_loss = tf.reduce_sum(focal) / centred

    place = tf.cast(cells[..., 0] * shape[1] + cells[..., 1], tf.int32)
    place = tf.where(real, place, 0)
    # channels: a width and a height; an offset to the right and one down
    goals = {"size": sizes[..., ::-1], "offset": (centres - cells)[..., ::-1]}
    errors = {}
    for kind, goal in goals.items():
        found = tf.gather(as_rows(outputs[f"{kind}_{LEVEL}"]), place, batch_dims=1)
        off = tf.reduce_mean(tf.abs(found - goal), -1) * counts
        errors[kind] = tf.reduce_sum(off) / tf.maximum(in_all(counts), 1)
    total = heatmap_loss + SIZE_WEIGHT * errors["size"]
    total = total + OFFSET_WEIGHT * errors["offset"]
    return {"loss": total, "heatmap": heatmap_loss, **errors}
