"""What losses are over: numbers of the whole batch."""

from __future__ import annotations

import tensorflow as tf


def in_all(some: tf.Tensor) -> tf.Tensor:
    """What these come to in the whole batch.

    Where processes share a batch, this is the place to sum over all of them: their
    losses, and gradients, then add up to those of one process.
    """
    return tf.reduce_sum(some)


def mean(values: tf.Tensor) -> tf.Tensor:
    """The mean of the whole batch."""
    return tf.reduce_sum(values) / in_all(tf.ones_like(values))
