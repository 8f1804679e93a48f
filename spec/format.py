"""The one form of a document: one line where one is enough, names of blocks in a column, comments where they were."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import dropwhile
from operator import not_

from spinec.spec.document import read_text
from spinec.spec.kinds.library import KINDS
from spinec.spec.spelling import spell_key
from spinec.spec.written import Collection, Entry, Word, read_written

WIDTH = 120
INDENT = 2
LONGEST_KEY = 128  # YAML wants a longer one announced
MOST_PADDING = 4  # spaces that put the names of blocks in a column; more would tear name and block apart
FIRST = ("level", "kind", "dim", "kernel")  # of a block's keys
LAST = ("padding", "activation", "fuse", "repeats", "inputs")


def format_text(text: str, name: str = "<text>") -> str:
    """A document in its one form: the same meaning, every comment, and formatting it again changes nothing.

    A mapping or a list is on one line where it fits in 120 columns and holds no comment, else it has a line an entry;
    `blocks` has a line a block. The keys of a block have one order; all else keeps the order in which it was written.

    Raises:
        SpecError: when the text cannot be read as YAML, or uses of YAML what the language does not have.

    >>> print(format_text("blocks: {b1: {inputs:  [image], 'dim': 8, level: 1}} # one"), end="")
    blocks:  # one
      b1: {level: 1, dim: 8, inputs: [image]}
    """
    read_text(text, name)
    written = read_written(text.removeprefix("\ufeff"))
    _order(written.entries[0])
    _settle(written.entries[0])
    lines = "".join(f"{line}\n" for line in _squeezed(_document(written)))
    return lines.replace("\n", "\r\n") if "\r\n" in text else lines


def _order(entry: Entry) -> None:
    """Put the keys of every block, and of what holds for every block, in the order of the language."""
    for inner in _entries(entry.value):
        if inner.key == "blocks":
            for block in _entries(inner.value):
                _entries(block.value).sort(key=_rank)
        elif inner.key == "defaults":
            _entries(inner.value).sort(key=_rank)
        elif inner.key == "cell":
            _order(inner)


def _settle(entry: Entry) -> None:
    """Put every comment where there is room for it: one beside an entry, none within what is empty or behind a dash."""
    value = entry.value
    if isinstance(value, Collection):
        for inner in value.entries:
            _settle(inner)
        if not value.entries:
            entry.above += filter(None, value.tail)
            value.tail = []
        elif entry.key is None:
            first = value.entries[0]
            entry.above += _without_blanks_before(first.above)
            first.above = []
            if first.key is None and isinstance(first.value, Collection):
                entry.above += first.beside
                first.beside = []
    room = len(entry.key or "") <= LONGEST_KEY
    beside = entry.beside[-1:] if room else []
    entry.above += entry.beside[: len(entry.beside) - len(beside)]
    entry.beside = beside


def _without_blanks_before(comments: list[str]) -> Iterator[str]:
    return dropwhile(not_, comments)


def _entries(value: Word | Collection) -> list[Entry]:
    return value.entries if isinstance(value, Collection) else []


def _rank(entry: Entry) -> float:
    ranks = _ranks()
    return ranks.get(entry.key or "", ranks[LAST[0]] - 0.5)  # what is unknown, before the last


@cache
def _ranks() -> dict[str, int]:
    """Key of a block: its position; of keys that kinds do not share, those of the first kinds come first."""
    fields = dict.fromkeys(key for kind in KINDS.values() for key in kind.definition.document.fields)
    order = [*FIRST, *(key for key in fields if key not in (*FIRST, *LAST)), *LAST]
    return {key: i for i, key in enumerate(order)}


def _document(written: Collection) -> Iterator[str]:
    (root,) = written.entries
    if isinstance(root.value, Collection) and root.value.entries:
        yield from (*root.above, *_block(root.value, 0), *root.beside, *written.tail)
    else:
        yield from (*root.above, _with_beside(root, _flow(root.value, in_flow=False)), *written.tail)


def _block(found: Collection, indent: int, *, blocks: bool = False) -> Iterator[str]:
    """The lines of a mapping or a list, one or more an entry; `blocks` says that it is the section of that name."""
    width = _name_width(found) if blocks else 0
    for i, entry in enumerate(found.entries):
        yield from (_line(indent, text) for text in (entry.above if i else _without_blanks_before(entry.above)))
        yield from _entry(entry, indent, width)
    yield from (_line(indent, text) for text in found.tail)


def _entry(entry: Entry, indent: int, width: int) -> Iterator[str]:
    """The lines of an entry, its value in a column behind keys of a width."""
    head, value = _head(entry, indent), entry.value
    if isinstance(value, Word) or not value.entries or _on_one_line(entry, value, head):
        yield _with_beside(entry, f"{head.ljust(indent + width + 1)} {_flow(value, in_flow=False)}")
    elif entry.key is None:
        yield from _item(entry, value, indent)
    else:
        yield _with_beside(entry, head)
        yield from _block(value, indent + INDENT, blocks=entry.key == "blocks")


def _with_beside(entry: Entry, line: str) -> str:
    return "  ".join([line, *entry.beside])


def _on_one_line(entry: Entry, value: Collection, head: str) -> bool:
    fits = len(f"{head} {_flow(value)}") <= WIDTH
    return fits and not value.has_comments and not _always_block(entry)


def _item(entry: Entry, value: Collection, indent: int) -> Iterator[str]:
    """The lines of a mapping or a list in a list, the first of them behind the dash."""
    yield from (_line(indent, text) for text in entry.beside)
    first, *rest = _block(value, indent + INDENT)
    yield from (_line(indent, f"- {first.lstrip()}"), *rest)


def _head(entry: Entry, indent: int) -> str:
    if entry.key is None:
        return _line(indent, "-")
    key = spell_key(entry.key)
    return _line(indent, f"{key}:" if len(entry.key) <= LONGEST_KEY else f"? {key}\n{_line(indent, ':')}")


def _line(indent: int, text: str) -> str:
    return " " * indent + text


def _flow(value: Word | Collection, *, in_flow: bool = True) -> str:
    """A value on one line."""
    if isinstance(value, Word):
        return value.in_flow if in_flow else value.in_block
    if value.is_mapping:
        return "{" + ", ".join(f"{spell_key(entry.key or '')}: {_flow(entry.value)}" for entry in value.entries) + "}"
    return "[" + ", ".join(_flow(entry.value) for entry in value.entries) + "]"


def _always_block(entry: Entry) -> bool:
    """Whether it is the section of blocks, or holds it."""
    return entry.key == "blocks" or any(inner.key == "blocks" for inner in _entries(entry.value))


def _name_width(found: Collection) -> int:
    """How wide the column of names is; 0 if they are so unlike in length that they have none."""
    widths = [len(spell_key(entry.key or "")) for entry in found.entries]
    return max(widths) if max(widths) - min(widths) <= MOST_PADDING else 0


def _squeezed(lines: Iterator[str]) -> Iterator[str]:
    """The lines with one blank line where there are several, and none at the start and at the end."""
    blank, before = False, False
    for line in lines:
        if line.strip():
            yield from [""] if blank and before else []
            yield line
            blank, before = False, True
        else:
            blank = True
