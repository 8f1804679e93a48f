"""What SSD's maps mean and are to learn (arXiv 1512.02325)."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from spinec.backends.tensorflow.tasks.boxes import best, clip, decode, encode
from spinec.backends.tensorflow.tasks.candidates import limit
from spinec.backends.tensorflow.tasks.focal import focal_loss
from spinec.backends.tensorflow.tasks.matching import match
from spinec.backends.tensorflow.tasks.rows import in_rows, precise
from spinec.backends.tensorflow.tasks.totals import in_all

CLASSES, FIRST_CLASS, SIZE = 90, 0, (320, 320)
LEVELS, BOX_SIDES = ("P4", "P5"), (((0.1, 0.1),), ((0.2, 0.2),))
BOX_ORDER, FACTORS = (0, 1, 2, 3), (10.0, 10.0, 5.0, 5.0)
SOFTMAX, NEGATIVES, DELTA, BOX_WEIGHT = False, 3.0, 1.0, 1.0
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 1e-8, 5000, 0.6, True, 100
SOFT = 0.0


def make_anchors(outputs: dict[str, tf.Tensor], size: tuple[int, ...]) -> tf.Tensor:
    """The boxes (all anchors, 4) that cells start from, in the order of `in_rows`.

    `size` says how many rows and columns an image has, which cells share evenly.
    """
    anchors = []
    for level, shares in zip(LEVELS, BOX_SIDES, strict=True):
        of_boxes = outputs[f"box_{level}"]
        kind, cells = of_boxes.dtype, ops.shape(of_boxes)[1:3]
        lengths = zip(size, cells, strict=True)
        steps = [(n, tf.cast(side / n, kind)) for side, n in lengths]
        spots = [(tf.range(n, dtype=kind) + 0.5) * step for n, step in steps]
        centre = tf.stack(tf.meshgrid(*spots, indexing="ij"), -1)[:, :, None]
        half = tf.constant(shares, kind) * tf.cast(tf.reduce_min(size), kind) / 2
        box = tf.concat([centre - half, centre + half], -1)
        anchors.append(tf.reshape(box, [-1, 4]))
    return tf.concat(anchors, 0)


def detect(
    model: keras.Model, images: tf.Tensor, sizes: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST); a score of 0 stands for none.

    `sizes` (N, 2) says how many rows and columns are image, the rest being padding.
    """
    outputs = precise(model(images, training=False))
    if sizes is None:
        sizes = tf.shape(images)[None, 1:3]
    anchors = make_anchors(outputs, ops.shape(images)[1:3])
    deltas = tf.gather(in_rows(outputs, "box", 4), BOX_ORDER, axis=-1)
    boxes = clip(decode(deltas / tf.constant(FACTORS, deltas.dtype), anchors), sizes)
    logits = in_rows(outputs, "class", CLASSES)
    scores = tf.nn.softmax(logits) if SOFTMAX else tf.sigmoid(logits)
    scores = scores[..., FIRST_CLASS:]
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    return boxes, scores, labels + FIRST_CLASS


def loss(
    outputs: dict[str, tf.Tensor],
    boxes: tf.Tensor,
    classes: tf.Tensor,
    size: tuple[int, int] = SIZE,
) -> dict[str, tf.Tensor]:
    """The losses of classes and of boxes, both over the number of positive anchors.

    Boxes (N, M, 4) have classes (N, M). A class below 0 stands for no box, as a box of
    no area does. `size` says how many rows and columns the images have.

    No class may be CLASSES or above: compiled code cannot look, and does not refuse it.
    """
    outputs = precise(outputs)
    boxes = tf.pad(boxes, [[0, 0], [0, 1], [0, 0]])  # at least one, which is none
    classes = tf.pad(classes, [[0, 0], [0, 1]], constant_values=-1)
    anchors = make_anchors(outputs, size)
    real = (classes >= 0) & tf.reduce_all(boxes[..., 2:] > boxes[..., :2], -1)
    which, positive, negative = match(anchors, boxes, real)
    counts = tf.cast(positive, boxes.dtype)
    count = tf.maximum(in_all(counts), 1)

    labels = tf.where(positive, tf.gather(classes, which, batch_dims=1), -1)
    logits = in_rows(outputs, "class", CLASSES)
    if SOFTMAX:
        class_loss = mined_entropy(logits, labels, counts, negative) / count
    else:
        judged = tf.cast(positive | negative, logits.dtype)
        class_loss = tf.reduce_sum(focal_loss(logits, labels) * judged) / count

    goals = encode(tf.gather(boxes, which, batch_dims=1), anchors)
    deltas = tf.gather(in_rows(outputs, "box", 4), BOX_ORDER, axis=-1)
    off = tf.abs(deltas - goals * tf.constant(FACTORS, goals.dtype))
    huber = tf.where(off <= DELTA, off**2 / 2, DELTA * (off - DELTA / 2))
    box_loss = tf.reduce_sum(tf.reduce_mean(huber, -1) * counts) / count
    total = class_loss + BOX_WEIGHT * box_loss
    return {"loss": total, "class": class_loss, "box": box_loss}


def mined_entropy(
    logits: tf.Tensor, labels: tf.Tensor, counts: tf.Tensor, negative: tf.Tensor
) -> tf.Tensor:
    """Cross entropy of the positive anchors and of the negative ones that are worst.

    An image has NEGATIVES of these for each positive one, which `counts` is 1 for.
    Class 0 is the background.
    """
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(labels, 0), logits=logits
    )
    bad = tf.where(negative, tf.stop_gradient(entropy), -tf.ones_like(entropy))
    order = tf.argsort(bad, 1, "DESCENDING", stable=True)
    rank = tf.cast(tf.argsort(order, 1), counts.dtype)
    hard = negative & (rank < NEGATIVES * tf.reduce_sum(counts, 1, keepdims=True))
    return tf.reduce_sum(entropy * (counts + tf.cast(hard, counts.dtype)))
