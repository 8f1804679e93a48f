"""Every value between blocks, as a live PyTorch module computes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spinec.compiler.program import Program

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spinec.backends.weights import Array


def observe(model: nn.Module, program: Program, images: Array) -> dict[str, Array]:
    """The value of every block, endpoint and output for some images (batch, channels, height, width), in eval mode."""
    import torch

    with torch.inference_mode():
        _, seen = forward(model.eval(), program, images)
    return {name: value.numpy() for name, value in seen.items()}


def forward(model: nn.Module, program: Program, images: Array) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The outputs by name, and a copy of the value of every block, endpoint and output."""
    import torch

    with _watched(model, program) as seen:
        results = model(torch.tensor(images, dtype=next(model.parameters()).dtype))
    named = program.named(results)
    return named, seen | {program.graph.outputs[name]: value.detach() for name, value in named.items()}


@contextmanager
def _watched(model: nn.Module, program: Program) -> Iterator[dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}
    hooks = [
        model.get_submodule(node.module).register_forward_hook(_keep(seen, node.name))
        for node in program.graph.nodes
        if not node.call  # a shared module is called more than once; its results are the model's own
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _keep(seen: dict[str, Tensor], name: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, result: Tensor) -> None:
        seen[name] = result.detach().clone()  # the next block may overwrite what is its own

    return hook


def statistics(model: nn.Module, images: Array) -> dict[str, Array]:
    """Mean and variance of what every norm is given for some images, each normalised by its own, by neutral name."""
    import torch

    seen: dict[str, Array] = {}
    norms = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.BatchNorm2d)}
    hooks = [module.register_forward_pre_hook(_measure(seen, name)) for name, module in norms.items()]
    model.eval()
    for module in norms.values():
        module.train()
    try:
        with torch.inference_mode():
            model(torch.tensor(images, dtype=next(model.parameters()).dtype))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _measure(seen: dict[str, Array], name: str) -> Any:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[f"{name}.mean"] = inputs[0].mean((0, 2, 3)).numpy()
        seen[f"{name}.variance"] = inputs[0].var((0, 2, 3), correction=0).numpy()

    return hook
