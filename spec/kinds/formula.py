"""Formulas of a kind: exact arithmetic on dims and fields, parsed by a grammar of our own and never run as Python.

    in_dim * expand                        dim // 4
    round_to(in_dim * squeeze, 8)          hidden if expand != 1 else dim
    expand != 1 and not subsample          gate == 'sigmoid'

Numbers are exact fractions: ``/`` divides exactly, ``//`` rounds down. What becomes a dim is rounded down to a whole
number, at least one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, TypeAlias

MAX_LENGTH = 200  # characters
MAX_DEPTH = 12  # brackets and operators within one another
MAX_POWER = 4

Value: TypeAlias = Fraction | bool | str
Type = Literal["number", "boolean", "word", "sides"]
COMPARED = ("==", "!=", "<", "<=", ">", ">=")
FUNCTIONS = ("round_to", "min", "max")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e-?\d{1,2})?)|(?P<name>[a-z_][a-z0-9_]*)|'(?P<word>[a-z0-9_]*)'"
    r"|(?P<sign>//|==|!=|<=|>=|[-+*/^<>(),]))",
    re.ASCII,
)
_ELSEWHERE = {
    "'": "a word is written in single quotes: 'relu'",
    '"': "a word is written in single quotes: 'relu'",
    "$": "formulas take names as they are",
    "=": "equality is written with '=='",
    "%": "there is no remainder; '//' rounds down",
}
"""What signs of other languages are here."""
_KEYWORDS = ("if", "else", "and", "or", "not", "true", "false")


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
        if found := self._any(COMPARED):
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
        hint = "a power is written with '^'" if self.text[at - 1 : at + 1] == "**" else ""
        raise FormulaError(f"expected a number, a name or '(', got {text!r}", at, hint)

    def _call(self, name: str, at: int) -> Node:
        if name not in FUNCTIONS:
            hint = "'//' rounds down" if name in ("floor", "int") else f"there are {', '.join(FUNCTIONS)}"
            raise FormulaError(f"no function {name!r}", at, hint)
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
            hint = "within braces, a formula with a comma stands in quotes" if sign == ")" else ""
            raise FormulaError(f"expected {sign!r}", self._at(), hint)

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
            raise FormulaError(f"not part of a formula: {text[at]!r}", at, _ELSEWHERE.get(text[at], ""))
        yield match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)
        at = match.end()
