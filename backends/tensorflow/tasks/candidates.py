"""Which pairs of a box and a label are compared, of every level or label."""

from __future__ import annotations

import math

import tensorflow as tf
from keras import ops

LEVELS = ("P3", "P4", "P5", "P6", "P7")
LEVEL_CANDIDATES, LABEL_CANDIDATES = 0, 0


def limit(scores: tf.Tensor, outputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """Scores (N, A, labels), and 0 for all but the best of every level or label.

    LEVEL_CANDIDATES or LABEL_CANDIDATES says how many that are; 0 stands for all.
    """
    if LABEL_CANDIDATES:
        rows = at_least(tf.transpose(scores, [0, 2, 1]), LABEL_CANDIDATES)
        least = tf.math.top_k(rows, LABEL_CANDIDATES).values[..., -1]
        return tf.where(scores >= least[:, None], scores, tf.zeros_like(scores))
    if LEVEL_CANDIDATES:
        of_boxes = [outputs[f"box_{level}"] for level in LEVELS]
        counts = [math.prod(ops.shape(each)[1:]) // 4 for each in of_boxes]
        return tf.concat([limit_level(each) for each in tf.split(scores, counts, 1)], 1)
    return scores


def limit_level(scores: tf.Tensor) -> tf.Tensor:
    """The same of one level: its best pairs are of the boxes that have its best."""
    number, last = LEVEL_CANDIDATES, ops.shape(scores)[1] - 1
    most, near = tf.math.top_k(at_least(tf.reduce_max(scores, 2), number), number)
    pairs = tf.gather(scores, tf.minimum(near, last), batch_dims=1)
    pairs = tf.where(most[..., None] > 0, pairs, tf.zeros_like(pairs))
    pairs = tf.reshape(pairs, [-1, number * scores.shape[2]])
    least = tf.math.top_k(pairs, number).values[:, -1, None, None]
    return tf.where(scores >= least, scores, tf.zeros_like(scores))


def at_least(rows: tf.Tensor, number: int) -> tf.Tensor:
    """Rows (..., A) with as many zeros behind them."""
    return tf.pad(rows, [*[[0, 0]] * (len(rows.shape) - 1), [0, number]])
