"""The body of a forward pass: which values get a name, and which are written inside the call that reads them.

A value that is read once may stand inside its reader; a line ends at an activation, at a child module and where calls
would nest deeper than a reader likes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from spinec.backends.expressions import WIDTH, Call, Name, render
from spinec.backends.outline import Member, Outline

DEEPEST = 2  # calls nested in an operand that is written inside its reader
ROOM = WIDTH - 16  # an indent and the name it is assigned to


class Statement(NamedTuple):
    """An assignment."""

    target: str
    value: Any


class Body(NamedTuple):
    """The statements of a forward pass and the expressions of its results, by value."""

    statements: list[Statement]
    results: dict[str, Any]


Apply = Callable[[Member, tuple[Any, ...]], Any]


def body(outline: Outline, apply: Apply, taken: Collection[str] = ()) -> Body:
    """The statements of a graph; no value has a name that is `taken`."""
    return _Writer(outline, apply, taken).write()


class _Writer:
    def __init__(self, outline: Outline, apply: Apply, taken: Collection[str]) -> None:
        self.outline, self.apply, self.taken = outline, apply, taken
        graph = outline.graph
        self.readers: dict[str, int] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1
        for value in graph.outputs.values():
            self.readers[value] = self.readers.get(value, 0) + 1
        self.values: dict[str, Any] = {name: Name(name) for name in graph.inputs}
        self.left = dict(self.readers)
        self.statements: list[Statement] = []

    def write(self) -> Body:
        for member in self.outline.members:
            self._member(member)
        results = dict.fromkeys(self.outline.graph.outputs.values())
        return Body(self.statements, {value: self.values[value] for value in results})

    def _member(self, member: Member) -> None:
        node = member.node
        operands = tuple(self.values[name] for name in node.inputs)
        expression = self.apply(member, operands)
        if len(render(expression)) > ROOM and (pending := self._pending(node.inputs)):
            for name in pending:
                self._assign(name, self.values[name])
            operands = tuple(self.values[name] for name in node.inputs)
            expression = self.apply(member, operands)
        for name in node.inputs:
            self.left[name] -= 1
        self.values[node.name] = expression
        if not self._may_wait(member, expression):
            self._assign(node.name, expression)

    def _pending(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if isinstance(self.values[name], Call)]

    def _may_wait(self, member: Member, expression: Any) -> bool:
        """Whether a value can stand inside its reader instead of on a line of its own."""
        name = member.node.name
        if self.readers.get(name, 0) != 1 or not isinstance(expression, Call):
            return False
        if name in self.outline.graph.outputs.values():
            return True
        if expression.depth > DEEPEST or self._ends_line(member):
            reader = next(each for each in self.outline.members if name in each.node.inputs)
            return len(reader.node.inputs) > 1 and member.is_graph and expression.depth <= DEEPEST
        return True

    def _ends_line(self, member: Member) -> bool:
        return member.is_graph or getattr(member.node.op, "category", "") in ("activation", "merge")

    def _assign(self, name: str, expression: Any) -> None:
        target = self._target(name, expression)
        self.statements.append(Statement(target, expression))
        self.values[name] = Name(target)

    def _target(self, name: str, expression: Any) -> str:
        """The variable of the operand where nobody reads it any more, else a new one."""
        live = self._live(name)
        operands = {*_names(expression)}
        if len(operands) == 1 and not operands & live:
            return operands.pop()
        live |= {*self.taken}
        return next(variable for variable in ("x", "y", "z", name, f"{name}_") if variable not in live)

    def _live(self, name: str) -> set[str]:
        """The variables that are still read once this value is assigned."""
        unread = (value for value, left in self.left.items() if left > 0 and value != name and value in self.values)
        return {variable for value in unread for variable in _names(self.values[value])}


def _names(expression: Any) -> Iterator[str]:
    match expression:
        case Name(text) if text.isidentifier():
            yield text
        case Call():
            for value in expression.values():
                yield from _names(value)
        case list() | tuple():
            for value in expression:
                yield from _names(value)
