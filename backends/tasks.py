"""Answers and losses as source: functions of a backend's `tasks/`, copied behind the model, with a spec's constants."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from spinec.backends.constants import definition
from spinec.backends.prelude import Names, needed, pieces
from spinec.compiler.graph.program import Program
from spinec.compiler.tasks import registry
from spinec.spec.errors import BackendError
from spinec.spec.heads import Head

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "detect": ("boxes", "scores", "classes"),
    "classify": ("probabilities", "classes"),
    "segment": ("classes",),
}
"""What parts give that make answers of images, by name, in their order; heads may give more."""


def answers(program: Program, part: str) -> tuple[str, ...]:
    """What a part gives of a program's head, by name."""
    head = program.spec.head
    return ANSWERS[part] + (head.besides if head and part == "detect" else ())


class Task(NamedTuple):
    """What source has beside a network: functions, the names in them, and the lines of their constants."""

    texts: list[str]
    names: Names
    constants: list[str]


def task(folder: Path, program: Program, parts: Sequence[str]) -> Task:
    """The functions of some parts, with all that they need.

    Raises:
        BackendError: when a program's head has no such part.
    """
    if not parts:
        return Task([], Names(frozenset(), frozenset()), [])
    head = program.spec.head
    file = folder / f"{head.kind if head else ''}.py"
    for part in parts:
        if not head:
            raise BackendError(f"{program.name} has no head, so its source can have no {part!r}")
        if not _has(file, part):
            able = ", ".join(kind for kind in Head.kinds if _has(folder / f"{kind}.py", part))
            raise BackendError(f"{program.name}: a head of kind {head.kind!r} has no {part!r}; expected one of: {able}")
    texts, names = needed(files(file), Names(frozenset(parts), frozenset()))
    lines = []
    for name, (value, meaning) in registry.constants_of(program).items():
        if name in names.used:
            lines += definition(name, value, meaning)
    return Task(texts, names, lines)


@cache
def files(file: Path) -> tuple[Path, ...]:
    """A file of a folder of tasks behind those beside it that it takes something from."""
    found: dict[Path, None] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and ".tasks." in (node.module or ""):
            found |= dict.fromkeys(files(file.with_name(f"{str(node.module).rpartition('.')[2]}.py")))
    return (*found, file)


def _has(file: Path, part: str) -> bool:
    return file.is_file() and any(part in pieces(each) for each in files(file))
