"""Every value between blocks, as a live PyTorch module computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spinec.compiler.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array
    from torch import Tensor, nn


def observe(model: nn.Module, program: Program, images: Array) -> dict[str, Array]:
    """The value of every block, endpoint and output for some images (batch, channels, height, width), in eval mode."""
    import torch

    seen: dict[str, Tensor] = {}
    hooks = [
        model.get_submodule(node.module).register_forward_hook(_keep(seen, node.name))
        for node in program.graph.nodes
        if not node.call  # a shared module is called more than once; its results are the model's own
    ]
    parameter = next(model.parameters())
    try:
        with torch.inference_mode():
            results = model.eval()(torch.tensor(images, dtype=parameter.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    named = results if isinstance(results, dict) else dict(zip(program.outputs, [results], strict=True))
    seen |= {program.graph.outputs[name]: value for name, value in named.items()}
    return {name: value.numpy() for name, value in seen.items()}


def _keep(seen: dict[str, Tensor], name: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, result: Tensor) -> None:
        seen[name] = result.clone()  # the next block may overwrite what is its own

    return hook
