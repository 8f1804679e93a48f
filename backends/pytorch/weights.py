"""Weights of PyTorch modules in the neutral form, which is PyTorch's own layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.backends.pytorch.printer import rule_of
from spinec.backends.weights import Slot, check_weights, find_arrays, slots
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spinec.backends.weights import Array


def to_neutral(slot: Slot, value: Tensor) -> Array:
    """A copy, so that training on changes nothing that was read."""
    array: Array = value.detach().cpu().clone().numpy()
    return array


def from_neutral(slot: Slot, array: Array) -> Tensor:
    """A copy, so that training on changes nothing that was given."""
    import torch

    return torch.tensor(array)


def read_weights(model: nn.Module, program: Program) -> dict[str, Array]:
    """Every weight and running statistic of a model, by name."""
    return {slot.name: to_neutral(slot, tensor) for slot, tensor in tensors_of(model, program).items()}


def write_weights(model: nn.Module, program: Program, weights: Mapping[str, Array]) -> None:
    """Set every weight and running statistic of a model; all of them, or none.

    Raises:
        BackendError: naming everything that is missing, unknown or of another shape.
    """
    import torch

    check_weights(program, weights)
    tensors = tensors_of(model, program)
    with torch.no_grad():
        for slot, tensor in tensors.items():
            tensor.copy_(from_neutral(slot, weights[slot.name]))


def tensors_of(model: nn.Module, program: Program) -> dict[Slot, Tensor]:
    """The live tensor in every place for a weight or running statistic."""
    modules = dict(model.named_modules())
    return find_arrays(
        slots(program, rule_of),
        lambda slot: getattr(modules.get(slot.module), slot.attribute, None),
        lambda slot, tensor: tuple(tensor.shape),
    )
