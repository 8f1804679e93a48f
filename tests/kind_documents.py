"""The kinds in which mistakes are made (`kind_mutations.py`), their entries, and what is expected of a mistake."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path as FilePath
from typing import NamedTuple

from mutations import Doc, Mutant, Path, Verdict

from spinec import cost, emit, lower
from spinec.compiler.resources.work import total_work
from spinec.spec.checking import checks
from spinec.spec.document import Item
from spinec.spec.errors import Fault, SpecError
from spinec.spec.kinds.library import kind_files, library_kind
from spinec.spec.kinds.steps import PRIMITIVES, Step
from spinec.spec.load import reads

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
        if not self.step or len(self.path) != depth_of(self.path) + 1:
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


def depth_of(path: Path) -> int:
    """How long the path of a step is that holds what is at a path; 99 outside of steps."""
    return 3 if path[:2] == ("shortcut", "steps") else 2 if path[0] in ("steps", "then") else 99


def root_of(doc: Doc) -> Path:
    return ("kinds", "own") if "kinds" in doc.tree.mapping else ()


def entries(doc: Doc) -> Iterator[Entry]:
    """Everything in a kind's document."""
    root = root_of(doc)
    for path, item in doc.items:
        if path[: len(root)] == root and (inner := path[len(root) :]):
            found = doc.tree.find((*root, *inner[: depth_of(inner)]))
            model = next((PRIMITIVES[key] for key in PRIMITIVES if found and key in found.mapping), Step)
            yield Entry(inner, item, model if len(inner) >= depth_of(inner) else None)


def steps(doc: Doc) -> Iterator[Entry]:
    return (entry for entry in entries(doc) if len(entry.path) == depth_of(entry.path))


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
