"""Every value between blocks, as a live Keras model computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spinec.backends.tensorflow.layout import channels_first
from spinec.backends.tensorflow.live import forward
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array


def observe(model: keras.Model, program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The value of every block, endpoint and output for some inputs (batch, channels, height, width), in inference."""
    return channels_first(forward(model, program, inputs, training=False))


@contextmanager
def unfinite(model: keras.Model) -> Iterator[list[str]]:
    """Gives the paths of the layers whose results are not finite while it is run, in the order of execution."""
    found: list[str] = []
    for layer in model.layers:
        layer.call = _look(found, layer.name, layer.call)
    try:
        yield found
    finally:
        for layer in model.layers:
            del layer.call


def _look(found: list[str], path: str, call: Callable[..., Any]) -> Callable[..., Any]:
    import tensorflow as tf

    def looked(*given: Any, **settings: Any) -> Any:
        result = call(*given, **settings)
        if not tf.reduce_all(tf.math.is_finite(result)):
            found.append(path)
        return result

    return looked
