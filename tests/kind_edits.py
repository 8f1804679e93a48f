"""Edits of kinds, which `kind_mutations.py` calls mistakes: values replaced, entries left out, added or renamed."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from fragment_mutations import _extent
from kind_documents import Entry, depth_of, entries, root_of, steps
from mutations import Doc, Mutant, _length, _words

from spinec.spec.document import Item
from spinec.spec.kinds.steps import LISTS, PRIMITIVES
from spinec.spec.kinds.steps import Kind as KindStep


def replaced(doc: Doc, entry: Entry, new: str) -> Mutant:
    """What stands at a place replaced, on one line."""
    if entry.one_line:
        return doc.at(entry.item.place, new, _length(doc, entry.item.place))
    first, behind = _extent(doc, (*root_of(doc), *entry.path), entry.item)
    assert entry.item.key
    kept = doc.lines[first - 1][: entry.item.key.column - 1] + f"{entry.path[-1]}: {new}"
    return Mutant("\n".join([*doc.lines[: first - 1], kept, *doc.lines[behind - 1 :]]), frozenset({first}))


def at_places(doc: Doc, where: Callable[[Entry], bool], new: Callable[[Entry], str | None]) -> Iterator[Mutant]:
    """The values replaced that are asked for."""
    for entry in entries(doc):
        if where(entry) and (text := new(entry)) is not None:
            yield replaced(doc, entry, text)


def formulas(doc: Doc, types: str, new: Callable[[str], str | None]) -> Iterator[Mutant]:
    """Formulas of some types changed, in quotes."""
    for entry in entries(doc):
        written = entry.type in types.split() and not isinstance(entry.item.value, dict | list)
        if written and (made := new(_text(entry.item))) is not None:
            mutant = replaced(doc, entry, f'"{made}"')
            of_let = doc.naming(str(entry.path[-1]), mutant.text) if entry.path[0] == "let" else frozenset()
            yield mutant._replace(lines=mutant.lines | of_let)  # what its name stands for does not fit there


def _text(item: Item) -> str:
    return str(item.value).lower() if isinstance(item.value, bool) else str(item.value)


def misspelt(text: str) -> str | None:
    """A formula with its last name misspelt."""
    found = [each for each in re.finditer(r"(?<!')\b[a-z_]+[a-z0-9_]*\b(?!['(])", text) if each[0] not in KEYWORDS]
    return text[: found[-1].end()] + "x" + text[found[-1].end() :] if found else None


KEYWORDS = ("if", "else", "and", "or", "not", "true", "false", "e")


def plain(doc: Doc, types: str, new: str) -> Iterator[Mutant]:
    return at_places(doc, lambda entry: entry.type in types.split(), lambda entry: new)


def keyed(doc: Doc, new: Callable[[str], str]) -> Iterator[Mutant]:
    """A key replaced that is a word of the language."""
    return (
        doc.at(entry.item.key, new(str(entry.path[-1]))) for entry in entries(doc) if entry.item.key and _is_word(entry)
    )


def _is_word(entry: Entry) -> bool:
    """Whether the last key of a path is a word of the language, not the name of a field, a formula or a step."""
    named = 2 if entry.path[0] in ("let", "fields") else depth_of(entry.path)
    return len(entry.path) != named


def lost(doc: Doc, where: Callable[[Entry], bool]) -> Iterator[Mutant]:
    """An entry left out with its key; its mapping, which then lacks it, may be named."""
    for entry in entries(doc):
        key = entry.item.key
        if not key or not where(entry):
            continue
        first, behind = _extent(doc, (*root_of(doc), *entry.path), entry.item)
        above = doc.tree.find((*root_of(doc), *entry.path[:-1]))
        place = (above.key or above.place) if above else key
        lines = list(doc.lines)
        if doc.lines[first - 1][: key.column - 1].strip():  # within braces
            line = lines[first - 1]
            start, end = key.column - 1, entry.item.place.column - 1 + _length(doc, entry.item.place)
            if not entry.one_line or entry.item.place.line != first:
                continue
            tail = line[end:].lstrip(", ") if line[end:].startswith(",") else line[end:]
            lines[first - 1] = (line[:start] if line[end:].startswith(",") else line[:start].rstrip(", ")) + tail
            yield Mutant("\n".join(lines), frozenset({first, place.line}))
        elif behind - first:
            text = "\n".join([*lines[: first - 1], *lines[behind - 1 :]])
            moved = place.line - (behind - first) * (place.line > first)
            yield Mutant(text, frozenset({moved}))


def added(doc: Doc, new: str, where: Callable[[Entry], bool]) -> Iterator[Mutant]:
    """An entry added before the first of a mapping: within its braces, or on a line of its own."""
    for entry in entries(doc):
        item = entry.item
        if not item.mapping or not where(entry):
            continue
        if doc.lines[item.place.line - 1][item.place.column - 1] == "{":
            yield doc.at(item.place._replace(column=item.place.column + 1), f"{new}, ", 0)
        else:
            yield doc.insert(item.place.line, " " * (item.place.column - 1) + new)


def renamed(doc: Doc, new: Callable[[str], str], section: str) -> Iterator[Mutant]:
    """The name of a field, of a formula or of a step replaced where it is given: what uses it no longer finds it."""
    for entry in entries(doc):
        key, depth = entry.item.key, depth_of(entry.path)
        is_name = len(entry.path) == depth if section == "steps" else entry.path[0] == section and len(entry.path) == 2
        if key and is_name:
            mutant = doc.at(key, new(str(entry.path[-1])))
            yield mutant._replace(lines=mutant.lines | doc.naming(str(entry.path[-1]), mutant.text))


def taken(doc: Doc, new: Callable[[str, list[str], str], str | None]) -> Iterator[Mutant]:
    """What a step takes replaced; the name of the step, of all steps beside it, and what is taken say by what."""
    for entry in entries(doc):
        depth = depth_of(entry.path)
        takes = entry.path[depth : depth + 1] in [(key,) for key in ("from", *LISTS)]
        if entry.step and takes and isinstance(entry.item.value, str):
            beside = doc.tree.find((*root_of(doc), *entry.path[: depth - 1]))
            made = new(str(entry.path[depth - 1]), list(beside.mapping) if beside else [], entry.item.value)
            if made is not None:
                yield replaced(doc, entry, made)


def later(name: str, names: list[str], given: str) -> str | None:
    return names[names.index(name) + 1] if name != names[-1] else None


def is_field(entry: Entry, *types: str) -> bool:
    """Whether a path is that of a field of some types; of any if none is given."""
    said = entry.item.mapping
    kind = said["type"].value if "type" in said else "one_of" if "one_of" in said else ""
    return entry.path[0] == "fields" and len(entry.path) == 2 and (not types or kind in types)


def of_field(doc: Doc, key: str, new: str, *types: str) -> Iterator[Mutant]:
    """What fields of some types say under a key replaced, or added."""
    for entry in entries(doc):
        if is_field(entry, *types):
            if key in entry.item.mapping:
                mutant = replaced(doc, Entry((*entry.path, key), entry.item.mapping[key], None), new)
                beside = [entry.item.key, *(item.key for item in entry.item.mapping.values())]
                yield mutant._replace(lines=mutant.lines.union(place.line for place in beside if place))
            else:
                yield from added(doc, f"{key}: {new}", lambda other, path=entry.path: other.path == path)


def setting(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
    """A setting of steps replaced: a field that nothing then uses is named as well."""
    for entry in entries(doc):
        if entry.step and entry.path[-1] == key and not isinstance(entry.item.value, dict | list):
            mutant = replaced(doc, entry, new)
            named = (doc.naming(word, mutant.text) for word in _words(_text(entry.item)))
            yield mutant._replace(lines=mutant.lines.union(*named))


def whole(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
    """What a kind says as a whole replaced, or added."""
    found = [entry for entry in entries(doc) if entry.path == (key,)]
    root = doc.tree.find(root_of(doc))
    if found:
        fields = doc.tree.find((*root_of(doc), "fields")) if key == "steps" else None  # which nothing then uses
        lines = {item.key.line for item in (fields.mapping if fields else {}).values() if item.key}
        mutant = replaced(doc, found[0], new)
        yield mutant._replace(lines=mutant.lines | lines)
    elif root:
        mutant = doc.insert(root.place.line, " " * (root.place.column - 1) + f"{key}: {new}")
        everywhere = range(1, len(doc.lines) + 2) if key == "node" else ()  # steps do not stand beside resampling
        yield mutant._replace(lines=mutant.lines.union(everywhere))


def edited_lines(doc: Doc, edit: Callable[[str], str | None]) -> Iterator[Mutant]:
    """A line of a step or of a field edited."""
    for entry in entries(doc):
        key = entry.item.key
        if key and (len(entry.path) == depth_of(entry.path) or is_field(entry)) and entry.one_line:
            line = doc.lines[key.line - 1]
            if (new := edit(line)) is not None and new != line:
                yield Mutant(
                    "\n".join([*doc.lines[: key.line - 1], new, *doc.lines[key.line :]]), frozenset({key.line})
                )


def swapped(doc: Doc) -> Iterator[Mutant]:
    """A step put before the one that it takes."""
    placed = [entry for entry in steps(doc) if entry.item.key and entry.path[0] == "steps"]
    for one, two in pairwise(placed):
        (first, end), (start, behind) = (_extent(doc, (*root_of(doc), *entry.path), entry.item) for entry in (one, two))
        taken = {value for key in ("from", *LISTS) if (item := two.item.mapping.get(key)) for value in _flat(item)}
        if end == start and one.path[-1] in taken and doc.lines[first - 1].lstrip().startswith(f"{one.path[-1]}:"):
            lines = [
                *doc.lines[: first - 1],
                *doc.lines[start - 1 : behind - 1],
                *doc.lines[first - 1 : end - 1],
                *doc.lines[behind - 1 :],
            ]
            yield Mutant("\n".join(lines), frozenset(range(first, first + behind - start)))


def _flat(item: Item) -> list[str]:
    values = item.value if isinstance(item.value, list) else [item]
    return [str(value.value).removesuffix("*") for value in values]


def is_of_inner(entry: Entry) -> bool:
    """Whether a step says it of a field of another kind."""
    within = bool(entry.step) and len(entry.path) == depth_of(entry.path) + 1
    return within and entry.step is PRIMITIVES["kind"] and entry.path[-1] not in (*KindStep.model_fields, "from")


def lost_name(doc: Doc, section: str) -> Iterator[Mutant]:
    """A field, a formula or a step left out: what names it no longer finds it."""
    depth = 2 if section != "steps" else 0
    return lost_named(
        doc,
        lambda entry: len(entry.path) == (depth or depth_of(entry.path)) and (not depth or entry.path[0] == section),
    )


def lost_primitive(doc: Doc) -> Iterator[Mutant]:
    return lost_named(doc, lambda entry: bool(entry.step and entry.step.main) and _is_setting(entry, entry.step.main))


def _is_setting(entry: Entry, key: str) -> bool:
    return len(entry.path) == depth_of(entry.path) + 1 and entry.path[-1] == key


def lost_named(doc: Doc, where: Callable[[Entry], bool]) -> Iterator[Mutant]:
    """An entry left out: what it named may be used by nothing else, and what names it no longer finds it."""
    for entry in entries(doc):
        if where(entry):
            gone = {str(entry.path[-1]), *(word for line in _spelt(doc, entry) for word in _words(line))}
            for mutant in lost(doc, lambda other, path=entry.path: other.path == path):
                named = (doc.naming(word, mutant.text) for word in gone)
                yield mutant._replace(lines=mutant.lines.union(*named, _steps_of(doc, entry, mutant)))


def _spelt(doc: Doc, entry: Entry) -> list[str]:
    """The lines of an entry, or the part of its line that is its own."""
    first, behind = _extent(doc, (*root_of(doc), *entry.path), entry.item)
    start = entry.item.place.column - 1
    if entry.one_line and entry.item.place.line == first:
        return [doc.lines[first - 1][start : start + _length(doc, entry.item.place)]]
    return doc.lines[first - 1 : behind - 1]


def _steps_of(doc: Doc, entry: Entry, mutant: Mutant) -> Iterator[int]:
    """The lines of all steps: without one of them, what another gives may not be what is asked for."""
    if entry.step:
        section = doc.tree.find((*root_of(doc), "steps"))
        assert section
        assert section.key
        yield from range(section.key.line, len(mutant.text.split("\n")) + 1)
