"""Backends by name: source of a program, and the live module that is that source."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol

from spinec.compiler.program import Program
from spinec.spec.errors import BackendError, did_you_mean

from spinec import backends

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Backend(Protocol):
    """What a backend's package offers. To add a backend, add a folder whose package has these three."""

    def emit(self, program: Program) -> str:
        """Standalone source of a program."""

    def build(self, program: Program) -> Any:
        """The live model: that source, imported."""

    def run(self, program: Program, image: NDArray[np.float32], seed: int = 0) -> dict[str, NDArray[np.float32]]:
        """The outputs of a model with fresh weights for one image, all (channels, height, width)."""


def backend_names() -> list[str]:
    """The backends there are."""
    return [module.name for module in iter_modules(backends.__path__) if module.ispkg]


def backend(name: str) -> Backend:
    """A backend by name; its framework is loaded by `build` alone."""
    if name not in backend_names():
        raise BackendError(f"no backend {name!r}; {did_you_mean(name, backend_names())}")
    found: Any = import_module(f"spinec.backends.{name}")
    return found  # type: ignore[no-any-return]  # a package that has these functions


def emit(program: Program, backend_name: str = "pytorch") -> str:
    """Standalone source of a program for a framework; deterministic, and nothing of spinec in it.

    >>> from spinec import load, lower
    >>> "class EffSpineNetD0(nn.Module):" in emit(lower(load("eff-spinenet-d0")), "pytorch")
    True
    """
    return backend(backend_name).emit(program)


def build(program: Program, backend_name: str = "pytorch") -> Any:
    """The live model of a program in a framework: the module that `emit` writes, imported.

    Raises:
        BackendError: when the framework is not installed.
    """
    return backend(backend_name).build(program)
