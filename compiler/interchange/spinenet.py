"""SpineNet block specs, as TF Model Garden and tensorflow/tpu write them: (level, block, two input offsets, is output).

Offsets count from the two blocks that every such network starts with; ports to PyTorch list these, too, with None for
what they read, and name classes instead of functions. What the tuples leave open is taken from the
networks that they were published for: SpineNet-49 (arXiv 1912.05027; spinenet.py), and SpineNet-MBConv-49
(spinenet_mbconv.py) where the blocks are 'mbconv'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.model import ModelSpec
from spinec.spec.validate import show

KEYS = ("level", "block_fn", "input_offsets", "is_output")
LEVELS = range(2, 8)
STARTS = 2  # blocks that are there before the first of the list
MOST = 1000
CLASSES = {  # what public code calls the classes of the blocks
    "Bottleneck": "bottleneck",
    "BottleneckBlock": "bottleneck",
    "BasicBlock": "residual",
    "ResidualBlock": "residual",
    "MBConv": "mbconv",
    "MBConvBlock": "mbconv",
}


@dataclass(frozen=True)
class Family:
    """What the networks of some kinds of blocks have in common."""

    dims: dict[int, int]
    widen: dict[str, int]
    """Block function: its output dim over the dim of its level."""
    header: str
    start: tuple[str, ...]
    """The blocks before the list."""
    starts: tuple[tuple[int, int], ...]
    """Level and dim of the blocks that offsets 0 and 1 mean."""
    plain: str
    """How an input says that it joins as it is."""
    endpoints: int


CONVOLUTIONS = Family(
    {2: 64, 3: 128, **dict.fromkeys(range(4, 8), 256)},
    {"bottleneck": 4, "residual": 1},
    """input: {size: 640}
norm: {epsilon: 0.0001, momentum: 0.997}
defaults: {kind: bottleneck, activation: relu}
resample: {down: conv_pool, alpha: 0.5}
fuse: {kind: sum}
""",
    (
        "stem: {level: 1, kind: conv, kernel: 7, dim: 64, inputs: [image]}",
        "pool: {level: 2, kind: identity, activation: none, dim: 64, "
        "inputs: [{from: stem, down: max_pool, alpha: 0.0}]}",
        "b0: {level: 2, dim: 256, inputs: [pool]}",
        "b1: {level: 2, dim: 256, inputs: [b0]}",
    ),
    ((2, 256), (2, 256)),
    "alpha: 0.0",
    256,
)
MBCONV = Family(
    {2: 24, 3: 40, 4: 80, **dict.fromkeys(range(5, 8), 112)},
    {"mbconv": 1},
    """input: {size: 384}
defaults: {kind: mbconv, expand: 6, squeeze: 0.2, activation: swish}
resample: {down: depthwise, up: nearest_first, match: always}
fuse: {kind: sum}
""",
    (
        "stem: {level: 1, kind: conv, dim: 8, inputs: [image]}",
        "b0: {level: 1, dim: 16, inputs: [stem]}",
        "b1: {level: 2, dim: 24, inputs: [b0]}",
    ),
    ((1, 16), (2, 24)),
    "match: when_different",
    48,
)


class Entry(NamedTuple):
    """One block of the list."""

    level: int
    function: str
    offsets: tuple[int, int]
    is_output: bool
    item: Item


def spec_of_entries(root: Item, name: str) -> str:
    """The text of the spec that a list of block specs describes.

    Raises:
        SpecError: naming every entry that is none, at its place.
    """
    faults: list[Fault] = []
    items = root.value if isinstance(root.value, list) else []
    if len(items) > MOST:
        raise SpecError([Fault("SPN-706", f"{len(items):,} blocks, expected at most {MOST:,}", root.place)])
    starts = [_start(item) for item in items[:STARTS]]
    if len(starts) == STARTS and all(starts):
        items = items[STARTS:]
    found = [_entry(item, number, faults) for number, item in enumerate(items)]
    entries = [entry for entry in found if entry]
    family = MBCONV if entries and entries[0].function in MBCONV.widen else CONVOLUTIONS
    faults += _strange_starts(starts, family)
    faults += _misfits(entries, family)
    if not any(entry.is_output for entry in entries) and not faults:
        faults.append(Fault("SPN-706", "no block is an output", root.place, "the last entry of a tuple says which are"))
    if faults:
        raise SpecError(faults)
    return _text(entries, family, name)


def _start(item: Item) -> list[Item] | None:
    """The parts of a block that a list has for one that is there before it: it reads nothing."""
    parts = _parts(item, [])
    return parts if parts and parts[KEYS.index("input_offsets")].plain() == (None, None) else None


def _strange_starts(starts: list[list[Item] | None], family: Family) -> Iterator[Fault]:
    """Blocks before the list that are not those of the published networks."""
    for parts, (level, _) in zip(starts, family.starts, strict=False):
        if parts is None or None in starts:
            return
        if parts[0].value != level:
            yield Fault("SPN-706", f"level: expected {level}, as published of the blocks at the start", parts[0].place)
        if CLASSES.get(str(parts[1].value), parts[1].value) not in list(family.widen)[:1]:
            message = f"expected {next(iter(family.widen))!r}, as published of the blocks at the start"
            yield Fault("SPN-706", message, parts[1].place)
        if parts[3].value is not False:
            yield Fault("SPN-706", "is_output: expected False of the blocks at the start", parts[3].place)


def _entry(item: Item, number: int, faults: list[Fault]) -> Entry | None:
    """A tuple or a mapping as a block, or None after adding what is wrong."""
    parts = _parts(item, faults)
    if parts is None:
        return None
    level, function, offsets, is_output = parts
    function = function._replace(value=CLASSES.get(str(function.value), function.value))
    known = [*CONVOLUTIONS.widen, *MBCONV.widen]
    before = len(faults)
    if type(level.value) is not int or level.value not in LEVELS:
        message = f"level: expected {LEVELS[0]} to {LEVELS[-1]}, got {show(level.plain())}"
        faults.append(Fault("SPN-706", message, level.place))
    if function.value not in known:
        message = f"unknown block function {show(function.plain())}"
        faults.append(Fault("SPN-706", message, function.place, partial(did_you_mean, function.value, known)))
    given = offsets.value if isinstance(offsets.value, list) else []
    if len(given) != 2 or any(type(each.value) is not int for each in given):
        faults.append(Fault("SPN-706", "input offsets: expected two whole numbers", offsets.place, "such as (0, 1)"))
    elif given[0].value == given[1].value:
        faults.append(Fault("SPN-706", "input offsets: the same block twice", given[1].place))
    for each in given:
        if type(each.value) is int and not 0 <= each.value < number + STARTS:
            message = f"input offset {each.value}: expected 0 to {number + STARTS - 1}, an earlier block"
            faults.append(
                Fault(
                    "SPN-706",
                    message,
                    each.place,
                    f"this block is {number + STARTS}; 0 and 1 are there before the list",
                )
            )
    if not isinstance(is_output.value, bool):
        message = f"is_output: expected True or False, got {show(is_output.plain())}"
        faults.append(Fault("SPN-706", message, is_output.place))
    if len(faults) > before:
        return None
    first, second = (each.plain() for each in given)
    return Entry(level.plain(), function.plain(), (first, second), is_output.plain(), item)


def _parts(item: Item, faults: list[Fault]) -> list[Item] | None:
    match item.value:
        case list() as parts if len(parts) == len(KEYS):
            return parts
        case dict() as entries:
            unknown = [key for key in entries if key not in KEYS]
            missing = [key for key in KEYS if key not in entries]
            faults += [
                Fault("SPN-706", f"unknown key {show(key)}", entries[key].key, partial(did_you_mean, key, KEYS))
                for key in unknown
            ]
            faults += [Fault("SPN-706", f"missing key {key!r}", item.place) for key in missing]
            return None if unknown or missing else [entries[key] for key in KEYS]
    faults.append(Fault("SPN-706", "expected (level, block function, (offset, offset), is output)", item.place))
    return None


def _misfits(entries: list[Entry], family: Family) -> Iterator[Fault]:
    """Blocks of another family, and two outputs of one level."""
    outputs: set[int] = set()
    for entry in entries:
        if entry.function not in family.widen:
            message = f"block function {entry.function!r} beside {entries[0].function!r}: no such network was published"
            yield Fault("SPN-706", message, entry.item.place)
        if entry.is_output and entry.level in outputs:
            yield Fault("SPN-706", f"a second output of level {entry.level}", entry.item.place)
        if entry.is_output:
            outputs.add(entry.level)


def _text(entries: list[Entry], family: Family, name: str) -> str:
    features = list(family.starts)
    readers = [0] * STARTS
    lines, outputs = [*family.start], {}
    for number, entry in enumerate(entries, STARTS):
        feature = entry.level, family.dims[entry.level] * family.widen[entry.function]
        for offset in entry.offsets:
            readers[offset] += 1
        inputs = [f"b{offset}" for offset in entry.offsets]
        if entry.is_output:  # what nobody has read so far, of the same level and dim, joins as it is
            spare = [i for i, count in enumerate(readers) if not count and features[i] == feature]
            inputs += [f"{{from: b{i}, {family.plain}}}" for i in spare]
            for i in spare:
                readers[i] += 1
            outputs[entry.level] = f"b{number}"
        features.append(feature)
        readers.append(0)
        level, dim = feature
        lines.append(
            f"b{number}: {{level: {level}, kind: {entry.function}, dim: {dim}, inputs: [{', '.join(inputs)}]}}"
        )
    given = ", ".join(f"P{level}: {block}" for level, block in sorted(outputs.items()))
    blocks = "\n".join(f"  {line}" for line in lines)
    tail = f"outputs: {{{given}}}\nendpoints: {{dim: {family.endpoints}}}\n"
    return f"name: {name}\nsource: SpineNet block specs\n{family.header}blocks:\n{blocks}\n{tail}"


def entries_of_spec(spec: ModelSpec) -> str:
    """The list of block specs of a spec, as Python writes it; whether nothing is lost is for the caller to see."""
    kinds = {block.kind for block in spec.blocks.values()}
    family = MBCONV if "mbconv" in kinds else CONVOLUTIONS
    places = {name: number for number, name in enumerate(list(spec.blocks)[len(family.start) - STARTS :])}
    outputs = set(spec.outputs.values())
    faults: list[Fault] = []
    lines = [
        f"    ({block.level}, {block.kind!r}, {_offsets(name, block, places, faults)}, {name in outputs}),"
        for name, block in spec.blocks.items()
        if places.get(name, -1) >= STARTS
    ]
    if faults:
        raise SpecError(faults)
    return "\n".join(["BLOCK_SPECS = [", *lines, "]"]) + "\n"


def _offsets(name: str, block: Block, places: dict[str, int], faults: list[Fault]) -> tuple[int, ...]:
    """What the block reads; what joins at an output beyond two is there by rule."""
    if len(block.inputs) < 2 or any(given.block not in places for given in block.inputs):
        faults.append(Fault("SPN-709", f"{name}: SpineNet's tuples have two earlier blocks as inputs"))
        return ()
    return tuple(places[given.block] for given in block.inputs[:2])
