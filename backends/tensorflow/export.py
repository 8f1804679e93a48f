"""From a program to files that TensorFlow makes and that run without its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import Contents
from spinec.backends.prelude import pieces
from spinec.backends.tasks import answers
from spinec.backends.tensorflow.checkpoints import live, save
from spinec.backends.tensorflow.framework import check_keras, load_keras, quiet
from spinec.backends.tensorflow.live import build_with
from spinec.backends.tensorflow.weights import write_weights
from spinec.backends.writing import apart
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from spinec.backends.weights import Array

SERVED = pieces(Path(__file__).with_name("served_boxes.py"))
INSTEAD = "".join(f"\n\n{piece.text}\n" for piece in SERVED.values())
"""The definitions that stand in for those of source, in files."""


def to_keras(path: Path, program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> None:
    """A .keras archive: loads back wherever the generated source is imported.

    Raises:
        BackendError: when it is to hold answers, which are functions and no layers.
    """
    if contents.part:
        raise BackendError(f"keras cannot hold {contents.part!r}; expected one of: onnx, savedmodel, tflite")
    check_keras()
    apart(save, path, program, weights)


def to_saved_model(path: Path, program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> None:
    """A TensorFlow SavedModel, batch dynamic, for serving without Keras; answers bear their names."""
    if contents.part:
        _serve(path, program, weights, contents)
    else:
        live(program, weights).export(path, verbose=False)


def to_tflite(path: Path, program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> None:
    """A file of LiteRT (TensorFlow Lite), batch dynamic, of built-in ops alone; all results bear their names."""
    load_keras()
    import tensorflow as tf

    with TemporaryDirectory(dir=path.parent) as folder, quiet():
        _serve(Path(folder), program, weights, contents)
        path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())


def _serve(path: Path, program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> None:
    """A SavedModel whose results have names, where there is one, too."""
    keras, part = load_keras(), contents.part
    source, model = build_with(program, [part] if part else [], INSTEAD if part == "detect" else "")
    if weights:
        write_weights(model, program, weights)

    def serve(*inputs: Any) -> dict[str, Any]:
        if not part:
            return program.named(model([*inputs] if len(inputs) > 1 else inputs[0], training=False))
        found = getattr(source, part)(model, *inputs)
        names = answers(program, part)
        return dict(zip(names, found if len(names) > 1 else [found], strict=True))

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, _inputs(program, contents))
    archive.write_out(path, verbose=False)


def _inputs(program: Program, contents: Contents) -> list[Any]:
    """What a file is given: axes that are None are dynamic."""
    import tensorflow as tf

    shapes: dict[str, list[int | None]] = {
        name: [*given.shape[1:], given.shape[0]] for name, given in program.inputs.items()
    }
    if program.multiple:
        shapes["image"][:2] = None, None
    if contents.part:
        shapes = {"image": shapes["image"]} | ({"sizes": [2]} if contents.sizes else {})
    return [tf.TensorSpec([None, *shape], tf.float32, name) for name, shape in shapes.items()]


EXPORTS: dict[str, Callable[[Path, Program, Mapping[str, Array] | None, Contents], None]] = {
    "keras": to_keras,
    "savedmodel": to_saved_model,
    "tflite": to_tflite,
}
