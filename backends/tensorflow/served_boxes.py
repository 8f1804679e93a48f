"""What keeps the best boxes in exported files: their runtimes' own op drops the boxes that overlap a better one."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def best(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    score: float,
    candidates: int,
    iou: float,
    per_class: bool,
    most: int,
    soft: float = 0.0,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What `best` of `tasks/boxes.py` gives, and zeros where there is no box."""
    if soft:
        raise ValueError("exported files cannot lower scores by overlaps")
    anchors, kinds = keras.ops.shape(scores)[1:]
    pairs = anchors * kinds
    count = least(candidates, pairs)
    sure, pair = tf.math.top_k(tf.reshape(scores, [-1, pairs]), count)
    own = pairs // keras.ops.shape(boxes)[1]
    near, label = tf.gather(boxes, pair // own, batch_dims=1), pair % kinds
    rows, length = kinds if per_class else 1, least(most, count)
    apart = tell_apart(near)
    above = min(iou * (1 + 2**-23), 1.0)  # LiteRT drops boxes that overlap by just `iou`

    def keep(row: tf.Tensor) -> tf.Tensor:
        image, kind = row // rows, row % rows
        own = sure[image]
        if per_class:
            own = tf.where(label[image] == kind, own, -tf.ones_like(own))
        chosen, number = tf.raw_ops.NonMaxSuppressionV4(
            boxes=apart[image],
            scores=own,
            max_output_size=length,
            iou_threshold=above,
            score_threshold=score,
            pad_to_max_output_size=True,
        )
        real = tf.cast(tf.range(length) < number, tf.int32)
        return tf.scatter_nd(chosen[:, None], real, [count])

    kept = tf.map_fn(keep, tf.range(tf.shape(boxes)[0] * rows))
    kept = tf.reduce_max(tf.reshape(kept, [-1, rows, count]), 1) > 0
    sure, place = tf.math.top_k(tf.where(kept, sure, tf.zeros_like(sure)), length)
    near, label = (tf.gather(each, place, batch_dims=1) for each in (near, label))
    near = tf.where(sure[..., None] > 0, near, tf.zeros_like(near))
    label = tf.where(sure > 0, label, tf.zeros_like(label))
    none = [[0, 0], [0, most - length]]
    found = tf.ensure_shape(tf.pad(near, [*none, [0, 0]]), [None, most, 4])
    return found, *(tf.ensure_shape(tf.pad(x, none), [None, most]) for x in (sure, label))


def least(limit: int, number: Any) -> Any:
    """The smaller of two numbers, known before the file runs where they are: LiteRT needs that."""
    return min(limit, number) if isinstance(number, int) else tf.minimum(limit, number)


def tell_apart(boxes: tf.Tensor) -> tf.Tensor:
    """Boxes (N, A, 4) with those of no area, which overlap nothing, moved out of the image.

    LiteRT keeps a box that does not overlap itself until there is room for no other.
    """
    start = -2 * tf.range(1, keras.ops.shape(boxes)[1] + 1, dtype=boxes.dtype)[:, None]
    away = tf.concat([start, start, start + 1, start + 1], -1)
    flat = tf.reduce_any(boxes[..., 2:] <= boxes[..., :2], -1, keepdims=True)
    return tf.where(flat, away, boxes)
