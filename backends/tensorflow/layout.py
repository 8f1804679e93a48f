"""Arrays between the neutral layout, channels first, and Keras', channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinec.backends.weights import Array


def channels_last(images: Array) -> Array:
    """Maps as Keras takes them; vectors as they are."""
    import numpy as np

    return np.moveaxis(images, 1, -1) if images.ndim == 4 else images


def as_given(inputs: Sequence[Array]) -> Array | list[Array]:
    """What a model is called on: one input by itself, several in a list."""
    given = [channels_last(array) for array in inputs]
    return given if len(given) > 1 else given[0]


def channels_first(values: Mapping[str, Any]) -> dict[str, Array]:
    """What Keras gave, by name, as arrays in the neutral layout."""
    import keras
    import numpy as np

    arrays = {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}
    return {name: np.moveaxis(array, -1, 1) if array.ndim == 4 else array for name, array in arrays.items()}
