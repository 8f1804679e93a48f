"""The tables of the page of spaces: what ships, and what a space may say beside its spec."""

from __future__ import annotations

from typing import Any

from make_language import fields_table
from pydantic import TypeAdapter

from spinec.compiler.resources.spaces import ChoiceSpace
from spinec.spec.spaces.load import load_space, spaces
from spinec.spec.spaces.model import Sections
from spinec.visualize.table.spaces import spaces_table


def space_tables() -> dict[str, str]:
    """Every generated table of the page by the name of its mark."""
    parts: dict[str, Any] = TypeAdapter(Sections).json_schema()["$defs"]
    shipped = spaces_table(ChoiceSpace(load_space(name)) for name in spaces()).to_text("markdown")
    return {"spaces": shipped, **{f"space-{name.lower()}": fields_table(parts[name], ()) for name in parts}}
