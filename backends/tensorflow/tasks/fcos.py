"""What FCOS' maps mean and are to learn (arXiv 1904.01355 and 2006.09214)."""

from __future__ import annotations

import math

import keras
import tensorflow as tf
from keras import ops

from spinec.backends.tensorflow.tasks.boxes import best, clip
from spinec.backends.tensorflow.tasks.candidates import limit
from spinec.backends.tensorflow.tasks.focal import focal_loss
from spinec.backends.tensorflow.tasks.rows import in_rows, precise
from spinec.backends.tensorflow.tasks.totals import in_all

CLASSES = 80
LEVELS, STRIDES = ("P3", "P4", "P5", "P6", "P7"), (8, 16, 32, 64, 128)
UNITS, OFFSET = (8, 16, 32, 64, 128), 0.5
RADIUS, REACH = 1.5, ((0.0, 64.0),)
GIOU, WEIGHTED, BOX_WEIGHT, CENTERNESS_WEIGHT = True, True, 1.0, 1.0
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.6, True, 100
SOFT = 0.0


def make_cells(outputs: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """The points (all cells, 2) of cells, and (all cells, 4) what their levels say.

    That is: the stride, the unit of distances, how far a box's farthest side is away at
    least and at most.
    """
    points, levels = [], []
    for level, stride, unit, reach in zip(LEVELS, STRIDES, UNITS, REACH, strict=True):
        of_boxes = outputs[f"box_{level}"]
        cells = [tf.range(length) for length in ops.shape(of_boxes)[1:3]]
        point = tf.reshape(tf.stack(tf.meshgrid(*cells, indexing="ij"), -1), [-1, 2])
        points.append((tf.cast(point, of_boxes.dtype) + OFFSET) * stride)
        own = tf.constant([[stride, unit, *reach]], of_boxes.dtype)
        levels.append(tf.repeat(own, ops.shape(point)[0], 0))
    return tf.concat(points, 0), tf.concat(levels, 0)


def detect(
    model: keras.Model, images: tf.Tensor, sizes: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST); a score of 0 stands for none.

    `sizes` (N, 2) says how many rows and columns are image, the rest being padding.
    """
    outputs = precise(model(images, training=False))
    if sizes is None:
        sizes = tf.shape(images)[None, 1:3]
    points, levels = make_cells(outputs)
    distances = in_rows(outputs, "box", 4) * levels[:, 1:2]
    left_top, right_bottom = distances[..., :2], distances[..., 2:]
    start, end = points - left_top[..., ::-1], points + right_bottom[..., ::-1]
    central = tf.sigmoid(in_rows(outputs, "centerness", 1))
    scores = tf.sqrt(tf.sigmoid(in_rows(outputs, "class", CLASSES)) * central)
    boxes = clip(tf.concat([start, end], -1), sizes)
    scores = limit(scores, outputs)
    return best(boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT)


def match(
    points: tf.Tensor, levels: tf.Tensor, boxes: tf.Tensor, real: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Which of the boxes (N, M, 4) every cell is to find, the smallest, and if any.

    `real` (N, M) says which boxes there are.
    """
    stride, _, least, most = tf.unstack(levels, axis=-1)
    before = points - boxes[:, :, None, :2]  # (N, M, cells, 2): how far a cell is in
    behind = boxes[:, :, None, 2:] - points
    inside = tf.reduce_min(tf.minimum(before, behind), -1) > 0
    farthest = tf.reduce_max(tf.maximum(before, behind), -1)
    found = inside & (farthest >= least) & (farthest <= most) & real[..., None]
    if RADIUS:
        off = tf.reduce_max(tf.abs(before - behind), -1) / 2  # from the box's middle
        found = found & (off < RADIUS * stride)
    area = tf.reduce_prod(boxes[..., 2:] - boxes[..., :2], -1)[..., None]
    which = tf.argmin(tf.where(found, area, math.inf), 1, tf.int32)
    return which, tf.reduce_any(found, 1)


def loss(
    outputs: dict[str, tf.Tensor], boxes: tf.Tensor, classes: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Focal loss of classes, a loss of boxes by overlap, and centerness' entropy.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area does. Losses are over the number of cells that are to find a box.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = tf.pad(boxes, [[0, 0], [0, 1], [0, 0]])  # at least one, which is none
    classes = tf.pad(classes, [[0, 0], [0, 1]], constant_values=-1)
    points, levels = make_cells(outputs)
    real = (classes >= 0) & tf.reduce_all(boxes[..., 2:] > boxes[..., :2], -1)
    which, positive = match(points, levels, boxes, real)
    counts = tf.cast(positive, boxes.dtype)
    count = tf.maximum(in_all(counts), 1)

    labels = tf.where(positive, tf.gather(classes, which, batch_dims=1), -1)
    focal = focal_loss(in_rows(outputs, "class", CLASSES), labels)
    class_loss = tf.reduce_sum(focal) / count

    goals = tf.gather(boxes, which, batch_dims=1)
    before, behind = points - goals[..., :2], goals[..., 2:] - points
    central = tf.minimum(before, behind) / tf.maximum(before, behind)
    central = tf.sqrt(tf.where(positive, tf.reduce_prod(central, -1), 0))
    # channels: distances to the left, the top, the right and the bottom
    goals = tf.concat([before[..., ::-1], behind[..., ::-1]], -1) / levels[:, 1:2]
    found = in_rows(outputs, "box", 4)
    one = tf.ones_like(found)  # where nothing is to be found, so that it counts 0
    found, goals = (tf.where(positive[..., None], x, one) for x in (found, goals))
    weight = central if WEIGHTED else counts
    whole = tf.maximum(in_all(central), 1e-6) if WEIGHTED else count
    box_loss = tf.reduce_sum(distance_loss(found, goals) * weight) / whole

    sure = in_rows(outputs, "centerness", 1)[..., 0]
    off = tf.nn.sigmoid_cross_entropy_with_logits(labels=central, logits=sure)
    centerness_loss = tf.reduce_sum(off * counts) / count
    total = class_loss + BOX_WEIGHT * box_loss + CENTERNESS_WEIGHT * centerness_loss
    return {
        "loss": total,
        "class": class_loss,
        "box": box_loss,
        "centerness": centerness_loss,
    }


def distance_loss(found: tf.Tensor, goals: tf.Tensor) -> tf.Tensor:
    """1 - generalized overlap or -log overlap of boxes that lie around one point.

    It depends on nothing but their distances (..., 4) from the point to the sides.
    """
    sizes = [each[..., :2] + each[..., 2:] for each in (found, goals)]
    least, most = tf.minimum(found, goals), tf.maximum(found, goals)
    shared = tf.reduce_prod(least[..., :2] + least[..., 2:], -1)
    areas = [tf.reduce_prod(size, -1) for size in sizes]
    union = areas[0] + areas[1] - shared
    iou = shared / (union + 1e-7)
    if not GIOU:
        return -tf.math.log(iou + 1e-7)
    hull = tf.reduce_prod(most[..., :2] + most[..., 2:], -1)
    return 1 - iou + (hull - union) / (hull + 1e-7)
