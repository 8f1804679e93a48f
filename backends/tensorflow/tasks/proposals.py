"""Proposals: boxes of any class that anchors become."""

from __future__ import annotations

import math

import tensorflow as tf
from keras import ops

from spinec.backends.tensorflow.tasks.anchors import make_anchors
from spinec.backends.tensorflow.tasks.boxes import best, clip, decode
from spinec.backends.tensorflow.tasks.rows import in_rows

LEVELS = ("P3", "P4", "P5", "P6", "P7")
PROPOSAL_IOU, PROPOSED = 0.7, 1000


def propose(
    outputs: dict[str, tf.Tensor], sizes: tf.Tensor, candidates: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Proposals (N, PROPOSED, 4) and their scores; a score of 0 stands for none.

    The best `candidates` of every level are compared, those of one level only.
    """
    boxes = decode(in_rows(outputs, "deltas", 4), make_anchors(outputs, "deltas"))
    logits = in_rows(outputs, "objectness", 1)[..., 0]
    of_levels = [outputs[f"objectness_{level}"] for level in LEVELS]
    counts = [math.prod(ops.shape(each)[1:]) for each in of_levels]
    boxes, near, sure = clip(boxes, sizes), [], []
    levels = zip(tf.split(boxes, counts, 1), tf.split(logits, counts, 1), strict=True)
    for level, (box, score) in enumerate(levels):
        score, order = tf.math.top_k(score, tf.minimum(candidates, ops.shape(score)[1]))
        near.append(tf.gather(box, order, batch_dims=1))
        label = tf.one_hot(level, len(LEVELS), dtype=score.dtype)
        sure.append(
            tf.sigmoid(score)[..., None] * label
        )  # a level is a label to `best`
    boxes, scores = tf.concat(near, 1), tf.concat(sure, 1)
    number = ops.shape(boxes)[1]
    boxes, scores, _ = best(boxes, scores, 0.0, number, PROPOSAL_IOU, True, PROPOSED)
    return tf.stop_gradient(boxes), tf.stop_gradient(scores)
