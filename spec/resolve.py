"""What a spec leaves out, filled in: parents merged, scaled, defaults handed to the blocks. Trees in, trees out."""

from __future__ import annotations

from pathlib import Path

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.library import find_parent
from spinec.spec.model import Scale, round_dim
from spinec.spec.validate import validate

MAX_PARENTS = 16
OWN_KEYS = ("name", "published", "extends", "scale")  # what a child never inherits
NEVER_DEFAULT = ("level", "inputs")


def resolve(tree: Item, path: Path | None, faults: list[Fault]) -> Item:
    """The tree with its parents merged in, every one scaled as it asks; `extends` and `scale` are gone."""
    return _extend(tree, path, faults, children=())


def _extend(tree: Item, path: Path | None, faults: list[Fault], children: tuple[Path, ...]) -> Item:
    given = tree.mapping.get("extends")
    if given is not None:
        if not isinstance(given.value, str):
            faults.append(Fault("'extends': expected the name of a spec, or a file beside this one", given.place))
        else:
            tree = _merge_parent(tree, given.value, given.place, path, faults, children)
    return _scale(tree, faults)


def _merge_parent(
    tree: Item,
    name: str,
    place: Place,
    path: Path | None,
    faults: list[Fault],
    children: tuple[Path, ...],
) -> Item:
    parent, parent_path = find_parent(name, path, place)
    chain = (*children, *([path.resolve()] if path else []))
    if parent_path.resolve() in chain:
        faults.append(Fault(f"'extends': {name!r} extends this spec in turn, a cycle", place))
        return tree
    if len(chain) > MAX_PARENTS:
        faults.append(Fault(f"'extends': more than {MAX_PARENTS} parents, one above the other", place))
        return tree
    parent = _extend(parent, parent_path, faults, chain)
    inherited = {key: item for key, item in parent.mapping.items() if key not in OWN_KEYS}
    return _merge(parent._replace(value=inherited), tree)


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
    given = tree.mapping.get("scale")
    entries = {key: item for key, item in tree.mapping.items() if key not in ("extends", "scale")}
    scale = validate(Scale, given, faults, "scale") if given else None
    if not given or not scale:
        return tree._replace(value=entries) if isinstance(tree.value, dict) else tree
    for section in ("blocks", "defaults"):
        if section in entries:
            entries[section] = _scale_section(entries[section], section, scale)
    blocks = dict(entries["blocks"].mapping) if "blocks" in entries else {}
    for name, item in given.mapping["repeats"].mapping.items() if scale.repeats else ():
        if name not in blocks:
            faults.append(Fault(f"'scale': no block {name!r} to repeat", item.key, did_you_mean(name, blocks)))
        elif isinstance(blocks[name].value, dict):
            blocks[name] = blocks[name]._replace(value={**blocks[name].mapping, "repeats": item})
    if "blocks" in entries:
        entries["blocks"] = entries["blocks"]._replace(value=blocks)
    if scale.size:
        image = entries.get("input", Item({}, given.place, given.key))
        entries["input"] = image._replace(value={**image.mapping, "size": given.mapping["size"]})
    return tree._replace(value=entries)


def _scale_section(item: Item, section: str, scale: Scale) -> Item:
    if not isinstance(item.value, dict) or scale.width == 1:
        return item
    if section == "defaults":
        return _scale_dim(item, scale)
    return item._replace(value={name: _scale_dim(block, scale) for name, block in item.value.items()})


def _scale_dim(item: Item, scale: Scale) -> Item:
    dim = item.mapping.get("dim")
    if dim is None or type(dim.value) is not int or dim.value < 1:  # left for validation to name
        return item
    rounded = round_dim(dim.value * scale.width, scale.multiple, scale.keep)
    return item._replace(value={**item.mapping, "dim": dim._replace(value=rounded)})


def apply_defaults(tree: Item, faults: list[Fault]) -> Item:
    """The tree with `defaults` handed to every block whose kind has the field, and its activation to all else."""
    entries = dict(tree.mapping)
    defaults = entries.pop("defaults", None)
    given = defaults.mapping if defaults else {}
    if defaults is not None and not isinstance(defaults.value, dict):
        faults.append(Fault("'defaults': expected a mapping of block fields", defaults.place))
    known = {key for kind in Block.kinds.values() for key in kind.model_fields} - set(NEVER_DEFAULT)
    for key, item in given.items():
        if key not in known:
            hint = "each block says its own" if key in NEVER_DEFAULT else did_you_mean(key, sorted(known))
            faults.append(Fault(f"'defaults': unknown key {key!r}", item.key, hint))
    blocks = entries.get("blocks")
    if blocks is not None and isinstance(blocks.value, dict):
        filled = {name: _fill(block, given) for name, block in blocks.value.items()}
        entries["blocks"] = blocks._replace(value=filled)
    if "activation" in given and defaults is not None:
        entries.setdefault("resample", Item({}, defaults.place, defaults.key))
        for section in ("resample", "endpoints", "head"):
            item = entries.get(section)
            if item is not None and isinstance(item.value, dict):
                entries[section] = item._replace(value={"activation": given["activation"], **item.value})
    return tree._replace(value=entries)


def _fill(block: Item, defaults: dict[str, Item]) -> Item:
    if not isinstance(block.value, dict) or not defaults:
        return block
    named = block.value.get("kind") or defaults.get("kind")
    kind = Block.kinds.get(named.value) if named and isinstance(named.value, str) else None
    fields = {key: item for key, item in defaults.items() if kind is None or key in kind.model_fields}
    return block._replace(value=fields | block.value)
