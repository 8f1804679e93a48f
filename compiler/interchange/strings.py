"""EfficientNet block strings, as timm and TensorFlow's EfficientNet write them: ``ir_r2_k3_s2_e6_c24_se0.25``.

A chain of blocks behind a 3x3 stem of stride 2. What the strings leave open is given beside them: `Frame`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from spinec.compiler.blocks.layers import ratio_of
from spinec.spec.blocks import Block, Conv, FusedMBConv, InvertedBottleneck
from spinec.spec.document import Item
from spinec.spec.errors import Fault, Place, SpecError, did_you_mean
from spinec.spec.fields import MAX_DIM, MAX_KERNEL, MAX_LEVEL, MAX_REPEATS, Activation, Padding
from spinec.spec.model import ModelSpec, round_dim
from spinec.spec.validate import show

TYPES = {  # options of each type: those that it must have, and those that it may have
    "ir": ("rksec", ("se", "noskip", "n")),
    "ds": ("rksc", ("e", "se", "noskip", "n")),
    "er": ("rksec", ("se", "noskip", "n")),
    "cn": ("rksc", ("e", "skip", "n")),
}
ACTIVATIONS: dict[str, Activation] = {"re": "relu", "r6": "relu6", "hs": "hard_swish", "sw": "swish"}
OPTION = re.compile(r"(?P<key>[a-z]+?)(?P<value>\d{1,6}(\.\d{1,6})?)\Z", re.ASCII)
EIGHT = 8  # timm makes hidden dims multiples of it
MOST = 1000


@dataclass(frozen=True)
class Frame:
    """What block strings do not say; the defaults are EfficientNet-B0's in timm."""

    size: tuple[int, int] = (224, 224)
    stem: int = 32
    features: int = 1280
    """Dim of the 1x1 convolution behind the last block; 0 for none, and no head."""
    classes: int = 1000
    activation: Activation = "swish"
    padding: Padding = "symmetric"
    epsilon: float = 0.001
    momentum: float = 0.99


@dataclass
class Options:
    """The options of one string, by key, each with its place."""

    kind: str
    values: dict[str, float] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    activation: Activation | None = None


def spec_of_strings(root: Item, name: str, frame: Frame) -> str:
    """The text of the spec that block strings describe: one list of them, or a list for every stage.

    Raises:
        SpecError: naming every option that is none, at its place.
    """
    faults: list[Fault] = []
    strings = list(_strings(root, faults))
    if len(strings) > MOST:
        raise SpecError([Fault("SPN-707", f"{len(strings):,} blocks, expected at most {MOST:,}", root.place)])
    options = [each for each in (_decoded(item, faults) for item in strings) if each]
    if not options and not faults:
        faults.append(Fault("SPN-707", "no block strings", root.place, "such as ir_r2_k3_s2_e6_c24_se0.25"))
    lines, level, dim = [], 1, frame.stem
    for number, each in enumerate(options, 1):
        stride = each.values["s"]
        level += stride == 2
        if level > MAX_LEVEL:
            faults.append(Fault("SPN-707", f"level {level}: expected at most {MAX_LEVEL}", each.places["s"]))
            break
        before = "stem" if number == 1 else f"b{number - 1}"
        lines.append(f"  b{number}: {{level: {level}, {_fields(each, dim, faults)}, inputs: [{before}]}}")
        dim = int(each.values["c"])
    if faults:
        raise SpecError(faults)
    height, width = frame.size
    parts = [
        f"name: {name}",
        "source: EfficientNet block strings",
        f"input: {{size: [{height}, {width}]}}",
        f"padding: {frame.padding}",
        f"norm: {{epsilon: {frame.epsilon}, momentum: {frame.momentum}}}",
        f"defaults: {{activation: {frame.activation}}}",
        "blocks:",
        f"  stem: {{level: 1, kind: conv, dim: {frame.stem}, inputs: [image]}}",
        *lines,
        f"outputs: {{P{level}: b{len(options)}}}",
    ]
    if frame.features:
        parts.append(f"endpoints: {{dim: {frame.features}}}")
        parts.append(f"head: {{kind: classification, classes: {frame.classes}}}")
    return "\n".join(parts) + "\n"


def _strings(root: Item, faults: list[Fault]) -> Iterator[Item]:
    for item in root.value if isinstance(root.value, list) else [root]:
        if isinstance(item.value, list):
            yield from _strings(item, faults)
        elif isinstance(item.value, str):
            yield item
        else:
            faults.append(Fault("SPN-707", f"expected a block string, got {show(item.plain())}", item.place))


def _decoded(item: Item, faults: list[Fault]) -> Options | None:
    """A string taken apart, or None after adding what is wrong with it."""
    text = str(item.value)
    kind, *words = text.split("_")
    quote = item.place.length - len(text) == 2  # a quotation mark before the text
    column = item.place.column + quote
    if kind not in TYPES:
        place = item.place._replace(column=column, length=max(1, len(kind)))
        faults.append(Fault("SPN-707", f"unknown block type {show(kind)}", place, partial(did_you_mean, kind, TYPES)))
        return None
    found, wrong = Options(kind), list[Fault]()
    column += len(kind) + 1
    for word in words:
        wrong += _add(found, word, item.place._replace(column=column, length=max(1, len(word))))
        column += len(word) + 1
    missing = [key for key in TYPES[kind][0] if key not in found.values]
    if missing and not wrong:
        wrong.append(Fault("SPN-707", f"{kind}: missing option {', '.join(missing)}", item.place))
    faults += wrong
    return None if wrong else found


def _add(found: Options, word: str, place: Place) -> Iterator[Fault]:
    """Add an option to those of its string, or say what is wrong with it."""
    kind, (needed, may) = found.kind, TYPES[found.kind]
    is_activation = word[:1] == "n" and word[1:] in ACTIVATIONS
    option = None if is_activation else OPTION.match(word)
    key = option["key"] if option else "n" if is_activation else word
    is_number = key in (*needed, "e", "se")
    if key not in (*needed, *may) or (option and not is_number) or word == "n":
        known = [*needed, *(each for each in may if each != "n"), *(f"n{each}" for each in ACTIVATIONS)]
        yield Fault("SPN-707", f"{kind}: unknown option {show(word)}", place, f"expected {', '.join(known)}")
    elif key in found.places:
        yield Fault("SPN-707", f"{kind}: option {key!r} twice", place)
    elif is_number and not option:
        yield Fault("SPN-707", f"{kind}: option {key!r} without a number", place)
    else:
        found.places[key] = place
        if key == "n":
            found.activation = ACTIVATIONS[word[1:]]
        if option:
            found.values[key] = float(option["value"])
            yield from _out_of_range(key, option["value"], place, kind)


def _out_of_range(key: str, text: str, place: Place, kind: str) -> Iterator[Fault]:
    value = float(text)
    most = {"r": MAX_REPEATS, "k": MAX_KERNEL, "s": 2, "c": MAX_DIM, "e": 64, "se": 1}[key]
    least = 0 if key == "se" else 1
    if not least <= value <= most or (key in "rksc" and "." in text) or (key == "k" and value % 2 == 0):
        what = "an odd number, " if key == "k" else "" if key in ("e", "se") else "a whole number, "
        yield Fault("SPN-707", f"option {key}{text}: expected {what}{least} to {most}", place)
    elif key == "e" and kind in ("ds", "cn") and value != 1:
        yield Fault("SPN-707", f"{kind} has no expansion, got e{text}", place, "ir has")
    elif key == "e" and kind in ("ir", "er") and value == 1:
        message = f"{kind} of e1 expands to as many channels as there are: no block of specs does"
        yield Fault("SPN-707", message, place, f"{'ds' if kind == 'ir' else 'cn'} has no expansion")


def _fields(options: Options, in_dim: int, faults: list[Fault]) -> str:
    """The fields of the block that a string describes."""
    values, dim, repeats = options.values, int(options.values["c"]), int(options.values["r"])
    fields: list[str] = [f"kind: {_kind(options)}", f"dim: {dim}"]
    if values["k"] != 3:
        fields.append(f"kernel: {int(values['k'])}")
    if options.kind != "cn":
        expand, squeeze = values.get("e", 1), values.get("se", 0.0)
        for each in {in_dim, dim} if repeats > 1 else {in_dim}:
            faults.extend(_roundings(options, each, expand, squeeze))
        fields += [f"expand: {expand:g}", f"squeeze: {squeeze:g}"]
    elif "skip" in options.places:
        fields += ["expand: 1"]
    if "noskip" in options.places:
        fields.append("shortcut: false")
    if options.activation:
        fields.append(f"activation: {options.activation}")
    return ", ".join([*fields, *([f"repeats: {repeats}"] if repeats > 1 else [])])


def _kind(options: Options) -> str:
    if options.kind == "cn":
        return "fused_mbconv" if "skip" in options.places else "conv"
    return "fused_mbconv" if options.kind == "er" else "mbconv"


def _roundings(options: Options, in_dim: int, expand: float, squeeze: float) -> Iterator[Fault]:
    """Where timm rounds a dim otherwise than specs do, which have shares of dims rounded down."""
    hidden = in_dim if options.kind == "ds" else round_dim(in_dim * expand, EIGHT)
    if hidden != ratio_of(in_dim, expand):
        message = f"e{expand:g} of {in_dim} channels are {hidden} in timm and {ratio_of(in_dim, expand)} in a spec"
        yield Fault("SPN-708", message, options.places["e"])
    squeezed = round(hidden * (squeeze / expand))
    if squeeze and squeezed != ratio_of(in_dim, squeeze):
        message = f"se{squeeze:g} of {in_dim} channels are {squeezed} in timm and {ratio_of(in_dim, squeeze)} in a spec"
        yield Fault("SPN-708", message, options.places["se"])


def strings_of_spec(spec: ModelSpec) -> str:
    """The block strings of a spec, a line each; whether nothing is lost is for the caller to see.

    Raises:
        SpecError: naming every block that no string describes.
    """
    faults: list[Fault] = []
    names = list(spec.blocks)[1:]
    lines = [_string(spec, name, faults) for name in names]
    if faults or not lines:
        raise SpecError(faults or [Fault("SPN-709", f"{spec.name}: no blocks behind the stem")])
    return "\n".join(lines) + "\n"


def frame_of_spec(spec: ModelSpec) -> Frame:
    """What is to be said beside a spec's strings."""
    stem = next(iter(spec.blocks.values()))
    classes = int(getattr(spec.head, "classes", 1000)) if spec.head else 1000
    features = spec.endpoints.dim if spec.endpoints else 0
    norm = spec.norm
    return Frame(
        spec.input.size, stem.dim, features, classes, stem.activation, spec.padding, norm.epsilon, norm.momentum
    )


def _string(spec: ModelSpec, name: str, faults: list[Fault]) -> str:
    block = spec.blocks[name]
    strides = block.level - spec.level_of(block.inputs[0].block)
    if len(block.inputs) != 1 or strides not in (0, 1):
        faults.append(Fault("SPN-709", f"{name}: block strings are a chain in which every block strides by 1 or 2"))
        return ""
    words = [f"r{block.repeats}", f"k{_kernel(block)}", f"s{1 + strides}"]
    match block:
        case Conv():
            kind, rest = "cn", [f"c{block.dim}"]
        case FusedMBConv(expand=1):
            kind, rest = "cn", [f"c{block.dim}", "skip"]
        case InvertedBottleneck():
            kind = "er" if isinstance(block, FusedMBConv) else "ds" if block.expand == 1 else "ir"
            rest = [*([f"e{block.expand:g}"] if block.expand != 1 else []), f"c{block.dim}"]
            rest += [f"se{block.squeeze:g}"] if block.squeeze else []
            rest += [] if block.shortcut else ["noskip"]
        case _:
            faults.append(Fault("SPN-709", f"{name}: no block string describes a block of kind {block.kind!r}"))
            return ""
    stem = next(iter(spec.blocks.values()))
    short = {kind: word for word, kind in ACTIVATIONS.items()}
    if block.activation != stem.activation and block.activation in short:
        rest.append(f"n{short[block.activation]}")
    return "_".join([kind, *words, *rest])


def _kernel(block: Block) -> int:
    return int(getattr(block, "kernel", 1))
