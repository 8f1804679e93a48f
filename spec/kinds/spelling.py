"""Formulas as text: as a person would write them, and as generated source does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from spinec.spec.kinds.arithmetic import evaluate
from spinec.spec.kinds.formula import COMPARED, FUNCTIONS, Node, Value, number, parse

_STRENGTH = {"if": 0, "or": 1, "and": 2, "not": 3, **dict.fromkeys(COMPARED, 4), "+": 5, "-": 5}
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


def in_code(node: Node, values: Mapping[str, Value]) -> str:
    """A formula as an expression of whole numbers in Python; empty where none gives the same."""
    if node.op == "round_to" and node.parts[1] == number(1):
        node = node.parts[0]  # which is rounded down as every dim is
    text = _code(node)
    return text if text and evaluate(parse(text).node, values) == floor(evaluate(node, values)) else ""


def floor(value: Value) -> int:
    """A number as one of channels: rounded down, at least one."""
    assert isinstance(value, Fraction)
    return max(1, value.__floor__())


def _code(node: Node) -> str:
    if node.op == "name" or (node.op == "number" and node.value.denominator == 1):
        return shown(node)
    if node.op in ("*", "/") and node.parts[1].op == "number":
        share = node.parts[1].value if node.op == "*" else 1 / node.parts[1].value
        if share.numerator == 1 and share.denominator > 1:
            node = Node("//", None, (node.parts[0], number(share.denominator)))
    if node.op in ("+", "-", "*", "//") and all(map(_code, node.parts)):
        return shown(replace(node, parts=tuple([_rewritten(part) for part in node.parts])))
    return ""


def _rewritten(node: Node) -> Node:
    return parse(_code(node)).node
