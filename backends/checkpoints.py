"""Files of weights: the neutral form as safetensors, and every backend's own files, read and written whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from spinec.backends.backend import backend, backend_names
from spinec.backends.weights import check_weights
from spinec.compiler.program import Program
from spinec.spec.errors import BackendError
from spinec.spec.files import whole

if TYPE_CHECKING:
    from spinec.backends.weights import Array

NEUTRAL = ".safetensors"
MARK = "spinec-neutral"  # the metadata's only key, for the spec's name: of several the order would be random
Layout: TypeAlias = Literal["neutral", "pytorch"]


def read_checkpoint(path: Path, program: Program) -> dict[str, Array]:
    """The weights in a file of any form, by neutral name.

    Raises:
        BackendError: when the file cannot be read, or holds the weights of another program: all faults are named.
    """
    if spec_named_in(path):
        weights: dict[str, Array] = _load_safetensors(path)
        check_weights(program, weights)
        return weights
    return backend(_owner(path)).read_checkpoint(path, program)


def write_checkpoint(path: Path, program: Program, weights: Mapping[str, Array], layout: Layout = "neutral") -> None:
    """Write weights to a file in the form that its name says; all of them, or nothing.

    Raises:
        BackendError: when weights are missing, unknown or of another shape, or the form is unknown.
        OSError: when the file cannot be written.
    """
    check_weights(program, weights)
    neutral = path.suffix == NEUTRAL and layout == "neutral"
    owner = None if neutral else backend(_owner(path))
    with whole(path) as made:
        if owner is None:
            _save_safetensors(made, weights, {MARK: program.name})
        else:
            owner.write_checkpoint(made, program, weights)


def spec_named_in(path: Path) -> str | None:
    """The spec whose weights a file holds, where it is a neutral one.

    Raises:
        BackendError: when there is no such file, or it is damaged.
    """
    if not os.path.isfile(path):  # False, unlike Path.is_file, for a name that no file can have
        raise BackendError(f"{path}: no such file")
    return _metadata(path).get(MARK) if path.suffix == NEUTRAL else None


def _owner(path: Path) -> str:
    """The backend whose files have this suffix."""
    suffixes = {suffix: name for name in backend_names() for suffix in backend(name).CHECKPOINTS}
    found = [name for suffix, name in suffixes.items() if path.name.endswith(suffix)]
    if not found:
        known = ", ".join(sorted({NEUTRAL, *suffixes}))
        raise BackendError(f"{path}: unknown form of weights; expected a name that ends in {known}")
    return found[0]


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise BackendError(f"{path}: not a safetensors file: {error}") from None


def _load_safetensors(path: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file

    arrays: dict[str, Array] = load_file(path)
    return arrays


def _save_safetensors(path: Path, weights: Mapping[str, Array], metadata: dict[str, str]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, path, metadata)
