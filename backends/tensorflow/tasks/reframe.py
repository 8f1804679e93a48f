"""Masks of boxes, seen in other boxes."""

from __future__ import annotations

import tensorflow as tf


def reframe(
    masks: tf.Tensor, boxes: tf.Tensor, frames: tf.Tensor, size: tuple[int, ...]
) -> tf.Tensor:
    """Masks (..., h, w) of boxes, as they are in other boxes, of a size (..., H, W).

    Between the centres of the mask's pixels; beyond the outermost they fall to 0.
    """
    shares = []
    for side, (cells, pixels) in enumerate(zip(masks.shape[-2:], size, strict=True)):
        start, length = boxes[..., side, None], boxes[..., side + 2, None]
        length = tf.maximum(length - start, 1e-8)
        first, last = frames[..., side, None], frames[..., side + 2, None]
        centres = (tf.range(pixels, dtype=boxes.dtype) + 0.5) / pixels
        place = (first + (last - first) * centres - start) / length * cells - 0.5
        away = tf.abs(place[..., None] - tf.range(cells, dtype=boxes.dtype))
        shares.append(tf.nn.relu(1 - away))
    return shares[0] @ tf.matmul(masks, shares[1], transpose_b=True)
