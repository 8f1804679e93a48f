"""Answers of a live PyTorch module, given and told as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import Live
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.live import build_with
from spinec.backends.pytorch.weights import write_weights
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array


def answering(program: Program, parts: Sequence[str], weights: Mapping[str, Array] | None, seed: int) -> Live:
    """A module with some weights, or fresh ones from a seed, and what answers with it: the first of the parts."""
    torch = load_torch()
    torch.manual_seed(seed)
    module, model = build_with(program, parts)
    if weights is not None:
        write_weights(model, program, weights)
    model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs

    def given(value: Any) -> Any:
        home = next(model.parameters())  # wherever the user has moved it
        return torch.from_numpy(value).to(home.device) if hasattr(value, "dtype") else value

    def answer(images: Array, *besides: Any) -> tuple[Array, ...]:
        batch = given(images).to(next(model.parameters()).dtype, memory_format=torch.channels_last)
        learning = model.training
        model.eval()
        with torch.inference_mode():
            told = getattr(module, parts[0])(model, batch, *map(given, besides))
        model.train(learning)
        told = told if isinstance(told, tuple) else (told,)
        return tuple((each.float() if each.is_floating_point() else each).cpu().numpy() for each in told)

    def use(name: str, *values: Any) -> Any:
        return getattr(module, name)(*map(given, values)).cpu().numpy()

    return Live(model, answer, use)
