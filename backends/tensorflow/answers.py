"""Answers of a live Keras model, given and told as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import Live
from spinec.backends.tensorflow.framework import load_keras
from spinec.backends.tensorflow.layout import channels_last
from spinec.backends.tensorflow.live import build_with
from spinec.backends.tensorflow.weights import write_weights
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array


def answering(program: Program, parts: Sequence[str], weights: Mapping[str, Array] | None, seed: int) -> Live:
    """A model with some weights, or fresh ones from a seed, and what answers with it: the first of the parts."""
    load_keras().utils.set_random_seed(seed)
    module, model = build_with(program, parts)
    if weights is not None:
        write_weights(model, program, weights)
    import tensorflow as tf

    part = getattr(module, parts[0])
    traced = tf.function(
        partial(part, model), reduce_retracing=True, autograph=False
    )  # one graph for batches of all lengths
    network = tf.function(model, reduce_retracing=True, autograph=False)

    def answer(images: Array, *besides: Any) -> tuple[Array, ...]:
        batch = tf.constant(channels_last(images))
        if all(hasattr(each, "dtype") for each in besides):
            told = traced(batch, *map(tf.constant, besides))
        else:  # a size, of which every other one would be another graph
            told = part(network, batch, *besides)
        return tuple(each.numpy() for each in (told if isinstance(told, tuple) else (told,)))

    def use(name: str, *values: Any) -> Any:
        return getattr(module, name)(*values).numpy()

    return Live(model, answer, use)
