"""Trees against models: what pydantic finds wrong, said in the language's words, at the place where it stands."""

from __future__ import annotations

import re
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from spinec.spec.document import Item
from spinec.spec.errors import Fault, did_you_mean

Model = TypeVar("Model", bound=BaseModel)

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
    "greater_than": "expected a number above {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected a number below {lt}",
    "less_than_equal": "expected at most {le}",
    "too_short": "expected at least {min_length} of them",
    "too_long": "expected at most {max_length} of them",
    "string_too_long": "expected at most {max_length} characters",
    "string_pattern_mismatch": "expected small letters, digits, '.', '_' and '-', 64 at most",
}


def validate(model: type[Model], item: Item, faults: list[Fault], what: str, **ready: Any) -> Model | None:
    """The model of a tree, or None after adding what is wrong to `faults`.

    `what` is how messages call the tree; `ready` are fields that are validated already.
    """
    if not isinstance(item.value, dict):
        faults.append(Fault(f"{what}: expected a mapping, got {_show(item.value)}", item.place))
        return None
    try:
        return model.model_validate({**item.plain(), **ready})
    except ValidationError as error:
        found = [_fault(detail, model, item, what) for detail in error.errors(include_url=False)]
        faults.extend(found)
        return None


def _fault(error: ErrorDetails, model: type[BaseModel], root: Item, what: str) -> Fault:
    path = error["loc"]
    label = ".".join([what, *map(str, path)]) if what else ".".join(map(str, path))
    place = _nearest(root, path).place
    match error["type"]:
        case "missing":
            owner = _nearest(root, path[:-1])
            hint = _description(model, path)
            return Fault(f"{what or 'spec'}: missing key {path[-1]!r}", owner.key or owner.place, hint)
        case "extra_forbidden":
            key = _nearest(root, path).key
            hint = did_you_mean(path[-1], _keys(model, path[:-1]))
            return Fault(f"{what + ': ' if what else ''}unknown key {str(path[-1])!r}", key or place, hint)
        case "literal_error":
            choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
            word = "kind" if path[-1] == "kind" else str(path[-1])
            return Fault(
                f"{what + ': ' if what else ''}unknown {word} {_show(error['input'])}",
                place,
                did_you_mean(error["input"], choices),
            )
        case "value_error":
            expected = str(error["ctx"]["error"])
        case known if known in _EXPECTED:
            expected = _EXPECTED[known].format(**error.get("ctx", {}))
        case _:
            expected = error["msg"][0].lower() + error["msg"][1:]
    shown = "" if error["type"].startswith("too_") else f", got {_show(error['input'])}"
    return Fault(f"{label}: {expected}{shown}", place)


def _nearest(root: Item, path: tuple[int | str, ...]) -> Item:
    """The item at a path, or the deepest one on the way there."""
    for length in range(len(path), 0, -1):
        if item := root.find(path[:length]):
            return item
    return root


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    owner = _model_at(model, path)
    return [field.alias or name for name, field in owner.model_fields.items()] if owner else []


def _description(model: type[BaseModel], path: tuple[int | str, ...]) -> str:
    owner = _model_at(model, path[:-1])
    for name, field in owner.model_fields.items() if owner else ():
        if path[-1] in (name, field.alias):
            return field.description or ""
    return ""


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    owner: type[BaseModel] | None = model
    for step in path:
        if owner is None or isinstance(step, int):
            continue
        field = owner.model_fields.get(step)
        owner = _model_in(field.annotation) if field else None
    return owner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)


def _show(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str() if len(value) > 60:
            return repr(value[:60] + "...")
    return repr(value)
