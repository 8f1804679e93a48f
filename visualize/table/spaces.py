"""Spaces as a table: what there is to choose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spinec.spec.dump import flow
from spinec.visualize.style.quantity import quantity
from spinec.visualize.table.table import Cell, Column, Shown, Table

if TYPE_CHECKING:
    from spinec.compiler.resources.spaces import ChoiceSpace, Survey

MOST_SHOWN = 6  # values of one choice


def space_table(found: Survey) -> Table:
    """The choices of a space; about it, how many candidates there are and what those of a sample cost."""
    parameters = found.space.parameters
    rows: list[list[Cell]] = [
        [name, len(values), Shown(list(values), _shown(values))] for name, values in parameters.items()
    ]
    about = {
        "name": found.space.name,
        "convention": found.convention,
        "candidates": found.space.size,
        "samples": len(found.macs),
        "within_limits": found.within,
        "least_macs": found.macs.min().item(),
        "most_macs": found.macs.max().item(),
        "least_params": found.params.min().item(),
        "most_params": found.params.max().item(),
        "fixed": list(found.fixed),
    }
    title = f"choices of {found.space.name}"
    return Table(title, ["choice", "number", "options"], rows, (), about, "space")


def told(found: Survey) -> str:
    """What there is to say of a space beside its choices, for a person."""
    macs, params = (
        f"{quantity(each.min().item())} to {quantity(each.max().item())}" for each in (found.macs, found.params)
    )
    lines = [
        f"{_size(found.space.size)} candidates; of {len(found.macs):,} drawn, {found.within:.1%} are within the limits",
        f"multiply-adds of these: {macs}; parameters: {params}",
        f"the same in all: {', '.join(found.fixed) or 'no block'}",
    ]
    return "\n".join(f"  {line}" for line in lines)


def _size(size: int) -> str:
    return f"{size:,}" if size < 10**9 else f"{size:.1e}"


def spaces_table(spaces: Iterable[ChoiceSpace]) -> Table:
    """Spaces: how much there is to choose in each, and where it comes from."""
    rows: list[list[Cell]] = [
        [each.name, len(each.parameters), Shown(each.size, _size(each.size)), each.document.source] for each in spaces
    ]
    return Table("spaces", ["space", "number", "candidates", Column("source", rank=1)], rows, kind="spaces")


def _shown(values: tuple[object, ...]) -> str:
    told = ", ".join(map(flow, values[:MOST_SHOWN]))
    return told if len(values) <= MOST_SHOWN else f"{told}, ..."
