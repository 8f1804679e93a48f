"""Blocks and heads: what an entry is, by the model of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.heads import Head
from spinec.spec.plugins import load_part
from spinec.spec.validate import show, validate

Kinded = TypeVar("Kinded", Block, Head)


def kinded(item: Item, kinds: Mapping[str, type[Kinded]], what: str, faults: list[Fault]) -> Kinded | None:
    """What `item` is, or None after adding what is wrong to `faults`."""
    model = kind_of(item, kinds, what, faults)
    if model is None and isinstance(item.value, dict) and "kind" not in item.value:
        place = item.below or item.key or item.place
        faults.append(Fault("SPN-201", f"{what}: missing key 'kind'", place, "expected " + ", ".join(kinds)))
    found: list[Fault] = []
    valid = validate(model, item, found, what) if model else None
    faults += [_blamed(fault, item.mapping["kind"].place) for fault in found]
    return valid


def _blamed(fault: Fault, kind: Place) -> Fault:
    """What is wrong with a parent's entry where the child says another kind is mended where the kind is said."""
    if fault.place and any(use.source.name == kind.source.name for use in fault.place.uses):
        return replace(fault, place=kind, hint=f"inherited from {fault.place}: null takes it away")
    return fault


def kind_of(item: Item, kinds: Mapping[str, type[Kinded]], what: str, faults: list[Fault]) -> type[Kinded] | None:
    """The model of the kind that `item` says; None for a faulty one, which is added to `faults`, and for none."""
    kind = item.mapping.get("kind")
    if kinds is Head.kinds and kind and isinstance(kind.value, str) and kind.value not in kinds:
        load_part("heads")
    if not isinstance(item.value, dict):
        message = f"{what}: expected a mapping with a 'kind', got {show(item.value)}"
        faults.append(Fault("SPN-203", message, item.place, f"such as {{kind: {next(iter(kinds))}, ...}}"))
    elif kind is not None and isinstance(kind.value, str) and kind.value in kinds:
        return kinds[kind.value]
    elif kind is not None and kind.value in getattr(kinds, "faulty", ()):
        pass  # what is wrong is said where the kind is
    elif kind is not None:
        message = f"unknown {'head' if kinds is Head.kinds else 'block'} kind {show(kind.plain())}"
        faults.append(Fault("SPN-206", message, kind.place, partial(did_you_mean, kind.value, kinds)))
    return None
