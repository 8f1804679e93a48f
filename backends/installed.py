"""Whether what a command needs is installed."""

from __future__ import annotations

from importlib.util import find_spec

from spinec.spec.errors import BackendError


def check_installed(module: str, called: str, extra: str) -> None:
    """A library is there.

    Raises:
        BackendError: saying how to install it.
    """
    if find_spec(module) is None:
        raise BackendError(f"{called} is not installed: pip install 'spinec[{extra}]'")
