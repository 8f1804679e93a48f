"""How notebooks show specs, programs and reports.

The classes have the methods that notebooks call; pictures are made in `visualize/`, which `spec/` and `compiler/` do
not know. `spinec/__init__.py` says here who makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Form = Literal["svg", "html", "parts"]

painters: dict[Form, Callable[[Any], str]] = {}
artists: dict[Literal["answer"], Callable[[Any], Any]] = {}
"""What draws on pictures, which they give back."""


def shown(form: Form, value: object) -> str | None:
    """A value as a picture or a page, or nothing where nobody has said how."""
    painter = painters.get(form)
    return painter(value) if painter else None
