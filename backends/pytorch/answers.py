"""Answers of a live PyTorch module, given and told as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import Live
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.live import build_with
from spinec.backends.pytorch.weights import write_weights
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array


def answering(program: Program, part: str, weights: Mapping[str, Array] | None, seed: int) -> Live:
    """A module with some weights, or fresh ones from a seed, and what makes answers of images with it."""
    torch = load_torch()
    torch.manual_seed(seed)
    module, model = build_with(program, (part,))
    if weights is not None:
        write_weights(model, program, weights)
    model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs

    def answer(images: Array, *besides: Any) -> tuple[Array, ...]:
        home = next(model.parameters())  # wherever the user has moved it
        given = [torch.from_numpy(each).to(home.device) if hasattr(each, "dtype") else each for each in besides]
        batch = torch.from_numpy(images).to(home, memory_format=torch.channels_last)
        with torch.inference_mode():
            told = getattr(module, part)(model, batch, *given)
        return tuple(each.cpu().numpy() for each in (told if isinstance(told, tuple) else (told,)))

    return Live(model, answer)
