"""How a value is spelt in YAML: as plainly as a person would, and so that the loader reads it back."""

from __future__ import annotations

import re

import yaml

from spinec.spec.scalars import Scalar, reads_as_text

_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]*", re.ASCII)  # plain wherever it stands, if it means itself
_KEY = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_.$+-]*", re.ASCII)
_OTHER_READERS = frozenset("y n yes no on off".split())  # YAML 1.1 has them for true and false


def spell(value: Scalar, *, flow: bool = True) -> str:
    """A scalar on one line; within brackets (`flow`) commas and brackets are quoted, too.

    >>> spell("arXiv 1905.11946, Table 1"), spell("arXiv 1905.11946, Table 1", flow=False)
    ('"arXiv 1905.11946, Table 1"', 'arXiv 1905.11946, Table 1')
    >>> spell("1e5"), spell(1e-5), spell(None), spell(True)
    ('"1e5"', '1e-05', 'null', 'true')
    """
    if not isinstance(value, str):
        return _dumped(value) if not isinstance(value, float) else _spell_float(value)
    if reads_as_text(value) and _WORD.fullmatch(value) and value.lower() not in _OTHER_READERS:
        return value
    if value.isprintable() and reads_as_text(value):
        spelt = _dumped(value) if flow else yaml.safe_dump({"x": value}, width=float("inf"), allow_unicode=True)[3:-1]
        if spelt[0] not in "'\"" or '"' in value or "\\" in value:
            return spelt
    return _dumped(value, style='"')


def spell_key(name: str) -> str:
    """A key on one line; a key is text, whatever it looks like."""
    return name if _KEY.fullmatch(name) else spell(name)


def _spell_float(value: float) -> str:
    return repr(value) if value - value == 0 else _dumped(value)


def _dumped(value: Scalar, style: str | None = None) -> str:
    text: str = yaml.safe_dump(
        [value], default_flow_style=True, default_style=style, width=float("inf"), allow_unicode=True
    )
    return text[1:-2]
