"""The live PyTorch module of a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from spinec.backends.backend import check_image_alone
from spinec.backends.live import import_source, keep
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.printer import emit, model_name
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


def build(program: Program) -> nn.Module:
    """A `torch.nn.Module` with fresh weights: the class that `emit` writes, imported and called."""
    return build_with(program)[1]


def build_with(program: Program, parts: Sequence[str] = ()) -> tuple[ModuleType, nn.Module]:
    """The source of a model and of some parts, imported, and the model."""
    load_torch()
    module = import_source(emit(program, parts), program.name)
    model: nn.Module = getattr(module, model_name(program))()
    keep(module, [part for part in model.modules() if type(part).__module__ == module.__name__])
    return module, model


def run(program: Program, image: NDArray[np.float32], seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """The outputs of a model with fresh weights from a seed for one image, (channels, height, width)."""
    check_image_alone(program)
    torch = load_torch()
    torch.manual_seed(seed)
    model = build(program).eval()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
    batch = torch.from_numpy(image)[None].to(memory_format=torch.channels_last)
    with torch.inference_mode():
        results = model(batch)
    return {name: value[0].numpy() for name, value in program.named(results).items()}


@contextmanager
def precision(name: str) -> Iterator[None]:
    """What modules are built within compute in: float32 or float64."""
    torch = load_torch()
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, name))
    try:
        yield
    finally:
        torch.set_default_dtype(before)
