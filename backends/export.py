"""A program as a file that runs without spinec, in whatever form some backend can write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spinec.backends.backend import backend, backend_names
from spinec.backends.checkpoints import read_checkpoint
from spinec.backends.writing import written
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError, did_you_mean

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "onnx": (".onnx",),
    "torch-export": (".pt2",),
    "keras": (".keras",),
    "savedmodel": (),
}
"""What names of files end in, by form; a SavedModel is a folder."""


def export_model(program: Program, form: str, path: Path, weights: Path | None = None) -> None:
    """Write a model to a file or folder, whole or not at all, with fresh weights or those of a file.

    Raises:
        BackendError: when the form is unknown, its framework is not installed, or the weights do not fit.
        OSError: when nothing can be written there.
    """
    owners = {each: name for name in backend_names() for each in backend(name).EXPORTS}
    if form not in owners:
        raise BackendError(f"no export to {form!r}; {did_you_mean(form, owners)}")
    owner = backend(owners[form])
    arrays = read_checkpoint(weights, program) if weights else None
    with written(path) as made:
        owner.EXPORTS[form](made, program, arrays)
