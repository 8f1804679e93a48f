"""What RetinaNet's maps mean and are to learn (arXiv 1708.02002)."""

from __future__ import annotations

import keras
import tensorflow as tf

from spinec.backends.tensorflow.tasks.anchors import make_anchors
from spinec.backends.tensorflow.tasks.boxes import best, clip, decode, encode
from spinec.backends.tensorflow.tasks.candidates import limit
from spinec.backends.tensorflow.tasks.focal import focal_loss
from spinec.backends.tensorflow.tasks.matching import match
from spinec.backends.tensorflow.tasks.rows import in_rows, precise
from spinec.backends.tensorflow.tasks.totals import in_all, mean

CLASSES, FIRST_CLASS = 91, 1
BOX_ORDER = (0, 1, 2, 3)
L1, DELTA, BOX_WEIGHT, PER_IMAGE = False, 0.1, 50.0, False
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.5, True, 100
SOFT = 0.0


def detect(
    model: keras.Model, images: tf.Tensor, sizes: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST); a score of 0 stands for none.

    `sizes` (N, 2) says how many rows and columns are image, the rest being padding.
    """
    outputs = precise(model(images, training=False))
    if sizes is None:
        sizes = tf.shape(images)[None, 1:3]
    deltas = tf.gather(in_rows(outputs, "box", 4), BOX_ORDER, axis=-1)
    boxes = clip(decode(deltas, make_anchors(outputs)), sizes)
    scores = tf.sigmoid(in_rows(outputs, "class", CLASSES)[..., FIRST_CLASS:])
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    return boxes, scores, labels + FIRST_CLASS


def loss(
    outputs: dict[str, tf.Tensor], boxes: tf.Tensor, classes: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Focal loss of classes and a loss of boxes, both over the positive anchors.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area does.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = tf.pad(boxes, [[0, 0], [0, 1], [0, 0]])  # at least one, which is none
    classes = tf.pad(classes, [[0, 0], [0, 1]], constant_values=-1)
    anchors = make_anchors(outputs)
    real = (classes >= 0) & tf.reduce_all(boxes[..., 2:] > boxes[..., :2], -1)
    which, positive, negative = match(anchors, boxes, real)
    counts = tf.cast(positive, boxes.dtype)

    logits = in_rows(outputs, "class", CLASSES)
    labels = tf.where(positive, tf.gather(classes, which, batch_dims=1), -1)
    judged = tf.cast(positive | negative, logits.dtype)
    class_loss = average(focal_loss(logits, labels) * judged, counts)

    goals = encode(tf.gather(boxes, which, batch_dims=1), anchors)
    off = tf.abs(tf.gather(in_rows(outputs, "box", 4), BOX_ORDER, axis=-1) - goals)
    if not L1:  # but Huber loss
        off = tf.where(off <= DELTA, off**2 / 2, DELTA * (off - DELTA / 2))
    box_loss = average(tf.reduce_mean(off, -1) * counts, counts)
    total = class_loss + BOX_WEIGHT * box_loss
    return {"loss": total, "class": class_loss, "box": box_loss}


def average(losses: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Losses (N, A) over the number of positive anchors: of all images, and 1 more.

    `counts` (N, A) is 1 for these. With PER_IMAGE it is the mean of images, each over
    its own number, or over 1.
    """
    if PER_IMAGE:
        numbers = tf.maximum(tf.reduce_sum(counts, 1), 1)
        return mean(tf.reduce_sum(losses, 1) / numbers)
    return tf.reduce_sum(losses) / (in_all(counts) + 1)
