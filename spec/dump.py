"""ModelSpec -> YAML: the canonical form, one block per line, without what is a default anyway."""

from __future__ import annotations

from typing import Any

import yaml

from spinec.spec.model import ModelSpec


def dump(spec: ModelSpec) -> str:
    """The canonical text of a spec; loading it gives an equal spec, and dumping that the same text."""
    data = spec.model_dump(by_alias=True, exclude_defaults=True)
    lines = []
    for key, value in data.items():
        if key in ("blocks", "outputs"):
            lines.append(f"{key}:")
            entries = {name: _entry(key, name, spec) for name in value}
            lines += [f"  {name}: {_flow(entry)}" for name, entry in entries.items()]
        elif key == "head" and spec.head:
            lines.append(f"head: {_flow(_with_kind(spec.head.kind, value))}")
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _entry(section: str, name: str, spec: ModelSpec) -> Any:
    if section == "outputs":
        return spec.outputs[name]
    block = spec.blocks[name]
    data = _with_kind(block.kind, block.model_dump(by_alias=True, exclude_defaults=True))
    data["inputs"] = [given["from"] if len(given) == 1 else given for given in data["inputs"]]
    return data


def _with_kind(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, **data}


def _flow(value: Any) -> str:
    """A value on one line, spelt so that the loader reads it back."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case float():
            return repr(value)
    text: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return text.removesuffix("\n").removesuffix("...").strip()
