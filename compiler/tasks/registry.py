"""Which function says what the maps of a kind of head mean."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, unpack
from typing import Any, NamedTuple, TypeAlias, TypeVar

from spinec.compiler.graph.program import Program
from spinec.spec.heads import Head


class Constant(NamedTuple):
    """A number that answers and losses are made with, and what it is."""

    value: Any
    meaning: str = ""


Meaning: TypeAlias = Callable[[Program, Any], dict[str, Constant]]
AnyMeaning = TypeVar("AnyMeaning", bound=Meaning)

MEANINGS: dict[type[Head], Meaning] = {}


def means(kind: type[Head]) -> Callable[[AnyMeaning], AnyMeaning]:
    """Register what gives the constants of a kind of head, by the names that source calls them."""

    def register(meaning: AnyMeaning) -> AnyMeaning:
        MEANINGS[kind] = meaning
        return meaning

    return register


def constants_of(program: Program) -> dict[str, Constant]:
    """Name and value of what the maps of a program's head are read with; nothing where nothing is known of them.

    >>> from spinec import load, lower
    >>> constants_of(lower(load("eff-spinenet-m0")))["STRIDES"].value
    (8, 16, 32, 64, 128)
    """
    head = program.spec.head
    meaning = MEANINGS.get(type(head)) if head else None
    return meaning(program, head) if meaning else {}


def in_float32(value: float) -> float:
    """The number of fewest digits that is the same in float32.

    >>> in_float32(2.1213203435596424)
    2.1213203
    >>> in_float32(1.6454482671904334)  # half-way between two of them
    1.6454482
    """
    (same,) = unpack("f", pack("f", value))
    short = (float(f"{each:.{digits}g}") for each in (value, same) for digits in range(1, 10))
    return next(each for each in short if pack("f", each) == pack("f", same))
