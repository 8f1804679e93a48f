"""What is wrong with a fragment by itself: all of it at once, before a spec fills it in.

It is filled in with what stands for itself: a feature is ``$C3``, a setting what it is where the spec says none. What
is wrong with the blocks that come out is the fragment's; what is wrong later is the spec's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from spinec.spec.blocks import Block, InputResample
from spinec.spec.check import inputs, outputs
from spinec.spec.defaults import check_fields
from spinec.spec.document import Item, check_shared
from spinec.spec.errors import MOST_FAULTS, Fault, Place
from spinec.spec.filling import Filling, check_count, repeats_fault
from spinec.spec.fragment import Fragment, section, taken
from spinec.spec.fragment_names import check_names, unused
from spinec.spec.kinded import kind_of
from spinec.spec.kinds.library import KINDS
from spinec.spec.spots import Spot, once, spot, spots, without_echoes
from spinec.spec.subject import Subject
from spinec.spec.validate import show, validate

MUST = ("level", "inputs")  # what every block says itself: all else may come from the `defaults` of the spec
NAMING = ("SPN-308", "SPN-312")  # what names no block


def check_fragment(fragment: Item) -> list[Fault]:
    """Every fault of a fragment, as far as no spec needs to be known."""
    faults: list[Fault] = []
    blocks, cell = section(fragment, "blocks"), section(fragment, "cell", "blocks")
    check_count("fragment", len(blocks) + len(cell), fragment.place)
    validate(Fragment, fragment, faults, "fragment")
    shapeless = spots(faults)
    settings = section(fragment, "settings")
    check_shared("settings", settings)
    must = _standing(item._replace(value=name) for name, item in settings.items() if item.value is None)
    filling = Filling({**settings, **must, **_standing(taken(fragment))}, at_use=True)
    shared = _shared(fragment, filling)
    parts = without_echoes(_parts(fragment, filling), shared)
    found = without_echoes([*shared, *parts], filling.faults)
    faults += without_echoes([*check_names(fragment), *_as_said(found, filling, settings)], faults)
    listed = [item for item in (fragment.find(("takes",)), fragment.find(("settings",))) if item]
    if not shapeless & {spot(item.place) for item in listed}:  # else nobody knows which names there are
        faults += without_echoes([*filling.faults, *unused(fragment, filling.uses)], faults)
    return once(faults)


def _standing(features: Iterable[Item]) -> dict[str, Item]:
    """Features that stand for themselves, by their names."""
    return {str(item.value): item._replace(value=f"${item.value}") for item in features}


def _shared(fragment: Item, filling: Filling) -> list[Fault]:
    """What is wrong with what every block and every input takes."""
    found: list[Fault] = []
    filling.share(fragment)
    check_fields(filling.defaults, found, "defaults")
    if filling.resample:
        validate(InputResample, fragment.mapping["resample"]._replace(value=filling.resample), found, "resample")
    return found


def _parts(fragment: Item, filling: Filling) -> list[Fault]:
    """What is wrong with the blocks of the fragment, and with its cell, which reads what the fragment gives."""
    found = _part(fragment, filling, _standing(taken(fragment)))
    cell = fragment.mapping.get("cell")
    if cell and cell.mapping:
        given = _standing(item._replace(value=name) for name, item in section(fragment, "gives").items())
        filling.scope |= given
        found += _part(cell, filling, {**section(fragment, "blocks"), **given})
        if "repeats" in cell.mapping and (fault := repeats_fault(filling.filled(cell.mapping["repeats"]), "cell")):
            found.append(fault)
    return found


def _part(part: Item, filling: Filling, before: Mapping[str, Item]) -> list[Fault]:
    """What is wrong with the blocks of a fragment or a cell, and with what it gives; they may read what is `before`."""
    blocks = {name: filling.block(item, {}) for name, item in section(part, "blocks").items()}
    given = filling.given(section(part, "gives"), {})
    found = [
        Fault("SPN-203", f"gives.{name}: expected the name of a block, got {show(item.plain())}", item.place)
        for name, item in given.items()
        if not isinstance(item.value, str)
    ]
    valid: dict[str, Block] = {}
    for name, item in blocks.items():
        if len(found) < MOST_FAULTS and (block := _block(name, item, found)):
            valid[name] = block
    earlier = {
        f"${name}" if item.value == f"${name}" else name: Item(None, item.place, item.key)
        for name, item in before.items()
    }
    tree = {"blocks": Item({**earlier, **blocks}, part.place), "outputs": Item(given, part.place)}
    subject = Subject(part._replace(value=tree), valid, None)
    return [*found, *islice(inputs(subject), MOST_FAULTS), *islice(outputs(subject), MOST_FAULTS)]


def _block(name: str, item: Item, faults: list[Fault]) -> Block | None:
    """A block that is valid as far as it goes; what is wrong is added to `faults`."""
    model = kind_of(item, KINDS, name, faults)
    if not item.mapping:
        return None
    if model is None:
        check_fields(item.mapping, faults, name, never=())
        faults += [
            Fault("SPN-201", f"{name}: missing key {key!r}", item.key or item.place)
            for key in MUST
            if key not in item.mapping
        ]
        return None
    whole = {"dim": Item(1, item.place), **item.mapping}
    return validate(model, item._replace(value=whole), faults, name)


def _as_said(found: list[Fault], filling: Filling, settings: Mapping[str, Item]) -> list[Fault]:
    """A setting that is at fault wherever it is used is so where it is said.

    What a spec must say may be right wherever it stands, but for what names a block: there only a feature is.
    """
    wrong = spots(found)
    said: dict[Spot, Place] = {}
    unknown: set[Spot] = set()
    for name, item in settings.items():
        used = {spot(place) for place in filling.uses.get(name, ())}
        if item.value is None:
            unknown |= used
        elif used <= wrong:
            said |= dict.fromkeys(used, item.place)
    known = [each for each in found if not each.place or each.code in NAMING or spot(each.place) not in unknown]
    return [replace(each, place=said.get(spot(each.place), each.place)) if each.place else each for each in known]
