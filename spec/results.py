"""What commands write for programs: one shape, and the JSON Schema of it.

`results.yaml` has the kinds of results and what every key of theirs means.
"""

from __future__ import annotations

from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, TypedDict

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Result(TypedDict):
    """What a command found, as JSON has it."""

    kind: str
    passed: bool | None
    about: dict[str, Any]
    rows: list[dict[str, Any]]
    total: dict[str, Any] | None


def plain(value: Any) -> Any:
    """A value as JSON can hold it: what is no number is null, as no reader takes NaN for one."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


@cache
def known() -> dict[str, Any]:
    """What `results.yaml` says."""
    import yaml

    text = Path(__file__).with_name("results.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def results_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of every result."""
    said = known()
    return {
        "$schema": DRAFT,
        "title": "What spinec writes with --format json",
        "oneOf": [{"$ref": f"#/$defs/kinds/{kind}"} for kind in said["kinds"]],
        "$defs": {"kinds": {kind: _kind(kind, about) for kind, about in said["kinds"].items()}, "keys": said["keys"]},
    }


def _kind(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    more = known()["families"][said["more"]] if "more" in said else {}
    row = _object(said["rows"], more)
    total = {**row, "properties": {name: _or_null(each) for name, each in row["properties"].items()}}
    passed = {"type": "boolean", "description": said["passed"]} if "passed" in said else {"type": "null"}
    return {
        "description": f"Of {', '.join(f'spinec {command}' for command in said['commands'])}.",
        "type": "object",
        "required": list(Result.__annotations__),
        "additionalProperties": False,
        "properties": {
            "kind": {"const": kind},
            "passed": _or_null(passed),
            "about": _object(said["about"]),
            "rows": {"type": "array", "items": row},
            "total": _or_null(total),
        },
    }


def _object(line: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Keys by name, those with a '?' optional; nothing else but what `more` allows by pattern."""
    names = line.split()
    return {
        "type": "object",
        "required": [name for name in names if not name.endswith("?")],
        "additionalProperties": False,
        "properties": {name.rstrip("?"): {"$ref": f"#/$defs/keys/{name.rstrip('?')}"} for name in names},
        **({"patternProperties": more} if more else {}),
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
