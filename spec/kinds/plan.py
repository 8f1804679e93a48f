"""A kind with what a block says put in: all that does not depend on dims is worked out once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from spinec.spec.kinds.arithmetic import evaluate, settled
from spinec.spec.kinds.formula import COMPARED, Formula, FormulaError, Node, number
from spinec.spec.kinds.kind import PARTS, Kind, type_of_field
from spinec.spec.kinds.spelling import floor
from spinec.spec.kinds.steps import WORDS, Step, to_formula
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.validate import show


class KindError(Exception):
    """A kind does not work out at a place: which of its paths, and why."""

    def __init__(self, kind: Kind, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.kind, self.path = kind, path


Fields = tuple[tuple[str, Any], ...]
"""Name and value of every field, the activation too."""


@dataclass(frozen=True)
class PlannedStep:
    """A step with all that its block says put in."""

    name: str
    step: Step
    path: tuple[str, ...]
    when: Node
    settings: Mapping[str, Node]
    words: Mapping[str, Any]
    norm: Node | None
    zero_scale: Node | None
    act: str | None
    repeat: Node | None
    inner_fields: Mapping[str, Any]
    """What it says of another kind's fields: formulas, words, and lists of kernels."""


@dataclass(frozen=True)
class Plan:
    """A kind with the fields and the stride of a block put in: formulas of ``in_dim``, ``dim`` and those above."""

    kind: Kind
    lets: Mapping[str, Node]
    """What stays a name of its own: no plain number, no other name."""
    steps: tuple[PlannedStep, ...]
    shortcut: tuple[PlannedStep, ...]
    then: tuple[PlannedStep, ...]
    adds: Node
    """Whether there may be a shortcut."""
    fields: Mapping[str, Any]
    known: Mapping[str, Node]
    stride: int


SWITCH = "norm"
"""The field of kinds that can leave their norm out; a block says there, too, which norm it has."""
NO_WORDS = ("act", "kind", "says", "present", "absent")
"""Texts of steps that no primitive takes."""
TRUE, FALSE = Node("boolean", True), Node("boolean", False)


@lru_cache(2_048)
def plan(kind: Kind, fields: Fields, stride: int) -> Plan:
    """A kind with all that does not depend on dims worked out."""
    known = known_nodes(kind, fields, stride)
    given = dict(fields)
    lets: dict[str, Node] = {}
    for name, formula in kind.document.let.items():
        node = _settled(kind, ("let", name), formula.node, known)
        if node.parts:
            lets[name] = node
        else:
            known[name] = node
    adds = FALSE
    if kind.document.shortcut:
        when = kind.document.shortcut.when
        adds = _settled(kind, ("shortcut", "when"), when.node, known) if when else TRUE
    steps, shortcut, then = (
        tuple([_planned(kind, name, step, (*path, name), known) for name, step in section.items()])
        for path, section in zip(PARTS, (kind.steps, kind.shortcut, kind.then), strict=True)
    )
    return Plan(kind, lets, steps, shortcut, then, adds, given, known, stride)


def _planned(kind: Kind, name: str, step: Step, path: tuple[str, ...], known: Mapping[str, Node]) -> PlannedStep:
    def put(key: str) -> Node | None:
        formula = getattr(step, key)
        return _settled(kind, (*path, key), formula.node, known) if formula is not None else None

    def word(key: str, text: str) -> Any:
        """A word, or a list of kernels, that stands for itself or that a field has."""
        if not text.startswith("$"):
            return text
        if text[1:] not in known:  # a formula that dims decide
            raise KindError(kind, (*path, key), f"{text} depends on dims, and a word cannot")
        return known[text[1:]].value

    settings = {key: node for key in step.types if (node := put(key)) is not None}

    def own_word(key: str) -> Any:
        """A word of the step itself, which the primitive knows."""
        value = word(key, getattr(step, key))
        if key == "kernels" and not isinstance(value, tuple):
            raise KindError(kind, (*path, key), f"expected a list of kernels, got {show(value)}")
        if key in WORDS and value not in WORDS[key]:
            raise KindError(kind, (*path, key), f"expected one of {', '.join(WORDS[key])}, got {show(value)}")
        return value

    words = {key: own_word(key) for key in type(step).model_fields if key not in NO_WORDS and _is_text(step, key)}
    inner = {}
    if isinstance(step, KindStep):
        for key, field in step_fields(kind, step):
            if isinstance(field, Formula):
                inner[key] = _settled(kind, (*path, key), field.node, known)
            else:
                inner[key] = word(key, field) if isinstance(field, str) else field
    return PlannedStep(
        name,
        step,
        path,
        put("when") or TRUE,
        settings,
        words,
        put("norm"),
        put("zero_scale"),
        None if step.act is None else own_word("act"),
        put("repeat"),
        inner,
    )


def _is_text(step: Step, key: str) -> bool:
    return isinstance(getattr(step, key), str)


def step_fields(kind: Kind, step: KindStep, only: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """What a step says of another kind's fields, or of some of them: formulas, words, lists of kernels.

    Raises:
        FormulaError: when a value is no formula.
    """
    fields = kind.used[step.kind].document.fields
    for key, value in (step.model_extra or {}).items():
        if only and key not in only:
            continue
        field = fields[key]
        if field.one_of or type_of_field(field.type) == "word":
            yield key, tuple(value) if isinstance(value, list | tuple) else str(value)
        else:
            yield key, to_formula(value.removeprefix("$") if isinstance(value, str) else value)


def known_nodes(kind: Kind, fields: Fields, stride: int) -> dict[str, Node]:
    """What formulas know of a block: its fields, those that follow from others, and its stride."""
    known = {name: node_of(value) for name, value in fields if value is not None}
    known["stride"] = number(stride)
    for name, formula in kind.defaults.items():
        if name not in known:
            known[name] = _settled(kind, ("fields", name, "default"), formula.node, known)
    return known


def node_of(value: Any) -> Node:
    """A value of a field as a formula."""
    if isinstance(value, bool):
        return Node("boolean", value)
    if isinstance(value, str | tuple):
        return Node("word", value)
    return Node("number", Fraction(str(value)))


def _settled(kind: Kind, path: tuple[str, ...], node: Node, known: Mapping[str, Node]) -> Node:
    try:
        return settled(node, known)
    except FormulaError as error:
        raise KindError(kind, path, str(error)) from None


def field_values(block: Any) -> Fields:
    """The fields of a block as its kind takes them."""
    fields = block.definition.document.fields
    values = ((name, getattr(block, name) if name != SWITCH else _switched(block)) for name in fields)
    return (*values, ("activation", block.activation))


def _switched(block: Any) -> bool | None:
    """Whether a kind that can leave its norm out has it: what says which norm leaves that as the kind has it."""
    said, kind = getattr(block, SWITCH), block.definition
    if isinstance(said, bool):
        return said
    usual: bool | None = default_fields(kind)[SWITCH]
    return True if usual is None and SWITCH not in kind.defaults else usual


def default_fields(kind: Kind) -> dict[str, Any]:
    """What fields are where nothing sets them; None for one that must be set, or follows from others."""
    return {name: None if name in kind.defaults else field.default for name, field in kind.document.fields.items()}


def inner_node(kind: Kind, fields: Fields) -> Node:
    """The formula of the dim that a block works at, where its kind names one; else what it gives."""
    if kind.document.inner is None:
        return Node("name", "dim")
    node = in_dims(plan(kind, fields, 1), rounded=True)[kind.document.inner]
    return node if node.op == "whole" else Node("whole", None, (node,))


def in_dims(planned: Plan, *, rounded: bool) -> dict[str, Node]:
    """What formulas know of a block, in ``in_dim`` and ``dim`` alone; those of `let` maybe rounded as channels are."""
    known = dict(planned.known)
    for name in planned.kind.document.let:  # each may name those above it
        node = settled(planned.lets.get(name) or known[name], known)
        known[name] = Node("whole", None, (node,)) if rounded and name in planned.lets and is_number(node) else node
    return known


def is_number(node: Node) -> bool:
    """Whether a formula without names of unknown sort gives a number."""
    return node.op not in ("boolean", "word", "and", "or", "not", *COMPARED)


def inner_dim(kind: Kind, fields: Fields, dim: int) -> int:
    """The dim that a block works at, where its kind names one; else what it gives."""
    given = {"in_dim": Fraction(dim), "dim": Fraction(dim)}
    try:
        return floor(evaluate(inner_node(kind, fields), given))
    except FormulaError as error:
        raise KindError(kind, ("inner",), str(error)) from None
