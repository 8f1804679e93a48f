"""Every value between blocks, as a live Keras model computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import TrainingStep
from spinec.backends.tensorflow.live import taps
from spinec.backends.tensorflow.weights import to_neutral, variables_of
from spinec.compiler.program import Program

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array


def observe(model: keras.Model, program: Program, images: Array) -> dict[str, Array]:
    """The value of every block, endpoint and output for some images (batch, channels, height, width), in inference."""
    return _neutral(_tapped(model, program)(_channels_last(images).astype(model.input.dtype), training=False))


def train_step(
    model: keras.Model, program: Program, images: Array, targets: Mapping[str, Array], rate: float
) -> TrainingStep:
    """One step of gradient descent on the mean squared error, summed over the outputs."""
    import tensorflow as tf

    trained = {slot: kept for slot, kept in variables_of(model, program).items() if slot.name in program.weights}
    with tf.GradientTape() as tape:
        values = _tapped(model, program)(_channels_last(images).astype(model.input.dtype), training=True)
        errors = {name: values[program.graph.outputs[name]] - _channels_last(array) for name, array in targets.items()}
        loss = tf.add_n([tf.reduce_mean(tf.square(error)) for error in errors.values()])
    gradients = tape.gradient(loss, [variable.value for variable in trained.values()])
    arrays = {
        slot.name: to_neutral(slot, tf.convert_to_tensor(gradient).numpy())
        for slot, gradient in zip(trained, gradients, strict=True)
    }
    for variable, gradient in zip(trained.values(), gradients, strict=True):
        variable.assign_sub(rate * gradient)
    return TrainingStep(_neutral(values), float(loss), arrays)


def _tapped(model: keras.Model, program: Program) -> keras.Model:
    import keras

    return keras.Model(model.input, taps(model, program))


def _channels_last(images: Array) -> Array:
    import numpy as np

    return np.moveaxis(images, 1, -1) if images.ndim == 4 else images


def _neutral(values: Mapping[str, Any]) -> dict[str, Array]:
    """Arrays with their channels first."""
    import keras
    import numpy as np

    arrays = {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}
    return {name: np.moveaxis(array, -1, 1) if array.ndim == 4 else array for name, array in arrays.items()}
