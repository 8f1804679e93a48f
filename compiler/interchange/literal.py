"""Lists, tuples, mappings, numbers and words as Python and JSON write them, each with its place. Nothing is evaluated.

A text may be one such value, with a name and an equals sign before it, or words alone; ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, Source, SpecError
from spinec.spec.scalars import BREAK, Scalar, split_lines

MAX_DEPTH = 8
MAX_TOKENS = 100_000
CLOSES = {"[": "]", "(": ")", "{": "}"}
CONSTANTS: dict[str, Scalar] = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\r\n]*)
      | (?P<text>'[^'\\\r\n]*'|"[^"\\\r\n]*")
      | (?P<number>[-+]?\d{1,9}(\.\d{1,9})?(?![\w.]))
      | (?P<word>[A-Za-z_][\w.]{0,79})
      | (?P<mark>[\[\](){},:=])""",
    re.VERBOSE | re.ASCII,
)


class Token(NamedTuple):
    """A piece of the text and where it stands."""

    kind: str
    text: str
    place: Place


def read_literal(text: str, name: str, classes: Collection[str] = ()) -> Item:
    """The value of a text; words alone are a list of them. The names of some classes may stand without quotes.

    Raises:
        SpecError: at the first piece that is no part of a literal.

    >>> read_literal("BLOCKS = [(2, 'bottleneck', (0, 1), False)]", "text").plain()
    ((2, 'bottleneck', (0, 1), False),)
    """
    return _Parser(text, name, classes).document()


class _Parser:
    def __init__(self, text: str, name: str, classes: Collection[str]) -> None:
        self.name, self.classes = name, classes
        self.source = Source(name, split_lines(text))
        self.tokens = list(self._tokens(text))
        self.at = 0

    def document(self) -> Item:
        if not self.tokens:
            raise SpecError(
                [Fault("SPN-705", f"{self.name}: there is nothing in it", None, "expected block specs or strings")]
            )
        if len(self.tokens) > 2 and self.tokens[0].kind == "word" and self.tokens[1].text == "=":
            self.at = 2
        if self.tokens[self.at].kind == "word" and self.tokens[self.at].text not in CONSTANTS:
            return self._words()
        item = self._value(0)
        if self.at < len(self.tokens):
            raise self._wrong("expected nothing behind the value")
        return item

    def _words(self) -> Item:
        place = self.tokens[self.at].place
        found = []
        while self.at < len(self.tokens):
            token = self._next()
            if token.kind not in ("word", "text"):
                self.at -= 1
                raise self._wrong("expected words alone")
            found.append(Item(token.text.strip("'\""), token.place))
        return Item(found, place)

    def _value(self, depth: int) -> Item:
        token = self._next()
        if depth > MAX_DEPTH:
            raise SpecError([Fault("SPN-705", f"nested deeper than {MAX_DEPTH} levels", token.place)])
        if token.text in CLOSES and token.kind == "mark":
            items = self._mapping(depth) if token.text == "{" else self._items(CLOSES[token.text], depth)
            return Item(items, token.place)
        if token.kind == "number":
            return Item(float(token.text) if "." in token.text else int(token.text), token.place)
        if token.kind == "text":
            return Item(token.text[1:-1], token.place)
        if token.text in CONSTANTS:
            return Item(CONSTANTS[token.text], token.place)
        if token.text in self.classes:
            return Item(token.text, token.place)
        self.at -= 1
        raise self._wrong("expected a list, a number, quoted text, True or False")

    def _items(self, close: str, depth: int) -> list[Item]:
        items: list[Item] = []
        while not self._take(close):
            items.append(self._value(depth + 1))
            if not self._take(","):
                self._expect(close)
                break
        return items

    def _mapping(self, depth: int) -> dict[str, Item]:
        entries: dict[str, Item] = {}
        while not self._take("}"):
            key = self._value(depth + 1)
            if not isinstance(key.value, str) or key.value in entries:
                raise SpecError([Fault("SPN-705", "expected a key in quotes that is not there yet", key.place)])
            self._expect(":")
            entries[key.value] = self._value(depth + 1)._replace(key=key.place)
            if not self._take(","):
                self._expect("}")
                break
        return entries

    def _next(self) -> Token:
        if self.at == len(self.tokens):
            last = self.tokens[-1].place
            raise SpecError([Fault("SPN-705", "the text ends within a value", last, "a bracket is missing")])
        self.at += 1
        return self.tokens[self.at - 1]

    def _take(self, mark: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at][:2] == ("mark", mark)
        self.at += found
        return found

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            self._next()
            self.at -= 1
            raise self._wrong(f"expected {mark!r}")

    def _wrong(self, hint: str) -> SpecError:
        token = self.tokens[self.at]
        return SpecError([Fault("SPN-705", f"{token.text[:40]!r} is no part of a list of blocks", token.place, hint)])

    def _tokens(self, text: str) -> Iterator[Token]:
        at, line, start, count = 0, 1, 0, 0
        while at < len(text):
            found = TOKEN.match(text, at)
            place = Place(self.source, line, at - start + 1, max(1, len(found[0]) if found else 1))
            if not found:
                hint = "nothing is evaluated: lists, numbers, quoted text, True and False"
                raise SpecError([Fault("SPN-705", f"{text[at]!r} is no part of a list of blocks", place, hint)])
            if found.lastgroup != "space":
                count += 1
                if count > MAX_TOKENS:
                    raise SpecError([Fault("SPN-705", f"more than {MAX_TOKENS:,} pieces, the limit", place)])
                yield Token(found.lastgroup or "", found[0], place)
            for end in BREAK.finditer(found[0]):
                line, start = line + 1, at + end.end()
            at = found.end()
