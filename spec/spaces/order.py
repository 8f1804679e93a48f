"""Blocks that change places: their order, their levels and what they read (SpineNet, arXiv 1912.05027, Section 3).

The blocks of the middle are permuted, and behind them the outputs. Every one reads some of those before it, so there is
no cycle. The level of a middle block may change, and its dim with it. A block that nobody reads becomes one more input
of the output of its level, or of the nearest level that has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

from spinec.spec.document import Item
from spinec.spec.errors import Fault, did_you_mean
from spinec.spec.spaces.choices import MOST_OPTIONS, Choice, Pick, Value, listed
from spinec.spec.spaces.model import Permute
from spinec.spec.validate import show


@dataclass(frozen=True, eq=False)
class Order:
    """The choices that a permutation of blocks is made of, and the document once they are made."""

    permute: Permute
    tree: Item
    """Of the whole document."""
    at: Item
    """The section that says so."""

    @property
    def moving(self) -> tuple[str, ...]:
        """All blocks that change places."""
        return (*self.permute.middle, *self.permute.outputs)

    @property
    def blocks(self) -> Mapping[str, Item]:
        """The blocks of the document."""
        return self.tree.mapping["blocks"].mapping

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the section beside the document."""
        for key in ("stem", "middle", "outputs"):
            for i, name in enumerate(getattr(self.permute, key)):
                place = (self.at.find((key, i)) or self.at).place
                if name not in self.blocks:
                    hint = did_you_mean(name, self.blocks)
                    yield Fault("SPN-712", f"permute: {key}: no block {show(name)}", place, hint)
                elif name in [each for other in ("stem", "middle") if other != key for each in _names(self, other)]:
                    yield Fault("SPN-712", f"permute: {key}: {show(name)} is listed twice", place, "expected it once")
        resting = [name for name in self.blocks if name not in self.moving]
        for name in resting:
            given = self.blocks[name].mapping.get("inputs")
            read = given.value if given and isinstance(given.value, list) else []
            moving = [str(each.mapping.get("from", each).value) for each in read]
            for origin in set(moving) & set(self.moving):
                hint = f"add {name} to the middle or to the outputs"
                message = f"permute: {show(name)} stays where it is, but reads {show(origin)}, which moves"
                yield Fault("SPN-712", message, self.blocks[name].key, hint)
        least, most = len(self.permute.stem), len(self.permute.stem) + len(self.moving) - 1
        if least < self.permute.inputs or comb(most, self.permute.inputs) > MOST_OPTIONS:
            message = f"permute: {self.permute.inputs} inputs of {least} to {most} earlier blocks"
            hint = f"expected at least as many blocks in 'stem', and at most {MOST_OPTIONS:,} ways"
            yield Fault("SPN-712", message, self.at.place, hint)
        if len(self.permute.level) > 1:
            for name in self.permute.middle:
                if name in self.blocks and not self._levels(name):
                    message = f"permute: {show(name)} can have no level between {list(self.permute.between)}"
                    yield Fault("SPN-712", message, (self.at.find(("between",)) or self.at).place)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Which of the blocks left comes next, at which level, and what it reads."""
        return tuple(choice for choice in self._choices() if len(choice.options) > 1)

    def _choices(self) -> Iterator[Choice]:
        for what, names in (("middle", self.permute.middle), ("outputs", self.permute.outputs)):
            for i in range(len(names) - 1):
                yield self._choice(f"permute.{what}.{i + 1}", list(range(len(names) - i)))
        for name in self.permute.middle if len(self.permute.level) > 1 else ():
            yield self._choice(f"{name}.level", list(self._levels(name)))
        for i in range(len(self.moving)):
            yield self._choice(f"permute.inputs.{i + 1}", [*self._draws(i)])

    def made(self, tree: Item, pick: Pick) -> Item:
        """The document, its other choices made, with its blocks in the order picked."""
        picked = {choice.name: pick(choice) for choice in self.choices}
        blocks = dict(tree.mapping["blocks"].mapping)
        order = [
            *self._order("middle", self.permute.middle, picked),
            *self._order("outputs", self.permute.outputs, picked),
        ]
        moved = {name: blocks.pop(name) for name in order}
        for i, name in enumerate(order):
            entries = dict(moved[name].mapping)
            drawn = picked.get(f"permute.inputs.{i + 1}") or next(iter(self._draws(i)))
            entries["inputs"] = listed([_name(each, order) for each in str(drawn).split()], self.at)
            self._level(name, entries, picked)
            blocks[name] = moved[name]._replace(value=entries)
        made = tree._replace(value={**tree.mapping, "blocks": tree.mapping["blocks"]._replace(value=blocks)})
        return joined(made, self.permute.join)

    def _level(self, name: str, entries: dict[str, Item], picked: Mapping[str, Value]) -> None:
        """Give a block the level picked, and the dim that its kind has there."""
        given = entries["level"]
        level = picked.get(f"{name}.level", given.value)
        entries["level"] = given._replace(value=level)
        kind = entries.get("kind") or self.tree.find(("defaults", "kind"))
        dims = self.permute.dims.get(str(kind.value) if kind else "", {})
        if isinstance(level, int) and level in dims:
            entries["dim"] = entries.get("dim", given)._replace(value=dims[level])

    def _order(self, what: str, names: tuple[str, ...], picked: Mapping[str, Value]) -> Iterator[str]:
        left = list(names)
        for i in range(len(names)):
            place = picked.get(f"permute.{what}.{i + 1}", 0)
            yield left.pop(place if isinstance(place, int) else 0)

    def _levels(self, name: str) -> list[int]:
        """What the level of a middle block may be."""
        own = self.blocks[name].mapping.get("level")
        level = own.value if own and isinstance(own.value, int) else 0
        least, most = self.permute.between
        return [level + change for change in self.permute.level if least <= level + change <= most]

    def _draws(self, position: int) -> Iterator[str]:
        """What the block at a position may read: blocks of the stem by name, others by their position, from 1."""
        earlier = [*self.permute.stem, *(f"@{i + 1}" for i in range(position))]
        return map(" ".join, combinations(earlier, self.permute.inputs))

    def _choice(self, name: str, values: list[int] | list[str]) -> Choice:
        return Choice(name, {value: self.at._replace(value=value) for value in values})


def joined(tree: Item, how: Mapping[str, object] | None = None) -> Item:
    """The document in which a block that nobody reads is an input of the output of its level behind it."""
    blocks, outputs = tree.mapping["blocks"].mapping, tree.mapping.get("outputs")
    given = {str(item.value) for item in outputs.mapping.values()} if outputs else set()
    read = {name for block in blocks.values() for name in _reads(block)} | given
    order = [*blocks]
    added: dict[str, list[str]] = {}
    for name in order:
        later = [each for each in order[order.index(name) + 1 :] if each in given]
        if name not in read and later:
            nearest = min(later, key=lambda each: (abs(_level(blocks[each]) - _level(blocks[name])), later.index(each)))
            added.setdefault(nearest, []).append(name)
    if not added:
        return tree
    changed = dict(blocks)
    for name, more in added.items():
        inputs = blocks[name].mapping["inputs"]
        own = inputs.value if isinstance(inputs.value, list) else []
        further = [_joining(each, inputs, how or {}) for each in more]
        changed[name] = blocks[name]._replace(
            value={**blocks[name].mapping, "inputs": inputs._replace(value=[*own, *further])}
        )
    return tree._replace(value={**tree.mapping, "blocks": tree.mapping["blocks"]._replace(value=changed)})


def _joining(name: str, at: Item, how: Mapping[str, object]) -> Item:
    own = Item(name, at.place)
    entries = {key: Item(value, at.place) for key, value in how.items()}  # type: ignore[arg-type]  # scalars
    return Item({"from": own, **entries}, at.place) if how else own


def _reads(block: Item) -> list[str]:
    inputs = block.mapping.get("inputs")
    given = inputs.value if inputs and isinstance(inputs.value, list) else []
    return [str(each.mapping.get("from", each).value) for each in given]


def _level(block: Item) -> int:
    level = block.mapping.get("level")
    return level.value if level and isinstance(level.value, int) else 0


def _name(drawn: str, order: list[str]) -> str:
    return order[int(drawn[1:]) - 1] if drawn.startswith("@") else drawn


def _names(order: Order, key: str) -> tuple[str, ...]:
    return tuple(getattr(order.permute, key))
