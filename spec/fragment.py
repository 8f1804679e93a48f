"""What a fragment may say: its own form. What its blocks may say is in `blocks.py`, what `$name` is in `filling.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from spinec.spec.document import Item
from spinec.spec.fields import Frozen

Blocks = Annotated[
    Mapping[str, Any], Field(description="block name: what it computes, with $name for a setting or a feature")
]


class Cell(Frozen):
    """Blocks that run several times, each time on what was given last."""

    repeats: Any = Field(description="how often, or the setting that says it")
    blocks: Annotated[Blocks, Field(min_length=1)]
    gives: Mapping[str, str] = Field(
        min_length=1, description="what the fragment gives, anew: feature name: the block that gives it"
    )


class Fragment(Frozen):
    """Blocks that specs put behind their own: a neck, with its settings and features left open."""

    fragment: str = Field("", max_length=100, description="what the fragment is called")
    source: str = Field("", max_length=500, description="where the architecture comes from")
    takes: tuple[str, ...] = Field(min_length=1, max_length=64, description="features that the spec gives a block for")
    settings: Mapping[str, Any] = Field(
        {}, description="setting name: its value where the spec says none; null: it must"
    )
    defaults: Mapping[str, Any] = Field({}, description="fields for every block of the fragment whose kind has them")
    resample: Mapping[str, Any] = Field({}, description="how every input of the fragment is resampled")
    blocks: Blocks
    gives: Mapping[str, str] = Field(
        min_length=1, description="output name: the block that gives it; with a cell, what the cell takes first"
    )
    cell: Cell | None = Field(None, description="blocks that run several times, behind the others")


def is_fragment(document: Item) -> bool:
    """Whether a document is a fragment, not a spec with a key misplaced."""
    keys = document.mapping.keys()
    return bool(keys & {"fragment", "takes"}) and not keys & {"name", "extends", "outputs"}


def section(item: Item, *path: str) -> dict[str, Item]:
    """The entries of a mapping at a path; none where there is no mapping."""
    found = item.find(path)
    return found.mapping if found else {}


def taken(fragment: Item) -> list[Item]:
    """The features that a fragment takes, as far as they are names."""
    takes = fragment.mapping.get("takes")
    return (
        [item for item in takes.value if isinstance(item.value, str)] if takes and isinstance(takes.value, list) else []
    )
