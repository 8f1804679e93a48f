"""Weights of PyTorch modules in the neutral form, which is PyTorch's own layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.backends.pytorch.printer import rule_of
from spinec.backends.weights import Slot, check_weights, slots
from spinec.compiler.program import Program

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spinec.backends.weights import Array


def to_neutral(value: Tensor) -> Array:
    """A copy, so that training on changes nothing that was read."""
    array: Array = value.detach().cpu().clone().numpy()
    return array


def from_neutral(array: Array, like: Tensor) -> Tensor:
    """A tensor of the type and on the device of another."""
    import torch

    return torch.tensor(array, dtype=like.dtype, device=like.device)


def read_weights(model: nn.Module, program: Program) -> dict[str, Array]:
    """Every weight and running statistic of a model, by name."""
    return {slot.name: to_neutral(_tensor(model, slot)) for slot in slots(program, rule_of)}


def write_weights(model: nn.Module, program: Program, weights: Mapping[str, Array]) -> None:
    """Set every weight and running statistic of a model; all of them, or none.

    Raises:
        BackendError: naming everything that is missing, unknown or of another shape.
    """
    import torch

    check_weights(program, weights)
    targets = {slot.name: _tensor(model, slot) for slot in slots(program, rule_of)}
    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(from_neutral(weights[name], target))


def _tensor(model: nn.Module, slot: Slot) -> Tensor:
    tensor: Tensor = getattr(model.get_submodule(slot.module), slot.attribute)
    return tensor
