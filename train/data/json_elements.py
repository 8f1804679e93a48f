"""A large JSON file one element at a time, and where each stands: as a whole, COCO's take gigabytes of memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from spinec.spec.errors import DataError, first_line

SPACE = re.compile(r"[ \t\r\n]*")
BYTE_ORDER_MARK = "\ufeff"
WINDOW = 2**20  # bytes
CUT_OFF = "the file ends here: is it whole?"


class Element(NamedTuple):
    """A value of a JSON object, or an element of a list that is one."""

    key: str
    value: Any
    """The value; of a list, one of its elements."""
    start: int
    """Where it stands in the file, in bytes."""
    end: int


def elements(path: Path, window: int = WINDOW) -> Iterator[Element]:
    """The values of the object in a file, lists element by element; of the file, a window is in memory at a time.

    Raises:
        DataError: when the file cannot be read or holds no JSON object.
    """
    with _reading(path), path.open("rb") as file:
        yield from _elements(_Window(file, window), str(path))


def value_of(path: Path) -> Any:
    """What a JSON file holds, as a whole.

    Raises:
        DataError: when it cannot be read or holds none.
    """
    with _reading(path):
        return json.loads(path.read_bytes().decode().removeprefix(BYTE_ORDER_MARK))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say in a line why a JSON file cannot be read."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a JSON file: it is not UTF-8") from None
    except _MisreadError as error:
        raise DataError(f"{path}:{error.line}:{error.column}: not JSON: {error}") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}:{error.colno}: not JSON: {_plain(error.msg)}") from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        message = "it is nested too deeply or has too long a number"
        raise DataError(f"{path}: not a JSON file that can be read: {message}") from None


def _plain(message: str) -> str:
    """What Python says of JSON, in our words.

    >>> _plain("Unterminated string starting at"), _plain("Expecting ',' delimiter: line 1")
    ('a text that begins here does not end: is the file whole?', "expected ',' delimiter: line 1")
    """
    if message.startswith("Unterminated string"):
        return "a text that begins here does not end: is the file whole?"
    return first_line(message).replace("Expecting", "expected")


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


def _elements(text: _Window, name: str) -> Iterator[Element]:
    if text.peek() != "{":
        raise DataError(f"{name}: expected a JSON object with images, annotations and categories")
    text.skip()
    while text.peek() != "}":
        key = str(text.value()[0])
        text.expect(":")
        if text.peek() == "[":
            text.skip()
            while text.peek() != "]":
                yield Element(key, *text.value())
                text.divide("]")
            text.skip()
        else:
            yield Element(key, *text.value())
        text.divide("}")


class _MisreadError(Exception):
    """What is wrong with a text, and where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line, self.column = line, column


class _Window:
    """A part of a file as text, that moves on to what is read next."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.scan = json.JSONDecoder().raw_decode
        self.text, self.at, self.ended = "", 0, False
        self.bytes, self.line, self.column = 0, 1, 1
        """How many bytes stand before `at`, and which line and column that is."""
        if self.peek() == BYTE_ORDER_MARK:
            self.skip()

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            found = SPACE.match(self.text, self.at)
            self._advance(found.end() if found else self.at)
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self._more()

    def skip(self) -> None:
        """Pass the character that was peeked at."""
        self._advance(self.at + 1)

    def expect(self, character: str) -> None:
        """Pass this character.

        Raises:
            _MisreadError: when it is another.
        """
        if self.peek() != character:
            expected = f"expected {character!r}" if self.peek() else CUT_OFF
            raise _MisreadError(expected, self.line, self.column)
        self.skip()

    def divide(self, end: str) -> None:
        """Pass the comma between two elements; stay before what closes them all."""
        if self.peek() != end:
            self.expect(",")
            if self.peek() == end:
                raise _MisreadError("expected another element behind the comma", self.line, self.column)

    def value(self) -> tuple[Any, int, int]:
        """The next value, and where it starts and ends, in bytes.

        Raises:
            _MisreadError: when it is none.
        """
        self.peek()
        while True:
            try:
                value, end = self.scan(self.text, self.at)
            except json.JSONDecodeError as error:
                if self.ended:
                    self._advance(error.pos)
                    said = _plain(error.msg) if error.pos < len(self.text) else CUT_OFF
                    raise _MisreadError(said, self.line, self.column) from None
            else:
                if end < len(self.text) or self.ended:  # else a number may go on
                    start = self.bytes
                    self._advance(end)
                    return value, start, self.bytes
            self._more()

    def _advance(self, at: int) -> None:
        passed = self.text[self.at : at]
        self.bytes += len(passed) if passed.isascii() else len(passed.encode())
        if lines := passed.count("\n"):
            self.line, self.column = self.line + lines, 1
        self.column += len(passed) - passed.rfind("\n") - 1
        self.at = at

    def _more(self) -> None:
        """Read on, at least as much as is there: what does not fit is tried again twice as large."""
        data = self.file.read(max(self.size, len(self.text) - self.at))
        self.ended = not data
        self.text = self.text[self.at :] + self.decoder.decode(data, final=self.ended)
        self.at = 0
