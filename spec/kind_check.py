"""What is wrong with a kind's document by itself, before any spec uses it."""

from __future__ import annotations

from pathlib import Path

from spinec.spec.document import Allowance, Item, read_file
from spinec.spec.errors import Fault
from spinec.spec.kinds.library import SHELF
from spinec.spec.kinds.reading import Shelf


def is_kind(document: Item) -> bool:
    """Whether a document is a kind, not a spec with a key misplaced."""
    keys = document.mapping.keys()
    return bool(keys & {"kind", "says", "steps"}) and not keys & {"name", "extends", "blocks", "outputs"}


def check_kind(document: Item, path: Path | None, allowance: Allowance) -> list[Fault]:
    """Every fault of a kind. The kinds that its steps name are in files beside it, or in the library."""
    name = _name(document, path)
    files = {file.stem: file for file in path.parent.glob("*.yaml")} if path else {}

    def found(other: str) -> Item | None:
        if other == name:
            return document
        return read_file(files[other], files[other].name, allowance) if other in files else None

    shelf = Shelf(found, lambda: [name, *files], SHELF)
    shelf.kind(name)
    return shelf.faults


def _name(document: Item, path: Path | None) -> str:
    said = document.mapping.get("kind")
    if said and isinstance(said.value, str) and said.value:
        return said.value
    return path.stem if path else "kind"
