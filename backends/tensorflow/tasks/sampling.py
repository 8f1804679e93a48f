"""Which anchors and regions of an image learn: a number of them, drawn at random."""

from __future__ import annotations

import tensorflow as tf


def draw(
    positive: tf.Tensor, negative: tf.Tensor, noise: tf.Tensor, count: int, share: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Which of the positive (N, A) and of the negative are drawn: `count` in all.

    Those of the least `noise`; at most a share of `count` positive, the rest negative.
    """
    positive = positive & (place_among(positive, noise) < int(count * share))
    left = count - tf.reduce_sum(tf.cast(positive, tf.int32), 1, keepdims=True)
    return positive, negative & (place_among(negative, noise) < left)


def place_among(some: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """The place (N, A) of each by its noise, from 0 to 1, among some of them."""
    order = tf.argsort(tf.where(some, noise, 2 * tf.ones_like(noise)), 1, stable=True)
    return tf.argsort(order, 1)
