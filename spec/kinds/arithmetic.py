"""What formulas come to: their types, their values in exact fractions, and what is left where not all is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from spinec.spec.kinds.formula import COMPARED, FUNCTIONS, FormulaError, Node, Type, Value
from spinec.spec.rounding import round_dim

NAMED = {"number": "a number", "boolean": "true or false", "word": "a word", "sides": "the sides of a kernel"}
LARGEST = Fraction(2**62)  # of any value on the way: dims end far below


def type_of(node: Node, types: Mapping[str, Type]) -> Type:
    """What a formula gives, where names have these types.

    Raises:
        FormulaError: for a name that is not known, or operands that do not fit.
    """
    match node.op:
        case "number" | "boolean" | "word":
            return node.op
        case "name":
            if node.value not in types:
                raise UnknownNameError(node.value, node.at, types)
            return types[node.value]
        case "if":
            _expect_type(node.parts[0], "boolean", types)
            first = type_of(node.parts[1], types)
            _expect_type(node.parts[2], first, types)
            return first
        case "and" | "or" | "not":
            for part in node.parts:
                _expect_type(part, "boolean", types)
            return "boolean"
        case "==" | "!=":
            _expect_type(node.parts[1], type_of(node.parts[0], types), types)
            return "boolean"
    for part in node.parts:
        _expect_type(part, "number", types)
    return "boolean" if node.op in COMPARED else "number"


class UnknownNameError(FormulaError):
    """A name that nothing in the kind has."""

    def __init__(self, name: str, at: int, known: Mapping[str, Type]) -> None:
        super().__init__(f"nothing is called {name!r}", at)
        self.name, self.known = name, tuple(known)


def _expect_type(node: Node, wanted: Type, types: Mapping[str, Type]) -> None:
    if (found := type_of(node, types)) != wanted:
        raise FormulaError(f"expected {NAMED[wanted]}, got {NAMED[found]}", _start(node))


def _start(node: Node) -> int:
    return min([node.at, *map(_start, node.parts)])


def evaluate(node: Node, values: Mapping[str, Value]) -> Value:
    """What a formula gives, in exact fractions.

    Raises:
        FormulaError: where it divides by zero or leaves the range of numbers.
    """
    op = node.op
    if op == "name":
        return values[node.value]
    if op in ("number", "boolean", "word"):
        return node.value  # type: ignore[no-any-return]
    if op == "if":
        return evaluate(node.parts[1 if evaluate(node.parts[0], values) else 2], values)
    if op == "and":
        return evaluate(node.parts[0], values) and evaluate(node.parts[1], values)
    if op == "or":
        return evaluate(node.parts[0], values) or evaluate(node.parts[1], values)
    return _apply(node, [evaluate(part, values) for part in node.parts])


def _apply(node: Node, operands: list[Any]) -> Value:
    if node.op in ("/", "//") and operands[1] == 0:
        raise FormulaError("division by zero", node.at)
    result = _OPERATORS[node.op](*operands)
    if isinstance(result, Fraction) and abs(result) > LARGEST:
        raise FormulaError("the number is too large", node.at)
    return result


def _round_to(value: Fraction, multiple: Fraction) -> Fraction:
    """The nearest multiple that leaves nine tenths, at least one; to a multiple of one, the whole number below."""
    if multiple.denominator != 1 or multiple < 1:
        raise FormulaError(f"expected a whole number above zero to round to, got {multiple}")
    if multiple == 1:
        return Fraction(max(1, value.__floor__()))
    return Fraction(round_dim(float(value), int(multiple)))


_OPERATORS: dict[str, Callable[..., Value]] = {
    **dict(zip(FUNCTIONS, (_round_to, min, max), strict=True)),
    "whole": lambda a: Fraction(max(1, a.__floor__())),  # what becomes of a number that is one of channels
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: Fraction(a // b),
    "^": lambda a, b: a ** int(b),
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "not": lambda a: not a,
}


def check_numbers(node: Node) -> None:
    """Whatever is not known yet, no divisor is zero, no number is rounded to what is no multiple, none is too large.

    Raises:
        FormulaError: at the operator.
    """
    for part in node.parts:
        check_numbers(part)
    if node.op in ("/", "//", "round_to"):
        second = settled(node.parts[1], {})
        if second.op == "number":
            _apply(node, [Fraction(1), second.value])
    settled(node, {})


def plain_number(value: Any) -> Any:
    """A fraction as an int or a float; other values as they are."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value


def settled(node: Node, known: Mapping[str, Node]) -> Node:
    """The formula with what is known put in, and everything worked out that then can be.

    >>> from spinec.spec.kinds.formula import number, parse
    >>> from spinec.spec.kinds.spelling import shown
    >>> shown(settled(parse("in_dim * expand if expand != 1 else dim").node, {"expand": number(6)}))
    'in_dim * 6'
    """
    if node.op == "name":
        return known.get(node.value, node)
    if not node.parts:
        return node
    if node.op == "if":
        test = settled(node.parts[0], known)
        if test.op == "boolean":
            return settled(node.parts[1 if test.value else 2], known)
        return replace(node, parts=(test, settled(node.parts[1], known), settled(node.parts[2], known)))
    if node.op in ("and", "or"):
        first = settled(node.parts[0], known)
        if first.op == "boolean" and first.value is (node.op == "or"):
            return first  # what stands behind it is not looked at
        return _settled_logic(node, (first, settled(node.parts[1], known)))
    parts = tuple([settled(part, known) for part in node.parts])
    if all(not part.parts and part.op != "name" for part in parts):
        value = _apply(node, [part.value for part in parts])
        return Node("boolean" if isinstance(value, bool) else "number", value, (), node.at)
    return _simpler(replace(node, parts=parts))


def _settled_logic(node: Node, parts: tuple[Node, ...]) -> Node:
    """``and`` and ``or`` where one side is known."""
    decides = node.op == "or"
    for one, other in (parts, parts[::-1]):
        if one.op == "boolean":
            return one if one.value is decides else other
    return replace(node, parts=parts)


def _simpler(node: Node) -> Node:
    """Without a factor, a divisor or a multiple of one, and without a term of zero."""
    first, second = (*node.parts, node)[:2]
    if second.value == 1 and second.op == "number" and node.op in ("*", "/", "^"):
        return first
    if first.value == 1 and first.op == "number" and node.op == "*":
        return second
    if node.op == "whole" and first.op in ("name", "whole"):
        return first
    if second.value == 0 and second.op == "number" and node.op in ("+", "-"):
        return first
    return node
