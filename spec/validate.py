"""Trees against models: what pydantic finds wrong, said in the language's words, at the place where it stands."""

from __future__ import annotations

import math
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from spinec.spec.document import Item
from spinec.spec.errors import Fault, did_you_mean
from spinec.spec.kinds.arithmetic import UnknownNameError
from spinec.spec.kinds.formula import FormulaError

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[int | str, ...]

_EXPECTED = {
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping",
    "mapping_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "greater_than": "expected a number above {gt:g}",
    "greater_than_equal": "expected at least {ge:g}",
    "less_than": "expected a number below {lt:g}",
    "less_than_equal": "expected at most {le:g}",
    "too_short": "expected at least {min_length} of them",
    "too_long": "expected at most {max_length} of them",
    "string_too_long": "expected at most {max_length} characters",
    "string_too_short": "expected at least one character",
    "string_pattern_mismatch": "expected small letters, digits, '.', '_' and '-', 64 at most, a letter or digit first",
}
_RANGES = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number")
_CODES = {  # what is none of these is not in the form that its field has
    "SPN-203": [error for error in _EXPECTED if error.endswith("_type") or error == "int_from_float"],
    "SPN-204": _RANGES,
    "SPN-207": ("too_short", "too_long"),
}
_NUMERIC = ("int_type", *_RANGES)
_WORDLESS = ("too_short", "too_long", "string_too_long")  # where showing the value would say nothing


def validate(
    model: type[Model], item: Item, faults: list[Fault], what: str, known: Iterable[str] = (), **ready: Any
) -> Model | None:
    """The model of a tree, or None after adding what is wrong to `faults`.

    `what` is how messages call the tree, `known` are keys that are read elsewhere, and `ready` are fields that are
    validated already.
    """
    if not isinstance(item.value, dict):
        faults.append(
            Fault("SPN-203", f"{what}: expected a mapping, got {show(item.value)}", item.place, _list(_keys(model, ())))
        )
        return None
    try:
        return model.model_validate({**item.plain(), **ready})
    except ValidationError as error:
        faults.extend(_faults(error.errors(include_url=False), model, item, what, known))
        return None


def validate_given(model: type[BaseModel], item: Item, faults: list[Fault], what: str) -> None:
    """Add what is wrong with the entries that a mapping has; what the model wants besides may be missing."""
    try:
        model.model_validate(item.plain())
    except ValidationError as error:
        given = [detail for detail in error.errors(include_url=False) if detail["loc"][0] in item.mapping]
        faults.extend(_faults(given, model, item, what, ()))


def expectation(error: ErrorDetails) -> str:
    """What pydantic expected of a value, in the language's words."""
    kind = error["type"]
    if kind in _EXPECTED:
        return _EXPECTED[kind].format(**error.get("ctx", {}))
    return "expected another value"  # in our words, whatever sort of error pydantic may add


def show(value: object) -> str:
    """A value as messages name it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str() if len(value) > 60:
            return repr(value[:60] + "...")
    return repr(value)


def _faults(
    details: Iterable[ErrorDetails], model: type[BaseModel], root: Item, what: str, known: Iterable[str]
) -> Iterator[Fault]:
    """One fault for everything that is wrong; pydantic counts a faulty entry as wrong and its list as too short."""
    said: set[tuple[int, int, str]] = set()
    for detail in details:
        item, _ = _nearest(root, detail["loc"])
        if detail["type"] == "too_short" and len(item.plain() or ()) >= detail["ctx"]["min_length"]:
            continue
        fault = _fault(detail, model, root, what, known)
        once = (item.place.line, item.place.column, fault.message)
        if once not in said:
            yield fault
        said.add(once)


def _fault(error: ErrorDetails, model: type[BaseModel], root: Item, what: str, known: Iterable[str]) -> Fault:
    path, given = error["loc"], error["input"]
    item, there = _nearest(root, path)
    owner, label = _label(what, path[:-1]), _label(what, there)
    match error["type"]:
        case "missing":
            return Fault(
                "SPN-201",
                _say(owner, f"missing key {path[-1]!r}"),
                item.below or item.key or item.place,
                _description(model, path),
            )
        case "extra_forbidden":
            keys = [*_keys(model, path[:-1]), *(() if path[:-1] else known)]
            message = _say(owner, f"unknown key {show(path[-1])}")
            return Fault("SPN-202", message, item.key or item.place, partial(did_you_mean, path[-1], keys))
        case "literal_error" if path[-1] == "[key]":  # of a mapping whose keys are words
            message = _say(_label(what, path[:-2]), f"unknown key {show(given)}")
            keys = _choices(_annotation_at(model, path[:-2]))
            return Fault("SPN-202", message, item.key or item.place, partial(did_you_mean, given, keys))
        case "literal_error" | "unknown_word":
            choices = error.get("ctx", {}).get("known") or _choices(_annotation_at(model, path))
            unknown = _say(owner, f"unknown {path[-1]} {show(given)}")
            message = unknown if isinstance(given, str) else f"{label}: expected a word, got {show(given)}"
            code = "SPN-205" if isinstance(given, str) else "SPN-203"
            return Fault(code, message, item.place, partial(did_you_mean, given, choices))
        case "value_error" if isinstance(wrong := error["ctx"]["error"], FormulaError):
            return formula_fault(label, wrong, item)
        case "value_error":
            expected = str(error["ctx"]["error"])
        case kind if kind in _NUMERIC and isinstance(given, float) and not math.isfinite(given):
            expected = "expected a finite number"
        case "model_type" | "model_attributes_type" if isinstance(path[-1], int):
            expected = "expected the name of a block, or a mapping such as {from: b1, down: conv}"
        case _:
            expected = expectation(error)
    got = "" if error["type"] in _WORDLESS or ", got " in expected else f", got {show(given)}"
    hint = _list(_keys(model, path)) if error["type"].startswith("model_") else _description(model, path)
    if error["type"] == "tuple_type" and isinstance(given, str):
        hint = f"a list is written [{given}]"
    return Fault(_code(error["type"]), f"{label}: {expected}{got}", item.place, hint)


def formula_fault(label: str, error: FormulaError, item: Item) -> Fault:
    """What is wrong with a formula, at its character where it stands in the document as it was read."""
    place, text = item.place, item.value
    line = place.source.lines[place.line - 1] if place.line <= len(place.source.lines) else ""
    written = line[place.column - 1 :]
    quote = written[:1] in ("'", '"')
    if isinstance(text, str) and text and written[quote:].startswith(text):
        at = quote + min(error.at, len(text) - 1)
        place = place._replace(column=place.column + at, length=max(1, place.length - at - quote))
    hint = partial(did_you_mean, error.name, error.known) if isinstance(error, UnknownNameError) else error.hint
    return Fault("SPN-522", f"{label}: {error}", place, hint)


def _code(error: str) -> str:
    return next((code for code, errors in _CODES.items() if error in errors), "SPN-208")


def _list(keys: Iterable[str]) -> str:
    return f"its keys are {', '.join(keys)}"


def _label(what: str, path: Path) -> str:
    """How messages call what is at a path: ``b5.inputs[0].from``."""
    return "".join([what, *(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)]).lstrip(".")


def _say(owner: str, message: str) -> str:
    return f"{owner}: {message}" if owner else message


def _nearest(root: Item, path: Path) -> tuple[Item, Path]:
    """The item at a path, or the deepest one on the way there, and its path."""
    for length in range(len(path), 0, -1):
        if item := root.find(path[:length]):
            return item, path[:length]
    return root, ()


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    owner = _model_at(model, path)
    return [field.alias or name for name, field in owner.model_fields.items()] if owner else []


def _description(model: type[BaseModel], path: Path) -> str:
    owner = _model_at(model, path[:-1])
    for name, field in owner.model_fields.items() if owner else ():
        if path[-1] in (name, field.alias):
            return field.description or ""
    return ""


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    return _model_in(_annotation_at(model, path))


def _annotation_at(model: type[BaseModel], path: Path) -> Any:
    annotation: Any = model
    for step in path:
        owner = _model_in(annotation)
        if typing.get_origin(annotation) is Mapping:
            annotation = typing.get_args(annotation)[1]
        elif owner is not None and isinstance(step, str):
            field = next((field for name, field in owner.model_fields.items() if step in (name, field.alias)), None)
            annotation = field.annotation if field else None
    return annotation


def _choices(annotation: Any) -> list[str]:
    """The words that an annotation allows."""
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return [word for word in inner if isinstance(word, str)]
    return [word for part in inner for word in _choices(part)]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
