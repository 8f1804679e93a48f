"""Maps of several outputs as rows of numbers."""

from __future__ import annotations

import math

import tensorflow as tf
from keras import ops

LEVELS = ("P3", "P4", "P5", "P6", "P7")


def in_rows(outputs: dict[str, tf.Tensor], kind: str, numbers: int) -> tf.Tensor:
    """The maps of all levels as (N, all anchors, numbers): level, y, x, anchor."""
    maps = [outputs[f"{kind}_{level}"] for level in LEVELS]
    rows = [math.prod(ops.shape(each)[1:]) // numbers for each in maps]
    shaped = zip(maps, rows, strict=True)
    return tf.concat([tf.reshape(each, [-1, row, numbers]) for each, row in shaped], 1)


def precise(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Maps of reduced precision as float32: bfloat16 knows no odd pixel beyond 256."""
    return {
        name: tf.cast(value, tf.float32) if value.dtype.size < 4 else value
        for name, value in outputs.items()
    }
