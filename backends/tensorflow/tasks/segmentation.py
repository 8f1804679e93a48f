"""What a map of classes means and is to learn."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from spinec.backends.tensorflow.tasks.totals import in_all

IGNORED = 255


def segment(
    model: keras.Model, images: tf.Tensor, size: tuple[int, int] | None = None
) -> tf.Tensor:
    """The class of every pixel (N, H, W), of the images' size or another one."""
    logits = at_size(model(images, training=False), size or ops.shape(images)[1:3])
    return tf.argmax(logits, -1)


def at_size(logits: tf.Tensor, size: tuple[int, ...]) -> tf.Tensor:
    """Logits between the cells of the map: bilinear, by the centres of the pixels."""
    return tf.cast(tf.image.resize(logits, size), logits.dtype)


def loss(logits: tf.Tensor, classes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Mean cross entropy of the pixels (N, H, W) that are not of the class IGNORED."""
    logits = at_size(logits, classes.shape[1:])
    judged = tf.cast(classes != IGNORED, logits.dtype)
    right = tf.where(classes == IGNORED, tf.zeros_like(classes), classes)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(right, logits)
    count = tf.maximum(in_all(judged), 1)
    return {"loss": tf.reduce_sum(entropy * judged) / count}
