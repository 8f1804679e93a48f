"""The tables of the language reference, from the JSON Schema of a spec, which is made from the models that read one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from pydantic import TypeAdapter

from spinec.compiler.lowering.pipeline import MAX_PARAMS, MAX_WEIGHT
from spinec.spec.activations import ACTIVATIONS
from spinec.spec.blocks import Block, InputResample
from spinec.spec.dialects import DIALECTS
from spinec.spec.document import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_ENTRIES, MAX_NODES, MAX_SHARED
from spinec.spec.fields import MAX_BLOCKS
from spinec.spec.heads import Head
from spinec.spec.kinds.document import KindDocument
from spinec.spec.kinds.library import KINDS, kind_files, library_kind
from spinec.spec.kinds.steps import PRIMITIVES, Step
from spinec.spec.library import fragments
from spinec.spec.quantities import MEANINGS
from spinec.spec.resolve import MAX_PARENTS
from spinec.spec.schema import fragment_schema, schema
from spinec.visualize.table.table import Table

Node = Mapping[str, Any]
SECTIONS = {
    "origin": "Origin",
    "input": "Image",
    "norm": "Norm",
    "init": "Init",
    "stochastic_depth": "StochasticDepth",
    "resample": "Resample",
    "fuse": "Fuse",
    "endpoints": "Endpoints",
    "scale": "Scale",
    "published": "Published",
}
MEANT = {  # keys of heads with a section of their own
    "anchors": "Anchors",
    "matching": "Matching",
    "loss": "FocalLoss",
    "proposals": "Proposals",
    "regions": "Regions",
    "detections": "Detections",
    "boxes": "DefaultBoxes",
    "loss-of-ssd": "SSDLoss",
    "matching-of-fcos": "CentreSampling",
    "loss-of-fcos": "FCOSLoss",
    "matching-of-centernet": "Heat",
    "loss-of-centernet": "CentreLoss",
    "detections-of-centernet": "CentreDetections",
}
LIKE = {
    "FCOSDetections": "detections",
    "SSDDetections": "detections",
}  # models with the fields of a section, and other defaults
EXPLAINED = (*SECTIONS, "blocks", "outputs", "head", "defaults", "extends", "neck")  # keys with a section of their own


def language() -> dict[str, str]:
    """Every generated table of the language reference by the name of its mark."""
    whole = schema()
    parts: dict[str, Node] = whole["$defs"]
    named = {**SECTIONS, **MEANT}
    made = {
        f"language-{key}": fields_table(parts[name], parts[name].get("required", ())) for key, name in named.items()
    }
    return made | {
        "language-document": _document(whole),
        "language-block": fields_table(_common(parts), _required(Block)),
        "language-inputs": fields_table(parts["Input"], ["from"], without=tuple(InputResample.model_fields)),
        "language-kinds": "\n\n".join(_kind(parts, kind, "Block") for kind in KINDS.values()),
        "language-heads": "\n\n".join(_kind(parts, kind, "Head") for kind in Head.kinds.values()),
        "language-dialects": _dialects(),
        "language-fragments": _fragments(),
        "language-fragment": fields_table(own := fragment_schema(), own["required"]),
        "language-cell": fields_table(own["$defs"]["Cell"], own["$defs"]["Cell"]["required"]),
        "language-activations": _activations(),
        "language-limits": _limits(),
        "quantities": _quantities(),
        **_kind_documents(),
    }


def _kind_documents() -> dict[str, str]:
    """What a kind's document, a field, a shortcut and every step may say."""
    whole = TypeAdapter(KindDocument).json_schema(by_alias=True)
    parts: dict[str, Node] = whole["$defs"]
    return {
        "kinds-document": fields_table(whole, whole["required"]),
        "kinds-field": fields_table(parts["FieldDocument"], ()),
        "kinds-shortcut": fields_table(parts["Shortcut"], ()),
        "kinds-step": fields_table(_step(Step), ()),
        "kinds-primitives": _primitives(),
        "kinds-parts": _parts(),
    }


def _dialects() -> str:
    """What each dialect says of each kind of head."""
    rows = [
        [f"`{name}`", f"`{kind}`", f"`{_yaml(given)}`" if given else "the defaults"]
        for name, heads in DIALECTS.items()
        for kind, given in heads.items()
    ]
    return Table("", ("dialect", "head", "what it sets"), rows).to_text("markdown")


def _step(model: type[Step]) -> Node:
    found: Node = TypeAdapter(model).json_schema(by_alias=True)
    return found


def _parts() -> str:
    """The kinds of the library that only other kinds use."""
    kinds = [kind for name in kind_files() if (kind := library_kind(name)) and kind.document.part]
    rows = []
    for kind in kinds:
        fields = [
            f"`{name}`: {field.says or field.type}" + ("" if field.default is None else f" ({field.default})")
            for name, field in kind.document.fields.items()
        ]
        rows.append([f"`{kind.name}`", kind.document.says, "; ".join(fields), kind.document.source])
    return Table("", ("kind", "what it does", "fields and their defaults", "source"), rows).to_text("markdown")


def _primitives() -> str:
    rows, common = [], _step(Step)["properties"]
    for main, model in PRIMITIVES.items():
        fields = {name: field for name, field in _step(model)["properties"].items() if name not in common}
        settings = "; ".join(f"`{name}`: {_about(field)}" for name, field in fields.items() if name != main)
        doc = (model.__doc__ or "").partition("\n")[0].rstrip(".")
        rows.append([f"`{main}`", doc, _about(fields[main]), settings])
    return Table("", ("step", "what it does", "its value", "settings"), rows).to_text("markdown")


def _document(whole: Node) -> str:
    about = {name: phrase(whole["$defs"][part]["description"]) for name, part in SECTIONS.items()}
    rows = []
    for name, field in whole["properties"].items():
        key = f"[`{name}`](#{name})" if name in EXPLAINED else f"`{name}`"
        meaning = field.get("description") or about.get(name) or "what is computed from the outputs"
        rows.append([key, "mapping" if name in (*SECTIONS, "head") else _type(field), meaning])
    return Table("", ("key", "what it is", "what it says"), rows).to_text("markdown")


def _common(parts: Mapping[str, Node]) -> Node:
    """What every block has, with the kinds that there are."""
    fields = parts["MBConv"]["properties"] | {"kind": parts["Block"]["properties"]["kind"] | {"enum": [*KINDS]}}
    return {"properties": {name: fields[name] for name in parts["Block"]["properties"]}}


def _required(model: type[Block] | type[Head]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _kind(parts: Mapping[str, Node], model: type[Block] | type[Head], base: str) -> str:
    part = parts[model.__name__]
    kind = part["properties"]["kind"]["const"]
    names = [name for name in part["properties"] if name not in parts[base]["properties"]]
    if issubclass(model, Block):  # it may say more for what all blocks have
        names = list(model.definition.document.fields)
    own = fields_table({"properties": {name: part["properties"][name] for name in names}}, _required(model))
    about = part["description"].replace("\n", " ")
    return f"### {kind}\n\n{about}\n\n{own}"


def fields_table(part: Node, required: Iterable[str], without: Iterable[str] = ()) -> str:
    """The fields of a part of a schema: what each is, its default, and what it says."""
    rows = [
        [f"`{name}`", _type(field), _default(field, name in required), _about(field)]
        for name, field in part["properties"].items()
        if name not in without
    ]
    return Table("", ("field", "what it is", "default", "what it says"), rows).to_text("markdown")


def _about(field: Node) -> str:
    return next((each["description"] for each in (field, *_options(field)) if "description" in each), "")


def phrase(docstring: str) -> str:
    """A docstring as descriptions of fields are written."""
    return (docstring[:1].lower() + docstring[1:]).removesuffix(".").replace("\n", " ")


def _default(field: Node, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    return "" if default in (None, "", {}, []) and default is not False else f"`{_yaml(default)}`"


def _yaml(value: Any) -> str:
    shown = int(value) if isinstance(value, float) and value.is_integer() else value
    return yaml.safe_dump(shown, default_flow_style=True, width=1000).split("\n")[0].strip()


def _options(field: Node) -> list[Node]:
    """What a field may be; that it may be left out is no option."""
    return [each for each in field.get("anyOf", ()) if each.get("type") != "null"]


def _type(field: Node) -> str:
    """What a value may be, in words."""
    if field.get("enum") == [*ACTIVATIONS]:
        return "[activation](#activations)"
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    if options := _options(field):
        return ", or ".join(_type(option) for option in options).replace(", or two numbers", ", or a pair of them")
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        section = LIKE.get(name) or next((key for key, model in MEANT.items() if model == name), None)
        return f"[mapping](#{section})" if section else "mapping"
    if each := field.get("prefixItems"):
        return "two numbers" if len(each) == 2 else f"{len(each)} of {_type(each[0])}"
    match field.get("type"):
        case ["string", "number", "boolean"]:
            return "[formula](#formulas)"
        case "array" if any("$ref" in each for each in _options(field["items"])):
            return "list of [inputs](#inputs)"
        case "array":
            return f"list of {_type(field['items'])}".replace("integer", "integers").replace("number", "numbers")
        case "object" | ["object", "null"]:
            return "mapping"
        case "integer" | "number" as kind:
            return f"{kind}{_limit(field)}"
        case "boolean":
            return "`true`, `false`"
    return "text"


def _limit(field: Node) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    low = field["exclusiveMinimum"] + 1 if field["type"] == "integer" and "exclusiveMinimum" in field else low
    if field["type"] == "integer" and low is not None and high is not None:
        return f", {low} to {high:,}"
    parts = [f"at least {_yaml(low)}"] if low is not None else []
    parts += [f"above {_yaml(field['exclusiveMinimum'])}"] if low is None and "exclusiveMinimum" in field else []
    parts += [f"at most {_yaml(high)}"] if high is not None else []
    parts += [f"below {_yaml(field['exclusiveMaximum'])}"] if "exclusiveMaximum" in field else []
    return "".join(f", {part}" for part in parts)


def _fragments() -> str:
    rows = []
    for name, path in fragments().items():
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings = ", ".join(f"`{key}: {_yaml(value)}`" for key, value in document["settings"].items())
        given = ", ".join((document.get("cell") or document)["gives"])
        rows.append([f"`{name}`", ", ".join(document["takes"]), settings, given, document["source"]])
    return Table("", ("fragment", "takes", "settings and their defaults", "gives", "source"), rows).to_text("markdown")


def _activations() -> str:
    rows = [[f"`{name}`", about.says] for name, about in ACTIVATIONS.items()]
    return Table("", ("activation", "what it computes"), rows).to_text("markdown")


def _quantities() -> str:
    rows = [[f"`{quantity}`", meaning] for quantity, meaning in MEANINGS.items()]
    return Table("", ("kind of work", "what is counted"), rows).to_text("markdown")


def _limits() -> str:
    rows = [
        ["size of a document, with all that it inherits", f"{MAX_BYTES // 2**20} MiB"],
        ["nesting", f"{MAX_DEPTH} levels"],
        ["YAML nodes, with all that it inherits", f"{MAX_NODES:,}"],
        ["entries of one list or mapping", f"{MAX_ENTRIES:,}"],
        ["characters of a number", f"{MAX_DIGITS}"],
        ["values of what every block takes: a default, a setting", f"{MAX_SHARED}"],
        ["parents, one above the other", f"{MAX_PARENTS}"],
        ["blocks, each counted as often as it repeats", f"{MAX_BLOCKS:,}"],
        ["elements of a weight", f"{MAX_WEIGHT:,}"],
        ["parameters", f"{MAX_PARAMS:,}"],
    ]
    return Table("", ("what", "most"), rows).to_text("markdown")
