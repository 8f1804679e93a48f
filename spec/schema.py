"""The JSON Schema of what a person writes: for completion, hover and checking in an editor."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from spinec.spec.blocks import Block
from spinec.spec.defaults import NEVER_DEFAULT
from spinec.spec.heads import Head
from spinec.spec.library import fragments
from spinec.spec.model import ModelSpec, Scale
from spinec.spec.names import BLOCK_NAME, OUTPUT_NAME


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec document, as written: with `defaults`, `extends` and `scale`."""
    document = TypeAdapter(ModelSpec).json_schema(by_alias=True)
    definitions: dict[str, Any] = document.setdefault("$defs", {})
    definitions["Scale"] = _collect(TypeAdapter(Scale).json_schema(by_alias=True), definitions)
    for kind in (*Block.kinds.values(), *Head.kinds.values()):
        definitions[kind.__name__] = _collect(TypeAdapter(kind).json_schema(by_alias=True), definitions)
    for kind in Block.kinds.values():
        _allow_bare_names(definitions[kind.__name__])
    properties = document["properties"]
    properties["blocks"] = {
        "type": "object",
        "description": "block name: what it computes, in the order of execution",
        "propertyNames": {"pattern": _pattern(BLOCK_NAME.pattern)},
        "additionalProperties": _one_of(Block.kinds, definitions),
    }
    properties["outputs"]["propertyNames"] = {"pattern": _pattern(OUTPUT_NAME.pattern)}
    properties["head"] = _one_of(Head.kinds, definitions)
    properties["defaults"] = _defaults(definitions)
    properties["extends"] = {
        "type": "string",
        "description": "a spec of the library, or a file beside this one, to start from",
    }
    properties["neck"] = {
        "type": ["object", "null"],
        "description": "a fragment of blocks behind the spec's own: which, what it is given, and how it is set",
        "properties": {"fragment": {"type": "string", "examples": list(fragments())}},
    }
    properties["scale"] = {"$ref": "#/$defs/Scale"}
    document["required"] = ["name"]  # everything else may come from what the spec extends
    document["title"] = "spinec architecture"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}


def _collect(part: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    definitions.update(part.pop("$defs", {}))
    return part


def _allow_bare_names(block: dict[str, Any]) -> None:
    items = block["properties"]["inputs"]["items"]
    block["properties"]["inputs"]["items"] = {"anyOf": [{"type": "string"}, items]}


def _one_of(kinds: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A choice by `kind`: every field may also come from `defaults` or a parent, so none is required."""
    choices = []
    for name, model in kinds.items():
        definition = definitions[model.__name__]
        definition.pop("required", None)
        choices.append(
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{model.__name__}"},
            }
        )
    chosen = {"type": "object", "properties": {"kind": {"enum": list(kinds)}}, "allOf": choices}
    return {"anyOf": [chosen, {"type": "null", "description": "takes away what the parent has"}]}


def _defaults(definitions: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for model in Block.kinds.values():
        for name, field in definitions[model.__name__]["properties"].items():
            if name not in NEVER_DEFAULT:
                fields.setdefault(name, field)
    fields["kind"] = {"enum": list(Block.kinds)}
    return {
        "type": "object",
        "description": "fields for every block whose kind has them",
        "properties": fields,
        "additionalProperties": False,
    }


def _pattern(pattern: str) -> str:
    """Python's end-of-text mark as JSON Schema spells it."""
    return f"^{pattern.removesuffix(chr(92) + 'Z')}$"
