"""The JSON Schemas of what a person writes: for completion, hover and checking in an editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from spinec.spec.blocks import InputResample
from spinec.spec.defaults import NEVER_DEFAULT
from spinec.spec.dialects import DIALECTS
from spinec.spec.fields import Repeats
from spinec.spec.fragment import Fragment
from spinec.spec.heads import Head
from spinec.spec.kinds.library import KINDS
from spinec.spec.kinds.plan import SWITCH
from spinec.spec.library import fragments
from spinec.spec.model import ModelSpec, Scale
from spinec.spec.names import BLOCK_NAME, OUTPUT_NAME
from spinec.spec.recipes.load import recipes
from spinec.spec.recipes.model import Recipe
from spinec.spec.spaces.model import Sections

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
CHOSEN = {"$ref": "#/$defs/Choice"}
CHOICE = {
    "type": "object",
    "description": "what to choose from: values, a range, or how many inputs",
    "required": ["choose"],
    "properties": {
        "choose": {
            "anyOf": [
                {"type": "array", "minItems": 2},
                {"type": "object", "required": ["from", "to", "step"]},
                {"type": "integer", "minimum": 1},
            ]
        },
        "from": {"anyOf": [{"const": "earlier"}, {"type": "array", "items": {"type": "string"}}]},
    },
}
REFERENCE = {"type": "string", "pattern": r"^\$[A-Za-z][A-Za-z0-9_]*$", "description": "a setting or a feature"}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec document, as written: with `defaults`, `extends` and `scale`."""
    document = TypeAdapter(ModelSpec).json_schema(by_alias=True)
    definitions: dict[str, Any] = document.setdefault("$defs", {})
    definitions["Scale"] = _collect(TypeAdapter(Scale).json_schema(by_alias=True), definitions)
    _define_blocks(definitions)
    for name, kind in Head.kinds.items():
        head = definitions[kind.__name__] = _collect(TypeAdapter(kind).json_schema(by_alias=True), definitions)
        if spoken := [dialect for dialect, heads in DIALECTS.items() if name in heads]:
            head["properties"]["dialect"] = {"enum": spoken, "description": "whose values the head takes by default"}
    properties = document["properties"]
    properties["blocks"] = {
        "type": "object",
        "description": "block name: what it computes, in the order of execution",
        "propertyNames": {"pattern": _pattern(BLOCK_NAME.pattern)},
        "additionalProperties": _or_nothing(_or_own(_one_of(KINDS, definitions))),
    }
    # Null takes away an output of the parent.
    properties["outputs"]["additionalProperties"] = _or_nothing(properties["outputs"]["additionalProperties"])
    properties["outputs"]["propertyNames"] = {"pattern": _pattern(OUTPUT_NAME.pattern)}
    properties["head"] = _or_nothing(_one_of(Head.kinds, definitions))
    properties["defaults"] = _or_own(_defaults(definitions))
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
    known = {"properties": {"kind": {"enum": list(KINDS)}}}
    document["if"] = {"not": {"anyOf": [{"required": ["kinds"]}, {"required": ["extends"]}]}}
    document["then"] = {"properties": {"blocks": {"additionalProperties": known}, "defaults": known}}
    document["required"] = ["name"]  # everything else may come from what the spec extends
    document["title"] = "spinec architecture"
    return {"$schema": DIALECT, **document}


def fragment_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a fragment, in which any value of a block may be a ``$name``."""
    document = TypeAdapter(Fragment).json_schema()
    definitions: dict[str, Any] = document["$defs"]
    definitions["InputResample"] = _collect(TypeAdapter(InputResample).json_schema(), definitions)
    _define_blocks(definitions)
    chosen = _one_of(KINDS, definitions)
    chosen["properties"]["kind"] = _or_reference(chosen["properties"]["kind"])
    defaults = _defaults(definitions)
    for name in (*(kind.__name__ for kind in KINDS.values()), "InputResample", "Input", "BlockNorm", "Fuse"):
        _allow_references(definitions[name])
    _allow_references(defaults)
    properties, cell = document["properties"], definitions["Cell"]["properties"]
    for part in (properties, cell):
        part["blocks"] |= {"propertyNames": {"pattern": _pattern(BLOCK_NAME.pattern)}, "additionalProperties": chosen}
        part["gives"]["propertyNames"] = {"pattern": _pattern(OUTPUT_NAME.pattern)}
    cell["repeats"] |= _or_reference(TypeAdapter(Repeats).json_schema())
    for name, part in {"defaults": defaults, "resample": {"$ref": "#/$defs/InputResample"}}.items():
        properties[name] = part | {"description": properties[name]["description"]}
    document["title"] = "spinec fragment"
    return {"$schema": DIALECT, **document}


def space_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a space: a spec in which a choice may stand for any value."""
    document: dict[str, Any] = _with_choices(schema())
    definitions: dict[str, Any] = document["$defs"]
    own = TypeAdapter(Sections).json_schema()
    definitions.update(own.pop("$defs"))
    definitions["Choice"] = CHOICE
    document["properties"] |= own["properties"]
    del document["properties"]["name"], document["if"], document["then"]  # what it extends may have kinds of its own
    document["required"] = ["space"]
    document["title"] = "spinec space"
    return document


def _with_choices(part: Any) -> Any:
    """A schema in which every value of a mapping may be a choice, and so may what is added to the mapping."""
    if isinstance(part, list):
        return [_with_choices(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {key: each if key in ("if", "const", "enum") else _with_choices(each) for key, each in part.items()}
    if isinstance(part.get("properties"), dict):
        fields = {name: {"anyOf": [_with_choices(each), CHOSEN]} for name, each in part["properties"].items()}
        made["properties"] = fields | {"choose": True}
        made.pop("required", None)  # what is chosen may have it
    return made


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a recipe, as written: with `extends`, and null for what it takes away."""
    document = TypeAdapter(Recipe).json_schema()
    definitions: dict[str, Any] = document["$defs"]
    for part in (document, *definitions.values()):
        part["properties"] = {name: _or_nothing(field) for name, field in part["properties"].items()}
        part.pop("required", None)
    properties = document["properties"]
    definitions["Schedule"]["properties"]["drops"]["anyOf"][0]["propertyNames"] = {"pattern": NUMBER}
    properties["recipe"] = properties["recipe"]["anyOf"][0]
    properties["extends"] = {
        "type": "string",
        "description": "a recipe of the library, or a file beside this one, to start from",
        "examples": list(recipes()),
    }
    document["required"] = ["recipe"]
    document["if"] = {"not": {"required": ["extends"]}}
    document["then"] = {"required": ["schedule"]}
    document["title"] = "spinec recipe"
    return {"$schema": DIALECT, **document}


def _define_blocks(definitions: dict[str, Any]) -> None:
    """Every kind of block; an input may be a bare name."""
    for kind in KINDS.values():
        block = definitions[kind.__name__] = _collect(TypeAdapter(kind).json_schema(by_alias=True), definitions)
        block["properties"]["inputs"]["items"] = {"anyOf": [{"type": "string"}, block["properties"]["inputs"]["items"]]}


def _allow_references(part: dict[str, Any]) -> None:
    """Any value may be a setting, a kind too; an input is a name already."""
    part["properties"] = {name: _or_reference(field) for name, field in part["properties"].items()}


def _or_reference(field: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [field, REFERENCE]}


def _collect(part: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    definitions.update(part.pop("$defs", {}))
    return part


def _one_of(kinds: Mapping[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
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
    return {"type": "object", "properties": {"kind": {"enum": list(kinds)}}, "allOf": choices}


def _or_own(part: dict[str, Any]) -> dict[str, Any]:
    """Blocks, or their defaults, whose kind may be one of the spec's own, of which the schema knows nothing."""
    own = {"type": "string", "pattern": _pattern(BLOCK_NAME.pattern)}
    return {**part, "properties": {**part["properties"], "kind": {"anyOf": [{"enum": list(KINDS)}, own]}}}


def _or_nothing(field: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [field, {"type": "null", "description": "takes away what the parent has"}]}


def _defaults(definitions: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for model in KINDS.values():
        for name, field in definitions[model.__name__]["properties"].items():
            if name not in NEVER_DEFAULT:
                fields.setdefault(name, field)
            if name == SWITCH and name in model.definition.document.fields:
                fields[name] = field  # it may be more than what all blocks may say
    fields["kind"] = {"enum": list(KINDS)}
    return {
        "type": "object",
        "description": "fields for every block whose kind has them",
        "properties": fields,
        "additionalProperties": False,
    }


def _pattern(pattern: str) -> str:
    """Python's end-of-text mark as JSON Schema spells it."""
    return f"^{pattern.removesuffix(chr(92) + 'Z')}$"
