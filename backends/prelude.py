"""Pieces of a prelude module, copied into generated source as they stand. The module is read, never imported."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Piece(NamedTuple):
    """A class or function of a prelude, its text and the names it uses."""

    text: str
    uses: frozenset[str]


@cache
def pieces(path: Path) -> dict[str, Piece]:
    """Name and text of every class and function of a prelude, in its order."""
    source = path.read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            text = "\n".join(source.splitlines()[start - 1 : node.end_lineno])
            names = frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
            found[node.name] = Piece(text, names)
    return found


def needed(path: Path, used: set[str]) -> dict[str, Piece]:
    """The pieces that are used, and those that they use in turn, in the prelude's order."""
    known = pieces(path)
    want = used & known.keys()
    while more := {name for piece in want for name in known[piece].uses & known.keys()} - want:
        want |= more
    return {name: piece for name, piece in known.items() if name in want}
