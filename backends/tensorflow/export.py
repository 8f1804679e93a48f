"""From a live Keras model to files that run without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.compiler.program import Program

if TYPE_CHECKING:
    import keras


def to_keras(model: keras.Model, program: Program, path: Path) -> None:
    """A .keras archive: loads back wherever the generated source is imported."""
    model.save(path)


def to_saved_model(model: keras.Model, program: Program, path: Path) -> None:
    """A TensorFlow SavedModel, batch dynamic, for serving without Keras."""
    model.export(path, verbose=False)


EXPORTS: dict[str, Callable[[Any, Program, Path], None]] = {"keras": to_keras, "savedmodel": to_saved_model}
