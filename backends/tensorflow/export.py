"""From a program to files that TensorFlow makes and that run without its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spinec.backends.tensorflow.checkpoints import live, save
from spinec.backends.tensorflow.framework import check_keras
from spinec.backends.writing import apart
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array


def to_keras(path: Path, program: Program, weights: Mapping[str, Array] | None) -> None:
    """A .keras archive: loads back wherever the generated source is imported."""
    check_keras()
    apart(save, path, program, weights)


def to_saved_model(path: Path, program: Program, weights: Mapping[str, Array] | None) -> None:
    """A TensorFlow SavedModel, batch dynamic, for serving without Keras."""
    live(program, weights).export(path, verbose=False)


EXPORTS: dict[str, Callable[[Path, Program, Mapping[str, Array] | None], None]] = {
    "keras": to_keras,
    "savedmodel": to_saved_model,
}
