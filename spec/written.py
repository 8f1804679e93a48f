"""A document as it was written: every value with the comments and blank lines about it.

The parser gives no comments, so they are what stands between its events: behind a `#`, to the end of the line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from spinec.spec.scalars import parse, plain_value, reads_as_text, split_lines
from spinec.spec.spelling import spell


class Word(NamedTuple):
    """A scalar as it is spelt, in brackets and outside."""

    in_flow: str
    in_block: str


NULL = Word("null", "null")


@dataclass
class Entry:
    """An entry of a mapping or of a list, or all that a document holds: its key, its value, and what is said of it."""

    key: str | None = None
    value: Word | Collection = NULL
    above: list[str] = field(default_factory=list)
    """Comments on lines of their own; an empty one is a blank line."""
    beside: list[str] = field(default_factory=list)
    """Comments behind it."""


@dataclass
class Collection:
    """A mapping, or a list, whose entries have no keys."""

    is_mapping: bool
    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    """Comments behind the last entry."""

    @property
    def has_comments(self) -> bool:
        """Whether there is a comment anywhere in it; a blank line is none."""
        return any(self.tail) or any(
            any(entry.above) or entry.beside or (isinstance(entry.value, Collection) and entry.value.has_comments)
            for entry in self.entries
        )


class _Comment(NamedTuple):
    """A comment on a line of its own, or a blank line, which has no column."""

    text: str
    column: int | None = None


def read_written(text: str) -> Collection:
    """A document in the language's subset of YAML as a list of one entry; `document.read_text` has checked it."""
    return _Scribe(text).document()


class _Scribe:
    """One pass over the events of a document and what stands between them."""

    def __init__(self, text: str) -> None:
        self.lines = split_lines(text)
        self.events = parse(text)
        self.line, self.column = 0, 0  # where the last event ended
        self.waiting: list[_Comment] = []  # for the entry that they are about
        self.last: Entry | None = None  # what a comment behind the last event is about

    def document(self) -> Collection:
        next(self.events), next(self.events)  # the stream's start, the document's
        root = Entry()
        self.value(root, self.take(), -1)
        self.take(), self.take()  # their ends
        return Collection(False, [root], self.claim())

    def take(self) -> yaml.Event:
        """The next event, after the comments before it."""
        event = next(self.events)
        assert event.start_mark is not None  # of an event that was parsed from text
        assert event.end_mark is not None
        self.skip(event.start_mark.line, event.start_mark.column)
        self.line, self.column = event.end_mark.line, event.end_mark.column
        return event

    def skip(self, line: int, column: int) -> None:
        """Find the comments up to a line and a column."""
        for number in range(self.line, min(line + 1, len(self.lines))):
            text = self.lines[number]
            start = self.column if number == self.line else 0
            at = text.find("#", start, column if number == line else len(text))
            if at >= 0 and self.last and number == self.line and text[:start].strip():
                self.last.beside.append(text[at:].rstrip())
            elif at >= 0:
                self.waiting.append(_Comment(text[at:].rstrip(), at))
            elif number < line and not text.strip():
                self.waiting.append(_Comment(""))

    def claim(self) -> list[str]:
        """What waits, for whom it is about."""
        claimed = [comment.text for comment in self.waiting]
        self.waiting = []
        return claimed

    def claim_inner(self, column: int) -> list[str]:
        """What waits and is indented further than a column: it is about what ends there."""
        count = 0
        for i, comment in enumerate(self.waiting, 1):
            if comment.column is not None and comment.column <= column:
                break
            count = i if comment.column is not None else count
        claimed, self.waiting = self.waiting[:count], self.waiting[count:]
        return [comment.text for comment in claimed]

    def value(self, entry: Entry, event: yaml.Event, column: int) -> None:
        """The value of an entry that stands in a collection at a column."""
        self.last = entry
        block = isinstance(event, yaml.CollectionStartEvent) and not event.flow_style
        if not block:
            entry.above += filter(None, self.claim())
        match event:
            case yaml.ScalarEvent():
                entry.value = self.word(event, entry)
            case yaml.CollectionStartEvent():
                entry.value = self.collection(event, column)
        self.last = entry

    def collection(self, event: yaml.CollectionStartEvent, column: int) -> Collection:
        assert event.start_mark is not None
        found, own = Collection(isinstance(event, yaml.MappingStartEvent)), event.start_mark.column
        while not isinstance(inner := self.take(), yaml.CollectionEndEvent):
            entry = Entry(above=self.claim())
            found.entries.append(entry)
            if isinstance(inner, yaml.ScalarEvent) and found.is_mapping:
                entry.key, self.last = inner.value, entry
                inner = self.take()
            self.value(entry, inner, own)
        found.tail = self.claim() if event.flow_style else self.claim_inner(column)
        return found

    def word(self, event: yaml.ScalarEvent, entry: Entry) -> Word:
        text: str = event.value
        if event.style in ("|", ">"):
            assert event.start_mark is not None
            head = self.lines[event.start_mark.line][event.start_mark.column :]
            if "#" in head:
                entry.beside.append(head[head.index("#") :].rstrip())
        if not event.style and not reads_as_text(text):
            given = plain_value(text)
            shown = spell(given) if isinstance(given, bool | None) else text  # a number keeps its digits
            return Word(shown, shown)
        return Word(spell(text), spell(text, flow=False))
