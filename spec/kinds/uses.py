"""Which steps of a kind take a field, directly or through formulas."""

from __future__ import annotations

from collections.abc import Iterator

from spinec.spec.kinds.formula import FormulaError, Node, parse
from spinec.spec.kinds.kind import Kind, formulas_of
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.kinds.steps import Step

EVERYWHERE = "*"
"""Stands for what is no step's setting: conditions, the work, the dim that a kind works at."""


def users_of(kind: Kind, name: str) -> list[str]:
    """The paths of the steps that take a name, and `EVERYWHERE` for what is no step."""
    return [user for user, names in uses(kind).items() if name in names]


def uses(kind: Kind) -> dict[str, set[str]]:
    """Path of a step, or `EVERYWHERE`: the names that it takes, and what those are made of."""
    document = kind.document
    made_of = {name: named(formula.node) for name, formula in {**document.let, **kind.defaults}.items()}
    found: dict[str, set[str]] = {EVERYWHERE: set()}
    for formula in (document.work, document.shortcut.when if document.shortcut else None):
        found[EVERYWHERE] |= named(formula.node) if formula else set()
    found[EVERYWHERE] |= {document.inner} if document.inner else set()
    for placed in kind.placed():
        names = set(_taken(placed.step))
        found[EVERYWHERE] |= named(placed.step.when.node) if placed.step.when else set()
        found[".".join(placed.path)] = names
    return {user: _through(names, made_of) for user, names in found.items()}


def named(node: Node) -> set[str]:
    """The names in a formula."""
    return {each.value for each in node.names}


def _taken(step: Step) -> Iterator[str]:
    """The names that the settings of a step name."""
    for key, formula in formulas_of(step):
        if key != "when":
            yield from named(formula.node)
    extra = (step.model_extra or {}) if isinstance(step, KindStep) else {}
    for value in [*(value for _, value in step), *extra.values()]:
        if isinstance(value, str):
            yield from [value[1:]] if value.startswith("$") else _in_text(value)


def _in_text(text: str) -> set[str]:
    try:
        return named(parse(text).node)
    except FormulaError:
        return set()


def _through(names: set[str], made_of: dict[str, set[str]]) -> set[str]:
    waiting, found = list(names), set(names)
    while waiting:
        for inner in made_of.get(waiting.pop(), set()) - found:
            found.add(inner)
            waiting.append(inner)
    return found
