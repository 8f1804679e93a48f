"""The names of a fragment: what it takes and what may be set are keys of the neck, and all of them are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from spinec.spec.check import names
from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.fragment import section, taken
from spinec.spec.names import OUTPUT_NAME
from spinec.spec.subject import Subject
from spinec.spec.validate import show

RULE = "expected a letter, then letters, digits and '_' (ASCII, 48 at most)"
_RUN = re.compile(r"(.+)_[1-9][0-9]?\Z")  # a cell's block in one of its runs


def check_names(fragment: Item) -> list[Fault]:
    """What is wrong with the names of a fragment."""
    return [*_keys(fragment), *_blocks(fragment), *_given(fragment)]


def unused(fragment: Item, uses: Mapping[str, Sequence[Place]]) -> Iterator[Fault]:
    """Whatever a spec gives and sets has an effect."""
    settings = section(fragment, "settings").items()
    for what, name, place in (
        *(("feature", str(item.value), item.place) for item in taken(fragment)),
        *(("setting", name, item.key or item.place) for name, item in settings),
    ):
        if name not in uses:
            yield Fault(
                "SPN-517", f"fragment: nothing uses the {what} {show(name)}", place, f"write ${name}, or remove it"
            )


def _keys(fragment: Item) -> Iterator[Fault]:
    """Features and settings are words, each once, that `fragment` is not one of."""
    seen = {"fragment": "key"}
    for what, name, place in (
        *(("feature", str(item.value), item.place) for item in taken(fragment)),
        *(("setting", name, item.key or item.place) for name, item in section(fragment, "settings").items()),
    ):
        if not OUTPUT_NAME.match(name):
            yield Fault("SPN-303", f"{what} name {show(name)} is not allowed", place, RULE)
        elif name in seen:
            message = f"{what} {show(name)}: a {seen[name]} has this name already"
            yield Fault("SPN-516", message, place, "take another name, or remove it")
        seen.setdefault(name, what)


def _blocks(fragment: Item) -> Iterator[Fault]:
    """Blocks and what is given have names as those of a spec do, and a cell's runs take none of them."""
    cell, blocks = fragment.mapping.get("cell"), section(fragment, "blocks")
    last = fragment.find(("cell", "gives")) or fragment.find(("gives",))
    tree = {"blocks": Item(blocks, fragment.place), "outputs": last or Item({}, fragment.place)}
    yield from names(Subject(fragment._replace(value=tree), {}, None))
    if cell:
        own = Item(section(cell, "blocks"), cell.place)
        yield from (f for f in names(Subject(cell._replace(value={"blocks": own}), {}, None)) if f.code != "SPN-304")
        for name, item in blocks.items():
            if (run := _RUN.match(name)) and run[1] in own.mapping:
                message = f"block name {name!r} is taken by a run of the cell's {run[1]!r}"
                yield Fault("SPN-305", message, item.key or item.place, "rename it")


def _given(fragment: Item) -> Iterator[Fault]:
    """A cell gives what it takes, so that it can run again; what it gives is not called as a setting is."""
    first, settings = section(fragment, "gives"), section(fragment, "settings")
    cell, again = fragment.mapping.get("cell"), section(fragment, "cell", "gives")
    for name, item in first.items() if cell else ():
        if name in settings:
            yield Fault(
                "SPN-516", f"feature {show(name)}: a setting has this name already", item.key or item.place, "rename it"
            )
        if again and name not in again:
            place = fragment.find(("cell", "gives")) or item
            yield Fault("SPN-518", f"cell.gives: missing {show(name)}, which the cell takes", place.key or place.place)
    for name, item in again.items():
        if first and name not in first:
            hint = partial(did_you_mean, name, first)
            yield Fault("SPN-518", f"cell.gives: the cell takes no {show(name)}", item.key or item.place, hint)
