"""What a shell completes: where nothing is said here, it completes names of files by itself."""

from __future__ import annotations

from pathlib import Path


def spec_names(incomplete: str) -> list[str]:
    """Specs of the library, and those in the current folder."""
    from spinec.spec.library import SUFFIXES, names

    here = sorted(path.name for path in Path().iterdir() if path.suffix in SUFFIXES) if "/" not in incomplete else []
    return [name for name in (*names(), *here) if name.startswith(incomplete)]


def space_names(incomplete: str) -> list[str]:
    """Spaces of the library, and what `spec_names` finds."""
    from spinec.spec.spaces.load import spaces

    return [*(name for name in spaces() if name.startswith(incomplete)), *spec_names(incomplete)]


def backend_names(incomplete: str) -> list[str]:
    """Frameworks that source is written for."""
    from spinec.backends.backend import backend_names as known

    return [name for name in known() if name.startswith(incomplete)]


def convention_names(incomplete: str) -> list[str]:
    """Counting conventions, those of plug-ins included."""
    from spinec.spec.conventions import CONVENTIONS

    return [name for name in CONVENTIONS if name.startswith(incomplete)]


def fault_codes(incomplete: str) -> list[str]:
    """Codes of faults, and the word that lists them."""
    from spinec.spec.codes import codes

    return [code for code in (*codes(), "all") if code.startswith(incomplete)]
