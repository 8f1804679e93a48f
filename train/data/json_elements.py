"""A large JSON file one element at a time, and where each stands: as a whole, COCO's take gigabytes of memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from spinec.spec.errors import DataError, first_line

SPACE = re.compile(r"[ \t\r\n]*")


class Element(NamedTuple):
    """A value of a JSON object, or an element of a list that is one."""

    key: str
    value: Any
    """The value; of a list, one of its elements."""
    start: int
    """Where it stands in the file, in bytes."""
    end: int


def elements(path: Path) -> Iterator[Element]:
    """The values of the object in a file, lists element by element.

    Raises:
        DataError: when the file cannot be read or holds no JSON object.
    """
    try:
        yield from _elements(path.read_bytes().decode(), str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a JSON file: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}:{error.colno}: not JSON: {first_line(error.msg)}") from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        raise DataError(
            f"{path}: not a JSON file that can be read: it is nested too deeply or has too long a number"
        ) from None


def element_at(path: Path, start: int, end: int) -> Any:
    """The element of a file that stands there.

    Raises:
        DataError: when it does not, any more.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            return json.loads(file.read(end - start))
    except (OSError, ValueError):
        raise DataError(f"{path}: has changed since it was opened") from None


def _elements(text: str, name: str) -> Iterator[Element]:
    decode = json.JSONDecoder().raw_decode
    bytes_before = _Bytes(text)
    at = _skip(text, 1 if text.startswith("\ufeff") else 0)
    if text[at : at + 1] != "{":
        raise DataError(f"{name}: expected a JSON object with images, annotations and categories")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = decode(text, at)
        at = _expect(text, _skip(text, at), ":")
        if text[at : at + 1] != "[":
            value, end = decode(text, at)
            yield Element(str(key), value, bytes_before(at), bytes_before(end))
            at = end
        else:
            at = _skip(text, at + 1)
            while text[at : at + 1] != "]":
                value, end = decode(text, at)
                yield Element(str(key), value, bytes_before(at), bytes_before(end))
                at = _next(text, end, "]")
            at += 1
        at = _next(text, at, "}")


class _Bytes:
    """How many bytes stand before a character; asked for in the order of the text."""

    def __init__(self, text: str) -> None:
        self.text, self.is_ascii, self.at, self.bytes = text, text.isascii(), 0, 0

    def __call__(self, at: int) -> int:
        if self.is_ascii:
            return at
        self.bytes += len(self.text[self.at : at].encode())
        self.at = at
        return self.bytes


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise json.JSONDecodeError(f"Expecting {character!r}", text, at)
    return _skip(text, at + 1)


def _next(text: str, at: int, end: str) -> int:
    """Behind the comma after an element, or at what closes them all."""
    at = _skip(text, at)
    return at if text[at : at + 1] == end else _expect(text, at, ",")
