"""What a neck repeats: blocks that come again under the next number, which source writes once, in a loop.

The blocks of a cell are called ``p6_up_2``, those of the next ``p6_up_3``, and so are their weights. They are a loop
where nothing differs but the number, and each reads the cell before it alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spinec.backends.expressions import Call, Optional, Place
from spinec.backends.outline import Member, Outline
from spinec.compiler.ops.base import Shape

NUMBERED = re.compile(r"(.+)_([1-9][0-9]*)\Z")
NUMBERS = ("k", "i", "n", "number")
"""What the loop may call the number."""


@dataclass(frozen=True)
class Cell:
    """A loop over cells: the members of one, with the values that it takes from the cell before."""

    first: int
    last: int
    number: str
    members: tuple[tuple[str, Member], ...]
    """Each with its name, without the number."""
    carried: tuple[str, ...]

    def values(self, member: Member, values: dict[str, Any]) -> list[Any]:
        """The expressions of what a member reads, of a cell or from outside."""
        return [values[_stem(name, (self.first, self.first - 1), self) or name] for name in member.node.inputs]

    def path(self, stem: str) -> Place:
        """The name of a block in the loop."""
        return Place(f"{stem}_{{{self.number}}}", numbered=True)

    def build(self, stem: str, member: Member) -> Any:
        """What makes a block in the loop."""
        return _numbered(member.build, f"{stem}_{self.first}", f"{stem}_{{{self.number}}}")


Item = Member | Cell


def items(part: Outline, shape: Callable[[str], Shape]) -> list[Item]:
    """The members of a part of a model, with cells that come again in a loop."""
    members, found, i = part.members, list[Item](), 0
    while i < len(members):
        cell, length = _cell(part, i, shape)
        found.append(cell or members[i])
        i += length
    return found


def _cell(part: Outline, start: int, shape: Callable[[str], Shape]) -> tuple[Cell | None, int]:
    """The loop that begins at a member, if one does, and how many members it is instead of."""
    numbered = NUMBERED.match(part.members[start].node.name)
    if not numbered:
        return None, 1
    first = int(numbered[2])
    size = sum(1 for _ in _run(part.members[start:], first))
    last = first
    while _same(part, start, size, first, last + 1, shape):
        last += 1
    cell = _loop(part, start, size, first, last) if last > first else None
    return (cell, size * (last - first + 1)) if cell else (None, 1)


def _run(members: Sequence[Member], number: int) -> Iterator[Member]:
    for member in members:
        match = NUMBERED.match(member.node.name)
        if not match or int(match[2]) != number or not member.is_graph or member.node.module != member.node.name:
            return
        yield member


def _same(part: Outline, start: int, size: int, first: int, number: int, shape: Callable[[str], Shape]) -> bool:
    """Whether the cell of a number differs from the first one in its number alone."""
    offset = start + size * (number - first)
    one, other = part.members[start : start + size], part.members[offset : offset + size]
    if not size or len([*_run(other, number)]) != size:
        return False
    for mine, theirs in zip(one, other, strict=True):
        ours, its = mine.node.name, theirs.node.name
        if ours.rpartition("_")[0] != its.rpartition("_")[0] or shape(ours) != shape(its):
            return False
        if _numbered(mine.build, ours, "") != _numbered(theirs.build, its, ""):
            return False
        stems = {member.node.name.rpartition("_")[0] for member in one}
        moved = [_moved(name, stems, number - first, first) for name in mine.node.inputs]
        if moved != [*theirs.node.inputs]:
            return False
    return True


def _moved(name: str, stems: Collection[str], by: int, first: int) -> str:
    """The value that the cell so much further reads in the place of one of this cell or the one before."""
    match = NUMBERED.match(name)
    if not match or match[1] not in stems or int(match[2]) not in (first, first - 1):
        return name
    return f"{match[1]}_{int(match[2]) + by}"


def _loop(part: Outline, start: int, size: int, first: int, last: int) -> Cell | None:
    """The loop over cells that are alike, unless its variables would be mixed up."""
    members = [(member.node.name.rpartition("_")[0], member) for member in part.members[start : start + size]]
    stems = [stem for stem, _ in members]
    names = {*part.graph.inputs, *(member.node.name for member in part.members)}
    number = next((name for name in NUMBERS if name not in names), "")
    carried: list[str] = []
    made: set[str] = set()
    for stem, member in members:
        for name in member.node.inputs:
            match = NUMBERED.match(name)
            if match and int(match[2]) == first - 1 and match[1] in stems:
                if match[1] in made:
                    return None  # the loop has given the variable a new value
                carried.append(match[1])
        made.add(stem)
    behind = part.members[start + size * (last - first + 1) :]
    read = {name for member in behind for name in member.node.inputs} | {*part.graph.outputs.values()}
    inside = {f"{stem}_{k}" for stem in stems for k in range(first, last)}
    if not number or read & inside or {*stems, number} & names:
        return None
    return Cell(first, last, number, tuple(members), tuple(dict.fromkeys(carried)))


def _stem(name: str, numbers: tuple[int, ...], cell: Cell) -> str:
    match = NUMBERED.match(name)
    known = {stem for stem, _ in cell.members}
    return match[1] if match and int(match[2]) in numbers and match[1] in known else ""


def _numbered(value: Any, block: str, name: str) -> Any:
    """An expression in which the paths within a block have another name for it."""
    match value:
        case Place(path, within) if path == block or path.startswith(f"{block}."):
            return Place(f"{name}{path.removeprefix(block)}", within, numbered=True)
        case Optional(inner, default):
            return Optional(_numbered(inner, block, name), default)
        case Call():
            return value.map(lambda inner: _numbered(inner, block, name))
        case list() | tuple():
            return type(value)(_numbered(inner, block, name) for inner in value)
    return value
