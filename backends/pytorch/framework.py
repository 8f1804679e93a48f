"""Loading the framework when it is asked for."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from spinec.backends.installed import check_installed

NO_MEMORY = ("allocate memory", "not enough memory", "ALLOC_FAILED")
"""What errors say that have no type of their own: of a CPU, of cuBLAS and cuDNN."""


def load_torch() -> ModuleType:
    """The `torch` module.

    Raises:
        BackendError: when it is not installed.
    """
    check_installed("torch", "PyTorch", "pytorch")
    return import_module("torch")


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that there was too little memory, in general or on a GPU."""
    torch = load_torch()
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(each in str(error) for each in NO_MEMORY)
