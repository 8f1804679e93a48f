"""The grammar of kinds as a list of items, from the models themselves, and which of them a document has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from spinec.spec.kinds.document import FieldDocument, FieldType, KindDocument, Shortcut
from spinec.spec.kinds.formula import COMPARED, FUNCTIONS, FormulaError, Node, parse
from spinec.spec.kinds.kind import SITE
from spinec.spec.kinds.steps import LISTS, PRIMITIVES, WORDS, Step
from spinec.spec.kinds.steps import Kind as KindStep

OPERATORS = ("number", "boolean", "word", "name", "if", "and", "or", "not", "+", "-", "*", "/", "//", "^")
MOST_STEPS = 12
ACTIVATIONS = ("act", "activation")
COMMON = [field.alias or name for name, field in Step.model_fields.items()]


def whole_grammar() -> Iterator[str]:
    """Every item that random kinds are to have."""
    yield from (f"kind: {field.alias or name}" for name, field in KindDocument.model_fields.items() if name != "kind")
    yield from (f"field: {name}" for name in FieldDocument.model_fields)
    yield from (f"type: {name}" for name in (*get_args(FieldType), "one_of"))
    yield from (f"default: {sort}" for sort in ("none", "value", "formula", "word"))
    yield from (f"shortcut: {name}" for name in Shortcut.model_fields)
    yield from (f"formula: {op}" for op in (*OPERATORS, *COMPARED, *FUNCTIONS))
    yield from (f"named: {name}" for name in (*SITE, "field", "formula"))
    yield from (f"steps: {count}" for count in range(2, MOST_STEPS + 1))
    yield from (
        f"takes: {sort}" for sort in ("the input", "an earlier step", "several", "all repeats", "its own repeats")
    )
    yield from (f"of a step: {key}" for key in COMMON)
    for main, model in PRIMITIVES.items():
        own = [field.alias or name for name, field in model.model_fields.items()]
        yield from (f"{main}: {key}" for key in own if key not in COMMON)
        yield from (f"{main}: {key} is {word}" for key in own if key not in ACTIVATIONS for word in WORDS.get(key, ()))
    yield from (f"act: {word}" for word in WORDS["act"])
    yield from (
        "kind: of the spec",
        "kind: of the library",
        "kind: its field is a word",
        "kind: its field is a formula",
    )
    yield from ("words: a field", "a block repeats", "a block strides", "a block strides by 4")


def grammar(document: dict[str, Any]) -> Iterator[str]:
    """The items that a spec has."""
    levels = {"image": 0} | {name: block["level"] for name, block in document["blocks"].items()}
    for block in document["blocks"].values():
        if block["kind"] in document["kinds"]:
            yield from ["a block repeats"] if "repeats" in block else []
            strides = block["level"] - levels[block["inputs"][0]]
            yield from ["a block strides"] if strides else []
            yield from ["a block strides by 4"] if strides > 1 else []
    for kind in document["kinds"].values():
        yield from _of_kind(kind, document["kinds"])


def _of_kind(kind: dict[str, Any], own: dict[str, Any]) -> Iterator[str]:
    yield from (f"kind: {key}" for key in kind)
    fields, shortcut = kind.get("fields", {}), kind.get("shortcut")
    for field in fields.values():
        yield from (f"field: {key}" for key in field)
        yield f"type: {field.get('type', 'one_of')}"
        yield from _of_default(field)
    names = {**dict.fromkeys(fields, "field"), **dict.fromkeys(kind.get("let", {}), "formula")}
    others = [*kind.get("let", {}).values(), kind.get("work"), (shortcut or {}).get("when")]
    yield from (item for text in others for item in _of_formula(text, names))
    yield from (f"shortcut: {key}" for key in shortcut or ())
    yield f"steps: {len(kind['steps'])}"
    for steps in (kind["steps"], (shortcut or {}).get("steps", {}), kind.get("then", {})):
        for name, step in steps.items():
            yield from _of_step(name, step, names, own)


def _of_default(field: dict[str, Any]) -> Iterator[str]:
    default = field.get("default")
    word = isinstance(default, str) and field.get("type", "one_of") in ("one_of", "activation", "kernels")
    formula = isinstance(default, str) and (default.startswith("$") or not word)
    yield "default: " + ("none" if default is None else "formula" if formula else "word" if word else "value")


def _of_step(name: str, step: dict[str, Any], names: dict[str, str], own: dict[str, Any]) -> Iterator[str]:
    main = next((key for key in PRIMITIVES if key in step), "")
    model = PRIMITIVES.get(main, Step)
    for key, value in step.items():
        yield f"of a step: {key}" if key in COMMON else f"{main}: {key}"
        if key == "act":
            yield f"act: {value}"
        elif key in WORDS and key in model.model_fields:
            yield f"{main}: {key} is {value}"
        if isinstance(value, str) and value.startswith("$"):
            yield "words: a field"
        if key in (*model.types, "norm", "zero_scale", "when", "repeat"):
            yield from _of_formula(value, names)
        if main == "kind" and key not in (*KindStep.model_fields, "from"):
            yield "kind: its field is a " + ("word" if str(value).startswith("$") else "formula")
        if key in ("from", *LISTS):
            yield from _taken(name, [value] if isinstance(value, str) else value)
    if main == "kind":
        yield "kind: of the spec" if step["kind"] in own else "kind: of the library"


def _taken(name: str, values: list[str]) -> Iterator[str]:
    yield "takes: several" if len(values) > 1 else "takes: the input" if values == ["x"] else "takes: an earlier step"
    for value in values:
        if value.endswith("*"):
            yield "takes: its own repeats" if value == f"{name}*" else "takes: all repeats"


def _of_formula(text: Any, names: dict[str, str]) -> Iterator[str]:
    if text is None or isinstance(text, list):
        return
    try:
        node = parse(str(text).lower() if isinstance(text, bool) else str(text)).node
    except FormulaError:  # of another kind's field: a word
        return
    yield from _of_node(node, names)


def _of_node(node: Node, names: dict[str, str]) -> Iterator[str]:
    yield f"formula: {node.op}"
    if node.op == "name":
        yield f"named: {names.get(node.value, node.value)}"
    for part in node.parts:
        yield from _of_node(part, names)
