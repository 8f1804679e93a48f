"""Pieces of a prelude module, copied into generated source as they stand. Source is made of it as text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Names(NamedTuple):
    """The names that source code mentions."""

    used: frozenset[str]
    called: frozenset[str]
    """Those that it calls or takes an attribute of, which it does with no variable named by a spec."""

    def plus(self, other: Names) -> Names:
        """The names of both."""
        return Names(self.used | other.used, self.called | other.called)


def names_in(source: str | ast.AST) -> Names:
    """The names in source code, or in a part of it."""
    used, called = set(), set()
    for node in ast.walk(ast.parse(source) if isinstance(source, str) else source):
        match node:
            case ast.Name(name):
                used.add(name)
            case ast.Call(func=ast.Name(name)) | ast.Attribute(value=ast.Name(name)):
                called.add(name)
    return Names(frozenset(used), frozenset(called))


class Piece(NamedTuple):
    """A class or function of a prelude, its text and the names in it."""

    text: str
    names: Names


@cache
def pieces(path: Path) -> dict[str, Piece]:
    """Name and text of every class and function of a prelude, in its order."""
    source = path.read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            text = "\n".join(source.splitlines()[start - 1 : node.end_lineno])
            found[node.name] = Piece(text, names_in(node))
    return found


def needed(paths: Iterable[Path], own: Names) -> tuple[list[str], Names]:
    """The pieces that source needs by its own names, and those that they need in turn; the names in all of it."""
    known = {name: piece for path in paths for name, piece in pieces(path).items()}
    want = own.used & known.keys()
    while more := {name for piece in want for name in known[piece].names.used & known.keys()} - want:
        want |= more
    found = [piece for name, piece in known.items() if name in want]
    used = own.used.union(*(piece.names.used for piece in found))
    called = own.called.union(*(piece.names.called for piece in found))
    return [piece.text for piece in found], Names(used, called)
