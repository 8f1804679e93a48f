"""Single mistakes in kinds of block, made wherever they can be made (`mutations.py`): in every kind of the library, and in
one that a spec brings along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path as FilePath
from typing import NamedTuple

from fragment_mutations import _extent
from mutations import Doc, Mutant, Mutation, Path, Verdict, _length, _without_last, _words

from spinec import cost, emit, lower
from spinec.compiler.resources.work import total_work
from spinec.spec.document import Item
from spinec.spec.errors import Fault, SpecError
from spinec.spec.kinds.library import kind_files, library_kind
from spinec.spec.kinds.steps import LISTS, PRIMITIVES, Step
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.load import checks, reads

OWN = """\
kinds:
  own:
    class: OwnBlock
    says: A block
    source: nowhere
    fields:
      count: {type: integer, min: 1, max: 4, default: 2, says: a count}
      ratio: {type: number, min: 0.5, max: 4, default: 1.5, says: a ratio}
      gate: {one_of: [sigmoid, hard_sigmoid], default: sigmoid, says: a word}
      kernels: {type: kernels, default: [3, 5], says: some kernels}
      flag: {type: boolean, default: count > 1, says: a flag}
      act: {type: activation, default: $activation, says: another activation}
    let: {hidden: in_dim * ratio, half: hidden // 2, wide: "max(dim, 8) if flag else 2 * dim"}
    steps:
      widen: {conv: hidden, kernel: 3, padding: same, norm: true, zero_scale: flag, act: $act, present: wide, says: wider}
      left: {slice: half}
      right: {slice: hidden - half, start: half, from: widen, when: flag, absent: single}
      mixed: {mixed_conv: 2 * half, kernels: $kernels, stride: stride, norm: true}
      again: {conv: 2 * half, kernel: 3, groups: 2, repeat: count}
      join: {concat: [mixed, again*]}
      normed: {group_norm: 1, epsilon: 1.0e-5}
      pool: {pool: avg, kernel: 3, padding: same}
      middle: {global_pool: mean}
      opening: {conv: (count + 1) * 2 * half, bias: true, bias_init: 0.5, act: $gate}
      scale: {multiply: [pool, opening]}
      eca: {kind: eca, kernel: 3}
      narrow: {conv: wide, norm: not flag}
      shuffle: {shuffle: 1, act: relu}
      both: {add: [narrow, shuffle]}
      average: {global_pool: mean}
      flat: {spread: [average, both]}
      attend: {conv: 3 * dim, bias: true}
      attention: {attention: 1}
      slopes: {prelu: 0.25}
      scales: {layer_scale: 0.5}
      norm: {layer_norm: 1.0e-6}
    shortcut:
      when: ratio < 3
      drop: false
      steps: {conv: {conv: dim, stride: stride, norm: true, present: project, says: a projected shortcut}}
    then: {last: {act: $activation}}
    inner: hidden
    work: 9 * dim^2
    look: 5
"""
"""A kind in a spec's own section, with what the library's have not, and every primitive."""
GIVEN: dict[str, list[str]] = {
    "aspp": ["rate1: 2", "conv: separable_conv, rate1: 2"],
    "atrous_conv": ["rate: 2, separable: true"],
    "bottleneck": ["squeeze: 0.25, average: true", "subsample: true, expand: 1"],
    "c2f": ["shortcut: true"],
    "conv": ["norm: true", "norm: false"],
    "csp": ["depth: 2"],
    "dense": ["growth: 6, layers: 4"],
    "dla_tree": ["keep: false", "keep: true"],
    "fused_mbconv": ["squeeze: 0.25", "expand: 1"],
    "ghost": ["hidden: 48", "hidden: 48, squeeze: 0.25"],
    "identity": ["norm: true"],
    "mbconv": ["squeeze: 0.25, squeeze_base: hidden"],
    "mixconv": ["kernels: [3, 5], squeeze: 0.25"],
    "osa": ["inner: 12", "inner: 12, depthwise: true"],
    "patch": ["norm_first: false", "norm_first: true"],
    "regnet": ["squeeze: 0.25"],
    "separable_conv": ["norm_between: false", "norm_between: true"],
    "squeeze_excite": ["squeezed: 6"],
    "universal_bottleneck": ["start: 3", "start: 3, middle: 0"],
}
"""What blocks of a kind say, so that every step of it runs."""
SMALL = "name: small\ninput: {size: 32}\npadding: same\n"


def kind_documents() -> Iterator[Doc]:
    """Every kind of the library, and one in a spec."""
    for name, path in kind_files().items():
        yield Doc(name, path.read_text(encoding="utf-8"))
    yield Doc("own", OWN)


EVERYWHERE = -1


class Entry(NamedTuple):
    """A value of a kind's document, its path there, and the model of the step that it is of."""

    path: Path
    item: Item
    step: type[Step] | None

    @property
    def one_line(self) -> bool:
        """Whether it can be replaced where it stands."""
        return not isinstance(self.item.value, dict | list) or self.item.place.line == _last_line(self.item)

    @property
    def type(self) -> str:
        """What a formula or a word is to give: number, boolean, word; nothing where it is neither."""
        key = str(self.path[-1])
        if self.path[0] == "let":
            return "number"
        if self.path[0] in ("work",):
            return "number"
        if self.path == ("shortcut", "when"):
            return "boolean"
        if not self.step or len(self.path) != _depth(self.path) + 1:
            return ""
        if key in ("norm", "zero_scale", "when"):
            return "boolean"
        if key == "repeat":
            return "number"
        if key in ("act", "activation", "kernels") or (key in ("pool", "global_pool", "padding")):
            return "word"
        if self.step.main == "kind" and key not in self.step.model_fields:
            return ""  # a field of another kind
        return self.step.types.get(key, "")


def _last_line(item: Item) -> int:
    inner = item.value.values() if isinstance(item.value, dict) else item.value if isinstance(item.value, list) else ()
    return max([item.place.line, *map(_last_line, inner)])


def _depth(path: Path) -> int:
    """How long the path of a step is that holds what is at a path; 99 outside of steps."""
    return 3 if path[:2] == ("shortcut", "steps") else 2 if path[0] in ("steps", "then") else 99


def root_of(doc: Doc) -> Path:
    return ("kinds", "own") if "kinds" in doc.tree.mapping else ()


def entries(doc: Doc) -> Iterator[Entry]:
    """Everything in a kind's document."""
    root = root_of(doc)
    for path, item in doc.items:
        if path[: len(root)] == root and (inner := path[len(root) :]):
            found = doc.tree.find((*root, *inner[: _depth(inner)]))
            model = next((PRIMITIVES[key] for key in PRIMITIVES if found and key in found.mapping), Step)
            yield Entry(inner, item, model if len(inner) >= _depth(inner) else None)


def steps(doc: Doc) -> Iterator[Entry]:
    return (entry for entry in entries(doc) if len(entry.path) == _depth(entry.path))


# ---------------------------------------------------------------------------------------------------------- judging


def judge_kind(doc: Doc, mutant: Mutant, folder: str) -> Verdict:
    """Validate a mutant alone, then in a spec that uses it; what then is legal is lowered, counted and written."""
    root = root_of(doc)
    name = "spec.yaml" if root else f"{doc.name}.yaml"
    file = FilePath(folder, "mutant", name)
    file.parent.mkdir(exist_ok=True)
    found: tuple[Fault, ...]
    try:
        if root:
            loaded = reads(spec_of(doc, mutant.text), name, file)
        else:
            file.write_text(mutant.text, encoding="utf-8")
            checks(mutant.text, name, file)
            loaded = reads(spec_of(doc, mutant.text), "use.yaml", FilePath(folder, "mutant", "use.yaml"))
        legal, found = True, loaded.warnings
    except SpecError as error:
        legal, found = False, error.faults
    file.unlink(missing_ok=True)  # kinds in files beside others are known to them
    if legal:
        program = lower(loaded.spec)
        cost(program)
        emit(program)
        with suppress(SpecError):  # a kind may state that it takes no part
            total_work(loaded.spec)
    shift = SMALL.count("\n") if root else 0
    lines = {line for fault in found for line in _said_at(fault, name, shift)}
    return Verdict(
        legal, bool(lines & {*mutant.lines, EVERYWHERE}), tuple(dict.fromkeys(fault.code for fault in found))
    )


def _said_at(fault: Fault, name: str, shift: int) -> Iterator[int]:
    """The lines of a kind's document at which a fault is said to be; one of a block says which part of its kind it is."""
    if fault.place and fault.place.source.name == name and fault.place.line > shift:
        yield fault.place.line - shift
    for line in re.findall(rf"see {re.escape(name)}:(\d+):\d+", fault.advice):
        yield int(line) - shift
    if "see use.yaml" in fault.advice:  # a part does not fit the kind around it
        yield EVERYWHERE


def spec_of(doc: Doc, text: str) -> str:
    """A spec with blocks of a kind, and what a kind that is a part of others stands in."""
    given, kind = GIVEN.get(doc.name, [""]), "own"
    if root_of(doc):
        return SMALL + text + _blocks(kind, given)
    kinds = f"own: {doc.name}.yaml"
    if library_kind(doc.name).document.part:
        steps = f"conv: {{conv: dim, kernel: 3, stride: stride}}, part: {{kind: own, {given[0]}}}"
        kinds += f", whole: {{says: A convolution and a part, steps: {{{steps}}}}}"
        given, kind = [""], "whole"
    return f"{SMALL}kinds: {{{kinds}}}\n" + _blocks(kind, given, 24 if doc.name == "dense" else 0)


def _blocks(kind: str, given: list[str], grows: int = 0) -> str:
    """For each of what blocks say, one that keeps its shape and two that stride; or some that only give more channels."""
    text, before, dim, level = "blocks:\n  stem: {level: 0, kind: conv, dim: 24, inputs: [image]}\n", "stem", 24, 0
    for i, said in enumerate(given, 1):
        for name, factor, down in ((f"same{i}", 1, 0), (f"down{i}", 1, 1), (f"wide{i}", 2, 1)):
            dim, level = (dim + grows, 0) if grows else (dim * factor, level + down)
            fields = f"level: {level}, kind: {kind}, dim: {dim}, inputs: [{before}]" + (f", {said}" if said else "")
            text, before = f"{text}  {name}: {{{fields}}}\n", name
    return f"{text}outputs: {{out: {before}}}\n"


# ----------------------------------------------------------------------------------------------------------- mutants


def replaced(doc: Doc, entry: Entry, new: str) -> Mutant:
    """What stands at a place replaced, on one line."""
    if entry.one_line:
        return doc.at(entry.item.place, new, _length(doc, entry.item.place))
    first, behind = _extent(doc, (*root_of(doc), *entry.path), entry.item)
    assert entry.item.key
    kept = doc.lines[first - 1][: entry.item.key.column - 1] + f"{entry.path[-1]}: {new}"
    return Mutant("\n".join([*doc.lines[: first - 1], kept, *doc.lines[behind - 1 :]]), frozenset({first}))


def _at(doc: Doc, where: Callable[[Entry], bool], new: Callable[[Entry], str | None]) -> Iterator[Mutant]:
    """The values replaced that are asked for."""
    for entry in entries(doc):
        if where(entry) and (text := new(entry)) is not None:
            yield replaced(doc, entry, text)


def _formulas(doc: Doc, types: str, new: Callable[[str], str | None]) -> Iterator[Mutant]:
    """Formulas of some types changed, in quotes."""
    for entry in entries(doc):
        written = entry.type in types.split() and not isinstance(entry.item.value, dict | list)
        if written and (made := new(_text(entry.item))) is not None:
            mutant = replaced(doc, entry, f'"{made}"')
            of_let = doc.naming(str(entry.path[-1]), mutant.text) if entry.path[0] == "let" else frozenset()
            yield mutant._replace(lines=mutant.lines | of_let)  # what its name stands for does not fit there


def _text(item: Item) -> str:
    return str(item.value).lower() if isinstance(item.value, bool) else str(item.value)


def _misspelt(text: str) -> str | None:
    """A formula with its last name misspelt."""
    found = [each for each in re.finditer(r"(?<!')\b[a-z_]+[a-z0-9_]*\b(?!['(])", text) if each[0] not in KEYWORDS]
    return text[: found[-1].end()] + "x" + text[found[-1].end() :] if found else None


KEYWORDS = ("if", "else", "and", "or", "not", "true", "false", "e")


def _plain(doc: Doc, types: str, new: str) -> Iterator[Mutant]:
    return _at(doc, lambda entry: entry.type in types.split(), lambda entry: new)


def _keyed(doc: Doc, new: Callable[[str], str]) -> Iterator[Mutant]:
    """A key replaced that is a word of the language."""
    return (
        doc.at(entry.item.key, new(str(entry.path[-1]))) for entry in entries(doc) if entry.item.key and _is_word(entry)
    )


def _is_word(entry: Entry) -> bool:
    """Whether the last key of a path is a word of the language, not the name of a field, a formula or a step."""
    named = 2 if entry.path[0] in ("let", "fields") else _depth(entry.path)
    return len(entry.path) != named


def _lost(doc: Doc, where: Callable[[Entry], bool]) -> Iterator[Mutant]:
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


def _added(doc: Doc, new: str, where: Callable[[Entry], bool]) -> Iterator[Mutant]:
    """An entry added before the first of a mapping: within its braces, or on a line of its own."""
    for entry in entries(doc):
        item = entry.item
        if not item.mapping or not where(entry):
            continue
        if doc.lines[item.place.line - 1][item.place.column - 1] == "{":
            yield doc.at(item.place._replace(column=item.place.column + 1), f"{new}, ", 0)
        else:
            yield doc.insert(item.place.line, " " * (item.place.column - 1) + new)


def _named(doc: Doc, new: Callable[[str], str], section: str) -> Iterator[Mutant]:
    """The name of a field, of a formula or of a step replaced where it is given: what uses it no longer finds it."""
    for entry in entries(doc):
        key, depth = entry.item.key, _depth(entry.path)
        is_name = len(entry.path) == depth if section == "steps" else entry.path[0] == section and len(entry.path) == 2
        if key and is_name:
            mutant = doc.at(key, new(str(entry.path[-1])))
            yield mutant._replace(lines=mutant.lines | doc.naming(str(entry.path[-1]), mutant.text))


def _taken(doc: Doc, new: Callable[[str, list[str], str], str | None]) -> Iterator[Mutant]:
    """What a step takes replaced; the name of the step, of all steps beside it, and what is taken say by what."""
    for entry in entries(doc):
        depth = _depth(entry.path)
        takes = entry.path[depth : depth + 1] in [(key,) for key in ("from", *LISTS)]
        if entry.step and takes and isinstance(entry.item.value, str):
            beside = doc.tree.find((*root_of(doc), *entry.path[: depth - 1]))
            made = new(str(entry.path[depth - 1]), list(beside.mapping) if beside else [], entry.item.value)
            if made is not None:
                yield replaced(doc, entry, made)


def _later(name: str, names: list[str], given: str) -> str | None:
    return names[names.index(name) + 1] if name != names[-1] else None


def _field(entry: Entry, *types: str) -> bool:
    """Whether a path is that of a field of some types; of any if none is given."""
    said = entry.item.mapping
    kind = said["type"].value if "type" in said else "one_of" if "one_of" in said else ""
    return entry.path[0] == "fields" and len(entry.path) == 2 and (not types or kind in types)


def _of_field(doc: Doc, key: str, new: str, *types: str) -> Iterator[Mutant]:
    """What fields of some types say under a key replaced, or added."""
    for entry in entries(doc):
        if _field(entry, *types):
            if key in entry.item.mapping:
                mutant = replaced(doc, Entry((*entry.path, key), entry.item.mapping[key], None), new)
                beside = [entry.item.key, *(item.key for item in entry.item.mapping.values())]
                yield mutant._replace(lines=mutant.lines.union(place.line for place in beside if place))
            else:
                yield from _added(doc, f"{key}: {new}", lambda other, path=entry.path: other.path == path)


def _setting(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
    """A setting of steps replaced: a field that nothing then uses is named as well."""
    for entry in entries(doc):
        if entry.step and entry.path[-1] == key and not isinstance(entry.item.value, dict | list):
            mutant = replaced(doc, entry, new)
            named = (doc.naming(word, mutant.text) for word in _words(_text(entry.item)))
            yield mutant._replace(lines=mutant.lines.union(*named))


def _whole(doc: Doc, key: str, new: str) -> Iterator[Mutant]:
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


def _lines(doc: Doc, edit: Callable[[str], str | None]) -> Iterator[Mutant]:
    """A line of a step or of a field edited."""
    for entry in entries(doc):
        key = entry.item.key
        if key and (len(entry.path) == _depth(entry.path) or _field(entry)) and entry.one_line:
            line = doc.lines[key.line - 1]
            if (new := edit(line)) is not None and new != line:
                yield Mutant(
                    "\n".join([*doc.lines[: key.line - 1], new, *doc.lines[key.line :]]), frozenset({key.line})
                )


def _swapped(doc: Doc) -> Iterator[Mutant]:
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


def _of_inner(entry: Entry) -> bool:
    """Whether a step says it of a field of another kind."""
    within = bool(entry.step) and len(entry.path) == _depth(entry.path) + 1
    return within and entry.step is PRIMITIVES["kind"] and entry.path[-1] not in (*KindStep.model_fields, "from")


FORMULAS: dict[str, Callable[[str], str | None]] = {
    "a name misspelt": _misspelt,
    "an operator at the end": lambda text: f"{text} *",
    "an operator in front": lambda text: f"/ {text}",
    "two operators": lambda text: f"{text} * / 2",
    "a bracket not closed": lambda text: f"({text}",
    "a bracket not opened": lambda text: f"{text})",
    "an unknown function": lambda text: f"ceil({text})",
    "a function of one number": lambda text: f"max({text})",
    "a call of Python's": lambda text: "__import__('os')",
    "an attribute": lambda text: f"({text}).real",
    "an index": lambda text: "dim[0]",
    "a semicolon": lambda text: f"{text}; dim",
    "a percent sign": lambda text: f"{text} % 2",
    "Python's power": lambda text: f"({text}) ** 2",
    "if without else": lambda text: f"{text} if stride > 1",
    "a chain of comparisons": lambda text: "1 < stride < 4",
    "a word of double quotes": lambda text: "\\\"relu\\\"",
    "60 brackets": lambda text: "(" * 60 + text + ")" * 60,
    "300 characters": lambda text: " + ".join(["dim"] * 60),
    "nothing in quotes": lambda text: "",
    "a blank": lambda text: " ",
}  # fmt: skip
OF_NUMBERS: dict[str, Callable[[str], str | None]] = {
    "true or false": lambda text: f"({text}) > 1",
    "a word": lambda text: "'relu'",
    "the activation": lambda text: "activation",
    "divided by zero": lambda text: f"({text}) / 0",
    "rounded to a multiple of zero": lambda text: f"round_to({text}, 0)",
    "rounded to a multiple of a half": lambda text: f"round_to({text}, 0.5)",
    "to the power of 9": lambda text: f"({text}) ^ 9",
    "to the power of a name": lambda text: f"({text}) ^ stride",
    "far too large": lambda text: f"(({text}) + 9) ^ 4 * 10000000000 ^ 2",
}
OF_BOOLEANS: dict[str, Callable[[str], str | None]] = {
    "a number": lambda text: "dim",
    "a word": lambda text: "'relu'",
    "a number and it": lambda text: f"({text}) and dim",
    "compared with a number": lambda text: f"({text}) == 1",
    "one": lambda text: "1",
}
NO_FORMULA = ("[dim]", "{dim: 1}", "9" * 60, ".nan", ".inf", "!!int 3", "*dim", "&a dim", "1e300")
NO_WORD = (
    "rellu",
    "Relu",
    "5",
    "[relu]",
    "{relu: 1}",
    "''",
    "$nosuch",
    "$",
    "$dim",
    "$$activation",
    "relu relu",
    ".nan",
)
NO_STEP = ("5", "conv", "[conv]", "null", "{}", "{norm: 5}", "{convolve: dim}", "{from: x}")
NO_VALUE = ("nosuch", "5", "[x]", "{x: 1}", "null", "''", "'*'", "nosuch*", "x*", "'x y'", "$x")
NO_NAME = {
    "with a capital": lambda name: name.upper(),
    "with a dash": lambda name: name + "-a",
    "a keyword": lambda name: "class",
    "a method of modules": lambda name: "forward",
    "of 60 letters": lambda name: "a" * 60,
    "with a quote": lambda name: f"'{name}\"'",
    "of digits first": lambda name: "3x3",
    "the input's": lambda name: "x",
    "in full-width letters": lambda name: "ｅval",
}
OF_STEPS = {
    "present": ("Wide", "5", "[wide]", "''", "wide one", "a" * 30),
    "absent": ("Wide", "5", "[wide]", "''", "wide one", "a" * 30),
    "says": ("5", "[a]", "{a: 1}", "a" * 120),
}
LEGAL = {
    "type is null": "as if nothing were said, beside one_of",
    "of a kernel: in_dim + 1": "a default may follow from what a block is given",
    "of a number: -1": "where the bounds allow it",
    "[x]": "a list of one value is that value",
    "list is null": "as if nothing were said: the step takes the one before",
    "node is true": "its steps stand beside fusion, at a stride of 1",
    "of steps: another": "nothing takes it by its name",
    "a step": "nothing takes it by its name, and the others fit each other",
    "the primitive of a step": "a norm and an activation are a step, too",
    "shortcut": "there need not be one",
    "let is {}": "where there are none",
}
"""Mistakes that are none everywhere, and why."""
NUMBERS = {
    "kernel": ("0", "-3", "1.5", "big", "100000000000", "0.5 * 3", "1 - 1"),
    "stride": ("0", "-1", "1.5", "dim", "100000000000"),
    "groups": ("0", "-1", "7", "1.5", "100000000000"),
    "dilation": ("0", "-1", "1.5", "100000000000"),
    "repeat": ("-1", "65", "1.5", "1000000000", "dim / 5"),
    "group_norm": ("0", "-1", "7", "1.5"),
    "shuffle": ("0", "-1", "7", "1.5"),
    "attention": ("0", "-1", "7", "1.5"),
    "channel_conv": ("0", "-1", "1.5", "4"),
    "start": ("-1", "1000", "0.5"),
    "conv": ("1000000000000000000",),
    "slice": ("1000000", "1000000000000000000"),
    "layer_norm": ("0", "-1"),
    "epsilon": ("0", "-1"),
}
OF_FIELDS = {
    "type": ("numbr", "Number", "int", "5", "[number]", "{number: 1}", "null", "''"),
    "one_of": ("sigmoid", "[sigmoid]", "[]", "[1, 2]", "{sigmoid: 1}", "5", "[[a, b], c]", "[sigmoid, sigmoid]"),
    "says": ("5", "[a]", "{a: 1}", "null", "a" * 300),
    "min": ("one", "[1]", ".nan", "1000", "true"),
    "max": ("many", "[1]", ".nan", "-1000", "true"),
}
DEFAULTS = {
    "kernel": ("0", "4", "1.5", "big", "true", "[3]", "65", "-3", "not 3", "dim", "in_dim + 1"),
    "kernels": ("3", "[]", "[4]", "['3']", "[0]", "$nosuch", "dim", "[[3]]"),
    "dilation": ("0", "1.5", "big", "-1", "[1]"),
    "dim": ("0", "-1", "1.5", "wide", "[8]", "100000000"),
    "integer": ("1.5", "many", "true", "-1", "100000", "[1]", "'1 +'", "not 1"),
    "number": ("many", "true", "-1", "100000", "[1]", ".nan", ".inf", "'1 +'"),
    "ratio": ("-0.1", "1.5", "some", "true", "[0.5]", ".nan"),
    "boolean": ("1", "yes", "'not'", "[true]", "dim", "not 1"),
    "activation": ("rellu", "5", "[relu]", "$nosuch", "$dim", "true", "Relu"),
    "one_of": ("other", "5", "[sigmoid]", "$nosuch", "true"),
}
OF_KINDS = {
    "kind": ("5", "[own]", "{own: 1}"),
    "class": ("ownBlock", "Own Block", "5", "[Own]", "Own_Block", "class", "''x", "Ówn"),
    "says": ("5", "[a]", "{a: 1}", "null", "a" * 300),
    "title": ("5", "[a]", "a" * 300),
    "source": ("5", "[a]", "a" * 300),
    "fields": ("5", "[kernel]", "kernel", "{kernel: kernel}", "{kernel: 3}", "{kernel: {}}", "null", "{kernel: null}"),
    "let": ("5", "[hidden]", "dim", "{hidden: [dim]}", "{hidden: {dim: 1}}", "null", "{hidden: null}"),
    "steps": ("5", "[conv]", "conv", "null", "{}", "{conv: 5}", "{conv: conv}", "{conv: null}"),
    "shortcut": ("5", "[conv]", "input", "{drop: some}", "{drop: 1}", "{whn: true}", "{steps: 5}", "{steps: [conv]}", "{when: dim}", "{when: 'tru e'}"),
    "then": ("5", "[conv]", "act", "null", "{act: relu}", "{act: null}"),
    "inner": ("nosuch", "5", "[hidden]", "in_dim", "''", "activation"),
    "look": ("-1", "28", "1.5", "red", "[1]", "true"),
    "part": ("some", "1", "[true]", "'true'"),
    "node": ("true", "some", "1", "[true]", "'true'"),
    "work": ("much", "[dim]", "{dim: 1}", "dim > 1", "dim *", "''", "hiddenx"),
}  # fmt: skip


def _lost_name(doc: Doc, section: str) -> Iterator[Mutant]:
    """A field, a formula or a step left out: what names it no longer finds it."""
    depth = 2 if section != "steps" else 0
    return _lost_named(
        doc,
        lambda entry: len(entry.path) == (depth or _depth(entry.path)) and (not depth or entry.path[0] == section),
    )


def _lost_primitive(doc: Doc) -> Iterator[Mutant]:
    return _lost_named(doc, lambda entry: bool(entry.step and entry.step.main) and _is_setting(entry, entry.step.main))


def _is_setting(entry: Entry, key: str) -> bool:
    return len(entry.path) == _depth(entry.path) + 1 and entry.path[-1] == key


def _lost_named(doc: Doc, where: Callable[[Entry], bool]) -> Iterator[Mutant]:
    """An entry left out: what it named may be used by nothing else, and what names it no longer finds it."""
    for entry in entries(doc):
        if where(entry):
            gone = {str(entry.path[-1]), *(word for line in _spelt(doc, entry) for word in _words(line))}
            for mutant in _lost(doc, lambda other, path=entry.path: other.path == path):
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


def _made(group: str, name: str, make: Callable[[Doc], Iterator[Mutant]]) -> Mutation:
    """A mistake, which may be none where `LEGAL` says why."""
    return Mutation(group, name, make, LEGAL.get(name, ""))


def _shown(new: str) -> str:
    """What a mistake writes, as a name of it."""
    return new if len(new) < 40 else f"{new[:1]}... ({len(new)} characters)"


KIND_MUTATIONS: tuple[Mutation, ...] = (
    *(_made("formulas", what, partial(_formulas, types="number boolean", new=new)) for what, new in FORMULAS.items()),
    *(_made("formulas of numbers", what, partial(_formulas, types="number", new=new)) for what, new in OF_NUMBERS.items()),
    *(_made("formulas of true or false", what, partial(_formulas, types="boolean", new=new)) for what, new in OF_BOOLEANS.items()),
    *(_made("formulas", _shown(new), partial(_plain, types="number boolean", new=new)) for new in NO_FORMULA),
    *(_made("words", new, partial(_plain, types="word", new=new)) for new in NO_WORD),
    *(_made("numbers", f"{key} is {new}", partial(_setting, key=key, new=new)) for key, values in NUMBERS.items() for new in values),
    *(_made("let", what, lambda doc, new=new: _at(doc, lambda entry: entry.path[0] == "let" and len(entry.path) == 2, new)) for what, new in {"itself": lambda entry: str(entry.path[-1]), "itself and one": lambda entry: f"{entry.path[-1]} + 1", "a step": lambda entry: "conv1x"}.items()),
    _made("let", "a later one", lambda doc: _at(doc, lambda entry: entry.path[0] == "let" and len(entry.path) == 2, lambda entry: _later(str(entry.path[-1]), list(doc.tree.find((*root_of(doc), "let")).mapping), ""))),
    _made("let", "one that nothing uses", partial(_added, new="unused: dim", where=lambda entry: entry.path == ("let",))),
    _made("fields", "one that nothing uses", partial(_added, new="unused: {type: kernel, default: 3}", where=lambda entry: entry.path == ("fields",))),
    *(_made("fields", f"one is {new}", partial(_at, where=_field, new=lambda entry, new=new: new)) for new in ("5", "kernel", "[kernel]", "{}", "null", "{default: 3}", "{type: kernel, one_of: [a, b]}")),
    *(_made("fields", f"{key} is {_shown(new)}", partial(_of_field, key=key, new=new)) for key, values in OF_FIELDS.items() for new in values),
    *(_made("defaults", f"of a {kind}: {new}", lambda doc, kind=kind, new=new: _of_field(doc, "default", new, kind)) for kind, values in DEFAULTS.items() for new in values),
    *(_made("steps", f"one is {new}", lambda doc, new=new: (replaced(doc, entry, new) for entry in steps(doc))) for new in NO_STEP),
    *(_made("steps", f"{key} is {_shown(new)}", lambda doc, key=key, new=new: _setting(doc, key, new)) for key, values in OF_STEPS.items() for new in values),
    _made("steps", "70 of them", lambda doc: _added(doc, ", ".join(f"more{i}: {{act: relu}}" for i in range(70)), lambda entry: entry.path == ("steps",) and entry.one_line)),
    _made("steps", "an unknown key", lambda doc: _added(doc, "colour: red", lambda entry: len(entry.path) == _depth(entry.path))),
    _made("steps", "two primitives", lambda doc: _added(doc, "multiply: [x, x]", lambda entry: len(entry.path) == _depth(entry.path) and "multiply" not in entry.item.mapping)),
    _made("steps", "zero_scale without a norm", lambda doc: _added(doc, "zero_scale: true", lambda entry: len(entry.path) == _depth(entry.path) and not {"norm", "zero_scale"} & {*entry.item.mapping})),
    _made("steps", "one put before what it takes", _swapped),
    _made("kinds within", "an unknown one", partial(_setting, key="kind", new="nosuch")),
    _made("kinds within", "misspelt", lambda doc: _at(doc, lambda entry: bool(entry.step) and entry.path[-1] == "kind", lambda entry: f"{entry.item.value}x")),
    _made("kinds within", "itself (a cycle)", lambda doc: _at(doc, lambda entry: bool(entry.step) and entry.path[-1] == "kind", lambda entry: doc.name)),
    *(_made("kinds within", new, partial(_setting, key="kind", new=new)) for new in ("5", "[conv]", "null", "{conv: 3}", "''")),
    *(_made("kinds within", f"a field is {new}", lambda doc, new=new: _at(doc, _of_inner, lambda entry: new)) for new in ("$nosuch", "nosuch", "[x]", "{a: 1}", "null", "''", "'('", ".nan")),
    _made("kinds within", "without a field that must be said", lambda doc: _lost(doc, lambda entry: _of_inner(entry) and entry.path[-1] in ("squeezed", "hidden"))),
    _made("what steps take", "misspelt", partial(_taken, new=lambda name, names, given: f"{given}x")),
    _made("what steps take", "the step itself", partial(_taken, new=lambda name, names, given: name)),
    _made("what steps take", "a later step", partial(_taken, new=_later)),
    *(_made("what steps take", new, partial(_taken, new=lambda name, names, given, new=new: new)) for new in NO_VALUE),
    *(_made("what steps take", f"list is {new}", lambda doc, new=new: _at(doc, lambda entry: bool(entry.step) and entry.path[-1] in ("from", *LISTS), lambda entry: new)) for new in ("5", "[]", "{}", "[5]", "[[x]]", "null", "nosuch")),
    *(_made("names", f"of fields: {what}", partial(_named, new=new, section="fields")) for what, new in {"another": lambda name: name + "x", **NO_NAME, "a formula's": lambda name: "dim", "a key of blocks": lambda name: "level"}.items()),
    *(_made("names", f"of formulas: {what}", partial(_named, new=new, section="let")) for what, new in {"another": lambda name: name + "x", **NO_NAME, "a number's": lambda name: "dim", "a key of blocks": lambda name: "level"}.items()),
    *(_made("names", f"of steps: {what}", partial(_named, new=new, section="steps")) for what, new in {"another": lambda name: name + "x", **NO_NAME}.items()),
    _made("keys", "a letter left out", partial(_keyed, new=lambda key: key[:-1])),
    _made("keys", "a letter doubled", partial(_keyed, new=lambda key: key + key[-1])),
    _made("keys", "in capitals", partial(_keyed, new=str.upper)),
    _made("keys", "given twice", partial(_keyed, new=lambda key: f"{key}: 1, {key}")),
    _made("keys", "a list", partial(_keyed, new=lambda key: f"[{key}]")),
    *(_made("keys left out", key, lambda doc, key=key: _lost(doc, lambda entry: entry.path == (key,))) for key in ("says", "steps")),
    _made("keys left out", "shortcut", lambda doc: _lost_named(doc, lambda entry: entry.path == ("shortcut",))),
    _made("keys left out", "type or one_of", lambda doc: _lost(doc, lambda entry: entry.path[0] == "fields" and entry.path[-1] in ("type", "one_of"))),
    _made("keys left out", "the primitive of a step", _lost_primitive),
    _made("keys left out", "a field", lambda doc: _lost_name(doc, "fields")),
    _made("keys left out", "a formula", lambda doc: _lost_name(doc, "let")),
    _made("keys left out", "a step", lambda doc: _lost_name(doc, "steps")),
    *(_made("the kind", f"{key} is {_shown(new)}", partial(_whole, key=key, new=new)) for key, values in OF_KINDS.items() for new in values),
    _made("the kind", "an unknown key", partial(_whole, key="colour", new="red")),
    _made("YAML", "a bracket not closed", partial(_lines, edit=lambda line: _without_last(line, "]"))),
    _made("YAML", "a brace not closed", partial(_lines, edit=lambda line: _without_last(line, "}"))),
    _made("YAML", "a tab for spaces", partial(_lines, edit=lambda line: "\t" + line.lstrip())),
    _made("YAML", "no colon", partial(_lines, edit=lambda line: line.replace(":", "", 1))),
    _made("YAML", "a word alone", partial(_lines, edit=lambda line: line + " oops")),
)  # fmt: skip
