"""PyTorch's files of weights: state dicts, as `.pt` without pickled code or as safetensors."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.backends.neutral import SUFFIX, packed, read_safetensors
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.printer import rule_of
from spinec.backends.weights import Stored, most_bytes, renamed, slots
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError, first_line

if TYPE_CHECKING:
    from torch import Tensor

    from spinec.backends.weights import Array

CHECKPOINTS = (".pt", ".pth", SUFFIX)
COUNTER = "num_batches_tracked"  # kept by PyTorch's batch norm and used by nobody who sets a momentum


def read_checkpoint(path: Path, program: Program) -> dict[str, Stored]:
    """What is in a state dict, by neutral name where it has one."""
    places = slots(program, rule_of)
    counters = {f"{slot.module}.{COUNTER}" for slot in places if slot.attribute == "running_var"}
    stored = read_safetensors(path) if path.suffix == SUFFIX else _read(path, most_bytes(program))
    names = {f"{slot.module}.{slot.attribute}": slot.name for slot in places}
    return renamed({key: each for key, each in stored.items() if key not in counters}, names)


def write_checkpoint(path: Path, program: Program, weights: Mapping[str, Array]) -> None:
    """Write a state dict that the generated module loads as it is."""
    import numpy as np

    state: dict[str, Any] = {}
    for slot in slots(program, rule_of):
        state[f"{slot.module}.{slot.attribute}"] = weights[slot.name]
        if slot.attribute == "running_var":
            state[f"{slot.module}.{COUNTER}"] = np.array(0)
    path.write_bytes(packed(state) if path.suffix == SUFFIX else _saved(state))


def _saved(state: Mapping[str, Array]) -> bytes:
    """The bytes of a `.pt`: made in memory, for where a disk is full PyTorch's own writing says nothing of it."""
    torch, data = load_torch(), io.BytesIO()
    torch.save({name: torch.tensor(array) for name, array in state.items()}, data)
    return data.getvalue()


def _read(path: Path, limit: int) -> dict[str, Stored]:
    _check_size(path, limit)
    try:
        state = load_torch().load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise BackendError(
            f"{path}: not a plain state dict, and nothing else is loaded: {first_line(str(error))}"
        ) from None
    if not isinstance(state, dict):
        raise BackendError(f"{path}: expected a state dict, names and tensors; got {_called(state)}")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, load_torch().Tensor):
            said = f"{key!r:.80} of type {type(key).__name__} is {_called(value)}"
            raise BackendError(f"{path}: expected a state dict, names and tensors; {said}")
    return {key: Stored(tuple(tensor.shape), _type(tensor), partial(_array, tensor)) for key, tensor in state.items()}


def _check_size(path: Path, limit: int) -> None:
    """Nothing is unpacked that is much larger than the weights could be: a megabyte of zip holds gigabytes of zeros."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > limit:
            raise BackendError(f"{path}: unpacks to {size:,} bytes; expected {limit:,} at most for these weights")


def _type(tensor: Tensor) -> str:
    """What a tensor holds and how, if not simply its numbers one by one."""
    import torch

    name = str(tensor.dtype).removeprefix("torch.")
    kinds = {"meta": tensor.is_meta, "quantized": tensor.is_quantized, "sparse": tensor.layout != torch.strided}
    return " ".join([*(kind for kind, holds in kinds.items() if holds), name])


def _array(tensor: Tensor) -> Array:
    import torch

    plain = tensor.detach()
    array: Array = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array


def _called(value: object) -> str:
    return f"a {type(value).__name__}"
