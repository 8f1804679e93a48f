"""Answers of a live Keras model, given and told as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import Live
from spinec.backends.tensorflow.framework import load_keras
from spinec.backends.tensorflow.layout import channels_last
from spinec.backends.tensorflow.live import build_with
from spinec.backends.tensorflow.weights import write_weights
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array


def answering(program: Program, part: str, weights: Mapping[str, Array] | None, seed: int) -> Live:
    """A model with some weights, or fresh ones from a seed, and what makes answers of images with it."""
    load_keras().utils.set_random_seed(seed)
    module, model = build_with(program, (part,))
    if weights is not None:
        write_weights(model, program, weights)
    import tensorflow as tf

    traced = tf.function(model, reduce_retracing=True)  # one graph for batches of all lengths

    def answer(images: Array, *besides: Any) -> tuple[Array, ...]:
        told = getattr(module, part)(traced, tf.constant(channels_last(images)), *besides)
        return tuple(each.numpy() for each in (told if isinstance(told, tuple) else (told,)))

    return Live(model, answer)
