"""Text -> Space: a spec with choices, read once; every way to make them gives a spec that is checked as any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from math import prod
from pathlib import Path
from random import Random

from spinec.spec.document import Allowance, Item, read_text
from spinec.spec.dump import flow
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.format import format_text
from spinec.spec.library import LIBRARY, SUFFIXES, begins_space, find_other
from spinec.spec.load import Loaded, finish
from spinec.spec.model import ModelSpec
from spinec.spec.resolve import resolve
from spinec.spec.spaces.choices import Choice, Choices, Value
from spinec.spec.spaces.model import OWN_KEYS, Limits, Sections, Share, is_space
from spinec.spec.spaces.order import Order, joined
from spinec.spec.validate import show, validate

MOST_SHOWN = 8  # of what was chosen, in a message
FORMS_OF_CHOICE = "such as {choose: [3, 5]} where a value stands, a section 'permute' or a section 'share'"
SAMPLES = 20  # random candidates that are tried when a space is checked, beside one for every value
Chosen = Mapping[str, Value]


@cache
def spaces() -> dict[str, Path]:
    """Name and file of every space in the library, in alphabetical order."""
    return {path.stem: path for path in sorted((LIBRARY / "spaces").glob("*.yaml"))}


def names_space(name: str) -> bool:
    """Whether a name is that of a space: of the library, or of a file that begins as one."""
    return name in spaces() or (Path(name).suffix in SUFFIXES and begins_space(Path(name)))


def load_space(name: str | Path) -> Space:
    """The space of a name in the library or of a file.

    Raises:
        SpecError: with every fault, of the document or of a candidate, each at its place.

    >>> space = load_space("spinenet-49-topology")
    >>> space.parameters["b5.level"]
    (2, 3, 4, 5)
    """
    allowance = Allowance()
    space = read_space(*find_space(str(name), allowance), allowance)
    space.check()
    return space


def loads_space(text: str, name: str = "<text>", path: Path | None = None) -> Space:
    """The space of a YAML text, not tried out; `name` is how errors call it.

    Raises:
        SpecError: with every fault of the document.
    """
    allowance = Allowance()
    return read_space(read_text(text, name, allowance), path, allowance)


@dataclass(frozen=True, eq=False)
class Space:
    """A spec with choices: what can be chosen, and the spec that comes of it.

    What is written of it, `text`, stands by itself where no neck in a file of its own is named.
    """

    sections: Sections
    tree: Item
    """The spec with its choices; what it extends is part of it where it is not scaled."""
    path: Path | None
    is_resolved: bool
    order: Order | None
    choices: Choices
    own: Item
    """What it says beside the spec."""
    document: Item
    """As it is written."""

    @property
    def name(self) -> str:
        """What the space is called."""
        return self.sections.space

    @property
    def source(self) -> str:
        """Where it comes from."""
        said = self.tree.mapping.get("source")
        return str(said.value) if said else ""

    @property
    def limits(self) -> Limits:
        """What no candidate may exceed."""
        return self.sections.limits

    @property
    def share(self) -> Share | None:
        """How the work of a candidate is shared out, if it is."""
        return self.sections.share

    @cached_property
    def _every(self) -> dict[str, Choice]:
        found = [*self.choices.every(), *(self.order.choices if self.order else ())]
        return {choice.name: choice for choice in found}

    @cached_property
    def parameters(self) -> dict[str, tuple[Value, ...]]:
        """What is chosen, and from what, in the order of the document."""
        return {name: tuple(choice.options) for name, choice in self._every.items()}

    @property
    def size(self) -> int:
        """How many ways there are to choose; choices within one that is not taken count, too."""
        return prod(map(len, self.parameters.values()))

    def draw(self, number: int, seed: int = 0) -> list[dict[str, Value]]:
        """Ways to choose, every value as likely as another."""
        return draw(self.parameters, number, seed)

    def spec(self, chosen: Chosen, name: str | None = None) -> ModelSpec:
        """The spec that a way to choose gives, before its work is shared out.

        Raises:
            SpecError: where it is none, at the place of the space's document; or where something is not chosen.
        """
        return self.loaded(chosen, name).spec

    def loaded(self, chosen: Chosen, name: str | None = None) -> Loaded:
        """As `spec`, with the places and the warnings."""
        return self._loaded(chosen, name or self.name, set())

    def _loaded(self, chosen: Chosen, name: str, asked: set[str]) -> Loaded:
        """What is chosen, made a spec; `asked` gets the choices that it depends on."""
        tree = self._tree(chosen, asked)
        tree = tree._replace(value={"name": Item(name, self.tree.place), **tree.mapping})
        faults: list[Fault] = []
        allowance = Allowance()
        if not self.is_resolved:
            tree = resolve(tree, self.path, faults, allowance)
        return finish(tree, self.path, faults, allowance, self.document)

    def used(self, chosen: Chosen) -> tuple[str, ...]:
        """Which choices the spec depends on: a choice within one that was not taken is none of them."""
        asked: set[str] = set()
        self._tree(chosen, asked)
        return tuple(name for name in self.parameters if name in asked)

    def check(self) -> None:
        """Try candidates: every value at least once, and some at random.

        Raises:
            SpecError: with what is wrong with the first that is no spec, and how it was chosen.
        """
        most = max(map(len, self.parameters.values()), default=1)
        every = [{name: values[i % len(values)] for name, values in self.parameters.items()} for i in range(most)]
        unused = set(self.parameters)
        for chosen in [*every, *self.draw(SAMPLES)]:
            asked: set[str] = set()
            try:
                self._loaded(chosen, self.name, asked)
            except SpecError as error:
                used = [name for name in self.parameters if name in asked]
                shown = ", ".join(f"{key} {show(chosen[key])}" for key in used[:MOST_SHOWN])
                told = Fault("SPN-713", f"{self.name}: a candidate is no spec: {shown}", self.tree.place)
                raise SpecError([*error.faults, told]) from None
            unused -= asked
        if unused:
            raise SpecError(map(self._idle, sorted(unused)))

    def _idle(self, name: str) -> Fault:
        """A choice on which no candidate depends: mostly a field misspelt, which no kind of block has."""
        path = name.split(".")
        item = self.tree.find(tuple(path)) or self.tree.find(("blocks", *path)) or self.tree
        hint = "expected a field that a kind of its block has"
        return Fault("SPN-711", f"{name}: no candidate depends on this choice", item.key or item.place, hint)

    def _tree(self, chosen: Chosen, asked: set[str]) -> Item:
        def pick(choice: Choice) -> Value:
            asked.add(choice.name)
            if choice.name not in chosen or chosen[choice.name] not in choice.options:
                given = show(chosen[choice.name]) if choice.name in chosen else "nothing"
                hint = f"expected one of {', '.join(map(show, [*choice.options][:MOST_SHOWN]))}"
                raise SpecError([Fault("SPN-713", f"{choice.name}: chosen was {given}", None, hint)])
            return chosen[choice.name]

        tree = self.choices.made(pick)
        if self.order:
            return self.order.made(tree, pick)
        return joined(tree) if self.choices.draws else tree

    @property
    def text(self) -> str:
        """The document, with what it inherits unless that is scaled."""
        said = {**self.own.plain(), **self.tree.plain()}
        return format_text("\n".join(f"{key}: {flow(value)}" for key, value in said.items()))


def draw(parameters: Mapping[str, Sequence[Value]], number: int, seed: int = 0) -> list[dict[str, Value]]:
    """Ways to choose, each value drawn by itself and every one as likely as another."""
    if number < 0 or seed < 0:
        raise ValueError(f"expected numbers of candidates and seeds from 0 on, got {number} and {seed}")
    random = Random(seed)
    return [{name: random.choice(values) for name, values in parameters.items()} for _ in range(number)]


def read_space(document: Item, path: Path | None, allowance: Allowance) -> Space:
    """The space of a document.

    Raises:
        SpecError: with every fault of it, before any candidate is tried.
    """
    faults: list[Fault] = []
    if not is_space(document):
        hint = "such as space: my-space, beside what a spec says"
        raise SpecError(
            [Fault("SPN-711", "expected a space: a spec with 'space' instead of 'name'", document.place, hint)]
        )
    own = {key: item for key, item in document.mapping.items() if key in OWN_KEYS}
    sections = validate(Sections, document._replace(value=own), faults, "")
    rest = {key: item for key, item in document.mapping.items() if key not in OWN_KEYS}
    is_resolved = "scale" not in rest  # a scale may be chosen: then the parent is scaled for every candidate
    tree = document._replace(value=rest)
    if is_resolved:
        tree = resolve(tree, path, faults, allowance)
    choices = Choices(tree, faults)
    choices.every()
    order = None
    if sections and sections.permute:
        order = Order(sections.permute, tree, own["permute"])
        faults += order.faults()
    if sections and sections.share:
        faults += _unknown(sections.share, tree, own["share"])
    if faults or sections is None:
        raise SpecError(faults)
    space = Space(sections, tree, path, is_resolved, order, choices, document._replace(value=own), document)
    if not space.parameters and not space.share:
        raise SpecError([Fault("SPN-711", f"{space.name}: nothing is left to choose", document.place, FORMS_OF_CHOICE)])
    return space


def _unknown(share: Share, tree: Item, at: Item) -> Iterator[Fault]:
    """Names of blocks that are none."""
    blocks = tree.mapping["blocks"].mapping if "blocks" in tree.mapping else {}
    named: dict[tuple[str | int, ...], str] = {
        ("groups", i, j): name for i, group in enumerate(share.groups) for j, name in enumerate(group)
    }
    named |= {("frozen", i): name for i, name in enumerate(share.frozen)}
    for path, name in named.items():
        if name not in blocks:
            place = (at.find(path) or at).place
            hint = partial(did_you_mean, name, blocks)
            yield Fault("SPN-712", f"share: {path[0]}: no block {show(name)}", place, hint)


def find_space(name: str, allowance: Allowance) -> tuple[Item, Path]:
    """The tree of a space named in the library or given as a file, and the file."""
    return find_other(name, "space", spaces(), allowance)
