"""Weights of Keras models in the neutral form: Keras has the channels of kernels last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spinec.backends.tensorflow.printer import rule_of
from spinec.backends.weights import Slot, check_weights, slots
from spinec.compiler.program import Program

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array


def to_neutral(array: Array, depthwise: bool = False) -> Array:
    """Kernels (height, width, in, out), depthwise (height, width, C, 1), linear (in, out), with their axes as PyTorch's."""
    if array.ndim == 4:
        return array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    return array.T


def from_neutral(array: Array, depthwise: bool = False) -> Array:
    """The way back from `to_neutral`."""
    if array.ndim == 4:
        return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return array.T


def read_weights(model: keras.Model, program: Program) -> dict[str, Array]:
    """Every weight and running statistic of a model, by name."""
    return {}


def write_weights(model: keras.Model, program: Program, weights: Mapping[str, Array]) -> None:
    """Set every weight and running statistic of a model; all of them, or none.

    Raises:
        BackendError: naming everything that is missing, unknown or of another shape.
    """
