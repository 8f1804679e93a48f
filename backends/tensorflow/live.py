"""The live Keras model of a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import check_image_alone
from spinec.backends.live import import_source, keep
from spinec.backends.prelude import pieces
from spinec.backends.tensorflow.framework import load_keras
from spinec.backends.tensorflow.layout import as_given, channels_first, channels_last
from spinec.backends.tensorflow.printer import emit, model_name
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from spinec.backends.weights import Array


def build(program: Program) -> keras.Model:
    """A functional `keras.Model` with fresh weights: the function that `emit` writes, imported and called."""
    return build_with(program)[1]


def build_with(program: Program, parts: Sequence[str] = (), instead: str = "") -> tuple[ModuleType, keras.Model]:
    """The source of a model and of some parts, imported, and the model; definitions in `instead` replace its own."""
    load_keras()
    source = emit(program, parts) + instead
    module = import_source(source, program.name, _registered(source))
    model: keras.Model = getattr(module, model_name(program))()
    keep(module, [model])
    return module, model


def _registered(source: str) -> dict[str, Any]:
    """What Keras finds by name when it loads a model: once for all models, as it keeps all that it is told of.

    Only where the source has it word for word: what runs is what the source says.
    """
    from spinec.backends.tensorflow import prelude

    found = pieces(Path(str(prelude.__file__)))
    names = [name for name, piece in found.items() if piece.text.startswith("@keras") and piece.text.strip() in source]
    return {name: getattr(prelude, name) for name in names}


def run(program: Program, image: NDArray[np.float32], seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """The outputs of a model with fresh weights from a seed for one image, (channels, height, width)."""
    check_image_alone(program)
    load_keras().utils.set_random_seed(seed)
    results = build(program)(channels_last(image[None]), training=False)
    return {name: array[0] for name, array in channels_first(program.named(results)).items()}


def taps(model: keras.Model, program: Program) -> dict[str, keras.KerasTensor]:
    """Every block's, endpoint's and output's tensor by name: give some to `keras.Model(model.input, ...)` to see them.

    A block's value is what the layer of its last op gives, and that layer bears the op's path: `b5.body.add`.
    """
    results = model.output if isinstance(model.output, Mapping) else dict.fromkeys(program.outputs, model.output)
    found = {program.graph.outputs[name]: tensor for name, tensor in results.items()}
    made = {layer.name: layer for layer in model.layers}
    return {
        name: found[name] if name in found else made[program.values.get(name, name)].output
        for name in program.observable
    }


def forward(model: keras.Model, program: Program, inputs: Mapping[str, Array], *, training: bool) -> dict[str, Any]:
    """The value of every block, endpoint and output for some inputs (batch, channels, height, width)."""
    import keras

    tapped = keras.Model(model.input, taps(model, program))
    given = as_given([array.astype(model.inputs[0].dtype) for array in inputs.values()])
    values: dict[str, Any] = tapped(given, training=training)
    return values


@contextmanager
def precision(name: str) -> Iterator[None]:
    """What models are built within compute in: float32 or float64."""
    keras = load_keras()
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


@contextmanager
def mixed(name: str) -> Iterator[None]:
    """What models that are built within compute in, their weights being what they are otherwise."""
    keras = load_keras()
    before = keras.config.dtype_policy()
    if name != "float32":
        keras.config.set_dtype_policy(f"mixed_{name}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
