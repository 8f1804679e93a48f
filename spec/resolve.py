"""What a spec leaves out, filled in: parents merged, scaled, defaults handed to the blocks. Trees in, trees out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.fields import MAX_DIM
from spinec.spec.library import find_parent
from spinec.spec.model import Scale, round_dim
from spinec.spec.validate import show, validate, validate_given

MAX_PARENTS = 16
DOCUMENT_KEYS = ("extends", "scale", "defaults")  # what a document may say and a loaded spec no longer has
OWN_KEYS = ("name", "published", "extends", "scale")  # what a child never inherits
NEVER_DEFAULT = ("level", "inputs")


def resolve(tree: Item, path: Path | None, faults: list[Fault]) -> Item:
    """The tree with its parents merged in, every one scaled as it asks; `extends` and `scale` are gone."""
    return _extend(tree, path, faults, children=())


def _extend(tree: Item, path: Path | None, faults: list[Fault], children: tuple[Path, ...]) -> Item:
    if not isinstance(tree.value, dict):
        message = f"expected a mapping of keys such as name, blocks and outputs, got {show(tree.value)}"
        raise SpecError([Fault(message, tree.place)])
    given = tree.value.get("extends")
    return _scale(_merge_parent(tree, given, path, faults, children) if given else tree, faults)


def _merge_parent(tree: Item, given: Item, path: Path | None, faults: list[Fault], children: tuple[Path, ...]) -> Item:
    """The tree over its parent. Without the parent all of a child looks wrong, so its faults are raised at once."""
    name, place = given.value, given.place
    if not isinstance(name, str):
        message = f"extends: expected the name of a spec, or a file beside this one, got {show(given.plain())}"
        raise SpecError([*faults, Fault(message, place)])
    parent, parent_path = find_parent(name, path, place)
    chain = (*children, *([path.resolve()] if path else []))
    if parent_path.resolve() in chain:
        raise SpecError([*faults, Fault(f"extends: {name!r} extends this spec in turn, a cycle", place)])
    if len(chain) > MAX_PARENTS:
        raise SpecError([*faults, Fault(f"extends: more than {MAX_PARENTS} parents, one above the other", place)])
    parent = _extend(parent, parent_path, faults, chain)
    faults.extend(_nothing_to_remove(parent, tree))
    inherited = {key: item for key, item in parent.mapping.items() if key not in OWN_KEYS}
    return _merge(parent._replace(value=inherited), tree)


def _nothing_to_remove(parent: Item, child: Item) -> Iterator[Fault]:
    """Null takes a block or an output of the parent away; a name that the parent has not is misspelt."""
    for section in ("blocks", "outputs"):
        theirs, ours = (tree.mapping[section].mapping if section in tree.mapping else {} for tree in (parent, child))
        for name, item in ours.items():
            if item.value is None and theirs and name not in theirs:
                message = f"{section}: nothing to remove, the parent has no {name!r}"
                yield Fault(message, item.key, partial(did_you_mean, name, theirs))


def _merge(parent: Item, child: Item) -> Item:
    """The child over the parent: mappings entry by entry, all else replaced; null takes an entry away."""
    if not isinstance(parent.value, dict) or not isinstance(child.value, dict):
        return child
    entries = dict(parent.value)
    for key, item in child.value.items():
        if item.value is None:
            entries.pop(key, None)
        elif key == "head" and _changes_kind(entries.get(key), item):
            entries[key] = item
        else:
            entries[key] = _merge(entries[key], item) if key in entries else item
    return child._replace(value=entries)


def _changes_kind(parent: Item | None, child: Item) -> bool:
    kinds = [item.mapping["kind"].value for item in (parent, child) if item and "kind" in item.mapping]
    return len(kinds) == 2 and kinds[0] != kinds[1]


def _scale(tree: Item, faults: list[Fault]) -> Item:
    entries = {key: item for key, item in tree.mapping.items() if key not in ("extends", "scale")}
    given = tree.mapping.get("scale")
    scale = validate(Scale, given, faults, "scale") if given else None
    if given and scale:
        entries = _scale_dims(entries, scale, faults)
        entries = _scale_repeats(entries, given, faults)
        entries = _scale_size(entries, given)
    return tree._replace(value=entries)


def _scale_dims(entries: dict[str, Item], scale: Scale, faults: list[Fault]) -> dict[str, Item]:
    if scale.width == 1:
        return entries
    scaled = dict(entries)
    if "defaults" in entries:
        scaled["defaults"] = _scale_dim(entries["defaults"], scale, faults)
    if "blocks" in entries and isinstance(entries["blocks"].value, dict):
        blocks = {name: _scale_dim(block, scale, faults) for name, block in entries["blocks"].value.items()}
        scaled["blocks"] = entries["blocks"]._replace(value=blocks)
    return scaled


def _scale_dim(item: Item, scale: Scale, faults: list[Fault]) -> Item:
    dim = item.mapping.get("dim")
    if dim is None or type(dim.value) is not int or not 0 < dim.value <= MAX_DIM:  # left for validation to name
        return item
    rounded = round_dim(dim.value * scale.width, scale.multiple, scale.keep)
    if rounded > MAX_DIM:
        faults.append(
            Fault(f"dim {dim.value} x width {scale.width:g} is {rounded}: expected at most {MAX_DIM}", dim.place)
        )
        return item
    return item._replace(value={**item.mapping, "dim": dim._replace(value=rounded)})


def _scale_repeats(entries: dict[str, Item], scale: Item, faults: list[Fault]) -> dict[str, Item]:
    blocks = dict(entries["blocks"].mapping) if "blocks" in entries else {}
    repeats = scale.mapping["repeats"].mapping if "repeats" in scale.mapping else {}
    for name, item in repeats.items():
        if name not in blocks:
            hint = partial(did_you_mean, name, blocks)
            faults.append(Fault(f"scale.repeats: no block {name!r} to repeat", item.key, hint))
        elif isinstance(blocks[name].value, dict):
            blocks[name] = blocks[name]._replace(value={**blocks[name].mapping, "repeats": item})
    return {**entries, "blocks": entries["blocks"]._replace(value=blocks)} if blocks else entries


def _scale_size(entries: dict[str, Item], scale: Item) -> dict[str, Item]:
    size = scale.mapping.get("size")
    image = entries.get("input", Item({}, scale.place, scale.key))
    if size is None or not isinstance(image.value, dict):
        return entries
    return {**entries, "input": image._replace(value={**image.value, "size": size})}


def apply_defaults(tree: Item, faults: list[Fault]) -> Item:
    """The tree with `defaults` handed to every block whose kind has the field, and its activation to all else."""
    entries = dict(tree.mapping)
    defaults = entries.pop("defaults", None)
    if defaults is None:
        return tree
    if not isinstance(defaults.value, dict):
        faults.append(
            Fault(f"defaults: expected a mapping of block fields, got {show(defaults.value)}", defaults.place)
        )
        return tree._replace(value=entries)
    given = defaults.value
    _check_defaults(given, faults)
    blocks = entries.get("blocks")
    if blocks is not None and isinstance(blocks.value, dict):
        filled = {name: _fill(block, given) for name, block in blocks.value.items()}
        entries["blocks"] = blocks._replace(value=filled)
    if "activation" in given:
        entries.setdefault("resample", Item({}, defaults.place, defaults.key))
        for section in ("resample", "endpoints", "head"):
            item = entries.get(section)
            if item is not None and isinstance(item.value, dict):
                entries[section] = item._replace(value={"activation": given["activation"], **item.value})
    return tree._replace(value=entries)


def _check_defaults(given: dict[str, Item], faults: list[Fault]) -> None:
    """Every default is a field of some kind of block, with a value that the kind takes."""
    known = sorted({key for kind in Block.kinds.values() for key in kind.model_fields} - set(NEVER_DEFAULT))
    named = given["kind"].value if "kind" in given else None
    chosen = Block.kinds.get(named) if isinstance(named, str) else None
    for key, item in given.items():
        kinds = [kind for name, kind in Block.kinds.items() if key in kind.model_fields]
        kinds.sort(key=lambda kind: kind is not chosen)  # the default kind first
        if key not in known:
            hint = "each block says its own" if key in NEVER_DEFAULT else partial(did_you_mean, key, known)
            faults.append(Fault(f"defaults: unknown key {show(key)}", item.key, hint))
        elif key != "kind":
            validate_given(kinds[0], item._replace(value={key: item}), faults, "defaults")
        elif chosen is None:
            hint = partial(did_you_mean, named, Block.kinds)
            faults.append(Fault(f"defaults: unknown block kind {show(item.plain())}", item.place, hint))


def _fill(block: Item, defaults: dict[str, Item]) -> Item:
    if not isinstance(block.value, dict) or not defaults:
        return block
    named = block.value.get("kind") or defaults.get("kind")
    kind = Block.kinds.get(named.value) if named and isinstance(named.value, str) else None
    fields = {key: item for key, item in defaults.items() if kind is None or key in kind.model_fields}
    return block._replace(value=fields | block.value)
