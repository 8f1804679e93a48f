"""Every value between blocks, as a live Keras model computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.backends.tensorflow.layout import channels_first
from spinec.backends.tensorflow.live import forward
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array


def observe(model: keras.Model, program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The value of every block, endpoint and output for some inputs (batch, channels, height, width), in inference."""
    return channels_first(forward(model, program, inputs, training=False))
