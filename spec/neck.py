"""A spec's `neck`: a fragment of blocks, its settings and features filled in, put behind the spec's own blocks.

A fragment is a document of its own: ``takes`` names the features that it is given, ``settings`` what may be set and to
what else it is, ``blocks`` are blocks in which ``$name`` stands for one or the other, and ``gives`` names what comes
out. A ``cell`` is run ``repeats`` times: it takes what was given last and gives the same anew. ``defaults`` and
``resample`` are for every block and every input of the fragment, unless they say otherwise themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from spinec.spec.defaults import with_defaults
from spinec.spec.document import Allowance, Item, check_shared
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.fields import MAX_BLOCKS, MAX_REPEATS
from spinec.spec.library import find_fragment, fragments
from spinec.spec.validate import show

KEYS = ("fragment", "source", "takes", "settings", "defaults", "resample", "blocks", "gives", "cell")
CELL_KEYS = ("repeats", "blocks", "gives")


def expand_neck(tree: Item, path: Path | None, faults: list[Fault], allowance: Allowance) -> Item:
    """The tree with the blocks of its neck, which give the outputs; `neck` is gone.

    Raises:
        SpecError: when the neck cannot be filled in: without its blocks, all that reads them looks wrong.
    """
    entries = dict(tree.mapping)
    neck = entries.pop("neck", None)
    if neck is None or neck.value is None:
        return tree._replace(value=entries)
    fragment = _fragment(neck, path, faults, allowance)
    filling = _Filling(_scope(neck, fragment, faults))
    blocks, outputs = filling.fill(fragment)
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
    if not isinstance(neck.value, dict) or "fragment" not in neck.value:
        hint = f"such as {{fragment: {next(iter(fragments()))}, ...}}"
        raise SpecError([*faults, Fault("SPN-514", "neck: expected a mapping with a 'fragment'", neck.place, hint)])
    name = neck.mapping["fragment"]
    if not isinstance(name.value, str):
        message = f"neck.fragment: expected the name of a fragment, got {show(name.plain())}"
        raise SpecError([*faults, Fault("SPN-514", message, name.place, "one of " + ", ".join(fragments()))])
    fragment = find_fragment(name.value, path, name.place, allowance)
    wrong = [*_unknown(fragment, KEYS), *_unknown(fragment.mapping.get("cell"), CELL_KEYS)]
    wrong += [
        Fault("SPN-201", f"fragment: missing key {key!r}", fragment.place)
        for key in ("takes", "blocks", "gives")
        if key not in fragment.mapping
    ]
    if wrong:
        raise SpecError([*faults, *wrong])
    return fragment


def _unknown(item: Item | None, keys: tuple[str, ...]) -> Iterator[Fault]:
    for key, value in item.mapping.items() if item else ():
        if key not in keys:
            yield Fault("SPN-202", f"fragment: unknown key {show(key)}", value.key, partial(did_you_mean, key, keys))


def _scope(neck: Item, fragment: Item, faults: list[Fault]) -> dict[str, Item]:
    """What every ``$name`` of a fragment stands for."""
    settings = fragment.mapping["settings"].mapping if "settings" in fragment.mapping else {}
    takes = fragment.mapping["takes"].plain()
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
    if wrong:
        raise SpecError([*faults, *wrong])
    check_shared("neck", {**settings, **given})
    return {**settings, **given}


@dataclass
class _Filling:
    """Fills a fragment in, and collects what is wrong with it."""

    scope: dict[str, Item]
    defaults: dict[str, Item] = field(default_factory=dict)
    resample: dict[str, Item] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fill(self, fragment: Item) -> tuple[dict[str, Item], dict[str, Item]]:
        """The blocks by name, and the outputs."""
        self.defaults, self.resample = (
            self.filled(fragment.mapping[key]).mapping if key in fragment.mapping else {}
            for key in ("defaults", "resample")
        )
        check_shared("defaults", self.defaults)
        check_shared("resample", self.resample)
        blocks = {name: self._block(item, {}) for name, item in fragment.mapping["blocks"].mapping.items()}
        given = self._given(fragment, {})
        if cell := fragment.mapping.get("cell"):
            own = cell.mapping["blocks"].mapping
            for number in range(1, self._repeats(cell) + 1):
                self.scope |= given
                local = {name: f"{name}_{number}" for name in own}
                blocks |= {local[name]: self._block(item, local) for name, item in own.items()}
                if len(blocks) > MAX_BLOCKS:
                    raise SpecError([Fault("SPN-302", f"neck: expected at most {MAX_BLOCKS:,} blocks", cell.place)])
                given = self._given(cell, local)
        return blocks, given

    def _given(self, item: Item, local: Mapping[str, str]) -> dict[str, Item]:
        return {name: _renamed(self.filled(value), local) for name, value in item.mapping["gives"].mapping.items()}

    def _repeats(self, cell: Item) -> int:
        repeats = self.filled(cell.mapping["repeats"])
        if type(repeats.value) is not int or not 0 < repeats.value <= MAX_REPEATS:
            message = f"neck: repeats: expected 1 to {MAX_REPEATS}, got {show(repeats.plain())}"
            self.faults.append(Fault("SPN-204", message, repeats.place))
            return 0
        return repeats.value

    def _block(self, item: Item, local: Mapping[str, str]) -> Item:
        """A block filled in; its inputs name blocks of the same cell by their `local` names."""
        if not isinstance(item.value, dict):
            return item
        filled = dict(with_defaults(self.filled(item), self.defaults).mapping)
        if "inputs" in filled and isinstance(filled["inputs"].value, list):
            inputs = [self._input(each, local) for each in filled["inputs"].value]
            filled["inputs"] = filled["inputs"]._replace(value=inputs)
        return item._replace(value=filled)

    def _input(self, item: Item, local: Mapping[str, str]) -> Item:
        origin = item.mapping.get("from", item)
        own = {key: value for key, value in item.mapping.items() if key != "from"}
        return item._replace(value={**self.resample, **own, "from": _renamed(origin, local)})

    def filled(self, item: Item) -> Item:
        """An item with every ``$name`` in it replaced."""
        match item.value:
            case dict() as entries:
                return item._replace(value={key: self.filled(value) for key, value in entries.items()})
            case list() as items:
                return item._replace(value=[self.filled(value) for value in items])
            case str() as text if text.startswith("$"):
                if text[1:] not in self.scope:
                    hint = partial(did_you_mean, text[1:], self.scope)
                    self.faults.append(Fault("SPN-515", f"fragment: nothing is called {show(text)}", item.place, hint))
                    return item
                return self.scope[text[1:]]._replace(key=item.key)
        return item


def _renamed(item: Item, names: Mapping[str, str]) -> Item:
    return item._replace(value=names[item.value]) if isinstance(item.value, str) and item.value in names else item
