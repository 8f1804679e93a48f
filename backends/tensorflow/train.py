"""A step of training of a live Keras model, every value of it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.backends.backend import TrainingStep
from spinec.backends.tensorflow.layout import channels_first, channels_last
from spinec.backends.tensorflow.live import forward
from spinec.backends.tensorflow.weights import to_neutral, variables_of
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array


def train_step(
    model: keras.Model, program: Program, inputs: Mapping[str, Array], targets: Mapping[str, Array], rate: float
) -> TrainingStep:
    """One step of gradient descent on the mean squared error, summed over the outputs."""
    import tensorflow as tf

    trained = {slot: kept for slot, kept in variables_of(model, program).items() if slot.name in program.weights}
    with tf.GradientTape() as tape:
        values = forward(model, program, inputs, training=True)
        errors = {name: values[program.graph.outputs[name]] - channels_last(array) for name, array in targets.items()}
        loss = tf.add_n([tf.reduce_mean(tf.square(error)) for error in errors.values()])
    gradients = tape.gradient(loss, [variable.value for variable in trained.values()])
    arrays = {
        slot.name: to_neutral(slot, tf.convert_to_tensor(gradient).numpy())
        for slot, gradient in zip(trained, gradients, strict=True)
    }
    for variable, gradient in zip(trained.values(), gradients, strict=True):
        variable.assign_sub(rate * gradient)
    return TrainingStep(channels_first(values), float(loss), arrays)
