"""From YAML text to a tree in which everything knows its place.

The language is a subset of YAML 1.2: mappings, sequences and scalars of the core schema. Anchors, aliases, merge keys,
tags and several documents are refused, so no text can expand into more than it shows. The tree is made straight from
the parser's events, one pass under fixed limits: nothing is composed, resolved or constructed by the YAML library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeAlias

import yaml

from spinec.spec.collection import paused_collection
from spinec.spec.errors import MOST_FAULTS, Fault, Place, Source, SpecError, close_to
from spinec.spec.scalars import Scalar, is_number, parse, plain_value, split_lines
from spinec.spec.syntax import At, cause, too_deep

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 60_000  # the parser's events: 4,096 blocks of 14 each, such as two inputs, a kind, a level and a dim
MAX_ENTRIES = 5_000  # of one mapping or list: as many blocks as there may be, and room for those that are one too many
MAX_SHARED = 64  # nodes of what many blocks take: a default, or a setting of a fragment
MAX_DIGITS = 30  # of a number: the largest legal one has 16
SHARING = "use 'defaults' or 'extends' to share settings"

Tree: TypeAlias = "Scalar | list[Item] | dict[str, Item]"

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Item(NamedTuple):
    """A value of a document, where it stands, where its key stands, and what of a parent's it changes."""

    value: Tree
    place: Place
    key: Place | None = None
    below: Place | None = None

    @property
    def mapping(self) -> dict[str, Item]:
        """The entries of a mapping; nothing for any other value."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Any:
        """The value without places; sequences are tuples."""
        value = self.value  # most are scalars, for which a call each would take most of the time
        if isinstance(value, dict):
            return {
                key: item.plain() if isinstance(item.value, dict | list) else item.value for key, item in value.items()
            }
        if isinstance(value, list):
            return tuple([item.plain() if isinstance(item.value, dict | list) else item.value for item in value])
        return value

    @property
    def size(self) -> int:
        """How many values it holds, itself included."""
        inner: Iterable[Item] = self.value if isinstance(self.value, list) else self.mapping.values()
        return 1 + sum(item.size for item in inner)

    def find(self, path: tuple[str | int, ...]) -> Item | None:
        """The item at a path of keys and indices."""
        item: Item | None = self
        for step in path:
            match item and item.value:
                case dict() as entries if isinstance(step, str):
                    item = entries.get(step)
                case list() as items if isinstance(step, int) and step < len(items):
                    item = items[step]
                case _:
                    return None
        return item


@dataclass
class Allowance:
    """What may still be read for one spec: what it inherits counts, too."""

    nodes: int = MAX_NODES
    characters: int = MAX_BYTES


def read_file(path: Path, name: str, allowance: Allowance | None = None, used: Place | None = None) -> Item:
    """The tree of a file; `name` is how errors call it, `used` where another document names it."""
    return read_text(file_text(path, name), name, allowance, used)


def check_shared(what: str, shared: Mapping[str, Item]) -> None:
    """Nothing large is handed to every block: a small text would become a large tree.

    Raises:
        SpecError: for the first that is too large.
    """
    for key, item in shared.items():
        if item.size > MAX_SHARED:
            message = f"{what}.{key}: {item.size:,} values for every block to take, expected at most {MAX_SHARED}"
            raise SpecError([Fault("SPN-105", message, item.key or item.place)])


def file_text(path: Path, name: str) -> str:
    """The text of a file of at most `MAX_BYTES`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        hint = partial(_close_file, path) if isinstance(error, FileNotFoundError) else ""
        raise SpecError([Fault("SPN-101", f"{name}: cannot be read: {reason}", None, hint)]) from None
    return decode(data, name)


def files_beside(path: Path) -> list[str]:
    """The files in the folder of a path, as that path would name them; none where there is no such folder."""
    try:
        return sorted(str(path.parent / file.name) for file in path.parent.iterdir())
    except (OSError, ValueError):
        return []


def _close_file(path: Path) -> str:
    return close_to(path, (file for file in files_beside(path) if file.endswith(path.suffix)))


def decode(data: bytes, name: str) -> str:
    """The text of UTF-8 data of at most `MAX_BYTES`."""
    if len(data) > MAX_BYTES:
        _too_large(name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(split_lines(data[: error.start].decode(errors="replace")))
        byte = f"{data[error.start]:#04x}"
        raise SpecError(
            [Fault("SPN-103", f"{name}:{line}: not UTF-8 text (byte {byte})", None, "save it as UTF-8")]
        ) from None


@paused_collection()
def read_text(text: str, name: str, allowance: Allowance | None = None, used: Place | None = None) -> Item:
    """The tree of a text; every fault that can be found in one pass is raised at once."""
    allowance = allowance or Allowance()
    allowance.characters -= len(text)
    if allowance.characters < 0:
        _too_large(name)
    text = text.removeprefix("\ufeff")
    return _Reader(text, Source(name, split_lines(text), used), allowance).document()


def _too_large(name: str) -> NoReturn:
    raise SpecError(
        [Fault("SPN-104", f"{name}: larger than {MAX_BYTES:,} bytes, the limit for a spec with all it inherits")]
    )


class _Reader:
    """One pass over the events of a document."""

    def __init__(self, text: str, source: Source, allowance: Allowance) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.anchors: set[str] = set()
        self.allowance = allowance
        self.events = parse(text)

    def document(self) -> Item:
        try:
            root = self._root()
        except yaml.MarkedYAMLError as error:
            raise SpecError([*self.faults, self._syntax(error)]) from None
        except (yaml.YAMLError, UnicodeEncodeError):  # a character that YAML forbids has no mark
            raise SpecError([*self.faults, self._forbidden_character()]) from None
        if self.faults:
            raise SpecError(self.faults)
        return root

    def _root(self) -> Item:
        self._next()  # the stream's start
        if isinstance(self._next(), yaml.StreamEndEvent):
            message = f"{self.source.name}: the document is empty"
            raise SpecError([Fault("SPN-107", message, None, "'spinec new' writes a spec to start from")])
        root = self._item(self._next(), depth=0)
        self._next()  # the document's end
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._fault("SPN-108", "a second document: a spec is one document", after)
        return root

    def _next(self) -> yaml.Event:
        event = next(self.events)
        self.allowance.nodes -= 1
        if self.allowance.nodes < 0:
            message = f"more than {MAX_NODES:,} YAML nodes, the limit for a spec with all it inherits"
            raise SpecError([Fault("SPN-105", message, self._place(event))])
        return event

    def _item(self, event: yaml.Event, depth: int, key: Place | None = None) -> Item:
        place = self._place(event)
        if depth > MAX_DEPTH:
            raise SpecError([Fault("SPN-106", f"nested deeper than {MAX_DEPTH} levels", place)])
        self._check_data(event)
        if isinstance(event, yaml.ScalarEvent):
            return Item(self._scalar(event), place, key)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := self._next(), yaml.SequenceEndEvent):
                items.append(self._item(inner, depth + 1))
                self._count(len(items), inner)
            return Item(items, place, key)
        return Item(self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else None, place, key)

    def _check_data(self, event: Any) -> None:
        """A value has neither an anchor nor a tag."""
        if event.anchor is not None:
            kind = "alias" if isinstance(event, yaml.AliasEvent) else "anchor"
            if event.anchor not in self.anchors:  # an alias of an anchor that is named already goes with it
                self._fault("SPN-112", f"YAML {kind} {event.anchor!r}: specs have none", event, SHARING)
            self.anchors.add(event.anchor)
        if not isinstance(event, yaml.AliasEvent) and event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fault("SPN-113", f"YAML tag {tag!r}: a spec is plain data", event, "remove the tag")

    def _mapping(self, depth: int) -> dict[str, Item]:
        entries: dict[str, Item] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            place = self._place(event)
            if isinstance(event, yaml.ScalarEvent):
                self._check_data(event)
            else:
                self._item(event, depth + 1)
            value = self._item(self._next(), depth + 1, place)
            if isinstance(event, yaml.CollectionStartEvent):
                self._fault("SPN-115", "a key must be a word, not a mapping or a list", event)
            if not isinstance(event, yaml.ScalarEvent):
                continue
            name: str = event.value
            if name == "<<" and not event.style:
                self._fault("SPN-114", "merge key '<<': specs have none", event, SHARING)
            elif name in entries:
                first = entries[name].key or place
                self._fault("SPN-116", f"duplicate key {name!r}", event, f"first given on line {first.line}")
            else:
                entries[name] = value
                self._count(len(entries), event)
        return entries

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text: str = event.value
        if event.style:  # quoted or a block: text, whatever it looks like
            return text
        if len(text) > MAX_DIGITS and is_number(text):
            self._fault("SPN-117", f"a number of {len(text)} characters", event, f"expected at most {MAX_DIGITS}")
            return None
        return plain_value(text)

    def _place(self, event: yaml.Event) -> Place:
        start, end = event.start_mark, event.end_mark
        assert start is not None  # of an event that was parsed from text
        assert end is not None
        line, column = start.line, start.column
        length = end.column - column if end.line == line else 1
        if column and line < len(self.source.lines):
            return Place(self.source, line + 1, column + 1, length if length > 1 else 1)
        return self._at(line, column, length)

    def _at(self, line: int, column: int, length: int = 1) -> Place:
        """The place at a line and a column that count from zero; what stands behind the text is at its end."""
        lines = self.source.lines
        while line >= len(lines) or (line > 0 and column == 0 and not lines[line]):
            line = min(line, len(lines)) - 1
            column = len(lines[line])
        return Place(self.source, line + 1, column + 1, max(1, length))

    def _count(self, entries: int, event: yaml.Event) -> None:
        if entries > MAX_ENTRIES:
            message = f"more than {MAX_ENTRIES:,} entries, the limit for a mapping or a list"
            raise SpecError([*self.faults, Fault("SPN-105", message, self._place(event))])

    def _fault(self, code: str, message: str, event: yaml.Event, hint: str = "") -> None:
        self.faults.append(Fault(code, message, self._place(event), hint))
        if len(self.faults) >= MOST_FAULTS:
            raise SpecError(self.faults)

    def _syntax(self, error: yaml.MarkedYAMLError) -> Fault:
        """What is wrong where the parser stopped."""
        if not error.problem_mark:
            return Fault("SPN-109", f"{self.source.name}: not valid YAML")
        mark, context = self._mark(error.problem_mark), error.context_mark
        self._check_depth(mark)
        found = cause(self.source.lines, mark, self._mark(context) if context else None)
        return Fault(found.code, f"not valid YAML: {found.message}", self._at(*found.at), found.hint)

    def _check_depth(self, mark: At) -> None:
        """A parser that looks ahead may stop at a limit of its own before it has given the events up to ours."""
        if start := too_deep(self.source.lines, mark, MAX_DEPTH):
            with suppress(yaml.YAMLError):
                _Reader(start, self.source, Allowance())._root()

    def _mark(self, mark: yaml.Mark) -> At:
        place = self._at(mark.line, mark.column)
        return At(place.line - 1, place.column - 1)

    def _forbidden_character(self) -> Fault:
        for number, line in enumerate(self.source.lines):
            if found := _FORBIDDEN.search(line):
                message = f"not valid YAML: character {found[0]!a} is not allowed"
                return Fault("SPN-111", message, self._at(number, found.start()))
        return Fault("SPN-111", f"{self.source.name}: not valid YAML: a character is not allowed")
