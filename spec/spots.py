"""Where faults stand, and that what is wrong there is said once."""

from __future__ import annotations

from collections.abc import Iterable

from spinec.spec.errors import Fault, Place

Spot = tuple[str, int, int]


def spot(place: Place) -> Spot:
    """A place without its text: cheap to compare."""
    return place.source.name, place.line, place.column


def spots(faults: Iterable[Fault]) -> set[Spot]:
    """Where faults stand."""
    return {spot(fault.place) for fault in faults if fault.place}


def without_echoes(found: Iterable[Fault], named: Iterable[Fault]) -> list[Fault]:
    """The faults of what is not named yet: a default at fault is named once, not by every block that takes it."""
    known = spots(named)
    return [fault for fault in found if not fault.place or spot(fault.place) not in known]


def once(faults: Iterable[Fault]) -> list[Fault]:
    """Every fault of a spot once: a setting of a fragment is not wrong in every block that takes it."""
    kept: dict[object, Fault] = {}
    for fault in faults:
        where = spot(fault.place) if fault.place else id(fault)
        kept.setdefault((where, fault.message.partition(": ")[2] or fault.message), fault)
    return list(kept.values())
