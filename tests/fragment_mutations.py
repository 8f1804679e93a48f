"""Single mistakes in fragments and in the necks that name them, made wherever they can be made (`mutations.py`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path as FilePath

from mutations import NUMBERS, WORDS, Doc, Mutant, Mutation, Path, Verdict, _length, _value, _without_last, documents

from spinec.spec.document import Item
from spinec.spec.errors import SpecError
from spinec.spec.library import fragments
from spinec.spec.load import reads

OWN = """\
fragment: own
takes: [C3, C4, C5]
settings: {dim: null, way: {kind: softmax}}
defaults: {kind: separable_conv, dim: $dim, fuse: {kind: sum}}
resample: {up: nearest}
blocks:
  n5: {level: 5, kind: conv, kernel: 1, inputs: [$C5]}
  n4: {level: 4, inputs: [$C4, {from: n5, up: nearest_first}]}
  n3: {level: 3, inputs: [$C3, n4]}
  c5: {level: 5, kind: identity, inputs: [{from: n4, down: conv}, n5]}
  n6: {level: 5, fuse: $way, inputs: [c5, n3]}
gives: {P3: n3, P4: n4, P5: n6}
"""
"""A fragment with what the library's have not: a setting that must be said, one that is a mapping, inputs with a way."""
USE = """\
name: use
blocks:
  b1: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b2: {level: 2, kind: conv, dim: 8, inputs: [b1]}
  b3: {level: 3, kind: conv, dim: 8, inputs: [b2]}
  b4: {level: 4, kind: conv, dim: 12, inputs: [b3]}
  b5: {level: 5, kind: conv, dim: 16, inputs: [b4]}
"""
NAMES = ("blocks", "gives", "settings")  # mappings whose keys are names, not words of the language


def fragment_documents() -> Iterator[Doc]:
    """Every fragment of the library, and one with what they have not."""
    for name, path in fragments().items():
        yield Doc(name, path.read_text(encoding="utf-8"))
    yield Doc("own", OWN)


def neck_documents() -> Iterator[Doc]:
    """Every spec of the library that has a neck of its own."""
    return (doc for doc in documents() if "neck" in doc.tree.mapping)


def judge_fragment(doc: Doc, mutant: Mutant, folder: str) -> Verdict:
    """Load a spec that uses a mutant, with every setting that it must say."""
    FilePath(folder, f"{doc.name}.yaml").write_text(mutant.text, encoding="utf-8")
    settings, takes = doc.tree.mapping.get("settings"), doc.tree.mapping["takes"]
    features = {str(name): f"b{name[1:]}" for name in takes.plain()}
    use = USE.partition(f"  b{int(max(features.values())[1:]) + 1}:")[0]  # nothing would read what is coarser
    must = {name: "24" for name, item in (settings.mapping if settings else {}).items() if item.value is None}
    given = "".join(f", {name}: {value}" for name, value in {**features, **must}.items())
    try:
        loaded = reads(f"{use}neck: {{fragment: {doc.name}.yaml{given}}}\n", "use.yaml", FilePath(folder, "use.yaml"))
        legal, found = True, loaded.warnings
    except SpecError as error:
        legal, found = False, error.faults
    lines = {fault.place.line for fault in found if fault.place and fault.place.source.name == f"{doc.name}.yaml"}
    said_where_used = all([*fault.place.uses] for fault in found if fault.place)
    return Verdict(legal, bool(lines & mutant.lines) and said_where_used, tuple(dict.fromkeys(f.code for f in found)))


def _is_word(path: Path) -> bool:
    """Whether the last key of a path is a word of the language."""
    return len(path) < 2 or path[-2] not in NAMES or path[0] == "defaults"


def _keys(doc: Doc, new: Callable[[str], str]) -> Iterator[Mutant]:
    """A key replaced that is a word of the language."""
    return (doc.at(item.key, new(str(path[-1]))) for path, item in doc.items if item.key and _is_word(path))


def _names(doc: Doc, new: Callable[[str], str], section: str) -> Iterator[Mutant]:
    """A name replaced where it is given: what uses it no longer finds it."""
    for path, item in doc.items:
        if item.key and path[-2:-1] == (section,) and (len(path) == 2 or path[0] == "cell"):
            mutant = doc.at(item.key, new(str(path[-1])))
            yield mutant._replace(lines=mutant.lines | doc.naming(str(path[-1]), mutant.text))


def _inputs(doc: Doc, new: Callable[[str, list[str], str], str | None]) -> Iterator[Mutant]:
    """An input replaced; the name of the block, of all blocks beside it, and the input itself say by what."""
    for path, item in doc.items:
        if len(path) >= 4 and path[-2] == "inputs" and isinstance(item.value, str):
            beside = doc.tree.find(path[:-3])
            names = list(beside.mapping) if beside else []
            if (made := new(str(path[-3]), names, item.value)) is not None:
                yield doc.at(item.place, made)


def _later(name: str, names: list[str], given: str) -> str | None:
    return names[names.index(name) + 1] if name != names[-1] else None


def _extent(doc: Doc, path: Path, item: Item) -> tuple[int, int]:
    """The first line of an entry, and the one behind its last."""
    assert item.key
    behind = [
        other.key.line
        for above, other in doc.items
        if other.key and len(above) <= len(path) and other.key.line > item.key.line
    ]
    return item.key.line, min(behind, default=len(doc.lines) + 1)


def _section(doc: Doc, path: Path, new: str | None) -> Iterator[Mutant]:
    """All that stands under a key replaced by something on one line, or left out with its key."""
    item = doc.tree.find(path)
    if not item or not item.key:
        return
    first, behind = _extent(doc, path, item)
    if doc.lines[first - 1].lstrip().startswith(f"{path[-1]}:"):
        kept = [] if new is None else [" " * (item.key.column - 1) + f"{path[-1]}: {new}"]
        text = "\n".join([*doc.lines[: first - 1], *kept, *doc.lines[behind - 1 :]])
        above = doc.tree.find(path[:-1])
        place = (above.key or above.place) if above else item.place
        yield Mutant(text, frozenset({first} if kept else {place.line}))


def _lost(doc: Doc, key: str) -> Iterator[Mutant]:
    """An entry of a block left out: its block then lacks it."""
    for path, item in doc.items:
        if len(path) > 2 and path[-1] == key and path[-3] == "blocks" and item.key:
            start, end = item.key.column - 1, item.place.column - 1 + _length(doc, item.place)
            line = doc.lines[item.key.line - 1]
            cut = line[end:].lstrip(", ") if line[end:].startswith(",") else line[end:]
            kept = line[:start] if line[end:].startswith(",") else line[:start].rstrip(", ")
            lines = [*doc.lines[: item.key.line - 1], kept + cut, *doc.lines[item.key.line :]]
            yield Mutant("\n".join(lines), frozenset({item.key.line}))


def _added(doc: Doc, path: Path, new: str) -> Iterator[Mutant]:
    """An entry added before the first of a mapping: within its braces, or on a line of its own."""
    item = doc.tree.find(path)
    if item and item.mapping:
        if doc.lines[item.place.line - 1][item.place.column - 1] == "{":
            yield doc.at(item.place._replace(column=item.place.column + 1), f"{new}, ", 0)
        else:
            yield doc.insert(item.place.line, " " * (item.place.column - 1) + new)


def _given(doc: Doc, new: Callable[[str, str], str], *above: str) -> Iterator[Mutant]:
    """An entry of what is given replaced."""
    gives = doc.tree.find((*above, "gives"))
    for name, item in gives.mapping.items() if gives else ():
        if item.key and isinstance(item.value, str):
            yield doc.at(item.key, new(name, item.value), item.place.column - item.key.column + item.place.length)


def _setting(doc: Doc, new: str, *names: str) -> Iterator[Mutant]:
    """What a setting is where the spec says none."""
    for path, item in doc.items:
        if len(path) == 2 and path[0] == "settings" and path[1] in names and item.value is not None:
            yield doc.at(item.place, new, _length(doc, item.place))


def _lines(doc: Doc, edit: Callable[[str], str | None]) -> Iterator[Mutant]:
    """A line of a block edited."""
    for path, item in doc.items:
        if item.key and path[-2:-1] == ("blocks",) and (new := edit(doc.lines[item.key.line - 1])) is not None:
            lines = [*doc.lines[: item.key.line - 1], new, *doc.lines[item.key.line :]]
            yield Mutant("\n".join(lines), frozenset({item.key.line}))


def _neck(doc: Doc, new: str, *, features: bool) -> Iterator[Mutant]:
    """What a neck says of a feature or of a setting replaced."""
    for path, item in doc.items:
        of_neck = len(path) == 2 and path[0] == "neck" and path[1] != "fragment"
        if of_neck and bool(re.fullmatch(r"C\d", str(path[1]))) == features:
            yield doc.at(item.place, new)


def _neck_key(doc: Doc, new: Callable[[str], str]) -> Iterator[Mutant]:
    return (
        doc.at(item.key, new(str(path[1])))
        for path, item in doc.items
        if path[:1] == ("neck",) and len(path) == 2 and item.key
    )


def _neck_entry(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
    item = doc.tree.find(("neck", key))
    if item and item.key:
        yield doc.at(item.key, new, item.place.column - item.key.column + item.place.length)


def _whole_neck(doc: Doc, new: str) -> Iterator[Mutant]:
    item = doc.tree.mapping["neck"]
    yield doc.at(item.place, new, _length(doc, item.place))


NO_SECTION = {
    "takes": ("5", "C3", "{C3: b3}", "[1, 2]", "[]", "null", "[[C3]]", "[C3, C4, C5, C5]", "[$C3]"),
    "settings": ("5", "dim", "[dim]", "null"),
    "defaults": ("5", "conv", "[conv]", "null", "$nosuch", "{level: 3}", "{inputs: [$C5]}"),
    "resample": ("5", "max_pool", "[max_pool]", "null", "$nosuch", "{from: n3}", "{kind: sum}"),
    "blocks": ("5", "n3", "[n3]", "null", "$C5"),
    "gives": ("5", "P3", "[P3]", "null", "{}", "$C5"),
    "fragment": ("5", "[a]", "null", "{a: b}"),
    "cell": ("5", "cell", "[]", "{}", "[{}]"),
}
NO_CELL = {
    "repeats": ("two", "0", "-1", "65", "1.5", "true", "null", "[3]", "{a: 3}", "$nosuch", "$C5"),
    "blocks": ("5", "n3", "[n3]", "null", "{}"),
    "gives": ("5", "P3", "[P3]", "null", "{}"),
}
OF_BLOCKS = (
    "level",
    "dim",
    "kernel",
    "kind",
    "activation",
    "norm",
    "bias",
    "down",
    "up",
    "match",
    "repeats",
    "epsilon",
)
UNREAD = "a warning says so"

FRAGMENT_MUTATIONS: tuple[Mutation, ...] = (
    *(Mutation("numbers", f"{keys.replace(' ', ' or ')} is {new if len(new) < 30 else 'of 60 digits'}", partial(_value, keys=keys, new=new)) for keys, values in NUMBERS.items() if keys in ("dim", "level", "kernel") for new in values),
    *(Mutation("words", f"{keys.replace(' ', ' or ')} is {new!r}", partial(_value, keys=keys, new=new)) for keys, values in WORDS.items() if keys in ("kind", "activation", "down up") for new in values),
    *(Mutation("$names", f"{key} is {new}", partial(_value, keys=key, new=new)) for key in OF_BLOCKS for new in ("$nosuch", "$C5", "$")),
    Mutation("keys", "a letter left out", partial(_keys, new=lambda key: key[:-1])),
    Mutation("keys", "a letter doubled", partial(_keys, new=lambda key: key + key[-1])),
    Mutation("keys", "in capitals", partial(_keys, new=str.upper)),
    Mutation("keys", "given twice", partial(_keys, new=lambda key: f"{key}: 1, {key}")),
    *(Mutation("sections", f"{key} is {new}", partial(_section, path=(key,), new=new)) for key, values in NO_SECTION.items() for new in values),
    *(Mutation("sections", f"{key} left out", partial(_section, path=(key,), new=None)) for key in ("takes", "blocks", "gives")),
    *(Mutation("cells", f"{key} is {new}", partial(_section, path=("cell", key), new=new)) for key, values in NO_CELL.items() for new in values),
    *(Mutation("cells", f"{key} left out", partial(_section, path=("cell", key), new=None)) for key in NO_CELL),
    *(Mutation("blocks", f"{key} left out", partial(_lost, key=key)) for key in ("level", "inputs")),
    *(Mutation("blocks", f"one is {new}", partial(_added, path=("blocks",), new=f"more: {new}")) for new in ("5", "conv", "[conv]", "null", "{}", "$C5", "$nosuch")),
    Mutation("blocks", "one added that nobody reads", partial(_added, path=("blocks",), new="more: {level: 3, kind: conv, dim: 8, inputs: [$C5]}"), UNREAD),
    *(Mutation("names", f"of blocks: {what}", partial(_names, new=new, section="blocks")) for what, new in {"another": lambda name: name + "x", "with a dash": lambda name: name + "-a", "with a capital": lambda name: "N" + name, "of 60 letters": lambda name: "a" * 60, "with a quote": lambda name: f"'{name}\"'"}.items()),
    *(Mutation("names", f"of settings: {what}", partial(_names, new=new, section="settings")) for what, new in {"another": lambda name: name + "x", "with a dash": lambda name: name + "-a", "a feature's": lambda name: "C5", "the key fragment": lambda name: "fragment"}.items()),
    *(Mutation("names", f"of gives: {what}", partial(_names, new=new, section="gives"), "an output may have another name" if what == "another" else "") for what, new in {"another": lambda name: name + "x", "with a dash": lambda name: name + "-a", "a keyword": lambda name: "class"}.items()),
    Mutation("names", "a setting that nothing uses", partial(_added, path=("settings",), new="unused: 3")),
    Mutation("inputs", "misspelt", partial(_inputs, new=lambda name, names, given: given + "x")),
    Mutation("inputs", "the block itself", partial(_inputs, new=lambda name, names, given: name)),
    Mutation("inputs", "a later block", partial(_inputs, new=_later)),
    Mutation("inputs", "listed twice", partial(_inputs, new=lambda name, names, given: f"{given}, {given}")),
    Mutation("inputs", "a block of the spec", partial(_inputs, new=lambda name, names, given: "b3")),
    Mutation("inputs", "a setting", partial(_inputs, new=lambda name, names, given: "$dim")),
    *(Mutation("inputs", f"one is {new}", partial(_inputs, new=lambda name, names, given, new=new: new)) for new in ("3", "[a]", "''", "null", "{down: conv}", "{from: [a]}", "{from: $nosuch}", "$")),
    Mutation("inputs", "with an unknown key", partial(_inputs, new=lambda name, names, given: f"{{from: {given}, via: conv}}")),
    Mutation("inputs", "with an unknown way", partial(_inputs, new=lambda name, names, given: f"{{from: {given}, up: cubic}}")),
    *(Mutation("settings", f"{key} is {new}", lambda doc, key=key, new=new: _setting(doc, new, key)) for key, values in {"dim": ("wide", "-8", "[8]", "{a: 8}", "true"), "kind": ("covn", "5", "[conv]"), "activation": ("swihs", "5", "[relu]"), "repeats": ("two", "0", "99", "[3]"), "wide": ("wide", "0"), "way": ("5", "[sum]", "{kind: summ}", "{kinds: sum}")}.items() for new in values),
    *(Mutation("gives", what, partial(_given, new=new)) for what, new in {"an unknown block": lambda name, given: f"{name}: nosuch", "an unknown $name": lambda name, given: f"{name}: $nosuch", "a number": lambda name, given: f"{name}: 5", "a list": lambda name, given: f"{name}: [{given}]", "a block twice": lambda name, given: f"{name}: {given}, again: {given}", "nothing": lambda name, given: f"{name}: null"}.items()),
    *(Mutation("gives of cells", what, lambda doc, new=new: _given(doc, new, "cell")) for what, new in {"an unknown block": lambda name, given: f"{name}: nosuch", "a number": lambda name, given: f"{name}: 5", "more": lambda name, given: f"{name}: {given}, again: {given}", "under another name": lambda name, given: f"{name}x: {given}"}.items()),
    Mutation("YAML", "a bracket not closed", partial(_lines, edit=lambda line: _without_last(line, "]"))),
    Mutation("YAML", "a brace not closed", partial(_lines, edit=lambda line: _without_last(line, "}"))),
    Mutation("YAML", "a tab for spaces", partial(_lines, edit=lambda line: "\t" + line.lstrip())),
)  # fmt: skip

NECK_MUTATIONS: tuple[Mutation, ...] = (
    *(Mutation("features of necks", f"one is {new}", partial(_neck, new=new, features=True)) for new in ("nosuch", "5", "[b5]", "{from: b5}", "null", "true", "$C5", "''")),
    *(Mutation("settings of necks", f"one is {new}", partial(_neck, new=new, features=False)) for new in ("nosuch", "-8", "[8]", "{a: 8}", "true", "$dim", "1.5", "''")),
    Mutation("keys of necks", "a letter left out", partial(_neck_key, new=lambda key: key[:-1])),
    Mutation("keys of necks", "in lower case or capitals", partial(_neck_key, new=str.swapcase)),
    Mutation("keys of necks", "given twice", partial(_neck_key, new=lambda key: f"{key}: 1, {key}")),
    Mutation("keys of necks", "an unknown one", partial(_neck_key, new=lambda key: f"colour: red, {key}")),
    *(Mutation("fragments of necks", new, partial(_neck_entry, key="fragment", new=new)) for new in ("fragment: 5", "fragment: [fpn]", "fragment: null", "fragment: fpm", "fragment: ../fpn.yaml", "fragment: nosuch.yaml", "fragment: {fpn: 1}")),
    *(Mutation("whole necks", new, partial(_whole_neck, new=new), "the parent's value holds" if new == "{}" else "") for new in ("5", "fpn", "[fpn]", "{}", "true")),
)  # fmt: skip
