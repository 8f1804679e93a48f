"""Keras' files of weights: `.weights.h5`, and `.keras` archives, of which the weights alone are ever read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spinec.backends.tensorflow.framework import check_keras
from spinec.backends.tensorflow.hdf5 import read_hdf5
from spinec.backends.tensorflow.live import build
from spinec.backends.tensorflow.weights import write_weights
from spinec.backends.weights import Stored, most_bytes
from spinec.backends.writing import apart
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import keras

    from spinec.backends.weights import Array

CHECKPOINTS = (".weights.h5", ".keras")
INNER = "model.weights.h5"  # the weights within a .keras archive


def read_checkpoint(path: Path, program: Program) -> dict[str, Stored]:
    """What is in a Keras file, by neutral name where it has one."""
    check_keras()
    return read_hdf5(_archived(path, most_bytes(program)) if path.suffix == ".keras" else path, program)


def write_checkpoint(path: Path, program: Program, weights: Mapping[str, Array]) -> None:
    """Write the weights, or the whole model where the name ends in .keras."""
    check_keras()
    apart(save, path, program, weights)


def save(path: Path, program: Program, weights: Mapping[str, Array] | None) -> None:
    """Write either in this process, which HDF5 may end."""
    model = live(program, weights)
    if path.suffix == ".keras":
        model.save(path)
    else:
        model.save_weights(path)


def live(program: Program, weights: Mapping[str, Array] | None) -> keras.Model:
    """A model with some weights, or fresh ones."""
    model = build(program)
    if weights:
        write_weights(model, program, weights)
    return model


def _archived(path: Path, limit: int) -> io.BytesIO:
    """The weights in an archive, which are not unpacked where they are much larger than they could be."""
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(INNER).file_size
        if size > limit:
            raise BackendError(f"{path}: unpacks to {size:,} bytes; expected {limit:,} at most for these weights")
        return io.BytesIO(archive.read(INNER))
