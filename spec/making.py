"""Specs from programs: documents as Python mappings, and edits, checked as a text is.

The document is written as YAML first, so that every fault has a line to point at.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from spinec.spec.blocks import Input
from spinec.spec.dump import flow
from spinec.spec.errors import SpecError
from spinec.spec.format import format_text
from spinec.spec.kinds.kind import Kind
from spinec.spec.load import loads
from spinec.spec.model import ModelSpec

MAKING = "<document>"


def make(document: Mapping[str, Any], name: str = MAKING) -> ModelSpec:
    """The spec of a document that is given as a mapping: what stands in YAML, in Python.

    Raises:
        SpecError: with every fault, each at its line of the document as YAML; `name` is how they call it.
        TypeError: for a value that no document can have.

    >>> dims = (16, 24, 40, 80)
    >>> names = ["image", "b1", "b2", "b3", "b4"]
    >>> chain = {names[i + 1]: {"level": i, "dim": dim, "inputs": [names[i]]} for i, dim in enumerate(dims)}
    >>> make({"name": "chain", "defaults": {"kind": "mbconv"}, "blocks": chain, "outputs": {"out": "b4"}})
    <ModelSpec chain: 4 blocks, outputs out>
    """
    text = "\n".join(f"{flow(str(key))}: {flow(_plain(value))}" for key, value in document.items())
    with suppress(SpecError):  # what is wrong is said of the text as it is
        text = format_text(text, name)
    return loads(text, name)


def check(spec: ModelSpec) -> ModelSpec:
    """A spec that was made or copied in Python, if it is one that a document could say: pydantic checks no copies.

    Raises:
        SpecError: with every fault, each at its line of the spec as YAML.

    >>> from spinec import load
    >>> d0 = load("eff-spinenet-d0")
    >>> check(d0) == d0
    True
    """
    return make(_document(spec), f"<{spec.name}>")


def change(spec: ModelSpec, edits: Mapping[str, Any]) -> ModelSpec:
    """A spec with other values: mappings are merged entry by entry, None takes an entry away, all else replaces.

    Raises:
        SpecError: with every fault of what comes out.

    >>> from spinec import load
    >>> change(load("eff-spinenet-d0"), {"blocks": {"b5": {"dim": 96}}, "head": None}).blocks["b5"].dim
    96
    """
    return make(_merged(_document(spec), edits), f"<{spec.name}>")


def _document(spec: ModelSpec) -> dict[str, Any]:
    """What a spec says, whether it is sound or not."""
    document = _said(spec)
    document["blocks"] = {name: {"kind": block.kind, **_said(block)} for name, block in spec.blocks.items()}
    if isinstance(spec.head, BaseModel):
        document["head"] = {"kind": spec.head.kind, **document["head"]}
    return document


def _said(model: BaseModel) -> dict[str, Any]:
    """The fields that differ from their defaults, and what is no field at all, which a copy may have."""
    fields = type(model).model_fields
    found = {}
    for key, value in vars(model).items():
        field = fields.get(key)
        if field is None or field.is_required() or value != field.default:
            found[(field.alias if field else None) or key] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    """A value as a document has it."""
    match value:
        case Input():
            said = _said(value)
            return said["from"] if len(said) == 1 else said
        case BaseModel():
            return _said(value)
        case Kind():
            return value.item.plain()
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case None | bool() | int() | float() | str():
            return value
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a document has no {type(value).__name__}: {value!r:.60}")


def _merged(document: Mapping[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(document)
    for key, value in edits.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            found[key] = _merged(found[key], value)
        else:
            found[key] = value
    return found
