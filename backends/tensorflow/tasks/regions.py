"""What proposals and the regions cut out at them are to learn."""

from __future__ import annotations

import math

import tensorflow as tf

from spinec.backends.tensorflow.tasks.anchors import make_anchors
from spinec.backends.tensorflow.tasks.boxes import encode, overlap
from spinec.backends.tensorflow.tasks.matching import match
from spinec.backends.tensorflow.tasks.rows import in_rows
from spinec.backends.tensorflow.tasks.sampling import draw
from spinec.backends.tensorflow.tasks.totals import in_all, mean

LEVELS = ("P3", "P4", "P5", "P6", "P7")
ANCHOR_SAMPLES, ANCHOR_SHARE, ANCHOR_DELTA = 256, 0.5, 1 / 9
REGION_IOU, SAMPLES, SHARE = 0.5, 512, 0.25
WEIGHTS, DELTA = (10.0, 10.0, 5.0, 5.0), 1.0


def proposal_losses(
    outputs: dict[str, tf.Tensor], boxes: tf.Tensor, real: tf.Tensor, noise: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross entropy of the anchors drawn, and Huber loss of all that have a box.

    The latter is the mean of each level by itself, of all levels together.
    """
    anchors = make_anchors(outputs, "deltas")
    which, positive, negative = match(anchors, boxes, real)
    chosen, others = draw(positive, negative, noise, ANCHOR_SAMPLES, ANCHOR_SHARE)
    logits = in_rows(outputs, "objectness", 1)[..., 0]
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(
        tf.cast(chosen, logits.dtype), logits
    )
    drawn = tf.cast(chosen | others, logits.dtype)
    score_loss = mean(tf.reduce_sum(entropy * drawn, 1)) / ANCHOR_SAMPLES
    goals = encode(tf.gather(boxes, which, batch_dims=1), anchors)
    huber = huber_loss(in_rows(outputs, "deltas", 4) - goals, ANCHOR_DELTA)
    counts = [math.prod(outputs[f"objectness_{level}"].shape[1:]) for level in LEVELS]
    rows = zip(tf.split(huber, counts, 1), tf.split(positive, counts, 1), strict=True)
    box_loss = tf.add_n([mean_of(each, found) for each, found in rows])
    return score_loss, box_loss


def huber_loss(errors: tf.Tensor, delta: float) -> tf.Tensor:
    """The mean over four numbers: quadratic up to delta, linear above."""
    off = tf.abs(errors)
    return tf.reduce_mean(
        tf.where(off <= delta, off**2 / 2, delta * (off - delta / 2)), -1
    )


def mean_of(values: tf.Tensor, some: tf.Tensor) -> tf.Tensor:
    """The mean of some values; 0 if there is none."""
    number = in_all(tf.cast(some, values.dtype))
    chosen = tf.where(some, values, tf.zeros_like(values))
    return tf.reduce_sum(chosen) / tf.maximum(number, 1)


def draw_regions(
    proposals: tf.Tensor,
    exist: tf.Tensor,
    boxes: tf.Tensor,
    real: tf.Tensor,
    noise: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Regions (N, R, 4) among proposals and boxes, those that have a box first.

    Which box they have, whether they have one, and whether they are to learn that.
    """
    candidates = tf.concat([proposals, boxes], 1)
    exist = tf.concat([exist, real], 1)
    shared = overlap(candidates, boxes)
    shared = tf.where(real[:, None], shared, -tf.ones_like(shared))
    found, which = tf.reduce_max(shared, 2) > REGION_IOU, tf.argmax(shared, 2, tf.int32)
    positive, negative = draw(exist & found, exist & ~found, noise, SAMPLES, SHARE)
    rank = tf.where(positive, 0, tf.where(negative, 1, 2))
    order = tf.argsort(rank, 1, stable=True)[:, :SAMPLES]
    candidates, which, positive, negative = (
        tf.gather(each, order, batch_dims=1)
        for each in (candidates, which, positive, negative)
    )
    return candidates, which, positive, positive | negative


def region_losses(
    found: dict[str, tf.Tensor],
    labels: tf.Tensor,
    regions: tf.Tensor,
    boxes: tf.Tensor,
    judged: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross entropy of the labels (N, R) of judged regions, Huber loss of their boxes.

    Each has a box; where the label is 0, the background, nothing is learned of it.
    """
    number, dim = tf.shape(labels)[1], found["crop_class"].shape[1]
    logits = tf.reshape(found["crop_class"], [-1, number, dim])
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    goals = encode(boxes, regions) * tf.constant(WEIGHTS, boxes.dtype)
    goals = tf.where(labels[..., None] > 0, goals, tf.zeros_like(goals))
    deltas = tf.reshape(found["crop_box"], [-1, number, dim, 4])
    deltas = tf.gather(deltas, labels, batch_dims=2)
    huber = huber_loss(deltas - goals, DELTA)
    return mean_of(entropy, judged), mean_of(huber, labels > 0)
