"""What a spec must mean, beyond the shape of its fields. Each check is a plain function; `CHECKS` lists them in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.fields import MAX_BLOCKS
from spinec.spec.heads import Classification, RetinaNet
from spinec.spec.model import ModelSpec
from spinec.spec.names import BLOCK_NAME, OUTPUT_NAME, RESERVED

MOST_CYCLES = 20  # forward inputs for which the cycle is looked for; the rest are named without


@dataclass(frozen=True)
class Subject:
    """What the checks see: the tree, the blocks that are valid by themselves, and the spec if its sections are too."""

    tree: Item
    blocks: Mapping[str, Block]
    spec: ModelSpec | None

    @cached_property
    def order(self) -> dict[str, int]:
        """Every block name, valid or not, and its position."""
        entries = self.tree.mapping.get("blocks")
        return {name: i for i, name in enumerate(entries.mapping)} if entries else {}

    @cached_property
    def outputs(self) -> dict[str, Item]:
        """Output name: the item that names its block."""
        entries = self.tree.mapping.get("outputs")
        return dict(entries.mapping.items()) if entries else {}

    @cached_property
    def reads(self) -> dict[str, list[str]]:
        """Block name: the names of its inputs, of faulty blocks too."""
        found: dict[str, list[str]] = {}
        for name in self.order:
            given = self.tree.find(("blocks", name, "inputs"))
            items = given.value if given and isinstance(given.value, list) else []
            found[name] = [str(item.mapping["from"].value) if "from" in item.mapping else "" for item in items]
        return found

    def place(self, *path: str | int) -> Place:
        """Where the value at a path stands, or the deepest part of it that is there."""
        while path and not self.tree.find(path):
            path = path[:-1]
        item = self.tree.find(path)
        return item.place if item else self.tree.place

    def key(self, *path: str | int) -> Place:
        """Where the key at a path stands."""
        item = self.tree.find(path)
        return item.key if item and item.key else self.place(*path)


Check = Callable[[Subject], Iterator[Fault]]


def check(subject: Subject) -> list[Fault]:
    """Every fault and warning that the checks find."""
    return [fault for each in CHECKS for fault in each(subject)]


def count(subject: Subject) -> Iterator[Fault]:
    """There are blocks, and not too many."""
    if not subject.order and "blocks" in subject.tree.mapping:
        yield Fault("'blocks': expected at least one block", subject.key("blocks"))
    if len(subject.order) > MAX_BLOCKS:
        yield Fault(
            f"'blocks': {len(subject.order):,} blocks, at most {MAX_BLOCKS:,}",
            subject.key("blocks"),
        )


def names(subject: Subject) -> Iterator[Fault]:
    """Names can become attributes and variables, and differ by more than case."""
    seen: dict[str, str] = {}
    for section, known, pattern, rule in (
        (
            "blocks",
            subject.order,
            BLOCK_NAME,
            "a small letter, then small letters, digits and '_', 48 at most",
        ),
        (
            "outputs",
            subject.outputs,
            OUTPUT_NAME,
            "a letter, then letters, digits and '_', 48 at most",
        ),
    ):
        for name in known:
            place = subject.key(section, name)
            if not pattern.match(name):
                yield Fault(f"{section[:-1]} name {name[:60]!r} is not allowed", place, f"expected {rule}")
            elif name.lower() in RESERVED:
                yield Fault(
                    f"{section[:-1]} name {name!r} is taken by Python or by a framework's module",
                    place,
                    f"such as {name}_1",
                )
            elif name.lower() in seen:
                yield Fault(
                    f"{section[:-1]} name {name!r} is taken by {seen[name.lower()]!r}",
                    place,
                    "names differ by more than case",
                )
            seen.setdefault(name.lower(), name)


def inputs(subject: Subject) -> Iterator[Fault]:
    """Every input is an earlier block or the image, once."""
    order, forward = subject.order, 0
    for name, reads in subject.reads.items():
        seen: set[str] = set()
        for i, given in enumerate(reads):
            twice = given in seen
            seen.add(given)
            if given == "" or (given == "image" and not twice):
                continue  # what is no name at all is named by validation
            place = subject.place("blocks", name, "inputs", i, "from")
            if twice:
                yield Fault(f"{name}: input {given!r} is listed twice", place)
            elif given == name:
                yield Fault(f"{name}: a block cannot be its own input", place)
            elif given not in order:
                yield Fault(
                    f"{name}: unknown input {given[:60]!r}",
                    place,
                    did_you_mean(given, ["image", *order]),
                )
            elif order[given] > order[name]:
                forward += 1
                cycle = _path(subject.reads, given, name) if forward <= MOST_CYCLES else []
                if cycle:
                    yield Fault(f"{name}: the inputs form a cycle: {' <- '.join([name, *cycle])}", place)
                else:
                    line = subject.key("blocks", given).line
                    yield Fault(
                        f"{name}: input {given!r} comes later, on line {line}",
                        place,
                        "blocks run in the order written",
                    )


def unread(subject: Subject) -> Iterator[Fault]:
    """Every block is read by another or is an output; else it is only cost."""
    read = {given for reads in subject.reads.values() for given in reads}
    read |= {str(item.value) for item in subject.outputs.values()}
    for name in subject.order if subject.outputs else ():
        if name not in read:
            yield Fault(f"nobody reads block {name!r}", subject.key("blocks", name), "", "warning")


def outputs(subject: Subject) -> Iterator[Fault]:
    """Every output is a block, of the level that its name says, once."""
    seen: dict[str, str] = {}
    for name, item in subject.outputs.items():
        if not isinstance(item.value, str):
            continue  # named by validation
        if item.value not in subject.order:
            yield Fault(
                f"output {name!r}: unknown block {item.value[:60]!r}",
                item.place,
                did_you_mean(item.value, subject.order),
            )
            continue
        if item.value in seen:
            yield Fault(
                f"output {name!r}: block {item.value!r} is output {seen[item.value]!r} already",
                item.place,
            )
        seen.setdefault(item.value, name)
        block = subject.blocks.get(item.value)
        if block and name[0] in "Pp" and name[1:].isdecimal() and int(name[1:]) != block.level:
            at_level = [other for other, b in subject.blocks.items() if b.level == int(name[1:])]
            hint = (
                f"at level {name[1:]}: {', '.join(at_level[-4:])}" if at_level else f"no block is at level {name[1:]}"
            )
            yield Fault(f"output {name!r}: block {item.value!r} is at level {block.level}", item.place, hint)


def paths(subject: Subject) -> Iterator[Fault]:
    """Where inputs need resampling, there is a way to do it."""
    spec = subject.spec
    if not spec:
        return
    for name, block in subject.blocks.items():
        levels = [_level(subject, given.block) for given in block.inputs]
        if len(levels) == 1 and levels[0] is not None and levels[0] <= block.level:
            continue  # taken as it is; the block itself strides
        for i, (given, level) in enumerate(zip(block.inputs, levels, strict=True)):
            way = spec.resample_of(given)
            if level is not None and level != block.level and (way.down if level < block.level else way.up) == "none":
                key = "down" if level < block.level else "up"
                place = subject.place("blocks", name, "inputs", i)
                yield Fault(
                    f"{name}: no path from level {level} ({given.block}) to level {block.level}: resample.{key} is 'none'",
                    place,
                )


def head(subject: Subject) -> Iterator[Fault]:
    """The outputs fit the head: one dim, and for detection every level once and without a gap."""
    spec = subject.spec
    blocks = {name: subject.blocks.get(block) for name, block in spec.outputs.items()} if spec else {}
    if not spec or not spec.head or not all(blocks.values()):
        return
    found = {name: block for name, block in blocks.items() if block}
    place = subject.key("head")
    dims = {name: block.dim for name, block in found.items()}
    if not spec.endpoints and len(set(dims.values())) > 1:
        shown = ", ".join(f"{name}: {dim}" for name, dim in list(dims.items())[:8])
        yield Fault(
            f"head: outputs of different dims ({shown}) need 'endpoints'",
            place,
            "such as endpoints: {dim: 64}",
        )
    levels = sorted(block.level for block in found.values())
    if isinstance(spec.head, RetinaNet):
        twice = {level for level in levels if levels.count(level) > 1}
        if twice:
            yield Fault(f"head: more than one output at level {min(twice)}", subject.key("outputs"))
        gaps = set(range(levels[0], levels[-1])) - set(levels)
        if gaps:
            yield Fault(
                f"head: no output at level {min(gaps)}, between levels {levels[0]} and {levels[-1]}",
                subject.key("outputs"),
            )
    elif isinstance(spec.head, Classification) and len(levels) > 1 and spec.resample.up == "none":
        yield Fault("head: outputs of several levels are upsampled, and resample.up is 'none'", place)


def _level(subject: Subject, name: str) -> int | None:
    if name == "image":
        return 0
    return subject.blocks[name].level if name in subject.blocks else None


def _path(reads: Mapping[str, list[str]], start: str, goal: str) -> list[str]:
    """The shortest chain of inputs from `start` back to `goal`, both included; empty if there is none."""
    came: dict[str, str] = {start: ""}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        if name == goal:
            chain = [name]
            while came[chain[-1]]:
                chain.append(came[chain[-1]])
            return chain[::-1]
        for given in reads.get(name, ()):
            if given not in came:
                came[given] = name
                queue.append(given)
    return []


CHECKS: tuple[Check, ...] = (count, names, inputs, unread, outputs, paths, head)
