"""Exported files run by their own runtimes: ONNX Runtime, torch.export, TensorFlow's loader, Keras."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spinec.compiler.graph.program import Program


def _onnx(program: Program, path: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, dict(inputs)), strict=True))


def _torch_export(program: Program, path: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    results = torch.export.load(path).module()(*map(torch.tensor, inputs.values()))
    return {name: value.detach().numpy() for name, value in program.named(results).items()}


def _saved_model(program: Program, path: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    from spinec.backends.tensorflow.layout import as_given, channels_first

    served = tf.saved_model.load(path)  # kept, since its functions do not keep its variables alive
    return channels_first(program.named(served.serve(as_given([*inputs.values()]))))


def _keras(program: Program, path: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    import keras

    from spinec.backends.tensorflow.layout import as_given, channels_first

    return channels_first(program.named(keras.saving.load_model(path)(as_given([*inputs.values()]), training=False)))


def _tflite(program: Program, path: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    from spinec.backends.tensorflow.layout import channels_first, channels_last

    return channels_first(run_tflite(path, {name: channels_last(value) for name, value in inputs.items()}))


def run_tflite(path: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The named results of a file of LiteRT."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that LiteRT's interpreter has a package of its own
        interpreter = tf.lite.Interpreter(str(path), num_threads=1)
    results: dict[str, Any] = interpreter.get_signature_runner("serving_default")(**inputs)
    return results


class Runtime(NamedTuple):
    """Who makes a form of file, how its name ends, what running it needs, and how it is run on neutral inputs."""

    backend: str
    ending: str
    needs: tuple[str, ...]
    run: Callable[[Program, Path, Mapping[str, Any]], dict[str, Any]]


RUNTIMES = {
    "onnx": Runtime("pytorch", ".onnx", ("onnxruntime", "onnxscript"), _onnx),
    "torch-export": Runtime("pytorch", ".pt2", (), _torch_export),
    "savedmodel": Runtime("tensorflow", "", ("tensorflow",), _saved_model),
    "tflite": Runtime("tensorflow", ".tflite", ("tensorflow",), _tflite),
    "keras": Runtime("tensorflow", ".keras", ("tensorflow",), _keras),
}
