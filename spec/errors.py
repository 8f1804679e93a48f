"""Everything that can go wrong, as one tree, and how a fault of a document is shown.

SpinecError
├── SpecError       a document is at fault: every fault at once, each with its place
├── ShapeError      tensors do not fit together: an op was given shapes it cannot take
├── BackendError    a framework is missing, or has no rule for an op
├── SearchError     a study cannot be opened or continued, or its evaluator failed
└── DataError       a data set cannot be read, or has classes that a head has no number for

SpecWarning         a document is legal but probably not what was meant
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

MOST_FAULTS = 1_000  # of one sort of check that are looked for: a text with so many is no spec
MOST_SHOWN = 50  # faults shown of one document; a file of noise should not fill a terminal
MOST_COMPARED = 400  # words that a misspelt one is compared with, the last ones: of blocks, those nearest above
MOST_WORDS = 20  # words listed where no word is close to what was written
LONGEST = 600  # characters shown of a message or a hint
WINDOW = 110  # characters of a source line shown around its caret


class Source(NamedTuple):
    """A text that was read, the name by which a person knows it, and where the document that uses it names it."""

    name: str
    lines: Sequence[str]
    used: Place | None = None


class Place(NamedTuple):
    """Where something stands in a source; line and column count from one."""

    source: Source
    line: int
    column: int
    length: int

    def __str__(self) -> str:
        return f"{_shown(self.source.name)}:{self.line}:{self.column}"

    @property
    def uses(self) -> Iterator[Place]:
        """Where the document is named that it stands in, and where the one that names it is, up to the first."""
        used = self.source.used
        while used:
            yield used
            used = used.source.used

    def excerpt(self, note: str = "") -> str:
        """The line with a caret under the place and a note behind the caret."""
        text = self.source.lines[self.line - 1] if self.line <= len(self.source.lines) else ""
        start = max(0, self.column - 1 - WINDOW // 2) if len(text) > WINDOW else 0
        shown = "".join(c if c.isprintable() else "�" for c in text[start : start + WINDOW].replace("\t", " "))
        offset = self.column - 1 - start
        caret = "^" * max(1, min(self.length, len(shown) - offset))
        number = f"{self.line:>5}"
        below = f"{' ' * len(number)} | {' ' * offset}{caret} {note}".rstrip()
        return f"{number} | {shown}".rstrip() + f"\n{below}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: what, where, and what to do about it.

    The code is the same for every fault of its sort and never changes: `codes.yaml` explains it. A hint that takes a
    search is given as a function: it is only called for the faults that are shown.
    """

    code: str
    message: str
    place: Place | None = None
    hint: str | Callable[[], str] = ""
    severity: Literal["error", "warning"] = "error"

    @property
    def advice(self) -> str:
        """The hint as text."""
        return self.hint if isinstance(self.hint, str) else self.hint()

    def __str__(self) -> str:
        return self.text + "".join(f"\n      used at {place}" for place in (self.place.uses if self.place else ()))

    @property
    def text(self) -> str:
        """What is shown of it, but for where its document is used."""
        hint = _shown(self.advice)
        message = ("warning: " if self.severity == "warning" else "") + f"{_shown(self.message)} [{self.code}]"
        if self.place is None:
            return message + (f"\n      {hint}" if hint else "")
        return f"{self.place}: {message}\n{self.place.excerpt(hint)}"


class SpinecError(Exception):
    """The root of every error that spinec raises on purpose."""


class SpecError(SpinecError):
    """A document is at fault; `faults` holds every fault found, in the order of the text."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=_position))
        super().__init__(self.faults)

    def __str__(self) -> str:
        shown = [*_each(self.faults[:MOST_SHOWN])]
        rest = len(self.faults) - MOST_SHOWN
        least = "at least " if len(self.faults) >= MOST_FAULTS else ""
        return "\n".join([*shown, *([f"... and {least}{rest} more faults"] if rest > 0 else [])])


class ShapeError(SpinecError):
    """An op was given shapes it cannot take."""


class BackendError(SpinecError):
    """A framework is not installed, or a backend has no rule for an op."""


class SearchError(SpinecError):
    """A study cannot be opened or continued, or its evaluator failed."""


class DataError(SpinecError):
    """A data set cannot be read, or has classes that a head has no number for."""


class TrainError(SpinecError):
    """A run cannot be begun or gone on with, or its losses are no numbers any more."""


class SpecWarning(UserWarning):
    """A document is legal but probably not what was meant."""


def close_to(word: object, known: Iterable[str]) -> str:
    """A suggestion for a misspelt word, or nothing."""
    from spinec.spec.suggestions import nearest  # only ever needed on the way to an error

    close = nearest(str(word)[:100], list(known)[-MOST_COMPARED:])
    return f"did you mean {close!r}?" if close else ""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A suggestion for a misspelt word or for one of other projects, or the words that would have been right."""
    from spinec.spec.suggestions import elsewhere

    words = list(known)
    if suggestion := elsewhere(str(word), words) or close_to(word, words):
        return suggestion
    if not words:
        return ""
    rest = len(words) - MOST_WORDS
    return "expected " + ", ".join(words[:MOST_WORDS]) + (f" or one of {rest} more" if rest > 0 else "")


def _each(faults: Iterable[Fault]) -> Iterator[str]:
    """Every fault; where a document is used is said once."""
    said: set[str] = set()
    for fault in faults:
        name = fault.place.source.name if fault.place else ""
        yield fault.text if name in said else str(fault)
        said.add(name)


def first_line(text: str) -> str:
    """Where others' errors say what is wrong, without the pages that some add."""
    return text.strip().partition("\n")[0][:LONGEST]


def _shown(text: str) -> str:
    """A text as a terminal may have it: what a document says can neither move the cursor nor fill the screen."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:LONGEST])
    return safe + ("..." if len(text) > LONGEST else "")


def _position(fault: Fault) -> tuple[str, int, int]:
    return (fault.place.source.name, fault.place.line, fault.place.column) if fault.place else ("", 0, 0)
