"""What stands at the bottom of a document: its lines, the parser's events, and what a scalar stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import yaml

Scalar: TypeAlias = str | int | float | bool | None

BREAK = re.compile("\r\n|[\n\r]")  # what ends a line in YAML 1.2, and in editors
_NO_BREAKS = "\x85\u2028\u2029"  # what ends a line in YAML 1.1, and so for the parser
_STAND_INS = range(0x10FFFD, 0xFFFF, -1)  # characters that the parser allows, more than a text may hold
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
    """The parser's events of a text; `split_lines` are the lines that their marks count.

    The parser is one of YAML 1.1, which ends lines and comments at three more characters than 1.2 and editors do. It is
    given others in their place.
    """
    loader = getattr(yaml, "CLoader", yaml.Loader)  # a parser alone: nothing is ever loaded with it
    if not any(each in text for each in _NO_BREAKS):
        events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
        return events
    used = set(text)
    free = (chr(each) for each in _STAND_INS if chr(each) not in used)
    there = dict(zip(map(ord, _NO_BREAKS), free, strict=False))
    back = {ord(stand_in): chr(each) for each, stand_in in there.items()}
    return (_restored(event, back) for event in yaml.parse(text.translate(there), Loader=loader))


def _restored(event: yaml.Event, back: Mapping[int, str]) -> yaml.Event:
    """An event with what the text had."""
    if isinstance(event, yaml.ScalarEvent):
        event.value = event.value.translate(back)
    return event


def split_lines(text: str) -> list[str]:
    """The lines of a text as YAML 1.2 and editors count them.

    >>> split_lines("a\\r\\nb\\rc\\u2028d")
    ['a', 'b', 'c\\u2028d']
    """
    return BREAK.split(text)


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
