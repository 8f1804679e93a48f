"""A tree with its parents: what `extends` names, read, scaled as it asks, and laid under the child's own entries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from spinec.spec.classes import with_class_file
from spinec.spec.document import Allowance, Item
from spinec.spec.errors import MOST_FAULTS, Fault, SpecError, did_you_mean
from spinec.spec.fragment import is_fragment
from spinec.spec.kind_check import is_kind
from spinec.spec.library import find_parent
from spinec.spec.own_kinds import with_kind_files
from spinec.spec.recipes.load import is_recipe
from spinec.spec.scaling import apply_scale
from spinec.spec.spaces.model import is_space
from spinec.spec.validate import show

MAX_PARENTS = 16
DOCUMENT_KEYS = ("extends", "scale", "defaults", "neck")  # what a document may say and a loaded spec no longer has
NAMED = (("blocks",), ("outputs",))  # mappings of names: `_nothing_to_remove` looks at those that are null
OWN_KEYS = ("name", "origin", "published", "extends", "scale")  # what a child never inherits


def resolve(tree: Item, path: Path | None, faults: list[Fault], allowance: Allowance) -> Item:
    """The tree with its parents merged in, every one scaled as it asks; `extends` and `scale` are gone."""
    return _extend(tree, path, faults, allowance, children=())


def _extend(
    tree: Item, path: Path | None, faults: list[Fault], allowance: Allowance, children: tuple[Path, ...]
) -> Item:
    if not isinstance(tree.value, dict):
        message = f"expected a mapping of keys such as name, blocks and outputs, got {show(tree.value)}"
        raise SpecError([*faults, Fault("SPN-118", message, tree.place)])
    if is_fragment(tree):
        hint = "a spec names it: neck: {fragment: ..., ...}"
        raise SpecError([*faults, Fault("SPN-519", "expected a spec, got a fragment", tree.place, hint)])
    if is_recipe(tree):
        hint = "a command names it: spinec train --recipe ..."
        raise SpecError([*faults, Fault("SPN-519", "expected a spec, got a recipe of training", tree.place, hint)])
    if is_space(tree):
        hint = "a command draws specs from it: spinec sample NAME -n 1 -o FOLDER"
        raise SpecError([*faults, Fault("SPN-519", "expected a spec, got a space", tree.place, hint)])
    if is_kind(tree):
        hint = "a spec names it: kinds: {...: ....yaml}"
        raise SpecError([*faults, Fault("SPN-519", "expected a spec, got a kind of block", tree.place, hint)])
    if "neck" in tree.value and "outputs" in tree.value and tree.value["neck"].value is not None:
        hint = "without 'outputs', the model gives out what the neck gives"
        faults.append(Fault("SPN-512", "outputs: the neck gives the outputs", tree.value["outputs"].key, hint))
    tree = with_class_file(with_kind_files(tree, path, allowance), path)
    given, own = tree.mapping.get("extends"), tree
    if given:
        parent = _parent(given, path, faults, allowance, children)
        faults.extend(islice(_nothing_to_remove(parent, tree), MOST_FAULTS))
        merged = _merge(parent, tree)
        if broken := list(_still_read(tree, merged)):
            raise SpecError([*faults, *broken])
        if len(faults) >= MOST_FAULTS:
            raise SpecError(faults)
        tree = merged._replace(value={key: item for key, item in merged.mapping.items() if key != "extends"})
    return apply_scale(tree, faults, own if given else None)


def _parent(
    given: Item, path: Path | None, faults: list[Fault], allowance: Allowance, children: tuple[Path, ...]
) -> Item:
    """What a child inherits. Without it all of the child looks wrong, so what is wrong with it is raised at once."""
    name, place = given.value, given.place
    if not isinstance(name, str):
        message = f"extends: expected the name of a spec, or a file beside this one, got {show(given.plain())}"
        raise SpecError([*faults, Fault("SPN-501", message, place)])
    parent, parent_path = find_parent(name, path, place, allowance)
    chain = (*children, *([path.resolve()] if path else []))
    if parent_path.resolve() in chain:
        raise SpecError([*faults, Fault("SPN-506", f"extends: {name!r} extends this spec in turn, a cycle", place)])
    if len(chain) > MAX_PARENTS:
        raise SpecError(
            [*faults, Fault("SPN-507", f"extends: more than {MAX_PARENTS} parents, one above the other", place)]
        )
    parent = _extend(parent, parent_path, faults, allowance, chain)
    return parent._replace(value={key: item for key, item in parent.mapping.items() if key not in OWN_KEYS})


def _nothing_to_remove(parent: Item, child: Item) -> Iterator[Fault]:
    """Null takes a block or an output of the parent away; a name that the parent has not is misspelt."""
    for (section,) in NAMED:
        theirs = _section(parent, section)
        for name, item in _section(child, section).items():
            if item.value is None and theirs and name not in theirs:
                message = f"{section}: nothing to remove, the parent has no {show(name)}"
                yield Fault("SPN-508", message, item.key, partial(did_you_mean, name, theirs))


def _still_read(child: Item, merged: Item) -> Iterator[Fault]:
    """What the child takes away must not be read by what is left."""
    removed = {name: item for name, item in _section(child, "blocks").items() if item.value is None}
    readers: dict[str, list[str]] = {}
    for name, block in _section(merged, "blocks").items():
        inputs = block.mapping["inputs"].value if "inputs" in block.mapping else []
        for given in inputs if removed and isinstance(inputs, list) else ():
            readers.setdefault(str(given.mapping.get("from", given).value), []).append(f"block {show(name)}")
    for name, given in _section(merged, "outputs").items():
        readers.setdefault(str(given.value), []).append(f"output {show(name)}")
    for name, item in removed.items():
        if name in readers:
            shown = ", ".join(readers[name][:4]) + (", ..." if len(readers[name]) > 4 else "")
            message = f"block {show(name)} is removed, but read by {shown}"
            yield Fault("SPN-509", message, item.key, "remove or change what reads it, too")


def _section(tree: Item, name: str) -> dict[str, Item]:
    return tree.mapping[name].mapping if name in tree.mapping else {}


def _merge(parent: Item, child: Item, path: tuple[str, ...] = ()) -> Item:
    """The child over the parent: mappings entry by entry, all else replaced; null takes an entry away.

    Null for what the parent has not stays, so that validation names it: it is mostly a key misspelt.
    """
    if not isinstance(parent.value, dict) or not isinstance(child.value, dict):
        return child
    entries = dict(parent.value)
    for key, item in child.value.items():
        if item.value is None and path == () and key == "blocks":
            entries[key] = item  # which no spec can do without: validation names it
        elif item.value is None and (key in entries or path in NAMED):
            entries.pop(key, None)
        elif path == () and key == "head" and _changes_kind(entries.get(key), item):
            entries[key] = item
        else:
            entries[key] = _merge(entries[key], item, (*path, key)) if key in entries else item
    lost = any(item.value is None for item in child.value.values())  # what is missing may be what the child took away
    return child._replace(value=entries, below=parent.below or parent.key if path and not lost else None)


def _changes_kind(parent: Item | None, child: Item) -> bool:
    kinds = [item.mapping["kind"].value for item in (parent, child) if item and "kind" in item.mapping]
    return len(kinds) == 2 and kinds[0] != kinds[1]
