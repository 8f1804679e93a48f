"""Boxes (ymin, xmin, ymax, xmax) in pixels: overlaps, coding, and which are kept."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf


def overlap(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Intersection over union of all boxes in `a` (..., A, 4) and `b` (..., B, 4)."""
    a, b = a[..., :, None, :], b[..., None, :, :]
    start, end = tf.maximum(a, b)[..., :2], tf.minimum(a, b)[..., 2:]
    shared = tf.reduce_prod(tf.nn.relu(end - start), -1)
    areas = [tf.reduce_prod(box[..., 2:] - box[..., :2], -1) for box in (a, b)]
    return shared / tf.maximum(areas[0] + areas[1] - shared, 1e-8)


def encode(boxes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Offsets of centres and logarithms of sizes, both relative to the anchors."""
    size, own = (box[..., 2:] - box[..., :2] for box in (anchors, boxes))
    offset = (boxes[..., :2] + own / 2 - anchors[..., :2] - size / 2) / size
    return tf.concat([offset, tf.math.log((own + 1e-8) / (size + 1e-8))], -1)


def decode(deltas: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """The boxes that `encode` gives these numbers for."""
    size = anchors[..., 2:] - anchors[..., :2]
    centre = anchors[..., :2] + size / 2 + deltas[..., :2] * size
    half = size * tf.exp(tf.minimum(deltas[..., 2:], math.log(1000 / 16))) / 2
    return tf.concat([centre - half, centre + half], -1)


def clip(boxes: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Boxes (N, A, 4) cut off at the edges of images of `sizes` (N, 2)."""
    edges = tf.cast(tf.tile(sizes, [1, 2])[:, None], boxes.dtype)
    return tf.minimum(tf.nn.relu(boxes), edges)


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
    """The best boxes of every image, scores and labels; a score of 0 stands for none.

    Of the pairs of a box and a label with scores (N, A, labels) above `score` the best
    `candidates`, and of these the ones that overlap no better one, of their label or of
    all, by more than `iou`: `most`, however many there are, as compilers want it. With
    `soft` none is dropped by that: its score falls by exp(-overlap^2 / soft) for each
    better one (Soft-NMS, arXiv 1704.04503). Boxes are (N, A, 4), or (N, A x labels, 4)
    where each label has its own.
    """
    kinds = scores.shape[2]
    pairs = tf.reshape(scores, [-1, scores.shape[1] * kinds])
    sure, pair = tf.math.top_k(pairs, min(candidates, pairs.shape[1]))
    near = tf.gather(boxes, pair // (pairs.shape[1] // boxes.shape[1]), batch_dims=1)
    label = pair % kinds
    number = tf.range(pair.shape[1])

    def take(i: tf.Tensor, left: tf.Tensor, *taken: tf.TensorArray) -> tuple[Any, ...]:
        pick = tf.argmax(left, 1, tf.int32)[:, None]
        found = [tf.gather(each, pick, batch_dims=1) for each in (near, left, label)]
        shared = overlap(found[0], near)[:, 0]
        if per_class:
            shared = tf.where(label == found[2], shared, tf.zeros_like(shared))
        gone = number == pick
        if soft:
            left = left * tf.exp(-(shared**2) / soft)
            gone |= left <= score
        else:
            gone |= shared > iou
        rows = zip(taken, found, strict=True)
        more = [array.write(i, row[:, 0]) for array, row in rows]
        return i + 1, tf.where(gone, tf.zeros_like(left), left), *more

    left = tf.where(sure > score, sure, tf.zeros_like(sure))
    taken = [tf.TensorArray(each.dtype, most) for each in (near, left, label)]
    _, _, *taken = tf.while_loop(lambda i, *_: i < most, take, (0, left, *taken))
    boxes, sure, labels = (each.stack() for each in taken)
    there = sure > 0
    boxes = tf.where(there[..., None], boxes, tf.zeros_like(boxes))
    labels = tf.where(there, labels, tf.zeros_like(labels))
    return tf.transpose(boxes, [1, 0, 2]), tf.transpose(sure), tf.transpose(labels)
