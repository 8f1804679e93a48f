"""Text -> ModelSpec: read, resolve, validate, check. Every fault of a document is reported at once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple, TypeVar

from spinec.spec.blocks import Block
from spinec.spec.check import Subject, check
from spinec.spec.document import Item, read_text
from spinec.spec.errors import Fault, SpecError, SpecWarning, did_you_mean
from spinec.spec.heads import Head
from spinec.spec.library import find
from spinec.spec.model import ModelSpec
from spinec.spec.resolve import apply_defaults, resolve
from spinec.spec.validate import validate

Kinded = TypeVar("Kinded", Block, Head)


class Loaded(NamedTuple):
    """A valid spec, where its blocks stand, and what it warns of."""

    spec: ModelSpec
    tree: Item
    warnings: tuple[Fault, ...]


def load(name: str | Path) -> ModelSpec:
    """The spec of a name in the library or of a file.

    Raises:
        SpecError: with every fault of the document, each at its place.

    >>> load("eff-spinenet-d0").blocks["b5"].dim
    104
    """
    return _warned(read(name))


def loads(text: str, name: str = "<text>") -> ModelSpec:
    """The spec of a YAML text; `name` is how errors call it."""
    return _warned(_read_tree(read_text(text, name), None))


def read(name: str | Path) -> Loaded:
    """As `load`, with the places and the warnings."""
    tree, path = find(name)
    return _read_tree(tree, path)


def _warned(loaded: Loaded) -> ModelSpec:
    for fault in loaded.warnings:
        warnings.warn(str(fault), SpecWarning, stacklevel=3)
    return loaded.spec


def _read_tree(tree: Item, path: Path | None) -> Loaded:
    if not isinstance(tree.value, dict):
        raise SpecError([Fault("a spec is a mapping of keys such as name, blocks and outputs", tree.place)])
    faults: list[Fault] = []
    tree = apply_defaults(resolve(tree, path, faults), faults)
    tree = _spell_inputs(tree)
    blocks = _blocks(tree, faults)
    head = _kinded(tree.mapping["head"], Head.kinds, "head", faults) if "head" in tree.mapping else None
    spec = validate(ModelSpec, tree, faults, "", **_ready(tree, blocks, head))
    faults += check(Subject(tree, blocks, spec))
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors or spec is None:
        raise SpecError(faults)
    return Loaded(spec, tree, tuple(faults))


def _ready(tree: Item, blocks: dict[str, Block], head: Head | None) -> dict[str, object]:
    """The fields of the spec that are validated by their kind; faulty ones are named already and left out."""
    ready: dict[str, object] = {}
    if "blocks" in tree.mapping and isinstance(tree.mapping["blocks"].value, dict):
        ready["blocks"] = blocks
    if "head" in tree.mapping:
        ready["head"] = head
    return ready


def _blocks(tree: Item, faults: list[Fault]) -> dict[str, Block]:
    entries = tree.mapping.get("blocks")
    if entries is None or not isinstance(entries.value, dict):
        return {}
    found = {name: _kinded(item, Block.kinds, name, faults) for name, item in entries.value.items()}
    return {name: block for name, block in found.items() if block}


def _kinded(item: Item, kinds: dict[str, type[Kinded]], what: str, faults: list[Fault]) -> Kinded | None:
    """What `item` is, by the model of its kind."""
    if not isinstance(item.value, dict):
        faults.append(Fault(f"{what}: expected a mapping with a 'kind'", item.place))
        return None
    kind = item.value.get("kind")
    if kind is None:
        faults.append(
            Fault(
                f"{what}: missing key 'kind'",
                item.key or item.place,
                "expected " + ", ".join(kinds),
            )
        )
        return None
    if not isinstance(kind.value, str) or kind.value not in kinds:
        owner = "head" if what == "head" else "block"
        faults.append(
            Fault(
                f"unknown {owner} kind {str(kind.plain())[:60]!r}",
                kind.place,
                did_you_mean(kind.value, kinds),
            )
        )
        return None
    return validate(kinds[kind.value], item, faults, what)


def _spell_inputs(tree: Item) -> Item:
    """Inputs written as a bare name become mappings, so that they have one form."""
    blocks = tree.mapping.get("blocks")
    if blocks is None or not isinstance(blocks.value, dict):
        return tree
    spelt = {name: _spell(block) for name, block in blocks.value.items()}
    return tree._replace(value={**tree.mapping, "blocks": blocks._replace(value=spelt)})


def _spell(block: Item) -> Item:
    inputs = block.mapping.get("inputs")
    if inputs is None or not isinstance(inputs.value, list):
        return block
    given = [item._replace(value={"from": item}) if isinstance(item.value, str) else item for item in inputs.value]
    return block._replace(value={**block.mapping, "inputs": inputs._replace(value=given)})
