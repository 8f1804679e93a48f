"""Regions of maps: RoIAlign with one sample at the centre of each bin."""

from __future__ import annotations

import math

import tensorflow as tf
from keras import ops

LEVELS, STRIDES, LEVEL_SIDES = ("P3", "P4"), (8, 16), (224.0,)


def crop(maps: dict[str, tf.Tensor], boxes: tf.Tensor, size: int) -> tf.Tensor:
    """Crops (N x R, size, size, dim) of boxes (N, R, 4), large ones of coarse levels.

    The cell in row i and column j of a map stands at (i, j) strides: there is no shift
    by half a cell. Outside a map its edge goes on.
    """
    area = tf.reduce_prod(boxes[..., 2:] - boxes[..., :2], -1)
    level = tf.zeros_like(area, tf.int32)
    for side in LEVEL_SIDES:
        level += tf.cast(area >= side**2, tf.int32)
    shapes = [ops.shape(maps[name])[1:3] for name in LEVELS]
    last = tf.convert_to_tensor([[h - 1, w - 1] for h, w in shapes])
    last = tf.cast(tf.gather(last, level)[..., None], boxes.dtype)
    stride = tf.gather(tf.constant(STRIDES, boxes.dtype), level)[..., None, None]
    start, end = boxes[..., :2, None] / stride, boxes[..., 2:, None] / stride
    centres = (tf.range(size, dtype=boxes.dtype) + 0.5) * (end - start) / size
    place = tf.minimum(tf.nn.relu(start + centres), last)
    before = tf.floor(place)  # (N, R, 2, size): rows and columns
    after = tf.minimum(before + 1, last)
    share = place - before

    dim = maps[LEVELS[0]].shape[3]
    counts = [math.prod(shape) for shape in shapes]
    each = zip(LEVELS, counts, strict=True)
    rows = tf.concat([tf.reshape(maps[name], [-1, n, dim]) for name, n in each], 1)
    first = tf.gather(tf.cumsum(counts, exclusive=True), level)[..., None, None]
    width = tf.gather([w for _, w in shapes], level)[..., None, None]
    total = tf.zeros([], boxes.dtype)
    for y, of_y in ((before, 1 - share), (after, share)):
        for x, of_x in ((before, 1 - share), (after, share)):
            row = tf.cast(y[:, :, 0, :, None], tf.int32)
            column = tf.cast(x[:, :, 1, None, :], tf.int32)
            weight = of_y[:, :, 0, :, None] * of_x[:, :, 1, None, :]
            found = tf.gather(rows, first + row * width + column, batch_dims=1)
            total += weight[..., None] * found
    return tf.reshape(total, [-1, size, size, dim])
