"""ModelSpec -> YAML: formatted, without what is a default anyway."""

from __future__ import annotations

from typing import Any

from spinec.spec.blocks import Block
from spinec.spec.format import format_text
from spinec.spec.model import ModelSpec
from spinec.spec.spelling import spell


def dump(spec: ModelSpec) -> str:
    """The canonical text of a spec; loading it gives an equal spec, and dumping that the same text."""
    data = spec.model_dump(by_alias=True, exclude_defaults=True)
    data["blocks"] = {name: _block(block) for name, block in spec.blocks.items()}
    if spec.head:
        data["head"] = _with_kind(spec.head.kind, data["head"])
    return format_text("\n".join(f"{key}: {flow(value)}" for key, value in data.items()))


def _block(block: Block) -> dict[str, Any]:
    data = _with_kind(block.kind, block.model_dump(by_alias=True, exclude_defaults=True))
    return {**data, "inputs": [given["from"] if len(given) == 1 else given for given in data["inputs"]]}


def _with_kind(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, **data}


def flow(value: Any) -> str:
    """A value on one line, spelt so that the loader reads it back."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
    return spell(value)
