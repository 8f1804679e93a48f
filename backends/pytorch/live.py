"""The live PyTorch module of a program."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from spinec.backends.live import import_source
from spinec.backends.naming import class_name
from spinec.backends.pytorch.printer import emit
from spinec.compiler.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from torch import nn


def build(program: Program) -> nn.Module:
    """A `torch.nn.Module` with fresh weights: the class that `emit` writes, imported and called."""
    if find_spec("torch") is None:
        raise BackendError("PyTorch is not installed: pip install 'spinec[pytorch]'")
    module = import_source(emit(program), program.name)
    model: nn.Module = getattr(module, class_name(program.name))()
    return model
