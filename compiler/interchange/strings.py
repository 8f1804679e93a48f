"""EfficientNet block strings, as timm and TensorFlow's EfficientNet write them: ``ir_r2_k3_s2_e6_c24_se0.25``.

A chain of blocks behind a 3x3 stem of stride 2. What the strings leave open is given beside them: `Frame`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from math import ceil

from spinec.compiler.interchange.frame import TENSORFLOW, TIMM, Frame
from spinec.compiler.interchange.options import ACTIVATIONS, Options, decoded
from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fields import MAX_LEVEL
from spinec.spec.model import ModelSpec
from spinec.spec.rounding import ratio_of, round_dim
from spinec.spec.validate import show

EIGHT = 8  # timm makes hidden dims multiples of it
STEM = 32
MOST = 1000
DIGITS = 10**6  # of a ratio that is made up


def spec_of_strings(root: Item, name: str, frame: Frame) -> str:
    """The text of the spec that block strings describe: one list of them, or a list for every stage.

    Raises:
        SpecError: naming every option that is none, at its place.
    """
    faults: list[Fault] = []
    strings = list(_strings(root, faults))
    if len(strings) > MOST:
        raise SpecError([Fault("SPN-707", f"{len(strings):,} blocks, expected at most {MOST:,}", root.place)])
    options = [each for each in (decoded(item, faults) for item in strings) if each]
    if not options and not faults:
        faults.append(Fault("SPN-707", "no block strings", root.place, "such as ir_r2_k3_s2_e6_c24_se0.25"))
    stem = frame.stem or (int(options[0].values.get("i", STEM)) if options else STEM)
    lines = list(_lines(options, stem, frame, faults))
    if faults:
        raise SpecError(faults)
    is_tensorflow = options[0].is_tensorflow
    height, width = frame.size
    parts = [
        f"name: {name}",
        f"source: {TENSORFLOW if is_tensorflow else TIMM}",
        f"input: {{size: [{height}, {width}]}}",
        f"padding: {frame.padding or ('same' if is_tensorflow else 'symmetric')}",
        f"norm: {{epsilon: {frame.epsilon}, momentum: {frame.momentum}}}",
        f"defaults: {{{', '.join(_defaults(options, frame))}}}",
        "blocks:",
        f"  stem: {{level: 1, kind: conv, dim: {stem}, inputs: [image]}}",
        *lines,
        f"outputs: {{P{1 + _strides(options)}: b{len(options)}}}",
        *_head(frame),
    ]
    return "\n".join(parts) + "\n"


def _lines(options: list[Options], dim: int, frame: Frame, faults: list[Fault]) -> Iterator[str]:
    """A line for each block, from the dim of the stem on."""
    for number, each in enumerate(options, 1):
        level = 1 + _strides(options[:number])
        if level > MAX_LEVEL:
            faults.append(Fault("SPN-707", f"level {level}: expected at most {MAX_LEVEL}", each.places["s"]))
            return
        faults.extend(_misfits(each, options[0], dim))
        before = "stem" if number == 1 else f"b{number - 1}"
        yield f"  b{number}: {{level: {level}, {_fields(each, dim, frame, faults)}, inputs: [{before}]}}"
        dim = int(each.values["c"])


def _misfits(options: Options, first: Options, dim: int) -> Iterator[Fault]:
    """What a string says that does not fit those before it."""
    if options.is_tensorflow != first.is_tensorflow:
        yield Fault(
            "SPN-707", "strings of TensorFlow beside timm's", options.places["r"], "they leave other things open"
        )
    elif (taken := int(options.values.get("i", dim))) != dim:
        hint = "the dim of the stem" if options is first else "the dim of the block before"
        yield Fault("SPN-707", f"option i{taken}: expected {dim}", options.places["i"], hint)


def _strides(options: list[Options]) -> int:
    return sum(each.values["s"] == 2 for each in options)


def _defaults(options: list[Options], frame: Frame) -> Iterator[str]:
    yield f"activation: {frame.activation}"
    if any(each.values.get("se") for each in options):
        yield f"squeeze_base: {frame.squeeze_base}"
        yield f"squeeze_multiple: {frame.squeeze_multiple}"
        yield f"gate: {frame.gate}"
        if frame.squeeze_activation != "own":
            yield f"squeeze_activation: {frame.squeeze_activation}"


def _head(frame: Frame) -> Iterator[str]:
    if frame.features:
        yield f"endpoints: {{dim: {frame.features}}}"
    if frame.features or frame.hidden:
        hidden = f", hidden: {frame.hidden}, hidden_bias: {str(frame.hidden_bias).lower()}" if frame.hidden else ""
        yield f"head: {{kind: classification, classes: {frame.classes}{hidden}}}"


def _strings(root: Item, faults: list[Fault]) -> Iterator[Item]:
    for item in root.value if isinstance(root.value, list) else [root]:
        if isinstance(item.value, list):
            yield from _strings(item, faults)
        elif isinstance(item.value, str):
            yield item
        else:
            faults.append(Fault("SPN-707", f"expected a block string, got {show(item.plain())}", item.place))


def _fields(options: Options, in_dim: int, frame: Frame, faults: list[Fault]) -> str:
    """The fields of the block that a string describes."""
    values, dim, repeats = options.values, int(options.values["c"]), int(options.values["r"])
    fields: list[str] = [f"kind: {_kind(options)}", f"dim: {dim}"]
    if values["k"] != 3:
        fields.append(f"kernel: {int(values['k'])}")
    if options.kind != "cn":
        in_dims = {in_dim, dim} if repeats > 1 else {in_dim}
        fields += [f"expand: {_expand(options, in_dims, faults)}"]
        fields += [f"squeeze: {_squeeze(options, in_dims, frame, faults)}"]
    elif "skip" in options.places:
        fields += ["expand: 1"]
    if "noskip" in options.places and options.kind != "cn":
        fields.append("shortcut: false")
    if options.activation:
        fields.append(f"activation: {options.activation}")
    return ", ".join([*fields, *([f"repeats: {repeats}"] if repeats > 1 else [])])


def _kind(options: Options) -> str:
    if options.kind == "cn":
        return "fused_mbconv" if "skip" in options.places else "conv"
    return "fused_mbconv" if options.kind == "er" else "mbconv"


def _hidden(options: Options, in_dim: int) -> int:
    """The hidden dim that the network has which the string was written for."""
    expand = options.values.get("e", 1)
    if options.kind == "ds" or options.is_tensorflow:
        return int(in_dim * expand)
    return round_dim(in_dim * expand, EIGHT)


def _squeezed(options: Options, in_dim: int, frame: Frame) -> int:
    """The squeezed dim that it has."""
    squeeze, expand, hidden = options.values["se"], options.values.get("e", 1), _hidden(options, in_dim)
    exact = hidden * squeeze if frame.squeeze_base == "hidden" else hidden * (squeeze / expand)
    if options.is_tensorflow and frame.squeeze_base == "input":
        exact = in_dim * squeeze
    if frame.squeeze_multiple > 1:
        return round_dim(exact, frame.squeeze_multiple, frame.squeeze_limit)
    return max(1, int(exact) if options.is_tensorflow else round(exact))


def _expand(options: Options, in_dims: Collection[int], faults: list[Fault]) -> str:
    """The expand ratio with which every one of the repeats has the hidden dim that it is to have."""
    expand, wanted = options.values.get("e", 1), {in_dim: _hidden(options, in_dim) for in_dim in in_dims}
    ratios = [expand, *(_quotient(hidden, in_dim) for in_dim, hidden in wanted.items())]
    for ratio in ratios:
        if all(ratio_of(in_dim, ratio) == hidden for in_dim, hidden in wanted.items()):
            return f"{ratio:.10g}"
    for in_dim, hidden in wanted.items():
        if hidden != ratio_of(in_dim, expand):
            message = f"e{expand:g} of {in_dim} channels are {hidden} in timm and {ratio_of(in_dim, expand)} in a spec"
            faults.append(Fault("SPN-708", message, options.places["e"], "no ratio gives that for every repeat"))
    return f"{expand:g}"


def _squeeze(options: Options, in_dims: Collection[int], frame: Frame, faults: list[Fault]) -> str:
    """The ratio with which every one of the repeats has the squeezed dim that it is to have."""
    squeeze = options.values.get("se", 0.0)
    if not squeeze:
        return "0"
    bases = {dim: _hidden(options, dim) if frame.squeeze_base == "hidden" else dim for dim in in_dims}
    wanted = {base: _squeezed(options, dim, frame) for dim, base in bases.items()}
    for ratio in [squeeze, *(_quotient(squeezed, base) for base, squeezed in wanted.items())]:
        if ratio <= 1 and all(_share(base, ratio, frame) == squeezed for base, squeezed in wanted.items()):
            return f"{ratio:.10g}"
    for base, squeezed in wanted.items():
        if squeezed != (share := _share(base, squeeze, frame)):
            message = f"se{squeeze:g} of {base} channels are {squeezed} in timm and {share} in a spec"
            faults.append(Fault("SPN-708", message, options.places["se"], "no ratio gives that for every repeat"))
    return f"{squeeze:g}"


def _share(base: int, ratio: float, frame: Frame) -> int:
    """The squeezed dim that a spec has."""
    if frame.squeeze_multiple > 1:
        return round_dim(base * ratio, frame.squeeze_multiple)
    return ratio_of(base, ratio)


def _quotient(share: int, base: int) -> float:
    """A ratio of few digits that gives the share, rounded down."""
    return ceil(Fraction(share, base) * DIGITS) / DIGITS


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


def _string(spec: ModelSpec, name: str, faults: list[Fault]) -> str:
    block = spec.blocks[name]
    strides = block.level - spec.level_of(block.inputs[0].block)
    if len(block.inputs) != 1 or strides not in (0, 1):
        faults.append(Fault("SPN-709", f"{name}: block strings are a chain in which every block strides by 1 or 2"))
        return ""
    if isinstance(_kernel(block), tuple):
        faults.append(Fault("SPN-709", f"{name}: kernels of block strings are square"))
        return ""
    words = [f"r{block.repeats}", f"k{_kernel(block)}", f"s{1 + strides}"]
    fields = block.fields
    match block.kind:
        case "conv":
            kind, rest = "cn", [f"c{block.dim}"]
        case "fused_mbconv" if fields["expand"] == 1:
            kind, rest = "cn", [f"c{block.dim}", "skip"]
        case "mbconv" | "fused_mbconv":
            kind = "er" if block.kind == "fused_mbconv" else "ds" if fields["expand"] == 1 else "ir"
            rest = [*([f"e{fields['expand']:g}"] if fields["expand"] != 1 else []), f"c{block.dim}"]
            rest += [f"se{fields['squeeze']:g}"] if fields["squeeze"] else []
            rest += [] if fields["shortcut"] else ["noskip"]
        case _:
            faults.append(Fault("SPN-709", f"{name}: no block string describes a block of kind {block.kind!r}"))
            return ""
    stem = next(iter(spec.blocks.values()))
    short = {kind: word for word, kind in ACTIVATIONS.items()}
    if block.activation != stem.activation and block.activation in short:
        rest.append(f"n{short[block.activation]}")
    return "_".join([kind, *words, *rest])


def _kernel(block: Block) -> int | tuple[int, int]:
    return getattr(block, "kernel", 1)
