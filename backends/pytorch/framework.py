"""Loading the framework when it is asked for."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from spinec.backends.installed import check_installed


def load_torch() -> ModuleType:
    """The `torch` module.

    Raises:
        BackendError: when it is not installed.
    """
    check_installed("torch", "PyTorch", "pytorch")
    return import_module("torch")
