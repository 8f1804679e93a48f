"""What stands at the bottom of a document: its lines, the parser's events, and what a scalar stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import yaml

Scalar: TypeAlias = str | int | float | bool | None

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML 1.1's parser counts as the end of a line
_CORE_INT = re.compile(r"[-+]?[0-9]+\Z")
_CORE_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_CORE_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", "+.inf", ".Inf", "+.Inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN"), float("nan")),
}


def parse(text: str) -> Iterator[yaml.Event]:
    """The parser's events of a text; `split_lines` are the lines that their marks count."""
    loader = getattr(yaml, "CLoader", yaml.Loader)  # a parser alone: nothing is ever loaded with it
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


def split_lines(text: str) -> list[str]:
    """The lines of a text as YAML counts them."""
    return _BREAK.split(text)


def plain_value(text: str) -> Scalar:
    """What a scalar without quotes stands for, by YAML's core schema.

    >>> [plain_value(text) for text in ("3", "1e5", "null", "True", "2.5B", "no")]
    [3, 100000.0, None, True, '2.5B', 'no']
    """
    if text in _CORE_WORDS:
        return _CORE_WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _CORE_INT.match(text):
        return int(text)
    return float(text) if _CORE_FLOAT.match(text) else text


def reads_as_text(text: str) -> bool:
    """Whether a scalar without quotes stands for itself.

    >>> [reads_as_text(text) for text in ("3", "1e5", "null", "2.5B", "no")]
    [False, False, False, True, True]
    """
    return text not in _CORE_WORDS and not _CORE_FLOAT.match(text)


def is_number(text: str) -> bool:
    """Whether a scalar without quotes is a number."""
    return _CORE_FLOAT.match(text) is not None
