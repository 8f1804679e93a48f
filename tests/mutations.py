"""Single mistakes, made automatically in a spec wherever they can be made, and the lines that a fault may point at.

A mistake in a spec's text is made by place: the reader of the language says where every key and value stands.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import NamedTuple

from spinec.spec.document import Item, read_text
from spinec.spec.dump import dump
from spinec.spec.errors import Fault, Place, SpecError, SpecWarning
from spinec.spec.library import library
from spinec.spec.load import Loaded, load, reads

Path = tuple[str | int, ...]


class Mutant(NamedTuple):
    """A text with one mistake, and the lines of it that a fault may point at."""

    text: str
    lines: frozenset[int]


@dataclass(frozen=True)
class Doc:
    """A text and where everything in it stands."""

    name: str
    text: str

    @cached_property
    def tree(self) -> Item:
        return read_text(self.text, self.name)

    @cached_property
    def items(self) -> list[tuple[Path, Item]]:
        """Every value and its path."""
        return list(_walk(self.tree, ()))

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def blocks(self) -> dict[str, Item]:
        blocks = self.tree.mapping.get("blocks")
        return {name: item for name, item in blocks.mapping.items() if item.mapping} if blocks else {}

    def at(self, place: Place, new: str, length: int | None = None) -> Mutant:
        """The text with what stands at a place replaced."""
        lines, row, start = list(self.lines), place.line - 1, place.column - 1
        end = start + (place.length if length is None else length)
        lines[row] = lines[row][:start] + new + lines[row][end:]
        return Mutant("\n".join(lines), frozenset({place.line}))

    def insert(self, line: int, new: str) -> Mutant:
        """The text with a line before another; lines count from one."""
        return Mutant("\n".join([*self.lines[: line - 1], new, *self.lines[line - 1 :]]), frozenset({line}))

    def naming(self, word: str, text: str) -> frozenset[int]:
        """The lines of a text that name a block, or take one away that a parent's block of its name still reads."""
        return frozenset(number for number, line in enumerate(text.split("\n"), 1) if {word, "null"} & _words(line))


class Mutation(NamedTuple):
    """One mistake. Where it may be none, `legal` says why."""

    group: str
    name: str
    make: Callable[[Doc], Iterator[Mutant]]
    legal: str = ""


def _walk(item: Item, path: Path) -> Iterator[tuple[Path, Item]]:
    yield path, item
    if isinstance(item.value, dict):
        for key, value in item.value.items():
            yield from _walk(value, (*path, key))
    elif isinstance(item.value, list):
        for i, value in enumerate(item.value):
            yield from _walk(value, (*path, i))


def _words(line: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in line.partition(" #")[0]).split())


def _length(doc: Doc, place: Place) -> int:
    """How many characters a value has on its line; a list or a mapping ends where its bracket is closed."""
    line, depth = doc.lines[place.line - 1], 0
    for i in range(place.column - 1, len(line)):
        depth += (line[i] in "[{") - (line[i] in "]}")
        if depth == 0:
            return max(place.length, i - place.column + 2)
    return place.length


def _value(doc: Doc, keys: str, new: str) -> Iterator[Mutant]:
    """A value replaced, of any of the keys."""
    for path, item in doc.items:
        named = path and path[-1] in keys.split() and path[0] not in ("published", "scale")
        if named and not isinstance(item.value, dict | list) and item.value is not None:
            yield doc.at(item.place, new)


def _key(doc: Doc, new: Callable[[str], str]) -> Iterator[Mutant]:
    """A key of a block, of the head or of the document replaced."""
    for path, item in doc.items:
        if item.key and (len(path) == 1 or path[0] == "head" or (path[0] == "blocks" and len(path) == 3)):
            yield doc.at(item.key, new(str(path[-1])))


def _lost(doc: Doc, key: str) -> Iterator[Mutant]:
    """An entry of a mapping left out, which its mapping then lacks: at the entry's line, or at the mapping's key."""
    for path, item in doc.items:
        if item.key and path[-1] == key and len(path) > 1 and path[0] in ("blocks", "head", "neck"):
            if item.key.line != item.place.line or (path[0] == "neck" and key == "dim"):
                continue
            start = item.key.column - 1
            end = item.place.column - 1 + item.place.length
            line = doc.lines[item.key.line - 1]
            end += len(line[end:]) - len(line[end:].lstrip(", "))
            if line[:start].rstrip().endswith(",") and line[end:].startswith("}"):
                start = len(line[:start].rstrip(", "))
            mutant, mapping = doc.at(item.key._replace(column=start + 1), "", end - start), doc.tree.find(path[:-1])
            yield mutant._replace(lines=mutant.lines | {mapping.key.line}) if mapping and mapping.key else mutant


def _lost_section(doc: Doc, key: str) -> Iterator[Mutant]:
    """A key of the document with all that is under it left out."""
    item = doc.tree.mapping.get(key)
    if item and item.key:
        later = [other.key.line for other in doc.tree.mapping.values() if other.key and other.key.line > item.key.line]
        end = min(later, default=len(doc.lines) + 1)
        text = "\n".join([*doc.lines[: item.key.line - 1], *doc.lines[end - 1 :]])
        yield Mutant(text, frozenset(range(1, len(doc.lines) + 1)))


def _inputs(doc: Doc, new: Callable[[str, list[str], str], str | None]) -> Iterator[Mutant]:
    """An input replaced; the name of the block, of all blocks, and the input itself say by what."""
    names = list(doc.blocks())
    for path, item in doc.items:
        if len(path) != 4 or path[0] != "blocks" or path[2] != "inputs" or not isinstance(item.value, str):
            continue
        if (made := new(str(path[1]), names, item.value)) is not None:
            yield doc.at(item.place, made)


def _later(name: str, names: list[str], given: str) -> str | None:
    return names[names.index(name) + 1] if name != names[-1] else None


def _input_list(doc: Doc, new: str) -> Iterator[Mutant]:
    for path, item in doc.items:
        if len(path) == 3 and path[0] == "blocks" and path[2] == "inputs":
            yield doc.at(item.place, new, _length(doc, item.place))


def _reader_as_input(doc: Doc) -> Iterator[Mutant]:
    """An input replaced by a block that reads this one: a cycle."""
    inputs = {name: block.find(("inputs",)) for name, block in doc.blocks().items()}
    given = {name: item.value for name, item in inputs.items() if item and isinstance(item.value, list)}
    read = {name: [item.mapping.get("from", item).value for item in items] for name, items in given.items()}
    for name, items in given.items():
        reader = next((other for other, names in read.items() if name in names and other != name), None)
        if reader and items and isinstance(items[0].value, str):
            yield doc.at(items[0].place, reader)


def _name(doc: Doc, new: Callable[[str], str]) -> Iterator[Mutant]:
    """A block renamed where it is defined: its readers no longer find it."""
    for name, item in doc.blocks().items():
        if item.key:
            mutant = doc.at(item.key, new(name))
            yield mutant._replace(lines=mutant.lines | doc.naming(name, mutant.text))


def _removed(doc: Doc) -> Iterator[Mutant]:
    for name, item in doc.blocks().items():
        if item.key and item.key.line == item.place.line:
            text = "\n".join([*doc.lines[: item.key.line - 1], *doc.lines[item.key.line :]])
            left = doc.naming("blocks", text) if len(doc.blocks()) == 1 else frozenset()  # without any
            yield Mutant(text, doc.naming(name, text) | doc.naming("head", text) | left)


def _swapped(doc: Doc) -> Iterator[Mutant]:
    """Two blocks, one of which reads the other, in the wrong order."""
    places = [(name, item.key) for name, item in doc.blocks().items() if item.key and item.key.line == item.place.line]
    for (first, one), (_, two) in pairwise(places):
        if two.line == one.line + 1 and first in _words(doc.lines[two.line - 1]):
            lines = list(doc.lines)
            lines[one.line - 1], lines[two.line - 1] = lines[two.line - 1], lines[one.line - 1]
            yield Mutant("\n".join(lines), frozenset({one.line}))


def _added_block(doc: Doc, new: str) -> Iterator[Mutant]:
    for name, item in doc.blocks().items():
        if item.key and item.key.line == item.place.line:
            indent = " " * (item.key.column - 1)
            mutant = doc.insert(item.key.line, indent + new.format(name=name, upper=name.upper()))
            twice = {item.key.line + 1} if new.startswith("{name}") else set()  # the second of the two is named
            yield mutant._replace(lines=mutant.lines | twice)


def _output(doc: Doc, new: Callable[[str, str], str]) -> Iterator[Mutant]:
    """An output's entry replaced."""
    outputs = doc.tree.mapping.get("outputs")
    for name, item in outputs.mapping.items() if outputs else ():
        if item.key and item.key.line == item.place.line and isinstance(item.value, str):
            length = item.place.column - item.key.column + item.place.length
            yield doc.at(item.key, new(name, item.value), length)


def _section(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
    """All of a section on one line replaced, or the section added."""
    item = doc.tree.mapping.get(key)
    if item and item.key and item.key.line == item.place.line:
        yield doc.at(item.place, new, _length(doc, item.place))
    elif not item:
        yield doc.insert(1, f"{key}: {new}")


def _line(doc: Doc, edit: Callable[[str], str | None], next_line: bool = False) -> Iterator[Mutant]:
    """A line of a block edited. Where it differs from the `next_line`, either may be the one at fault."""
    for item in doc.blocks().values():
        if item.key and item.key.line == item.place.line:
            line = doc.lines[item.key.line - 1]
            if (new := edit(line)) is not None and new != line:
                lines = [*doc.lines[: item.key.line - 1], new, *doc.lines[item.key.line :]]
                yield Mutant("\n".join(lines), frozenset({item.key.line, item.key.line + next_line}))


def _appended(doc: Doc, new: str) -> Iterator[Mutant]:
    kept = doc.text.rstrip("\n")
    yield Mutant(f"{kept}\n{new}\n", frozenset({kept.count("\n") + 2}))


def _before(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
    for path, item in doc.items:
        if path and path[-1] == key and path[0] == "blocks" and not isinstance(item.value, dict | list):
            yield doc.at(item.place, new, 0)


def _without_last(text: str, character: str) -> str | None:
    head, found, tail = text.partition(" #")[0].rpartition(character)
    return head + tail if found else None


INHERITED = "the parent's value holds"
SETTABLE = "taken from `defaults` or the field's own default"
NUMBERS = {
    "dim": ("-8", "0", "1000000000000000000", "9" * 60, "1.5", "1e3", "'8'", "8px", "true", "[8]", "{a: 8}", ".nan"),
    "level": ("-1", "13", "1.5", "'3'", "two", "[3]"),
    "repeats": ("0", "-1", "1000000000", "1.5", "two", "false"),
    "expand": ("0", "-6", "1e9", ".inf", ".nan", "six"),
    "kernel": ("0", "4", "65", "-3", "1.5", "big"),
    "layers classes": ("-1", "1e9", "many", "2.5"),
    "squeeze": ("-0.2", "1.5", ".nan", "some"),
}
WORDS = {
    "kind": ("mbcov", "MBConv", "7", "[mbconv]", "''"),
    "activation": ("swihs", "Swish", "3", "[swish]"),
    "down up": ("nearset", "bicubic", "2"),
    "padding": ("valid", "0"),
    "name": ("My Network", "a/b", "''", "x\ty", "[a]"),
}
BREAKS: dict[str, Callable[[str], str | None]] = {
    "a bracket not closed": lambda line: _without_last(line, "]"),
    "a brace not closed": lambda line: _without_last(line, "}"),
    "a bracket not opened": lambda line: line.replace("[", "", 1) if "[" in line else None,
    "a quote not closed": lambda line: line.replace("inputs: [", 'inputs: ["', 1) if "inputs: [" in line else None,
    "a tab for spaces": lambda line: "\t" + line.lstrip(),
    "no colon": lambda line: line.replace(":", "", 1),
    "no space after a colon": lambda line: re.sub(": +", ":", line, count=1),
    "a comma for a colon": lambda line: line.replace("level:", "level,", 1) if "level:" in line else None,
    "a character that starts no word": lambda line: line.replace(": ", ": @", 1),
    "a backtick": lambda line: line.replace(": ", ": `", 1),
    "a null character": lambda line: line + "\0",
    "an escape character": lambda line: line + " # \x1b[31m",
    "a word alone": lambda line: line + " oops",
}
NAMES = {
    "with a capital": str.upper,
    "with a dash": lambda name: name + "-a",
    "a keyword": lambda name: "class",
    "a builtin": lambda name: "eval",
    "an attribute of modules": lambda name: "forward",
    "an attribute of Keras layers": lambda name: "trainable",
    "dunder": lambda name: "__init__",
    "in full-width letters": lambda name: "ｅval",
    "of look-alikes": lambda name: "ѕtem",
    "with a quote": lambda name: f"'{name}\"'",
    "with a newline": lambda name: f'"{name}\\n"',
    "with markup": lambda name: "'</title><script>'",
    "of 60 letters": lambda name: "a" * 60,
    "of digits first": lambda name: "1" + name,
    "the image's": lambda name: "image",
    "another word": lambda name: name + "_renamed",
}

MUTATIONS: tuple[Mutation, ...] = (
    *(
        Mutation("numbers", f"{keys.replace(' ', ' or ')} is {new if len(new) < 30 else 'of 60 digits'}", partial(_value, keys=keys, new=new))
        for keys, values in NUMBERS.items()
        for new in values
    ),
    *(
        Mutation("words", f"{keys.replace(' ', ' or ')} is {new!r}", partial(_value, keys=keys, new=new))
        for keys, values in WORDS.items()
        for new in values
    ),
    Mutation("keys", "a letter left out", partial(_key, new=lambda key: key[:-1]), "another key of the same name"),
    Mutation("keys", "a letter doubled", partial(_key, new=lambda key: key + key[-1])),
    Mutation("keys", "in capitals", partial(_key, new=str.upper)),
    Mutation("keys", "a list", partial(_key, new=lambda key: f"[{key}]")),
    Mutation("keys", "given twice", partial(_key, new=lambda key: f"{key}: 1, {key}")),
    Mutation("keys", "an unknown one added", partial(_added_block, new="colour: red")),
    Mutation("keys", "a key of another kind", partial(_value, keys="dim", new="8, rates: [1]"), SETTABLE),
    *(
        Mutation("keys", f"{key} left out", partial(_lost, key=key), INHERITED if key != "fragment" else "")
        for key in ("level", "dim", "kind", "inputs", "fragment", "C4")
    ),
    *(Mutation("keys", f"{key} left out of the document", partial(_lost_section, key=key), INHERITED) for key in ("name", "blocks", "outputs")),
    Mutation("inputs", "misspelt", partial(_inputs, new=lambda name, names, given: given + "x")),
    Mutation("inputs", "unknown", partial(_inputs, new=lambda name, names, given: "no_such_block")),
    Mutation("inputs", "the block itself", partial(_inputs, new=lambda name, names, given: name)),
    Mutation("inputs", "a later block", partial(_inputs, new=_later)),
    Mutation("inputs", "a reader of the block (a cycle)", _reader_as_input),
    Mutation("inputs", "listed twice", partial(_inputs, new=lambda name, names, given: f"{given}, {given}")),
    Mutation("inputs", "an output's name", partial(_inputs, new=lambda name, names, given: "P5")),
    Mutation("inputs", "a number", partial(_inputs, new=lambda name, names, given: "3")),
    Mutation("inputs", "empty", partial(_inputs, new=lambda name, names, given: "''")),
    Mutation("inputs", "a list in the list", partial(_inputs, new=lambda name, names, given: f"[{given}]")),
    Mutation("inputs", "without from", partial(_inputs, new=lambda name, names, given: "{down: conv}")),
    Mutation("inputs", "with an unknown key", partial(_inputs, new=lambda name, names, given: f"{{from: {given}, via: conv}}")),
    Mutation("inputs", "with an unknown way", partial(_inputs, new=lambda name, names, given: f"{{from: {given}, up: cubic}}")),
    Mutation("inputs", "none", partial(_input_list, new="[]")),
    Mutation("inputs", "no list", partial(_input_list, new="stem")),
    Mutation("inputs", "a number for the list", partial(_input_list, new="7")),
    *(Mutation("names", f"a block's, {what}", partial(_name, new=new)) for what, new in NAMES.items()),
    Mutation("blocks", "one removed", _removed, "the parent's block holds, or nothing else reads it"),
    Mutation("blocks", "two swapped", _swapped, "the parent's order holds"),
    Mutation("blocks", "one inserted that nobody reads", partial(_added_block, new="more: {{kind: conv, level: 3, dim: 8, inputs: [image]}}"), "a warning says so"),
    Mutation("blocks", "one of the same name inserted", partial(_added_block, new="{name}: {{kind: conv, level: 3, dim: 8, inputs: [image]}}")),
    Mutation("blocks", "one of the same name in capitals inserted", partial(_added_block, new="{upper}: {{kind: conv, level: 3, dim: 8, inputs: [image]}}")),
    Mutation("blocks", "a kind alone", partial(_added_block, new="more: conv")),
    Mutation("blocks", "nothing", partial(_added_block, new="more:"), "of a child: takes a parent's block away"),
    Mutation("outputs", "of an unknown block", partial(_output, new=lambda name, block: f"{name}: no_such_block")),
    Mutation("outputs", "the image", partial(_output, new=lambda name, block: f"{name}: image")),
    Mutation("outputs", "of another level than the name says", partial(_output, new=lambda name, block: f"P11: {block}")),
    Mutation("outputs", "a number", partial(_output, new=lambda name, block: f"{name}: 5")),
    Mutation("outputs", "a list", partial(_output, new=lambda name, block: f"{name}: [{block}]")),
    Mutation("outputs", "a block given out twice", partial(_output, new=lambda name, block: f"{name}: {block}, again: {block}")),
    Mutation("outputs", "of a name with a blank", partial(_output, new=lambda name, block: f"{name} a: {block}")),
    Mutation("outputs", "of a keyword's name", partial(_output, new=lambda name, block: f"class: {block}")),
    Mutation("outputs", "none", partial(_section, key="outputs", new="{}"), INHERITED),
    Mutation("outputs", "a list", partial(_section, key="outputs", new="[b1]")),
    Mutation("head", "an unknown kind", partial(_section, key="head", new="{kind: yolo}")),
    Mutation("head", "no kind", partial(_section, key="head", new="{colour: red}")),
    Mutation("head", "no mapping", partial(_section, key="head", new="retinanet")),
    Mutation("head", "anchors for another number of outputs", partial(_section, key="head", new="{kind: ssd, anchors: [3, 6, 6, 6, 6, 6, 6, 6, 6]}")),
    Mutation("head", "endpoints of dim 0", partial(_section, key="endpoints", new="{dim: 0}")),
    Mutation("input", "size 0", partial(_section, key="input", new="{size: 0}")),
    Mutation("input", "size 1e9", partial(_section, key="input", new="{size: 1000000000}")),
    Mutation("input", "three sizes", partial(_section, key="input", new="{size: [3, 224, 224]}")),
    Mutation("input", "size in words", partial(_section, key="input", new="{size: large}")),
    Mutation("defaults", "an unknown key", partial(_section, key="defaults", new="{colour: red}")),
    Mutation("defaults", "a list", partial(_section, key="defaults", new="[mbconv]")),
    Mutation("extends", "an unknown parent", partial(_section, key="extends", new="no-such-spec")),
    Mutation("extends", "a parent misspelt", partial(_section, key="extends", new="eff-spinenet-do")),
    Mutation("extends", "a number", partial(_section, key="extends", new="7777")),
    Mutation("extends", "two parents", partial(_section, key="extends", new="[resnet-50, resnet-18]")),
    Mutation("extends", "a path out of the folder", partial(_section, key="extends", new="../../etc/passwd.yaml")),
    Mutation("extends", "a file that is not there", partial(_section, key="extends", new="no-such-file.yaml")),
    Mutation("extends", "itself (a cycle)", partial(_section, key="extends", new="mutant.yaml")),
    Mutation("neck", "an unknown fragment", partial(_section, key="neck", new="{fragment: no-such-neck}")),
    Mutation("neck", "no mapping", partial(_section, key="neck", new="fpnn")),
    Mutation("neck", "a feature of an unknown block", partial(_value, keys="C4", new="no_such_block")),
    *(Mutation("YAML", name, partial(_line, edit=edit)) for name, edit in BREAKS.items()),
    Mutation("YAML", "one space too many", partial(_line, edit=lambda line: " " + line, next_line=True), "a block alone may be indented so"),
    Mutation("YAML", "a list entry among keys", partial(_line, edit=lambda line: "  - " + line.lstrip(), next_line=True)),
    Mutation("YAML", "an anchor", partial(_before, key="dim", new="&a ")),
    Mutation("YAML", "an alias", partial(_value, keys="dim", new="*a")),
    Mutation("YAML", "a tag that would run code", partial(_before, key="dim", new="!!python/object/apply:os.system ")),
    Mutation("YAML", "a merge key", partial(_added_block, new="<<: {{a: b}}")),
    Mutation("YAML", "a second document", partial(_appended, new="--- {}")),
    Mutation("YAML", "text behind the end", partial(_appended, new="oops")),
)  # fmt: skip


class Verdict(NamedTuple):
    """What became of a mutant: legal or not, with which warnings, and whether a fault is on a right line."""

    legal: bool
    at_the_line: bool
    codes: tuple[str, ...]


def judge(doc: Doc, mutant: Mutant, folder: str) -> Verdict:
    """Load a mutant as a file of a folder would be."""
    found: tuple[Fault, ...]
    try:
        loaded = read_as_file(mutant.text, doc.name, folder)
        legal, found = True, loaded.warnings
    except SpecError as error:
        legal, found = False, error.faults
    here = [fault for fault in found if fault.place is None or fault.place.source.name == doc.name]
    lines = {fault.place.line for fault in here if fault.place}
    return Verdict(legal, bool(lines & mutant.lines), tuple(dict.fromkeys(fault.code for fault in found)))


def read_as_file(text: str, name: str, folder: str) -> Loaded:
    """As if the text were a file `mutant.yaml` of a folder."""
    from pathlib import Path as FilePath

    return reads(text, name, FilePath(folder) / "mutant.yaml")


def documents() -> Iterator[Doc]:
    """Every spec of the library as it is written, and those that extend another also with all that they inherit."""
    for name, path in library().items():
        doc = Doc(name, path.read_text(encoding="utf-8"))
        yield doc
        if "extends" in doc.tree.mapping:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SpecWarning)
                yield Doc(f"{name} (whole)", dump(load(name)))


def some(mutants: Iterator[Mutant], most: int) -> list[Mutant]:
    """At most so many of them, spread from the first to the last."""
    found = list(mutants)
    if len(found) <= most:
        return found
    return [found[i * (len(found) - 1) // max(1, most - 1)] for i in range(most)]
