"""The boxes that every cell of a map starts from."""

from __future__ import annotations

import tensorflow as tf
from keras import ops

LEVELS, STRIDES = ("P3", "P4", "P5", "P6", "P7"), (8, 16, 32, 64, 128)
ANCHOR_SIDES, ANCHOR_OFFSET = ((3.0, 3.0),), 0.5


def make_anchors(outputs: dict[str, tf.Tensor], kind: str = "box") -> tf.Tensor:
    """The boxes (all anchors, 4) that cells start from, in the order of `in_rows`."""
    anchors, sides = [], tf.constant(ANCHOR_SIDES, outputs[f"{kind}_{LEVELS[0]}"].dtype)
    sides = tf.broadcast_to(sides, [len(LEVELS), *sides.shape[-2:]])
    for level, stride, shape in zip(LEVELS, STRIDES, tf.unstack(sides), strict=True):
        of_boxes = outputs[f"{kind}_{level}"]
        cells = [tf.range(length) for length in ops.shape(of_boxes)[1:3]]
        centre = tf.stack(tf.meshgrid(*cells, indexing="ij"), -1)[:, :, None]
        centre = (tf.cast(centre, of_boxes.dtype) + ANCHOR_OFFSET) * stride
        half = shape * stride / 2
        box = tf.concat([centre - half, centre + half], -1)
        anchors.append(tf.reshape(box, [-1, 4]))
    return tf.concat(anchors, 0)
