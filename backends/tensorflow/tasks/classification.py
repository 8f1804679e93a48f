"""What a classifier's logits mean and are to learn."""

from __future__ import annotations

import keras
import tensorflow as tf

from spinec.backends.tensorflow.tasks.totals import mean

TOP, SMOOTHING = 5, 0.1


def classify(model: keras.Model, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The likeliest classes of every image: probabilities, classes, both (N, TOP)."""
    probabilities, classes = tf.math.top_k(
        tf.nn.softmax(model(images, training=False)), TOP
    )
    return probabilities, classes


def loss(logits: tf.Tensor, classes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Cross entropy of the classes (N,), with a share of each spread over all."""
    right = tf.one_hot(classes, logits.shape[1], dtype=logits.dtype)
    target = (1 - SMOOTHING) * right + SMOOTHING / logits.shape[1]
    entropy = tf.nn.softmax_cross_entropy_with_logits(target, logits)
    return {"loss": mean(entropy)}
