"""Choices in a document: where there are some, what each may be, and the document once all are made.

A choice is a mapping with the key ``choose``, where a document has a value:

- ``{choose: [16, 24, 32]}``: one of these, which may be mappings with choices of their own;
- ``{choose: {from: 16, to: 64, step: 8}}``: one of a range;
- ``inputs: {choose: 2, from: earlier}``: so many of the blocks before this one, or of those listed.

With further keys beside it, what is chosen is a mapping, and its entries are added to these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import TypeAlias

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.dump import flow
from spinec.spec.errors import Fault
from spinec.spec.kinds.library import KINDS
from spinec.spec.validate import show

Value: TypeAlias = "str | int | float | bool | None"
Path: TypeAlias = "tuple[str, ...]"
CHOOSE = "choose"
MOST_OPTIONS = 1_000
NAMING = (("blocks",), ("outputs",), ("kinds",))  # mappings whose keys are names: one of them may be `choose`
LONGEST = 60  # characters of what stands for a mapping or a list
FORMS = "such as {choose: [3, 5]}, {choose: {from: 16, to: 64, step: 8}} or inputs: {choose: 2, from: earlier}"


@dataclass(frozen=True)
class Choice:
    """One of several values: its name, which is the path to it, and what each may be."""

    name: str
    options: Mapping[Value, Item]


Pick: TypeAlias = Callable[[Choice], Value]


@dataclass
class Choices:
    """Finds the choices of a document and makes them; what is wrong with them is added to `faults`."""

    tree: Item
    faults: list[Fault] = field(default_factory=list)
    _known: dict[Path, Choice | None] = field(default_factory=dict)

    @property
    def draws(self) -> bool:
        """Whether the inputs of any block are drawn."""
        return any(
            choice.name.endswith(".inputs") and "from" in (self.tree.find(path) or self.tree).mapping
            for path, choice in self._known.items()
            if choice
        )

    def every(self) -> list[Choice]:
        """All choices in the order of the document, those within what another may choose behind it."""
        return [choice for path, item in _walk(self.tree, ()) for choice in self._all(item, path)]

    def made(self, pick: Pick) -> Item:
        """The document with every choice made. A choice of a field that the kind of a block lacks is not asked for."""
        top = self.tree.mapping
        defaults = self._made(top["defaults"], ("defaults",), pick) if "defaults" in top else None
        kind = defaults.mapping.get("kind") if defaults else None
        usual = str(kind.value) if kind else ""
        entries = {
            key: defaults
            if key == "defaults" and defaults
            else self._blocks(item, pick, usual)
            if key == "blocks"
            else self._made(item, (key,), pick)
            for key, item in top.items()
        }
        return self.tree._replace(value=entries)

    def _all(self, item: Item, path: Path) -> Iterator[Choice]:
        choice = self._choice(item, path)
        if choice is None:
            return
        yield choice
        for label, option in choice.options.items():
            for inner, within in _walk(option, (*path, str(label))):
                yield from self._all(within, inner)

    def _blocks(self, section: Item, pick: Pick, usual: str) -> Item:
        if not isinstance(section.value, dict):
            return section
        made = {name: self._block(block, ("blocks", name), pick, usual) for name, block in section.value.items()}
        return section._replace(value=made)

    def _block(self, block: Item, path: Path, pick: Pick, usual: str) -> Item:
        """A block; of its own choices, those that its kind has a field for."""
        if _is_choice(block, path) or not isinstance(block.value, dict):
            return self._made(block, path, pick)
        kind = self._made(block.value["kind"], (*path, "kind"), pick) if "kind" in block.value else None
        fields = self._fields(str(kind.value) if kind else usual)
        fitting = {
            key: item
            for key, item in block.value.items()
            if key != "kind" and (fields is None or key in fields or not _is_choice(item, (*path, key)))
        }
        return block._replace(value=({"kind": kind} if kind else {}) | self._entries(fitting, path, pick))

    def _fields(self, kind: str) -> set[str] | None:
        """What a block of a kind may say; None where that is not known."""
        if kind in KINDS:
            return {each.alias or name for name, each in KINDS[kind].model_fields.items()}
        own = self.tree.find(("kinds", kind, "fields"))
        return {*Block.model_fields, *own.mapping} if own else None

    def _made(self, item: Item, path: Path, pick: Pick) -> Item:
        if _is_choice(item, path):
            choice = self._choice(item, path)
            if choice is None:
                return item  # at fault, which is said
            chosen = pick(choice)
            inner = self._made(choice.options[chosen], (*path, str(chosen)), pick)
            beside = {key: each for key, each in item.mapping.items() if key not in (CHOOSE, "from")}
            if beside:
                inner = inner._replace(value={**self._entries(beside, path, pick), **inner.mapping})
            return inner._replace(key=item.key)
        if isinstance(item.value, dict):
            return item._replace(value=self._entries(item.value, path, pick))
        if isinstance(item.value, list):
            return item._replace(
                value=[self._made(each, (*path, str(i + 1)), pick) for i, each in enumerate(item.value)]
            )
        return item

    def _entries(self, entries: Mapping[str, Item], path: Path, pick: Pick) -> dict[str, Item]:
        """The entries of a mapping; one whose chosen value is null is left out."""
        made = {key: (each, self._made(each, (*path, key), pick)) for key, each in entries.items()}
        return {key: after for key, (before, after) in made.items() if after.value is not None or before.value is None}

    def _choice(self, item: Item, path: Path) -> Choice | None:
        """The choice at a path, looked at once."""
        if path not in self._known:
            name = ".".join(path[1:] if path[0] == "blocks" else path)
            options = self._options(item, path, name)
            self._known[path] = Choice(name, options) if options else None
        return self._known[path]

    def _options(self, item: Item, path: Path, name: str) -> dict[Value, Item]:
        given = item.mapping[CHOOSE]
        if isinstance(given.value, int) and not isinstance(given.value, bool):
            return self._draws(item, given.value, path, name)
        if isinstance(given.value, dict):
            return self._range(given, name)
        if not isinstance(given.value, list):
            return self._wrong(f"{name}: expected what to choose from, got {show(given.value)}", given, FORMS)
        if not 2 <= len(given.value) <= MOST_OPTIONS:
            message = f"{name}: expected 2 to {MOST_OPTIONS:,} values to choose from, got {len(given.value)}"
            return self._wrong(message, given, "one value alone is written as it is")
        beside = item.mapping.keys() - {CHOOSE}
        if beside and not all(isinstance(each.value, dict) or each.value is None for each in given.value):
            message = f"{name}: {', '.join(sorted(beside))} beside choose: expected mappings to choose from"
            return self._wrong(message, given, "what is chosen is added to what stands beside it")
        labels = _labels(given.value)
        for i, label in enumerate(labels):
            if label in labels[:i]:
                return self._wrong(f"{name}: {show(label)} is listed twice", given.value[i], "expected each value once")
        return dict(zip(labels, given.value, strict=True))

    def _range(self, given: Item, name: str) -> dict[Value, Item]:
        ends = {key: item.value for key, item in given.mapping.items()}
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in ends.values())
        if ends.keys() != {"from", "to", "step"} or not numbers:
            return self._wrong(f"{name}: expected a range", given, "such as {choose: {from: 16, to: 64, step: 8}}")
        least, most, step = (float(ends[key]) for key in ("from", "to", "step"))  # type: ignore[arg-type]
        steps = (most - least) / step if step > 0 else 0.0
        if steps < 1 or steps > MOST_OPTIONS - 1 or abs(steps - round(steps)) > 1e-9:
            message = f"{name}: from {least:g} to {most:g} in steps of {step:g}"
            hint = f"expected a step above 0 that leads from the first to the last in at most {MOST_OPTIONS:,} values"
            return self._wrong(message, given, hint)
        whole = all(isinstance(value, int) for value in ends.values())
        values = [least + i * step for i in range(round(steps) + 1)]
        found: list[int | float] = [round(value) if whole else float(f"{value:.12g}") for value in values]
        return {value: given._replace(value=value) for value in found}

    def _draws(self, item: Item, number: int, path: Path, name: str) -> dict[Value, Item]:
        """So many inputs of a block, in every way."""
        if len(path) != 3 or path[0] != "blocks" or path[2] != "inputs":
            return self._wrong(f"{name}: only the inputs of a block are drawn", item.mapping[CHOOSE], FORMS)
        origin = item.mapping.get("from")
        earlier = [*self.tree.mapping["blocks"].mapping]
        earlier = earlier[: earlier.index(path[1])]
        if origin and isinstance(origin.value, list):
            names = [str(each.value) for each in origin.value]
            late = [each for each in names if each not in earlier]
            if late:
                return self._wrong(f"{name}: {show(late[0])} is no earlier block", origin, "expected earlier blocks")
        elif origin and origin.value == "earlier":
            names = earlier
        else:
            return self._wrong(f"{name}: drawn from what?", item, "such as {choose: 2, from: earlier}")
        ways = comb(len(names), number) if number > 0 else 0
        if not 2 <= ways <= MOST_OPTIONS:
            message = f"{name}: {number} of {len(names)} blocks can be drawn in {ways:,} ways"
            return self._wrong(message, item.mapping[CHOOSE], f"expected 2 to {MOST_OPTIONS:,}")
        return {" ".join(drawn): listed(drawn, item) for drawn in combinations(names, number)}

    def _wrong(self, message: str, item: Item, hint: str) -> dict[Value, Item]:
        self.faults.append(Fault("SPN-711", message, item.place, hint))
        return {}


def listed(names: tuple[str, ...] | list[str], at: Item) -> Item:
    """A list of names where another value stands."""
    return at._replace(value=[Item(name, at.place) for name in names])


def _walk(item: Item, path: Path) -> Iterator[tuple[Path, Item]]:
    """The choices of a tree that are not within another."""
    if _is_choice(item, path):
        yield path, item
        entries = [(key, each) for key, each in item.mapping.items() if key not in (CHOOSE, "from")]
    elif isinstance(item.value, dict):
        entries = [*item.value.items()]
    elif isinstance(item.value, list):
        entries = [(str(i + 1), each) for i, each in enumerate(item.value)]
    else:
        return
    for key, each in entries:
        yield from _walk(each, (*path, key))


def _is_choice(item: Item, path: Path) -> bool:
    return isinstance(item.value, dict) and CHOOSE in item.value and path not in NAMING


def _labels(options: list[Item]) -> list[Value]:
    """What stands for each of several values: a scalar for itself, a mapping by its kind if no other has the same."""
    kinds = [each.mapping["kind"].value if "kind" in each.mapping else None for each in options]
    if all(isinstance(kind, str) for kind in kinds) and len({*map(str, kinds)}) == len(kinds):
        return [str(kind) for kind in kinds]
    return [_short(flow(each.plain())) if isinstance(each.value, dict | list) else each.value for each in options]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
