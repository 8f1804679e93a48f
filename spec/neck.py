"""A spec's `neck`: a fragment of blocks, its settings and features filled in, put behind the spec's own blocks.

A fragment is a document of its own: ``takes`` names the features that it is given, ``settings`` what may be set and to
what else it is, ``blocks`` are blocks in which ``$name`` stands for one or the other, and ``gives`` names what comes
out. A ``cell`` is run ``repeats`` times: it takes what was given last and gives the same anew. ``defaults`` and
``resample`` are for every block and every input of the fragment, unless they say otherwise themselves.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from spinec.spec.document import Allowance, Item, check_shared
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.filling import Filling, check_count, repeats_fault
from spinec.spec.fragment import section, taken
from spinec.spec.fragment_check import check_fragment
from spinec.spec.kinds.library import Kinds
from spinec.spec.library import find_fragment, fragments
from spinec.spec.validate import show


def expand_neck(tree: Item, path: Path | None, faults: list[Fault], allowance: Allowance, kinds: Kinds) -> Item:
    """The tree with the blocks of its neck, which give the outputs; `neck` is gone.

    Raises:
        SpecError: when the neck cannot be filled in: without its blocks, all that reads them looks wrong.
    """
    entries = dict(tree.mapping)
    neck = entries.pop("neck", None)
    if neck is None or neck.value is None:
        return tree._replace(value=entries)
    fragment = _fragment(neck, path, faults, allowance)
    filling = Filling(_scope(neck, fragment, faults), kinds=kinds)
    blocks, outputs = _fill(filling, fragment)
    own = entries.get("blocks", Item({}, neck.place, neck.key))
    if not isinstance(own.value, dict):
        raise SpecError([*faults, Fault("SPN-203", f"blocks: expected a mapping, got {show(own.plain())}", own.place)])
    filling.faults += [
        Fault("SPN-513", f"neck: the spec has a block {name!r} already", own.mapping[name].key, "rename it")
        for name in blocks
        if name in own.mapping
    ]
    if filling.faults:
        raise SpecError([*faults, *filling.faults])
    entries["blocks"] = own._replace(value={**own.mapping, **blocks})
    entries["outputs"] = Item(outputs, neck.place, neck.key)
    return tree._replace(value=entries)


def _fragment(neck: Item, path: Path | None, faults: list[Fault], allowance: Allowance) -> Item:
    """The fragment that a neck names, sound by itself: what is wrong from here on is the neck's."""
    if not isinstance(neck.value, dict) or "fragment" not in neck.value:
        hint = f"such as {{fragment: {next(iter(fragments()))}, ...}}"
        raise SpecError([*faults, Fault("SPN-514", "neck: expected a mapping with a 'fragment'", neck.place, hint)])
    name = neck.mapping["fragment"]
    if not isinstance(name.value, str):
        message = f"neck.fragment: expected the name of a fragment, got {show(name.plain())}"
        raise SpecError([*faults, Fault("SPN-514", message, name.place, "one of " + ", ".join(fragments()))])
    fragment = find_fragment(name.value, path, name.place, allowance)
    if wrong := check_fragment(fragment):
        raise SpecError([*faults, *wrong])
    return fragment


def _scope(neck: Item, fragment: Item, faults: list[Fault]) -> dict[str, Item]:
    """What every ``$name`` of a fragment stands for."""
    settings = section(fragment, "settings")
    takes = [str(item.value) for item in taken(fragment)]
    given = {key: item for key, item in neck.mapping.items() if key != "fragment"}
    wrong = [
        Fault("SPN-202", f"neck: unknown key {show(key)}", item.key, partial(did_you_mean, key, [*takes, *settings]))
        for key, item in given.items()
        if key not in takes and key not in settings
    ]
    for name in (*takes, *(name for name, item in settings.items() if item.value is None)):
        if name not in given:
            what = f"{name}: the block that gives it" if name in takes else f"{name}: ..."
            wrong.append(Fault("SPN-201", f"neck: missing key {name!r}", neck.key or neck.place, what))
    wrong += [
        Fault("SPN-203", f"neck.{name}: expected the name of a block, got {show(item.plain())}", item.place)
        for name, item in given.items()
        if name in takes and not isinstance(item.value, str)
    ]
    if wrong:
        raise SpecError([*faults, *wrong])
    check_shared("neck", given)
    return {**settings, **given}


def _fill(filling: Filling, fragment: Item) -> tuple[dict[str, Item], dict[str, Item]]:
    """The blocks by name, and the outputs."""
    filling.share(fragment)
    blocks = {name: filling.block(item, {}) for name, item in section(fragment, "blocks").items()}
    given = filling.given(section(fragment, "gives"), {})
    if cell := fragment.mapping.get("cell"):
        own, repeats = section(cell, "blocks"), _repeats(filling, cell)
        check_count("neck", len(blocks) + repeats * len(own), cell.place)
        for number in range(1, repeats + 1):
            filling.scope |= given
            local = {name: f"{name}_{number}" for name in own}
            blocks |= {local[name]: filling.block(item, local) for name, item in own.items()}
            given = filling.given(section(cell, "gives"), local)
    return blocks, given


def _repeats(filling: Filling, cell: Item) -> int:
    repeats = filling.filled(cell.mapping["repeats"])
    if fault := repeats_fault(repeats, "neck"):
        filling.faults.append(fault)
        return 0
    return int(repeats.plain())
