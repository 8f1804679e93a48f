"""A step of training of a live PyTorch module, every value of it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spinec.backends.backend import TrainingStep
from spinec.backends.pytorch.observe import forward
from spinec.backends.pytorch.weights import tensors_of, to_neutral
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from torch import nn

    from spinec.backends.weights import Array


def train_step(
    model: nn.Module, program: Program, inputs: Mapping[str, Array], targets: Mapping[str, Array], rate: float
) -> TrainingStep:
    """One step of gradient descent on the mean squared error, summed over the outputs."""
    import torch

    results, seen = forward(model.train(), program, inputs)
    losses = [torch.nn.functional.mse_loss(results[name], torch.tensor(target)) for name, target in targets.items()]
    loss = torch.stack(losses).sum()
    trained = {slot: tensor for slot, tensor in tensors_of(model, program).items() if slot.name in program.weights}
    gradients = torch.autograd.grad(loss, list(trained.values()))
    with torch.no_grad():
        for tensor, gradient in zip(trained.values(), gradients, strict=True):
            tensor.sub_(rate * gradient)
    arrays = {slot.name: to_neutral(slot, gradient) for slot, gradient in zip(trained, gradients, strict=True)}
    return TrainingStep({name: value.numpy() for name, value in seen.items()}, loss.item(), arrays)
