"""A fragment filled in: what every ``$name`` stands for, defaults and ways of resampling handed to its blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from spinec.spec.defaults import with_defaults
from spinec.spec.document import Item, check_shared
from spinec.spec.errors import MOST_FAULTS, Fault, Place, SpecError, did_you_mean
from spinec.spec.fields import MAX_BLOCKS, MAX_REPEATS
from spinec.spec.kinds.library import Kinds
from spinec.spec.validate import show


@dataclass
class Filling:
    """Fills in what `scope` says; notes which names are used, where, and which are not known."""

    scope: dict[str, Item]
    at_use: bool = False
    """Whether what is filled in stands where it is used, not where it is said."""
    defaults: dict[str, Item] = field(default_factory=dict)
    resample: dict[str, Item] = field(default_factory=dict)
    kinds: Kinds = field(default_factory=Kinds)
    """The kinds that blocks may have."""
    uses: dict[str, list[Place]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def share(self, fragment: Item) -> None:
        """Fill in what every block and every input of a fragment takes."""
        self.defaults, self.resample = (
            self.filled(fragment.mapping[key]).mapping if key in fragment.mapping else {}
            for key in ("defaults", "resample")
        )
        check_shared("defaults", self.defaults)
        check_shared("resample", self.resample)

    def filled(self, item: Item) -> Item:
        """An item with every ``$name`` in it replaced."""
        match item.value:
            case dict() as entries:
                return item._replace(value={key: self.filled(value) for key, value in entries.items()})
            case list() as items:
                return item._replace(value=[self.filled(value) for value in items])
            case str() as text if text.startswith("$"):
                return self._meant(item, text[1:])
        return item

    def _meant(self, item: Item, name: str) -> Item:
        self.uses.setdefault(name, []).append(item.place)
        if name not in self.scope and len(self.faults) >= MOST_FAULTS:
            return item
        if name not in self.scope:
            hint = partial(did_you_mean, name, self.scope)
            self.faults.append(Fault("SPN-515", f"fragment: nothing is called {show(f'${name}')}", item.place, hint))
            return item
        found = self.scope[name]
        return found._replace(key=item.key, place=item.place if self.at_use else found.place)

    def block(self, item: Item, local: Mapping[str, str]) -> Item:
        """A block filled in; its inputs name blocks of the same cell by their `local` names."""
        if not isinstance(item.value, dict):
            return item
        filled = dict(with_defaults(self.filled(item), self.defaults, self.kinds).mapping)
        if "inputs" in filled and isinstance(filled["inputs"].value, list):
            inputs = [self._input(each, local) for each in filled["inputs"].value]
            filled["inputs"] = filled["inputs"]._replace(value=inputs)
        return item._replace(value=filled)

    def given(self, gives: Mapping[str, Item], local: Mapping[str, str]) -> dict[str, Item]:
        """What is given, by name."""
        return {name: _renamed(self.filled(value), local) for name, value in gives.items()}

    def _input(self, item: Item, local: Mapping[str, str]) -> Item:
        own = {"from": item} if isinstance(item.value, str) else item.mapping
        if not own and not isinstance(item.value, dict):
            return item
        origin = {"from": _renamed(own["from"], local)} if "from" in own else {}
        return item._replace(value={**self.resample, **own, **origin})


def check_count(what: str, blocks: int, place: Place) -> None:
    """Whatever is wrong with them: so many blocks are not looked at.

    Raises:
        SpecError: for too many.
    """
    if blocks > MAX_BLOCKS:
        raise SpecError([Fault("SPN-302", f"{what}: expected at most {MAX_BLOCKS:,} blocks, got {blocks:,}", place)])


def repeats_fault(repeats: Item, what: str) -> Fault | None:
    """What is wrong with how often a cell runs."""
    if type(repeats.value) is int and 0 < repeats.value <= MAX_REPEATS:
        return None
    message = f"{what}: repeats: expected 1 to {MAX_REPEATS}, got {show(repeats.plain())}"
    return Fault("SPN-204", message, repeats.place)


def _renamed(item: Item, names: Mapping[str, str]) -> Item:
    return item._replace(value=names[item.value]) if isinstance(item.value, str) and item.value in names else item
