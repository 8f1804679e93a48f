"""Keras' files of weights: `.weights.h5`, and `.keras` archives, of which the weights alone are ever read."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spinec.backends.tensorflow.live import build
from spinec.backends.tensorflow.weights import read_weights, write_weights
from spinec.compiler.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from spinec.backends.weights import Array

CHECKPOINTS = (".weights.h5", ".keras")
INNER = "model.weights.h5"  # the weights within a .keras archive


def read_checkpoint(path: Path, program: Program) -> dict[str, Array]:
    """The weights in a Keras file, by neutral name."""
    model = build(program)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / INNER
        weights.write_bytes(_archived(path) if path.suffix == ".keras" else path.read_bytes())
        try:
            model.load_weights(weights)
        except (ValueError, KeyError, OSError) as error:
            raise BackendError(f"{path}: no weights of {program.name}: {error}") from None
    return read_weights(model, program)


def write_checkpoint(path: Path, program: Program, weights: Mapping[str, Array]) -> None:
    """Write the weights, or the whole model where the name ends in .keras."""
    model = build(program)
    write_weights(model, program, weights)
    if path.suffix == ".keras":
        model.save(path)
    else:
        model.save_weights(path)


def _archived(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(INNER)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BackendError(f"{path}: not a .keras archive: {error}") from None
