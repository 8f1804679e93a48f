"""Every value between blocks, as a live Keras model computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinec.backends.tensorflow.live import taps
from spinec.compiler.program import Program

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array


def observe(model: keras.Model, program: Program, images: Array) -> dict[str, Array]:
    """The value of every block, endpoint and output for some images (batch, channels, height, width), in inference."""
    import keras
    import numpy as np

    tapped = keras.Model(model.input, taps(model, program))
    values = tapped(np.moveaxis(images, 1, -1).astype(model.input.dtype), training=False)
    arrays = {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}
    return {name: np.moveaxis(array, -1, 1) if array.ndim == 4 else array for name, array in arrays.items()}
