"""Focal loss of classes (arXiv 1708.02002, Section 3)."""

from __future__ import annotations

import tensorflow as tf

ALPHA, GAMMA = 0.25, 1.5


def focal_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The loss of each row (N, A) of logits (N, A, C) whose class it is to find.

    A label (N, A) below 0 stands for none of the classes.
    """
    right = labels[..., None] == tf.range(logits.shape[2], dtype=labels.dtype)
    sure = tf.where(right, logits, -logits)
    hot = tf.cast(right, logits.dtype)
    weight = ALPHA * hot + (1 - ALPHA) * (1 - hot)
    modulator = tf.exp(GAMMA * tf.math.log_sigmoid(-sure))
    return tf.reduce_sum(-weight * tf.math.log_sigmoid(sure) * modulator, 2)
