"""Every value between blocks, as a live PyTorch module computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spinec.backends.weights import Array


def observe(model: nn.Module, program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The value of every block, endpoint and output for some inputs (batch, channels, height, width), in eval mode."""
    import torch

    with torch.inference_mode():
        _, seen = forward(model.eval(), program, inputs)
    return {name: value.numpy() for name, value in seen.items()}


def forward(
    model: nn.Module, program: Program, inputs: Mapping[str, Array]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The outputs by name, and a copy of the value of every block, endpoint and output."""
    with _watched(model, program) as seen:
        results = model(*_tensors(model, inputs))
    named = program.named(results)
    return named, seen | {program.graph.outputs[name]: value.detach() for name, value in named.items()}


def _tensors(model: nn.Module, inputs: Mapping[str, Array]) -> list[Tensor]:
    """The inputs in the model's precision."""
    import torch

    return [torch.tensor(array, dtype=next(model.parameters()).dtype) for array in inputs.values()]


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


@contextmanager
def unfinite(model: nn.Module) -> Iterator[list[str]]:
    """Gives the paths of the modules whose results are not finite while it is run, in the order of execution."""
    found: list[str] = []
    hooks = [module.register_forward_hook(_look(found, path)) for path, module in model.named_modules() if path]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _look(found: list[str], path: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, result: Tensor) -> None:
        if not result.isfinite().all():
            found.append(path)

    return hook


def statistics(model: nn.Module, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Mean and variance of what every norm is given for some inputs, each normalised by its own, by neutral name."""
    import torch

    seen: dict[str, Array] = {}
    kinds = (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)
    norms = {name: module for name, module in model.named_modules() if isinstance(module, kinds)}
    hooks = [module.register_forward_pre_hook(_measure(seen, name)) for name, module in norms.items()]
    model.eval()
    for module in norms.values():
        module.train()
    try:
        with torch.inference_mode():
            model(*_tensors(model, inputs))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _measure(seen: dict[str, Array], name: str) -> Any:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        axes = [axis for axis in range(inputs[0].ndim) if axis != 1]
        seen[f"{name}.mean"] = inputs[0].mean(axes).numpy()
        seen[f"{name}.variance"] = inputs[0].var(axes, correction=0).numpy()

    return hook
