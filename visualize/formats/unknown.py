"""What is said of a form of picture that nothing writes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from spinec.spec.errors import Fault, SpecError, did_you_mean


def no_form(message: str, hint: str | Callable[[], str]) -> SpecError:
    """The error that a picture has no such form."""
    return SpecError([Fault("SPN-801", message, None, hint)])


def unknown_form(path: Path, what: str, known: Collection[str]) -> SpecError:
    """The error that no picture of a sort is written into a file of this name; `known` are the suffixes there are."""
    hint = partial(did_you_mean, path.suffix or path.name, known) if known else "expected a name without a suffix"
    return no_form(f"{path.name}: no {what} is written as {path.suffix or 'a file without a suffix'!r}", hint)
