"""Weights of PyTorch modules in the neutral form, which is PyTorch's own layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.backends.pytorch.printer import rule_of
from spinec.backends.weights import Slot, check_weights, find_arrays, slots
from spinec.compiler.program import Program

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
    places = slots(program, rule_of)
    tensors = _tensors(model, places)
    return {slot.name: to_neutral(slot, tensors[slot.name]) for slot in places}


def write_weights(model: nn.Module, program: Program, weights: Mapping[str, Array]) -> None:
    """Set every weight and running statistic of a model; all of them, or none.

    Raises:
        BackendError: naming everything that is missing, unknown or of another shape.
    """
    import torch

    check_weights(program, weights)
    places = slots(program, rule_of)
    tensors = _tensors(model, places)
    with torch.no_grad():
        for slot in places:
            tensors[slot.name].copy_(from_neutral(slot, weights[slot.name]))


def _tensors(model: nn.Module, places: list[Slot]) -> dict[str, Tensor]:
    modules = dict(model.named_modules())
    return find_arrays(
        places,
        lambda slot: getattr(modules.get(slot.module), slot.attribute, None),
        lambda slot, tensor: tuple(tensor.shape),
    )
