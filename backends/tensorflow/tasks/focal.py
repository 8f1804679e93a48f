"""Focal loss of classes (arXiv 1708.02002, Section 3)."""

from __future__ import annotations

import tensorflow as tf

ALPHA, GAMMA = 0.25, 1.5


def focal_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The loss of each row (N, A) of logits (N, A, C) whose class it is to find.

    A label (N, A) below 0 stands for none of the classes.
    """
    right = tf.gather(logits, tf.maximum(labels, 0), axis=2, batch_dims=2)
    swapped = ALPHA * focal_low(-right) - (1 - ALPHA) * focal_low(right)
    low = (1 - ALPHA) * tf.reduce_sum(focal_low(logits), 2)  # the right class's too
    return low + tf.where(labels >= 0, swapped, tf.zeros_like(swapped))


def focal_low(logits: tf.Tensor) -> tf.Tensor:
    """The loss of logits that are to be low: -log(1 - p) * p**GAMMA."""
    losses = tf.math.softplus(logits)
    return losses * tf.exp(GAMMA * (logits - losses))
