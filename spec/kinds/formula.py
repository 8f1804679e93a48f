"""Formulas of a kind: exact arithmetic on dims and fields, parsed by a grammar of our own and never run as Python.

    in_dim * expand                        dim // 4
    round_to(in_dim * squeeze, 8)          hidden if expand != 1 else dim
    expand != 1 and not subsample          gate == 'sigmoid'

Numbers are exact fractions: ``/`` divides exactly, ``//`` rounds down. What becomes a dim is rounded down to a whole
number, at least one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from spinec.spec.rounding import round_dim

MAX_LENGTH = 200  # characters
MAX_DEPTH = 12  # brackets and operators within one another
MAX_POWER = 4
LARGEST = Fraction(2**62)  # of any value on the way: dims end far below

Value: TypeAlias = Fraction | bool | str
Type = Literal["number", "boolean", "word"]
NAMED = {"number": "a number", "boolean": "true or false", "word": "a word"}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e-?\d{1,2})?)|(?P<name>[a-z_][a-z0-9_]*)|'(?P<word>[a-z0-9_]*)'"
    r"|(?P<sign>//|==|!=|<=|>=|[-+*/^<>(),]))",
    re.ASCII,
)
_KEYWORDS = ("if", "else", "and", "or", "not", "true", "false")
_COMPARED = ("==", "!=", "<", "<=", ">", ">=")


class FormulaError(ValueError):
    """What is wrong with a formula, and at which of its characters."""

    def __init__(self, message: str, at: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.at, self.hint = at, hint


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a formula: a number, a word, a name, or an operator with its operands."""

    op: str
    """``number``, ``boolean``, ``word``, ``name``, an operator, ``if``, or the name of a function."""
    value: Any = None
    parts: tuple[Node, ...] = ()
    at: int = field(default=0, compare=False)

    @property
    def names(self) -> Iterator[Node]:
        """Every name in it."""
        if self.op == "name":
            yield self
        for part in self.parts:
            yield from part.names


def number(value: Fraction | int) -> Node:
    """A number as a formula."""
    return Node("number", Fraction(value))


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as written, and what it says."""

    text: str
    node: Node

    def __reduce__(self) -> tuple[Any, ...]:
        return parse, (self.text,)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.text == other.text


@lru_cache(4096)
def parse(text: str) -> Formula:
    """The formula of a text.

    Raises:
        FormulaError: with the place in the text.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula of {len(text)} characters, expected at most {MAX_LENGTH}")
    return Formula(text, _Parser(text).whole())


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.position = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self.choice()
        if self.position < len(self.tokens):
            _, text, at = self.tokens[self.position]
            raise FormulaError(f"expected an operator before {text!r}", at)
        return node

    def choice(self) -> Node:
        """``a if test else b``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"nested deeper than {MAX_DEPTH} levels", self._at())
        node = self.either()
        if at := self._takes("if"):
            test = self.either()
            self._expect("else")
            node = Node("if", None, (test, node, self.choice()), at - 1)
        self.depth -= 1
        return node

    def either(self) -> Node:
        return self._chain(self.both, ("or",))

    def both(self) -> Node:
        return self._chain(self.negated, ("and",))

    def negated(self) -> Node:
        if at := self._takes("not"):
            return Node("not", None, (self._deeper(self.negated),), at - 1)
        return self.compared()

    def compared(self) -> Node:
        left = self.sum()
        if found := self._any(_COMPARED):
            return Node(found[1], None, (left, self.sum()), found[2])
        return left

    def sum(self) -> Node:
        return self._chain(self.product, ("+", "-"))

    def product(self) -> Node:
        return self._chain(self.signed, ("*", "/", "//"))

    def signed(self) -> Node:
        if at := self._takes("-"):
            return Node("-", None, (number(0), self._deeper(self.signed)), at - 1)
        return self.power()

    def power(self) -> Node:
        base = self.atom()
        if at := self._takes("^"):
            sort, text, where = self._next("a small whole number")
            if sort != "number" or not text.isdigit() or int(text) > MAX_POWER:
                raise FormulaError(f"expected a whole number up to {MAX_POWER} after '^'", where)
            return Node("^", None, (base, number(int(text))), at - 1)
        return base

    def atom(self) -> Node:
        sort, text, at = self._next("a number, a name or '('")
        if sort == "number":
            return Node("number", Fraction(text), (), at)
        if sort == "word":
            return Node("word", text, (), at)
        if text == "(":
            node = self.choice()
            self._expect(")")
            return node
        if text in ("true", "false"):
            return Node("boolean", text == "true", (), at)
        if sort == "name" and text not in _KEYWORDS:
            return self._call(text, at) if self._takes("(") else Node("name", text, (), at)
        raise FormulaError(f"expected a number, a name or '(', got {text!r}", at)

    def _call(self, name: str, at: int) -> Node:
        if name not in FUNCTIONS:
            raise FormulaError(f"no function {name!r}", at, f"there are {', '.join(FUNCTIONS)}")
        parts = [self.choice()]
        while self._takes(","):
            parts.append(self.choice())
        self._expect(")")
        if len(parts) != 2:
            raise FormulaError(f"{name} takes two numbers, got {len(parts)}", at, f"such as {name}(dim * 0.25, 8)")
        return Node(name, None, tuple(parts), at)

    def _chain(self, inner: Callable[[], Node], signs: tuple[str, ...]) -> Node:
        node = inner()
        while found := self._any(signs):
            node = Node(found[1], None, (node, inner()), found[2])
        return node

    def _deeper(self, inner: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"nested deeper than {MAX_DEPTH} levels", self._at())
        node = inner()
        self.depth -= 1
        return node

    def _any(self, signs: tuple[str, ...]) -> tuple[str, str, int] | None:
        if self.position < len(self.tokens):
            token = self.tokens[self.position]
            if token[0] != "word" and token[1] in signs:
                self.position += 1
                return token
        return None

    def _takes(self, sign: str) -> int:
        """One more than where the sign stood that was taken; 0 where another stands."""
        found = self._any((sign,))
        return found[2] + 1 if found else 0

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise FormulaError(f"expected {sign!r}", self._at())

    def _next(self, expected: str) -> tuple[str, str, int]:
        if self.position == len(self.tokens):
            raise FormulaError(f"expected {expected} at the end of the formula", self._at())
        self.position += 1
        return self.tokens[self.position - 1]

    def _at(self) -> int:
        return self.tokens[self.position][2] if self.position < len(self.tokens) else len(self.text)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match or not match.lastgroup:
            at += len(text[at:]) - len(text[at:].lstrip())
            hint = "a word is written in single quotes: 'relu'" if text[at] in "\"'" else ""
            raise FormulaError(f"not part of a formula: {text[at]!r}", at, hint)
        yield match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)
        at = match.end()


def type_of(node: Node, types: Mapping[str, Type]) -> Type:
    """What a formula gives, where names have these types.

    Raises:
        FormulaError: for a name that is not known, or operands that do not fit.
    """
    match node.op:
        case "number" | "boolean" | "word":
            return node.op  # type: ignore[return-value]
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
    return "boolean" if node.op in _COMPARED else "number"


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
    result: Value = FUNCTIONS[node.op](*operands) if node.op in FUNCTIONS else _OPERATORS[node.op](*operands)
    if isinstance(result, Fraction) and abs(result) > LARGEST:
        raise FormulaError("the number is too large", node.at)
    return result


def _round_to(value: Fraction, multiple: Fraction) -> Fraction:
    """The nearest multiple that leaves nine tenths, at least one; to a multiple of one, the whole number below."""
    if multiple.denominator != 1 or multiple < 1:
        raise FormulaError(f"round_to: expected a whole number to round to, got {multiple}")
    if multiple == 1:
        return Fraction(max(1, value.__floor__()))
    return Fraction(round_dim(float(value), int(multiple)))


FUNCTIONS: dict[str, Callable[..., Fraction]] = {"round_to": _round_to, "min": min, "max": max}
_OPERATORS: dict[str, Callable[..., Value]] = {
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


def settled(node: Node, known: Mapping[str, Node]) -> Node:
    """The formula with what is known put in, and everything worked out that then can be.

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
    parts = tuple([settled(part, known) for part in node.parts])
    if node.op in ("and", "or"):
        return _settled_logic(node, parts)
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


_STRENGTH = {"if": 0, "or": 1, "and": 2, "not": 3, **dict.fromkeys(_COMPARED, 4), "+": 5, "-": 5}
_STRENGTH |= {"*": 6, "/": 6, "//": 6, "^": 8}


def shown(node: Node) -> str:
    """The text of a formula, with no more brackets than it needs; equal formulas have equal texts."""
    match node.op:
        case "number":
            return str(node.value)
        case "boolean":
            return str(node.value).lower()
        case "word":
            return f"'{node.value}'"
        case "name":
            return str(node.value)
        case "if":
            test, yes, no = node.parts
            return f"{_inner(yes, 1)} if {_inner(test, 1)} else {_inner(no, 0)}"
        case "not":
            return f"not {_inner(node.parts[0], 3)}"
        case op if op in FUNCTIONS or op == "whole":
            return f"{op}({', '.join(map(shown, node.parts))})"
    strength = _STRENGTH[node.op]
    left, right = node.parts
    return f"{_inner(left, strength)} {node.op} {_inner(right, strength + 1)}"


def _inner(node: Node, least: int) -> str:
    text = shown(node)
    strength = 6 if node.op == "number" and node.value.denominator > 1 else _STRENGTH.get(node.op, 9)
    return text if strength >= least else f"({text})"
