"""A kind of block as it is after reading: its document, its steps, and where everything stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic_core import CoreSchema, core_schema

from spinec.spec.document import Item
from spinec.spec.errors import Place
from spinec.spec.kinds.document import KindDocument
from spinec.spec.kinds.formula import Formula, Type, parse
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.kinds.steps import Step

SITE: Mapping[str, Type] = MappingProxyType(
    {"in_dim": "number", "dim": "number", "stride": "number", "activation": "word"}
)
"""What every formula may name: what a block is given, what it gives, and the activation that it says."""
PARTS = (("steps",), ("shortcut", "steps"), ("then",))
"""Where a document has steps, in the order of execution."""


class Placed(NamedTuple):
    """A step, its name, and its path in the document."""

    name: str
    step: Step
    path: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Kind:
    """An operation that blocks may have. Two kinds of the same document are equal."""

    name: str
    document: KindDocument
    steps: Mapping[str, Step]
    shortcut: Mapping[str, Step]
    then: Mapping[str, Step]
    used: Mapping[str, Kind]
    """The kinds that its steps name."""
    item: Item

    @cached_property
    def key(self) -> str:
        """The whole meaning as text."""
        return repr((self.name, self.item.plain(), [(name, kind.key) for name, kind in self.used.items()]))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Kind) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.is_instance_schema(cls)  # it is read before: pydantic need not know what it consists of

    @property
    def has_branch(self) -> bool:
        """Whether stochastic depth can leave out its steps."""
        return self.document.shortcut is not None and self.document.shortcut.drop

    @cached_property
    def strides(self) -> bool:
        """Whether it can bring its input to a coarser level itself; else that is resampled before."""
        return any(
            name.value == "stride"
            for placed in self.placed()
            for _, formula in formulas_of(placed.step)
            for name in formula.node.names
        )

    @cached_property
    def dims(self) -> frozenset[str]:
        """The fields that are numbers of channels."""
        return frozenset(name for name, field in self.document.fields.items() if field.type == "dim")

    @property
    def takes_part(self) -> bool:
        """Whether its blocks get a share of a resource distribution."""
        return self.document.work is None or self.document.work != parse("0")

    @property
    def class_name(self) -> str:
        """How the names of its classes in generated source begin."""
        return self.document.class_name or camel(self.name)

    @property
    def title(self) -> str:
        """How docstrings begin."""
        return self.document.title or self.document.says.partition(":")[0].partition(" (")[0]

    @cached_property
    def types(self) -> dict[str, Type]:
        """What every name of a formula is, but for those of `let`."""
        return {**SITE, **{name: type_of_field(field.type) for name, field in self.document.fields.items()}}

    @cached_property
    def defaults(self) -> dict[str, Formula]:
        """Fields whose default is a formula of others."""
        found = {}
        for name, field in self.document.fields.items():
            if isinstance(field.default, str) and (formula := default_formula(field.type, field.default)):
                found[name] = formula
        return found

    def placed(self) -> Iterator[Placed]:
        """Every step with its path."""
        for path, steps in zip(PARTS, (self.steps, self.shortcut, self.then), strict=True):
            yield from (Placed(name, step, (*path, name)) for name, step in steps.items())

    def key_place(self, *path: str) -> Place:
        """Where the key of the value at a path stands."""
        found = self.item.find(path)
        return (found.key if found else None) or self.place(*path)

    def place(self, *path: str) -> Place:
        """Where the value at a path stands, or the deepest part of it that is there."""
        while path and not self.item.find(path):
            path = path[:-1]
        found = self.item.find(path)
        return found.place if found else self.item.place


def camel(name: str) -> str:
    """A name as that of a class: ``camel("squeeze_excite")`` is SqueezeExcite."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def type_of_field(field_type: str | None) -> Type:
    """What a formula takes a field for."""
    if field_type in (None, "activation", "kernels"):
        return "word"
    if field_type == "sides":
        return "sides"
    return "boolean" if field_type == "boolean" else "number"


def default_formula(field_type: str | None, default: str) -> Formula | None:
    """The formula that a default is; None for a word, which stands for itself unless it begins with ``$``."""
    if type_of_field(field_type) == "word":
        return parse(default[1:]) if default.startswith("$") else None
    return parse(default)


def words_named(step: Step) -> Iterator[tuple[str, str]]:
    """The settings of a step that take a field's word, and the field."""
    for key, value in step:
        if isinstance(value, str) and value.startswith("$"):
            yield key, value[1:]
    extra = step.model_extra if isinstance(step, KindStep) else None
    for key, value in (extra or {}).items():
        if isinstance(value, str) and value.startswith("$"):
            yield key, value[1:]


def formulas_of(step: Step) -> Iterator[tuple[str, Formula]]:
    """The settings of a step that are formulas, as far as its class says."""
    for key, value in step:
        if isinstance(value, Formula):
            yield key, value
