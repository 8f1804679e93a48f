"""What `defaults` says, handed to every block whose kind has the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain

from spinec.spec.blocks import Block
from spinec.spec.document import Item, check_shared
from spinec.spec.errors import Fault, did_you_mean
from spinec.spec.kinds.library import KINDS, Kinds
from spinec.spec.kinds.plan import SWITCH
from spinec.spec.validate import show, validate_given

NEVER_DEFAULT = ("level", "inputs")


def apply_defaults(tree: Item, faults: list[Fault], kinds: Kinds = KINDS) -> Item:
    """The tree with `defaults` handed to every block whose kind has the field, and its activation to all else."""
    entries = dict(tree.mapping)
    defaults = entries.pop("defaults", None)
    if defaults is None:
        return tree
    if not isinstance(defaults.value, dict):
        message = f"defaults: expected a mapping of block fields, got {show(defaults.value)}"
        faults.append(Fault("SPN-203", message, defaults.place))
        return tree._replace(value=entries)
    given = defaults.value
    check_shared("defaults", given)
    check_fields(given, faults, "defaults", kinds=kinds)
    blocks = entries.get("blocks")
    if blocks is not None and isinstance(blocks.value, dict):
        filled = {name: with_defaults(block, given, kinds) for name, block in blocks.value.items()}
        entries["blocks"] = blocks._replace(value=filled)
    if "activation" in given:
        entries.setdefault("resample", Item({}, defaults.place, defaults.key))
        for section in ("resample", "endpoints", "head"):
            item = entries.get(section)
            if item is not None and isinstance(item.value, dict):
                entries[section] = item._replace(value={"activation": given["activation"], **item.value})
    return tree._replace(value=entries)


def check_fields(
    given: Mapping[str, Item],
    faults: list[Fault],
    what: str,
    never: Sequence[str] = NEVER_DEFAULT,
    kinds: Kinds = KINDS,
) -> None:
    """Everything given is a field of some kind of block, with a value that the kind takes."""
    named = given["kind"].value if "kind" in given else None
    chosen = kinds.get(named) if isinstance(named, str) else None
    for key, item in given.items():
        model = None if key in never else _with_field(key, item, chosen, kinds)
        if model is None:
            hint = "each block says its own" if key in never else partial(_field_meant, key, never, kinds)
            faults.append(Fault("SPN-202", f"{what}: unknown key {show(key)}", item.key, hint))
        elif key != "kind":
            validate_given(model, item._replace(value={key: item}), faults, what)
        elif chosen is None:
            hint = partial(did_you_mean, named, kinds)
            faults.append(Fault("SPN-206", f"{what}: unknown block kind {show(item.plain())}", item.place, hint))


def _with_field(key: str, item: Item, chosen: type[Block] | None, kinds: Kinds) -> type[Block] | None:
    """The first model with a field: of the default kind, of what all blocks have, of any kind."""
    first: list[type[Block]] = [chosen, Block] if chosen else [Block]
    return next((model for model in chain(first, kinds.values()) if _has(model, key, item)), None)


def _has(model: type[Block], key: str, item: Item) -> bool:
    """Whether a model has a field; where a norm is said to be there or not, one of a kind that can leave it out."""
    if key == SWITCH and isinstance(item.value, bool):
        return model is not Block and SWITCH in model.definition.document.fields
    return key in model.model_fields


def _field_meant(key: str, never: Sequence[str], kinds: Kinds) -> str:
    known = {field for kind in kinds.values() for field in kind.model_fields}
    return did_you_mean(key, sorted(known - set(never)))


def with_defaults(block: Item, defaults: dict[str, Item], kinds: Kinds = KINDS) -> Item:
    """A block with what it does not say itself, as far as its kind has such a field."""
    if not isinstance(block.value, dict) or not defaults:
        return block
    named = block.value.get("kind") or defaults.get("kind")
    kind = kinds.get(named.value) if named and isinstance(named.value, str) else None
    fields = {key: item for key, item in defaults.items() if kind is None or _has(kind, key, item)}
    return block._replace(value=fields | block.value)
