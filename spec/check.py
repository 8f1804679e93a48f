"""What a spec must mean, beyond the shape of its fields: one plain function a check, in the order of `CHECKS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, takewhile

from spinec.spec.blocks import Block
from spinec.spec.classes import classes_of
from spinec.spec.errors import MOST_FAULTS, Fault, Place, did_you_mean
from spinec.spec.fields import MAX_BLOCKS
from spinec.spec.heads import FCOS, SSD, Classification, DeepLab, Head, MaskRCNN, Segmentation
from spinec.spec.kinds.expand import Parts, expand_block
from spinec.spec.kinds.plan import KindError, field_values
from spinec.spec.names import BLOCK_NAME, OUTPUT_NAME, RESERVED
from spinec.spec.subject import Subject
from spinec.spec.validate import show

LEVEL_NAME = re.compile(r"[Pp](\d{1,4})\Z", re.ASCII)  # an output name that says a level
NOTHING = ("", "background", "none", "nothing", "void")  # what class 0 is called where it is never found
RESULT = "logits"  # of a head that gives one thing for all outputs
MOST_LINKS = 12  # names of a cycle that are all shown
MOST_CYCLES = 20  # forward inputs for which the cycle is looked for; the rest are named without


Check = Callable[[Subject], Iterator[Fault]]


def check(subject: Subject) -> list[Fault]:
    """Every fault and warning that the checks find, up to `MOST_FAULTS` of each check."""
    return [fault for each in CHECKS for fault in islice(each(subject), MOST_FAULTS)]


def count(subject: Subject) -> Iterator[Fault]:
    """There are blocks, and they do not run too often."""
    given = subject.tree.mapping.get("blocks")
    if given and given.value == {}:
        yield Fault("SPN-301", "blocks: expected at least one block", subject.key("blocks"))
    if (runs := sum(block.repeats for block in subject.blocks.values())) > MAX_BLOCKS:
        message = f"blocks: expected at most {MAX_BLOCKS:,}, got {runs:,}, each counted as often as it repeats"
        yield Fault("SPN-302", message, subject.key("blocks"))


def names(subject: Subject) -> Iterator[Fault]:
    """Names can become attributes and variables, and no two are the same: P3 may be what p3 gives."""
    seen: dict[str, str] = {}
    for what, known, pattern, rule in (
        ("block", subject.order, BLOCK_NAME, "a small letter, then small letters, digits and '_' (ASCII, 48 at most)"),
        ("output", subject.outputs, OUTPUT_NAME, "a letter, then letters, digits and '_' (ASCII, 48 at most)"),
    ):
        for name in known:
            place = subject.key(f"{what}s", name)
            if not pattern.match(name):
                yield Fault("SPN-303", f"{what} name {show(name)} is not allowed", place, f"expected {rule}")
            elif name.lower() in RESERVED:
                message = f"{what} name {name!r} is taken by Python, by a framework or by generated code"
                yield Fault("SPN-304", message, place, f"such as {name}_1")
            elif name in seen:
                message = f"{what} name {name!r} is taken by {seen[name]}"
                yield Fault(
                    "SPN-305",
                    message,
                    place,
                    f"such as {name.upper() if name.islower() else name.lower()}, or {name}_1",
                )
            seen.setdefault(name, f"{what} {name!r}")


def inputs(subject: Subject) -> Iterator[Fault]:
    """Every input is an earlier block or the image, once."""
    order, forward = subject.order, 0
    for name, reads in subject.reads.items():
        seen: set[str] = set()
        for i, given in enumerate(reads):
            if given is None:
                continue  # named by validation
            twice = given in seen
            seen.add(given)
            if given == "image" and not twice:
                continue
            place = partial(subject.place, "blocks", name, "inputs", i, "from")
            if twice:
                yield Fault(
                    "SPN-306", f"{name}: input {show(given)} is listed twice", place(), "expected every input once"
                )
            elif given == name:
                yield Fault(
                    "SPN-307",
                    f"{name}: a block cannot be its own input",
                    place(),
                    "expected an earlier block, or image",
                )
            elif given not in order:
                yield Fault(
                    "SPN-308", f"{name}: unknown input {show(given)}", place(), partial(_suggest, subject, name, given)
                )
            elif order[given] > order[name]:
                forward += 1
                cycle = _path(subject, given, name) if forward <= MOST_CYCLES else []
                if cycle:
                    message = f"{name}: the inputs form a cycle: {_chain([name, *cycle])}"
                    yield Fault("SPN-309", message, place(), "expected an earlier block, or image")
                else:
                    message = f"{name}: input {given!r} comes later, on line {subject.key('blocks', given).line}"
                    yield Fault("SPN-310", message, place(), "blocks run in the order written")


def unread(subject: Subject) -> Iterator[Fault]:
    """Every block is read by another or is an output, and so are those that read it; else it is only cost."""
    read = {given for reads in subject.reads.values() for given in reads} | subject.given_out
    if not subject.outputs or all(name in read for name in subject.order):
        return
    hint = "it only costs: make it an input or an output, or remove it"
    for name in _needless(subject):
        alone = f"nobody reads block {show(name)}"
        message = f"block {show(name)} only feeds blocks that nobody reads" if name in read else alone
        yield Fault("SPN-311", message, subject.key("blocks", name), hint, "warning")


def _needless(subject: Subject) -> list[str]:
    """The blocks on which no output depends, in order."""
    import networkx as nx

    given_out = subject.given_out & set(subject.order)
    needed = given_out.union(*(nx.descendants(subject.wiring, name) for name in given_out))
    return [name for name in subject.order if name not in needed]


def outputs(subject: Subject) -> Iterator[Fault]:
    """Every output is a block, of the level that its name says, once."""
    seen: dict[str, str] = {}
    for name, item in subject.outputs.items() if subject.order else ():  # without blocks, no name can be right
        if not isinstance(item.value, str):
            continue  # named by validation
        if item.value not in subject.order:
            hint = partial(did_you_mean, item.value, subject.order)
            yield Fault("SPN-312", f"output {show(name)}: unknown block {show(item.value)}", item.place, hint)
            continue
        if item.value in seen:
            message = f"output {show(name)}: block {item.value!r} is output {seen[item.value]} already"
            yield Fault("SPN-313", message, item.place, "expected every block once")
        seen.setdefault(item.value, show(name))
        block, level = subject.blocks.get(item.value), LEVEL_NAME.match(name)
        if block and level and int(level[1]) != block.level:
            others = ", ".join(subject.at_level.get(int(level[1]), [])[-4:])
            fit = f"expected one at level {level[1]}: {others}" if others else f"no block is at level {level[1]}"
            yield Fault("SPN-314", f"output {name!r}: block {item.value!r} is at level {block.level}", item.place, fit)


def paths(subject: Subject) -> Iterator[Fault]:
    """Where inputs need resampling, there is a way to do it."""
    spec = subject.spec
    if not spec:
        return
    for name, block in subject.blocks.items():
        levels = [_level(subject, given.block) for given in block.inputs]
        if block.takes_as_is(*levels):
            continue
        for i, (given, level) in enumerate(zip(block.inputs, levels, strict=True)):
            if level is None or level == block.level:
                continue
            way = spec.resample_of(given)
            if (way.down if level < block.level else way.up) == "none":
                key, other = ("down", "conv") if level < block.level else ("up", "nearest")
                message = f"{name}: no way from level {level} ({given.block}) to level {block.level}: '{key}' is none"
                hint = f"such as {{from: {given.block}, {key}: {other}}}"
                yield Fault("SPN-315", message, subject.place("blocks", name, "inputs", i), hint)


def kinds(subject: Subject) -> Iterator[Fault]:
    """What every block computes works out at its dims."""
    for name, block in subject.blocks.items():
        level = _level(subject, block.inputs[0].block)
        as_is = block.takes_as_is(level) if len(block.inputs) == 1 else False
        joins = bool(subject.spec and subject.spec.joins(block))
        in_dim = sum(_dims(subject, block)) if as_is or joins else block.dim
        sites = [(in_dim, 2 ** (block.level - (level or 0)) if as_is else 1)]
        sites += [(block.dim, 1)] if block.repeats > 1 else []
        for in_dim, stride in dict.fromkeys(sites):
            try:
                parts = expand_block(block.definition, field_values(block), in_dim, block.dim, stride)
            except KindError as error:
                yield kind_fault(name, block.kind, error, subject.key("blocks", name))
                break
            if fault := _groups_fault(subject, name, block, parts):
                yield fault
                break


def _dims(subject: Subject, block: Block) -> Iterator[int]:
    """The dims of what a block reads."""
    for given in block.inputs:
        source = subject.blocks.get(given.block)
        yield source.dim if source else subject.spec.input.channels if subject.spec else 3


def _groups_fault(subject: Subject, name: str, block: Block, parts: Parts) -> Fault | None:
    """Group norm divides the channels of every norm of a block; else what the block says of it is wrong, or its dim."""
    norm = subject.spec.norm_of(block) if subject.spec else None
    for part, dim in parts.normed if norm and norm.kind == "group" else ():
        if norm and dim % norm.groups:
            message = f"{part}: {norm.groups} groups of norm do not divide {dim} channels"
            own = block.own_norm
            place = subject.key("blocks", name)
            if own and (own.groups or own.kind):
                place = subject.place("blocks", name, "norm", *(["groups"] if own.groups else []))
            return kind_fault(name, block.kind, KindError(block.definition, ("steps",), message), place)
    return None


def kind_fault(name: str, kind: str, error: KindError, place: Place | None) -> Fault:
    """A block whose kind does not work out at its dims."""
    path = ".".join(error.path)
    return Fault("SPN-316", f"{name}: {kind}: {path}: {error}", place, f"see {error.kind.place(*error.path)}")


def head(subject: Subject) -> Iterator[Fault]:
    """The outputs fit the head: one dim, and for detection every level once and without a gap."""
    spec = subject.spec
    blocks = {name: subject.blocks.get(block) for name, block in spec.outputs.items()} if spec else {}
    if not spec or not spec.head or not all(blocks.values()):
        return
    found = {name: block for name, block in blocks.items() if block}
    place = subject.key("head")
    dims = {name: block.dim for name, block in found.items()}
    if spec.head.one_dim and not spec.endpoints and len(set(dims.values())) > 1:
        shown = ", ".join(f"{name}: {dim}" for name, dim in list(dims.items())[:8])
        message = f"head: outputs of different dims ({shown}) need 'endpoints'"
        yield Fault("SPN-401", message, place, "such as endpoints: {dim: 64}")
    levels = sorted(block.level for block in found.values())
    yield from _map_names(subject, spec.head)
    yield from _labels(subject, spec.head)
    if isinstance(spec.head, FCOS) and spec.head.layers and spec.head.dim % spec.head.groups:
        message = f"head: {spec.head.groups} groups of norm do not divide the dim {spec.head.dim}"
        yield Fault("SPN-408", message, place, "such as groups: 32, dim: 256")
    if spec.head.ladder:
        first: dict[int, str] = {}
        for name, block in found.items():
            if block.level in first:
                message = f"head: outputs {first[block.level]!r} and {name!r} are both at level {block.level}"
                yield Fault("SPN-403", message, subject.key("outputs", name), "expected one output at each level")
            first.setdefault(block.level, name)
        gaps = set(range(levels[0], levels[-1])) - set(levels)
        if gaps:
            message = f"head: no output at level {min(gaps)}, between levels {levels[0]} and {levels[-1]}"
            yield Fault("SPN-404", message, subject.key("outputs"), "expected one output at each level")
    elif isinstance(spec.head, SSD):
        if len(spec.head.anchors) != len(found):
            message = (
                f"head.anchors: expected a number for each of the {len(found)} outputs, got {len(spec.head.anchors)}"
            )
            yield Fault("SPN-405", message, subject.place("head", "anchors"))
    elif isinstance(spec.head, DeepLab):
        if len(found) > 1:
            yield Fault("SPN-406", f"head: deeplab reads one output, got {len(found)}", subject.key("outputs"))
    elif isinstance(spec.head, Classification | Segmentation) and len(set(levels)) > 1 and spec.resample.up == "none":
        message = "head: outputs of several levels are upsampled, and resample.up is 'none'"
        yield Fault("SPN-407", message, place, "expected resample: {up: nearest}, or outputs of one level")


def _map_names(subject: Subject, head: Head) -> Iterator[Fault]:
    """The head's maps of an output have names that no block has."""
    for output in subject.outputs:
        for name in (f"{kind}_{output}" for kind in head.maps):
            if name in subject.order:
                message = f"block name {name!r} is taken by the head's map of output {output!r}"
                yield Fault("SPN-402", message, subject.key("blocks", name), f"such as {name}_1")
    if not head.maps:
        for section, names in (("blocks", subject.order), ("outputs", subject.outputs)):
            if RESULT in names:
                message = f"{section[:-1]} name {RESULT!r} is taken by what the head gives"
                yield Fault("SPN-402", message, subject.key(section, RESULT), f"such as {RESULT}_1")


def _labels(subject: Subject, head: Head) -> Iterator[Fault]:
    """Every class has a label, and none that can be found is the background."""
    place = subject.place("head", "labels" if subject.tree.find(("head", "labels")) else "classes")
    number = getattr(head, "classes", 0)
    if head.labels is not None and (count := len(classes_of(head.labels, number).names)) != number:
        message = f"head: expected a label for each of {number:,} classes, got {count:,}"
        yield Fault("SPN-409", message, place, "labels: null takes them away")
    elif head.labels is not None and head.first_class:
        first = classes_of(head.labels, number).names[0]
        if first.strip("_").lower() not in NOTHING:
            message = f"head: class 0 is the background, which is never found, and is called {show(first)}"
            hint = "expected 'background' as the first label" + (
                "" if isinstance(head, MaskRCNN) else ", or background: false"
            )
            yield Fault("SPN-410", message, place, hint)


def _level(subject: Subject, name: str) -> int | None:
    if name == "image":
        return 0
    return subject.blocks[name].level if name in subject.blocks else None


def _suggest(subject: Subject, name: str, given: str) -> str:
    """A name that the block could read."""
    return did_you_mean(given, ["image", *takewhile(lambda earlier: earlier != name, subject.order)])


def _chain(names: list[str]) -> str:
    shown = names if len(names) <= MOST_LINKS else [*names[:4], f"({len(names) - 8} more)", *names[-4:]]
    return " <- ".join(shown)


def _path(subject: Subject, start: str, goal: str) -> list[str]:
    """The shortest chain of inputs from `start` back to `goal`, both included; empty if there is none."""
    import networkx as nx  # 0.1 s, and sound specs do without

    try:
        return list(nx.shortest_path(subject.wiring, start, goal))
    except nx.NetworkXNoPath:
        return []


CHECKS: tuple[Check, ...] = (count, names, inputs, unread, outputs, paths, kinds, head)
