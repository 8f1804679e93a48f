"""From a kind's document to a `Kind`: its form, its steps one by one, then what they mean together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.kinds.document import KindDocument
from spinec.spec.kinds.kind import PARTS, Kind
from spinec.spec.kinds.meaning import meaning
from spinec.spec.kinds.steps import OWN, PRIMITIVES, Step
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.plugins import load_part
from spinec.spec.validate import show, validate


@dataclass
class Shelf:
    """Kinds by name: read when they are first asked for, with those that their steps name."""

    document: Callable[[str], Item | None]
    """The document of a kind; None for a name that the shelf does not have."""
    names: Callable[[], Iterable[str]]
    below: Shelf | None = None
    """Where names are looked for that the shelf does not have."""
    faults: list[Fault] = field(default_factory=list)
    made: dict[str, Kind | None] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)
    """Kinds that are being read, each for the one before."""

    def kind(self, name: str) -> Kind | None:
        """The kind of a name; None where there is none, or where it is at fault, which is added to `faults`."""
        if name not in self.made:
            item = self.document(name)
            if item is None:
                return self.below.kind(name) if self.below else None
            self.busy.append(name)
            self.made[name] = _read(name, item, self)
            self.busy.pop()
        return self.made[name]

    def known(self) -> list[str]:
        """Every name, those below included."""
        return [*(self.below.known() if self.below else ()), *self.names()]

    def has(self, name: str) -> bool:
        """Whether there is a kind of a name, sound or not."""
        return name in self.known()


def _read(name: str, item: Item, shelf: Shelf) -> Kind | None:
    """The kind of a document, or None after adding what is wrong to the shelf's faults."""
    found: list[Fault] = []
    document = validate(KindDocument, item, found, f"kind {name}")
    steps, shortcut, then = (_steps(name, item.find(path), path, found) for path in PARTS)
    used: dict[str, Kind] = {}
    sound = True
    for section, path in zip((steps, shortcut, then), PARTS, strict=True):
        for step_name, step in section.items():
            if isinstance(step, KindStep):
                place = item.find((*path, step_name, "kind"))
                sound = _use(step.kind, place.place if place else item.place, shelf, used, found) and sound
    if document is None or found or not sound:
        shelf.faults += found
        return None
    kind = Kind(name, document, steps, shortcut, then, used, item)
    if wrong := meaning(kind):
        shelf.faults += wrong
        return None
    return kind


def _use(name: str, place: Place, shelf: Shelf, used: dict[str, Kind], faults: list[Fault]) -> bool:
    """Look up a kind that a step names; whether it is sound."""
    if name in shelf.busy:
        chain = " <- ".join([*shelf.busy[shelf.busy.index(name) :], name])
        faults.append(Fault("SPN-525", f"kind {name!r} is made of itself: {chain}", place, "a kind consists of others"))
        return False
    if not shelf.has(name):
        hint = partial(did_you_mean, name, shelf.known())
        faults.append(Fault("SPN-206", f"unknown kind {show(name)}", place, hint))
        return False
    kind = shelf.kind(name)
    if kind:
        used[name] = kind
    return kind is not None


def _steps(kind: str, section: Item | None, path: tuple[str, ...], faults: list[Fault]) -> Mapping[str, Step]:
    """The steps of a section that are valid by themselves."""
    found: dict[str, Step] = {}
    for name, item in (section.mapping if section else {}).items():
        where = f"kind {kind}: {'.'.join((*path, name))}"
        model = _primitive(item, where, faults)
        if model and (step := validate(model, item, faults, where)):
            found[name] = step
    return found


def _primitive(item: Item, where: str, faults: list[Fault]) -> type[Step] | None:
    """The class of a step, by the key that names a primitive."""
    if not isinstance(item.value, dict):
        message = f"{where}: expected a mapping, got {show(item.value)}"
        faults.append(Fault("SPN-203", message, item.place, "such as {conv: dim, norm: true, act: $activation}"))
        return None
    for attempt in range(2):
        for main, model in PRIMITIVES.items():
            if main in item.value:
                return model
        if attempt or "norm" in item.value or "act" in item.value:
            break
        load_part("primitives")
    unknown = [key for key in item.value if key not in OWN and key != "from"]
    if ("norm" in item.value or "act" in item.value) and not unknown:
        return Step
    place = (item.value[unknown[0]] if unknown else item).key or item.place
    hint = partial(did_you_mean, unknown[0] if unknown else "", [*PRIMITIVES, "norm", "act"])
    faults.append(Fault("SPN-520", f"{where}: no primitive is named", place, hint))
    return None
