"""The kinds that a spec brings along: in its section `kinds`, or in files beside it that the section names."""

from __future__ import annotations

from pathlib import Path

from spinec.spec.document import Allowance, Item
from spinec.spec.errors import Fault
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.library import SHELF, Kinds, kind_files
from spinec.spec.kinds.reading import Shelf
from spinec.spec.library import find_kind
from spinec.spec.names import BLOCK_NAME
from spinec.spec.validate import show


def with_kind_files(tree: Item, path: Path | None, allowance: Allowance) -> Item:
    """The tree with the files that its `kinds` names read in."""
    section = tree.mapping.get("kinds")
    if section is None or not any(isinstance(item.value, str) for item in section.mapping.values()):
        return tree
    entries = {
        name: find_kind(item.value, path, item.place, allowance) if isinstance(item.value, str) else item
        for name, item in section.mapping.items()
    }
    return tree._replace(value={**tree.mapping, "kinds": section._replace(value=entries)})


def own_kinds(tree: Item, faults: list[Fault]) -> Kinds:
    """The kinds that blocks of a spec may have, after adding what is wrong with its own to `faults`."""
    section = tree.mapping.get("kinds")
    if section is None:
        return Kinds()
    if not isinstance(section.value, dict):
        message = f"kinds: expected a mapping of kinds, got {show(section.plain())}"
        faults.append(Fault("SPN-203", message, section.place, "such as {my_kind: my_kind.yaml}"))
        return Kinds()
    shelf = Shelf(section.value.get, lambda: section.mapping, SHELF)
    found: dict[str, Kind] = {}
    for name, item in section.value.items():
        place = item.key or item.place
        if not BLOCK_NAME.match(name):
            rule = "expected a small letter, then small letters, digits and '_' (ASCII, 48 at most)"
            shelf.faults.append(Fault("SPN-303", f"kind name {show(name)} is not allowed", place, rule))
        elif name in kind_files():
            message = f"kind name {name!r} is taken by a kind of the library"
            shelf.faults.append(Fault("SPN-305", message, place, f"such as my_{name}"))
        elif kind := shelf.kind(name):
            found[name] = kind
    faults += shelf.faults
    return Kinds(found, [name for name in section.value if name not in found])
