"""Which anchors are to find which boxes."""

from __future__ import annotations

import tensorflow as tf

from spinec.backends.tensorflow.tasks.boxes import overlap

POSITIVE, NEGATIVE, FORCE, ALL_CLOSEST = 0.5, 0.5, True, False


def match(
    anchors: tf.Tensor, boxes: tf.Tensor, real: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Which of the boxes (N, M, 4) every anchor is to find, and if any, and if none.

    `real` (N, M) says which boxes there are.
    """
    shared = overlap(boxes, anchors)
    shared = tf.where(real[..., None], shared, -tf.ones_like(shared))
    most, which = tf.reduce_max(shared, 1), tf.argmax(shared, 1, tf.int32)
    positive, negative = most >= POSITIVE, most < NEGATIVE
    # a box's closest anchor is to find it: the first box, where they share it
    if FORCE and ALL_CLOSEST:  # but all anchors as close, each its own closest box
        closest = shared == tf.reduce_max(shared, 2, keepdims=True)
        positive = positive | tf.reduce_any(closest & real[..., None], 1)
    elif FORCE:
        number = tf.range(anchors.shape[0])
        closest = tf.argmax(shared, 2, tf.int32)[..., None] == number
        closest = closest & real[..., None]
        forced = tf.reduce_any(closest, 1)
        first = tf.argmax(tf.cast(closest, tf.int32), 1, tf.int32)
        which, positive = tf.where(forced, first, which), positive | forced
    return which, positive, negative & ~positive
