"""PyTorch's files of weights: state dicts, as `.pt` without pickled code or as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spinec.backends.pytorch.printer import rule_of
from spinec.backends.weights import check_weights, slots
from spinec.compiler.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from torch import Tensor

    from spinec.backends.weights import Array

CHECKPOINTS = (".pt", ".pth", ".safetensors")
COUNTER = "num_batches_tracked"  # kept by PyTorch's batch norm and used by nobody who sets a momentum


def read_checkpoint(path: Path, program: Program) -> dict[str, Array]:
    """The weights in a state dict, by neutral name."""
    state = _load(path)
    names = {f"{slot.module}.{slot.attribute}": slot.name for slot in slots(program, rule_of)}
    weights = {names.get(key, key): value.numpy() for key, value in state.items() if not key.endswith(COUNTER)}
    check_weights(program, weights)
    return weights


def write_checkpoint(path: Path, program: Program, weights: Mapping[str, Array]) -> None:
    """Write a state dict that the generated module loads as it is."""
    import torch

    state: dict[str, Tensor] = {}
    for slot in slots(program, rule_of):
        state[f"{slot.module}.{slot.attribute}"] = torch.tensor(weights[slot.name])
        if slot.attribute == "running_var":
            state[f"{slot.module}.{COUNTER}"] = torch.tensor(0)
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        torch.save(state, path)


def _load(path: Path) -> dict[str, Tensor]:
    import pickle

    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise BackendError(f"{path}: not a plain state dict, and nothing else is loaded: {reason}") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BackendError(f"{path}: expected a state dict, names and tensors")
    return state
