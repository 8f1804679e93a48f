"""Text -> ModelSpec: read, resolve, validate, check. Every fault of a document is reported at once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

from spinec.spec.blocks import Block
from spinec.spec.check import check
from spinec.spec.classes import numbered
from spinec.spec.collection import paused_collection
from spinec.spec.defaults import apply_defaults
from spinec.spec.dialects import spoken
from spinec.spec.document import Allowance, Item, read_text
from spinec.spec.errors import MOST_FAULTS, Fault, SpecError, SpecWarning
from spinec.spec.fields import MAX_BLOCKS
from spinec.spec.heads import Head
from spinec.spec.kinded import kinded
from spinec.spec.kinds.library import Kinds
from spinec.spec.library import find
from spinec.spec.model import ModelSpec
from spinec.spec.neck import expand_neck
from spinec.spec.own_kinds import own_kinds
from spinec.spec.resolve import DOCUMENT_KEYS, resolve
from spinec.spec.spots import once, without_echoes
from spinec.spec.subject import Subject
from spinec.spec.validate import validate


class Loaded(NamedTuple):
    """A valid spec, where its blocks stand, what it warns of, and its own document, without what it inherits."""

    spec: ModelSpec
    tree: Item
    warnings: tuple[Fault, ...]
    document: Item


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
    return _warned(reads(text, name))


def reads(text: str, name: str = "<text>", path: Path | None = None) -> Loaded:
    """As `loads`, with the places and the warnings; files that it names are looked for beside `path`."""
    allowance = Allowance()
    return read_tree(read_text(text, name, allowance), path, allowance)


def read(name: str | Path) -> Loaded:
    """As `load`, with the places and the warnings."""
    allowance = Allowance()
    return read_tree(*find(name, allowance), allowance)


def _warned(loaded: Loaded) -> ModelSpec:
    for fault in loaded.warnings:
        warnings.warn(str(fault), SpecWarning, stacklevel=3)
    return loaded.spec


def read_tree(document: Item, path: Path | None, allowance: Allowance) -> Loaded:
    """As `read`, of a document that is a tree."""
    faults: list[Fault] = []
    tree = resolve(document, path, faults, allowance)
    return finish(tree, path, faults, allowance, document)


@paused_collection()
def finish(
    tree: Item, path: Path | None, faults: list[Fault], allowance: Allowance, document: Item | None = None
) -> Loaded:
    """The spec of a tree with nothing to inherit any more; `faults` are what was wrong so far.

    Raises:
        SpecError: with every fault.
    """
    document = document or tree
    kinds = own_kinds(tree, faults)
    tree = expand_neck(tree, path, faults, allowance, kinds)
    _check_count(tree, faults)
    tree = _spell_inputs(apply_defaults(tree, faults, kinds))
    found: list[Fault] = []
    blocks = _blocks(tree, kinds, found)
    head = _head(tree, found)
    spec = validate(ModelSpec, tree, found, "", DOCUMENT_KEYS, **_ready(tree, blocks, head, kinds))
    found += check(Subject(tree, blocks, spec))
    errors = once([*faults, *without_echoes(found, faults)])
    if spec is None or any(fault.severity == "error" for fault in errors):
        raise SpecError(fault for fault in errors if fault.severity == "error")  # a fault may be why a warning is given
    return Loaded(spec, tree, tuple(found), document)


def _check_count(tree: Item, faults: list[Fault]) -> None:
    """Whatever is wrong with them: so many blocks are not looked at."""
    blocks = tree.mapping.get("blocks")
    if blocks and len(blocks.mapping) > MAX_BLOCKS:
        message = f"blocks: expected at most {MAX_BLOCKS:,}, got {len(blocks.mapping):,}"
        raise SpecError([*faults, Fault("SPN-302", message, blocks.key or blocks.place)])


def _ready(tree: Item, blocks: dict[str, Block], head: Head | None, kinds: Kinds) -> dict[str, object]:
    """The fields of the spec that are validated by their kind; faulty ones are named already and left out."""
    ready: dict[str, object] = {}
    if "blocks" in tree.mapping and isinstance(tree.mapping["blocks"].value, dict):
        ready["blocks"] = blocks
    if "head" in tree.mapping:
        ready["head"] = head
    if "kinds" in tree.mapping:
        ready["kinds"] = kinds.own
    return ready


def _head(tree: Item, faults: list[Fault]) -> Head | None:
    item = tree.mapping.get("head")
    if item is None or item.value is None:
        return None
    return kinded(numbered(spoken(item, faults)), Head.kinds, "head", faults)


def _blocks(tree: Item, kinds: Kinds, faults: list[Fault]) -> dict[str, Block]:
    entries = tree.mapping.get("blocks")
    if entries is None or not isinstance(entries.value, dict):
        return {}
    found = {}
    for name, item in entries.value.items():
        if len(faults) >= MOST_FAULTS:
            break
        if block := kinded(item, kinds, name, faults):
            found[name] = block
    return found


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
