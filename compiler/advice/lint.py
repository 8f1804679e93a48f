"""Advice on a legal spec: where each remark stands, and where a comment switches it off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from spinec.compiler.advice.remark import Linted, Remark
from spinec.compiler.advice.rules import MULTIPLE, RULES
from spinec.compiler.cost.report import Report
from spinec.spec.errors import Fault, Place
from spinec.spec.load import Loaded

_IGNORE = re.compile(r"#.*\bspinec: ignore\[([A-Z0-9-]+(?:, [A-Z0-9-]+)*)\]")


def lint(loaded: Loaded, report: Report, multiple: int = MULTIPLE) -> list[Fault]:
    """Advice on a spec, as warnings in the order of the text; a spec without any may still be a bad one.

    A comment ``# spinec: ignore[SPN-903]`` switches advice off for its line and all that is written below its key. What
    is said of inherited blocks stands where they are inherited: at `extends`, or at `neck`.
    """
    linted = Linted(loaded, report, multiple)
    ignores = _ignores(loaded)
    used: set[tuple[int, str]] = set()
    kept: dict[tuple[int, int, str], tuple[Place, list[Remark]]] = {}
    for remark in (remark for rule in RULES for remark in rule(linted) if _is_said(loaded, remark)):
        place = _place(loaded, remark.path)
        by = ignores & {(line, remark.code) for line in (place.line, *_lines_above(loaded, remark.path))}
        used |= by
        if not by:
            kept.setdefault((place.line, place.column, remark.code), (place, []))[1].append(remark)
    return [*(_fault(*kept[spot]) for spot in sorted(kept)), *_useless(loaded, ignores - used)]


def _fault(place: Place, found: list[Remark]) -> Fault:
    """One fault for all remarks of a sort at a place."""
    first, more = found[0], len(found) - 1
    return Fault(first.code, first.message + (f", and {more} more" if more else ""), place, first.hint, "warning")


def _is_said(loaded: Loaded, remark: Remark) -> bool:
    """Whether the document says itself what is advised against; a default or a fragment need not fit every block."""
    return remark.code != "SPN-906" or loaded.document.find(remark.path) is not None


def _place(loaded: Loaded, path: tuple[str | int, ...]) -> Place:
    """Where what a path leads to is written in the document; what is inherited stands where it is inherited."""
    document = loaded.document
    while path and not document.find(path) and not loaded.tree.find(path):
        path = path[:-1]
    item = document.find(path) or loaded.tree.find(path) or loaded.tree
    place = item.place if path and (path[-1] == "dim" or isinstance(path[-1], int)) else item.key or item.place
    if place.source.name == document.place.source.name:
        return place
    scale = document.mapping.get("scale")
    if path[-1] == "dim" and scale and scale.key and "width" in scale.mapping:
        return scale.key
    neck = document.mapping.get("neck")
    fragment = neck.mapping.get("fragment") if neck else None
    of_neck = fragment and Path(str(fragment.value)).stem == Path(place.source.name).stem
    heir = neck if of_neck else document.mapping.get("extends", neck)
    return (heir and heir.key) or document.place


def _lines_above(loaded: Loaded, path: tuple[str | int, ...]) -> Iterator[int]:
    """The lines of the keys that a path leads through, as far as the document has them."""
    for length in range(1, len(path) + 1):
        item = loaded.document.find(path[:length])
        if item and item.key:
            yield item.key.line


def _ignores(loaded: Loaded) -> set[tuple[int, str]]:
    """The lines on which advice is switched off, and its codes."""
    lines = enumerate(loaded.document.place.source.lines, 1)
    return {(number, code) for number, line in lines for found in _IGNORE.findall(line) for code in found.split(", ")}


def _useless(loaded: Loaded, ignores: set[tuple[int, str]]) -> Iterator[Fault]:
    """Every ignore switches something off."""
    source = loaded.document.place.source
    for line, code in sorted(ignores):
        place = Place(source, line, source.lines[line - 1].rindex(code) + 1, len(code))
        yield Fault("SPN-907", f"there is no {code} to ignore here", place, "remove it", "warning")
