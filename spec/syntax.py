"""What is wrong with a text that is not YAML, in our own words.

Which parser reads a text, and in which version, decides neither what a fault is called nor where it lies: of the
parser's error only its position is taken. Brackets and quotes are followed here, up to that position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_CLOSER = {"[": "]", "{": "}"}
_RESERVED = "@`%"  # what YAML lets no value begin with
_BROKEN = {"&": "an anchor", "*": "an alias", "!": "a tag", "|": "a block of text", ">": "a block of text"}
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_PLAIN = re.compile(r"(?:[^\s:#]|:(?=\S)|(?<=\S)#)(?:[^\n:#]|:(?=\S)|(?<=\S)#)*")
_PLAIN_IN_BRACKETS = re.compile(r"(?:[^\s:#,\[\]{}]|:(?=[^\s,\[\]{}])|(?<=[^\s,\[\]{}])#)+")
_BLOCK_TEXT = re.compile(r"(?<=[:\-?] )[|>][-+0-9]*[ \t]*(?:#.*)?\n", re.MULTILINE)
_COLON = re.compile(r":(?:\s|\Z)")


class At(NamedTuple):
    """A line and a column, both from zero."""

    line: int
    column: int


class Cause(NamedTuple):
    """What is wrong, where, and what to do about it."""

    code: str
    message: str
    at: At
    hint: str = ""


class Opened(NamedTuple):
    """What is open at the end of a text: brackets from the outermost in, and the quote that is never closed."""

    brackets: list[int]
    quote: int | None
    long_quote: tuple[int, int] | None
    """The last quoted text of several lines, and where it ends."""


def cause(lines: Sequence[str], mark: At, context: At | None = None) -> Cause:
    """What a person should mend, where a parser stopped at `mark`; `context` is what it was reading then.

    >>> cause(["b1: {dim: 8, inputs: [stem}"], At(0, 26))
    Cause(code='SPN-109', message="'}' does not close the '['", at=At(line=0, column=26), hint="expected ']'")
    """
    text = "\n".join(lines)
    end = _offset(lines, mark)
    opened = _opened(text, end)
    if opened.quote is not None:
        return Cause(
            "SPN-109", "a quote that is never closed", _at(text, opened.quote), f"expected {text[opened.quote]}"
        )
    if opened.long_quote and text.count("\n", opened.long_quote[1], end) == 0:
        start, line = opened.long_quote[0], mark.line + 1
        return Cause("SPN-109", "a quote that is not closed on its line", _at(text, start), f"it ends on line {line}")
    if text[end : end + 1] == "\t":
        return Cause("SPN-110", "a tab where spaces are expected", mark, "indent with spaces")
    if opened.brackets:
        return _in_brackets(text, end, opened.brackets[-1])
    return _in_block(lines, text, end, context)


def too_deep(lines: Sequence[str], mark: At, depth: int) -> str:
    """The text up to the bracket that opens one level too many before a mark; nothing if there is none."""
    text = "\n".join(lines)
    for end in _deeper(text, _offset(lines, mark), depth):
        return text[:end]
    return ""


def _in_brackets(text: str, end: int, bracket: int) -> Cause:
    opener, here = text[bracket], _at(text, end)
    start, closer, found = _at(text, bracket), _CLOSER[opener], text[end : end + 1]
    if not text[end:].strip():
        return Cause("SPN-109", f"{opener!r} is never closed", start, f"expected {closer!r}")
    if here.line > start.line and _indentation(text, here.line) <= _indentation(text, start.line):
        return Cause("SPN-109", f"{opener!r} is not closed", start, f"still open on line {here.line + 1}")
    if found in "]}" and found != closer:
        return Cause("SPN-109", f"{found!r} does not close the {opener!r}", here, f"expected {closer!r}")
    if found in ",]}":
        return Cause("SPN-109", f"no value before this {found!r}", here, "a value is missing, or this is one too many")
    if found in _RESERVED:
        return _reserved(found, here)
    example = "{key: value, key: value}" if opener == "{" else "[one, two]"
    return Cause("SPN-109", f"expected ',' or {closer!r}", here, f"entries have commas between them: {example}")


def _in_block(lines: Sequence[str], text: str, end: int, context: At | None) -> Cause:
    here, found = _at(text, end), text[end : end + 1]
    for at in (context, here):
        line = lines[at.line] if at and at.line < len(lines) else ""
        if (
            at
            and line.strip()
            and not _COLON.search(line)
            and not line.lstrip().startswith(("-", *_CLOSER, *_RESERVED))
        ):
            first = At(at.line, len(line) - len(line.lstrip()))
            return Cause("SPN-109", "a line without a colon", first, "expected 'key: value'")
    if found == ":":
        return Cause("SPN-109", "a second colon", here, "one 'key: value' on a line; quote text that has ': ' in it")
    if found in "]},":
        return Cause(
            "SPN-109", f"{found!r} outside of brackets", here, "remove it, or quote the text that it is part of"
        )
    if found in _RESERVED:
        return _reserved(found, here)
    if here.column == _indentation(text, here.line):
        return Cause("SPN-109", "indented unlike the lines above", here, "indent it like the keys beside it")
    before = text[:end].rpartition("\n")[2].rstrip()[-1:]
    for sign in (found, before):
        if sign in _BROKEN:
            return Cause(
                "SPN-109", f"{_BROKEN[sign]} that is not written as YAML has it", here, f"quote text with {sign!r}"
            )
    return Cause("SPN-109", "this cannot stand here", here, "quote it if it is text")


def _reserved(sign: str, here: At) -> Cause:
    return Cause("SPN-109", f"no value can begin with {sign!r}", here, "quote text that begins with this character")


def _opened(text: str, end: int) -> Opened:
    brackets: list[int] = []
    long_quote = None
    for start, stop, sign in _marks(text, end):
        if sign == "quote":
            if "\n" in text[start:stop]:
                long_quote = start, stop
        elif sign == "open quote":
            return Opened(brackets, start, None)
        elif sign in _CLOSER:
            brackets.append(start)
        elif brackets and sign == _CLOSER[text[brackets[-1]]]:
            brackets.pop()
    return Opened(brackets, None, long_quote)


def _deeper(text: str, end: int, depth: int) -> Iterator[int]:
    """Where more brackets than `depth` are open: the end of each one that is too deep."""
    now = 0
    for _, stop, sign in _marks(text, end):
        now += (sign in _CLOSER) - (sign in "]}")
        if now > depth:
            yield stop


def _marks(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    """The brackets and quotes of a text that begin before `end`: where each starts and stops, and what it is."""
    position = depth = 0
    while position < end:
        sign = text[position]
        if sign in "'\"":
            quoted = _QUOTED.match(text, position)
            yield position, quoted.end() if quoted else len(text), "quote" if quoted else "open quote"
            position = quoted.end() if quoted else len(text)
        elif sign == "#" and (position == 0 or text[position - 1].isspace()):
            position = _end_of_line(text, position)
        elif sign in "[{" or (depth and sign in "]}"):
            depth += 1 if sign in _CLOSER else -1
            position += 1
            yield position - 1, position, sign
        elif not depth and (block := _BLOCK_TEXT.match(text, position)):
            position = _end_of_block(text, position, block.end())
        elif plain := (_PLAIN_IN_BRACKETS if depth else _PLAIN).match(text, position):
            # What introduces an entry is one character, and what follows it begins anew.
            alone = sign in "-?" and text[position + 1 : position + 2].isspace()
            position = position + 1 if alone else plain.end()
        else:
            position += 1


def _end_of_block(text: str, start: int, position: int) -> int:
    """Where the text under a '|' ends: at the next line that is indented no deeper than the one that has the sign."""
    outer = _indentation(text, text.count("\n", 0, start))
    while position < len(text):
        line = text[position : _end_of_line(text, position)]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= outer:
            break
        position += len(line) + 1
    return position


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _indentation(text: str, line: int) -> int:
    shown = text.split("\n")[line]
    return len(shown) - len(shown.lstrip(" "))


def _offset(lines: Sequence[str], at: At) -> int:
    return sum(len(line) + 1 for line in lines[: at.line]) + at.column


def _at(text: str, offset: int) -> At:
    return At(text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1))
