"""The kinds that ship with spinec, read when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from zlib import crc32

from spinec.spec.blocks import Block
from spinec.spec.document import Item, read_file
from spinec.spec.errors import SpecError
from spinec.spec.kinds.document import LOOKS
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.model import model_of
from spinec.spec.kinds.reading import Shelf
from spinec.spec.plugins import plugin_kinds

FOLDER = Path(__file__).resolve().parent.parent.parent / "specs" / "kinds"


@cache
def kind_files() -> dict[str, Path]:
    """Name and file of every kind in the library, in alphabetical order."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def _document(name: str) -> Item | None:
    if name in kind_files():
        return read_file(kind_files()[name], f"specs/kinds/{name}.yaml")
    path = plugin_kinds().get(name)
    return read_file(path, f"{path.parent.parent.name}/kinds/{path.name}") if path else None


def _names() -> list[str]:
    return [*kind_files(), *(name for name in plugin_kinds() if name not in kind_files())]


SHELF = Shelf(_document, _names)
"""The kinds of the library and of plug-ins."""


def library_kind(name: str) -> Kind | None:
    """The kind of a name in the library; None where there is none.

    Raises:
        SpecError: when its document is at fault.
    """
    kind = SHELF.kind(name)
    if SHELF.faults:
        raise SpecError(SHELF.faults)
    return kind


def look(name: str) -> int:
    """The outline and colour of a kind in pictures, as a number; one of its own for every kind of the library."""
    kind = library_kind(name)
    given = kind.document.look if kind else None
    return crc32(name.encode()) % LOOKS if given is None else given


class Kinds(Mapping[str, type[Block]]):
    """The model of every kind that blocks may have: those given, and those of the library."""

    def __init__(self, own: Mapping[str, Kind] | None = None, faulty: Sequence[str] = ()) -> None:
        self.own, self.faulty = own or {}, faulty
        """`faulty` are names of kinds that are at fault themselves."""

    def __getitem__(self, name: str) -> type[Block]:
        kind = self.own.get(name) or library_kind(name)
        if kind is None or kind.document.part:
            raise KeyError(name)
        return model_of(kind)

    def __iter__(self) -> Iterator[str]:
        return iter(_of_blocks([*sorted(SHELF.names(), key=look), *self.own], self.own))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _of_blocks(names: Iterable[str], own: Mapping[str, Kind]) -> Iterator[str]:
    """The kinds that blocks may have: others are parts of kinds alone."""
    for name in names:
        kind = own.get(name) or library_kind(name)
        if kind and not kind.document.part:
            yield name


KINDS = Kinds()
