"""Weights of Keras models in the neutral form. Keras has the channels of kernels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spinec.backends.tensorflow.printer import rule_of
from spinec.backends.weights import Slot, check_weights, find_arrays, slots
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Shape

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array

# What made a layer: where the neutral axes of its kernel are among Keras' own.
# Neutral are (out, in, height, width), of a transposed convolution (in, out, height, width).
AXES = {
    "conv2d": (3, 2, 0, 1),
    "transposed_conv2d": (3, 2, 0, 1),
    "depthwise_conv2d": (2, 3, 0, 1),
    "layers.Dense": (1, 0),
    "ChannelConv": (2, 1, 0),
}
AXES |= {f"{way}_{name}": AXES[name] for way in ("strided", "rectangular") for name in ("conv2d", "depthwise_conv2d")}


def to_neutral(slot: Slot, array: Array) -> Array:
    """A copy with the axes of the neutral form."""
    return array.transpose(_axes(slot, array.ndim)).reshape(slot.shape).copy()


def from_neutral(slot: Slot, array: Array, shape: Sequence[int]) -> Array:
    """The array with Keras' axes, in the shape that Keras gives it."""
    axes = _axes(slot, array.ndim)
    apart = array.reshape([shape[axis] for axis in axes])
    return apart.transpose([axes.index(i) for i in range(array.ndim)])


def read_weights(model: keras.Model, program: Program) -> dict[str, Array]:
    """Every weight and running statistic of a model, by name."""
    import keras

    variables = variables_of(model, program)
    return {slot.name: to_neutral(slot, keras.ops.convert_to_numpy(value)) for slot, value in variables.items()}


def write_weights(model: keras.Model, program: Program, weights: Mapping[str, Array]) -> None:
    """Set every weight and running statistic of a model; all of them, or none.

    Raises:
        BackendError: naming everything that is missing, unknown or of another shape.
    """
    check_weights(program, weights)
    for slot, variable in variables_of(model, program).items():
        variable.assign(from_neutral(slot, weights[slot.name], variable.shape))


def _axes(slot: Slot, rank: int) -> tuple[int, ...]:
    return AXES[slot.layer] if slot.attribute == "kernel" else tuple(range(rank))


def variables_of(model: keras.Model, program: Program) -> dict[Slot, Any]:
    """The live variable in every place for a weight or running statistic."""
    layers = {layer.name: layer for layer in model.layers}
    places = slots(program, rule_of)
    return find_arrays(
        places,
        lambda slot: getattr(layers.get(slot.module), slot.attribute, None),
        lambda slot, variable: neutral_shape(slot, variable.shape),
    )


def neutral_shape(slot: Slot, shape: Sequence[int]) -> Shape:
    """The shape that an array has in the neutral form, or would have if it had as many axes.

    The filters of a channel, which depthwise kernels of Keras have on an axis of their own, are neutral outputs.
    """
    found = tuple(shape[axis] for axis in _axes(slot, len(shape)) if axis < len(shape))
    if slot.attribute == "kernel" and slot.layer.endswith("depthwise_conv2d") and len(found) == 4:
        return found[0] * found[1], 1, *found[2:]
    return found
