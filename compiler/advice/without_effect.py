"""Advice on settings without effect, as far as the document says them: a fragment need not fit every neck."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import repeat
from typing import Any, get_args

from spinec.compiler.advice.remark import Linted, Remark, Rule
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.lowering.fuse import lower_block
from spinec.compiler.lowering.layers import style_of
from spinec.compiler.lowering.resample import resample
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.conv import Conv
from spinec.compiler.ops.pool import Pool
from spinec.spec.blocks import Block, BlockNorm, Input, Resample
from spinec.spec.document import Item
from spinec.spec.kinds.arithmetic import settled
from spinec.spec.kinds.plan import field_values, known_nodes
from spinec.spec.kinds.uses import users_of

KEEPING = (("fuse",), ("norm",), *(("norm", key) for key in BlockNorm.model_fields), ("padding",))
"""What of a block takes the place of a default, whatever it says, and may so have an effect."""
SAME = "as the spec says the same"
ROUNDING = ("multiple", "rounding", "keep")  # of what `width` makes


def inputs(linted: Linted) -> Iterator[Remark]:
    """What is said of an input changes how it is resampled."""
    for name, block in linted.loaded.spec.blocks.items():
        as_is = linted.as_is(block)
        for i, given in enumerate(block.inputs):
            for key in given.model_dump(exclude={"block"}, exclude_none=True):
                if as_is or _is_idle(linted, given, block, key):
                    message = f"{name}: '{key}' has no effect on input {given.block}"
                    yield Remark(
                        "SPN-906", message, ("blocks", name, "inputs", i, key), _why(linted, given, block, key)
                    )


def _why(linted: Linted, given: Input, block: Block, key: str) -> str:
    level = linted.level(given.block)
    if key in ("down", "up") and level == block.level:
        return f"{given.block} is at the block's own level, {level}: nothing is resampled"
    if linted.as_is(block):
        return "the block takes the input as it is, without resampling"
    return "remove it"


def blocks(linted: Linted) -> Iterator[Remark]:
    """What is said of a block changes what it computes."""
    document = linted.loaded.document.mapping
    defaults = document["defaults"].mapping if "defaults" in document else {}
    for name, block in linted.loaded.spec.blocks.items():
        for path, why, hint in _idle(linted, block):
            if path in KEEPING and (path[0] in defaults or "extends" in document):
                continue  # it keeps a default away, or what a parent says
            yield Remark("SPN-906", f"{name}: '{path[-1]}' has no effect {why}", ("blocks", name, *path), hint)


def defaults(linted: Linted) -> Iterator[Remark]:
    """Every default is taken by a block in which it has an effect; an activation reaches further."""
    given = linted.loaded.document.mapping.get("defaults")
    for key, item in given.mapping.items() if given else ():
        if item.value is not None and not any(_takers(linted, key, item)):
            hint = "no kind of block used here has it, or every block sets its own"
            yield Remark("SPN-906", f"defaults: '{key}' has no effect", ("defaults", key), hint)


def _takers(linted: Linted, key: str, default: Item) -> Iterator[bool]:
    """Of all that takes a default: whether it has an effect there."""
    tree, spec = linted.loaded.tree.mapping, linted.loaded.spec
    for name, block in tree["blocks"].mapping.items():
        if _takes(block, key, default):
            yield all(path != (key,) for path, *_ in _idle(linted, spec.blocks[name]))
    yield from (_takes(tree[part], key, default) for part in ("endpoints", "head") if part in tree)
    if _takes(tree.get("resample"), key, default):
        yield not _is_idle_everywhere(linted, key)


def scale(linted: Linted) -> Iterator[Remark]:
    """What scales changes something."""
    given = linted.loaded.document.mapping.get("scale")
    said = {key: item for key, item in given.mapping.items() if item.value not in (None, {})} if given else {}
    wider = "width" in said and said["width"].value != 1
    if given and not wider and not said.keys() & {"size", "repeats"}:
        yield Remark("SPN-906", "scale: changes nothing", ("scale",), "set a size, a width or repeats, or remove it")
        return
    for name in said["repeats"].mapping if "repeats" in said else ():
        if linted.loaded.spec.blocks[name].definition.document.node:
            message = f"scale.repeats: repeats have no effect on {name}, an identity"
            yield Remark("SPN-906", message, ("scale", "repeats", name), "remove it")
    for key in ROUNDING if not wider else ():
        if key in said:
            message = f"scale: '{key}' has no effect without a width"
            yield Remark("SPN-906", message, ("scale", key), "it only sets how scaled dims are rounded")


def order(linted: Linted) -> Iterator[Remark]:
    """An order of space-to-depth's channels is said where there is space-to-depth."""
    if _is_idle_everywhere(linted, "channel_order"):
        hint = "no input is downsampled by space_to_depth"
        yield Remark("SPN-906", "resample: 'channel_order' has no effect", ("resample", "channel_order"), hint)


def _idle(linted: Linted, block: Block) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The settings of a block that change nothing, why, and what to do."""
    fuse = block.fuse
    if fuse and len(block.inputs) == 1 and _is_alike(linted, block, {"fuse": None}):
        yield ("fuse",), "with only one input", "remove it"
    elif fuse and fuse.kind != "fast_normalized":
        yield ("fuse", "epsilon"), f"where inputs are fused by '{fuse.kind}'", "remove it"
    source = block.inputs[0].block
    down = 2 ** (block.level - linted.level(source)) if linted.as_is(block) else 1
    yield from _idle_style(linted, block)
    yield from _idle_fields(block, {down, 1} if block.repeats > 1 else {down})
    if block.definition.document.node and block.repeats > 1:
        yield ("repeats",), f"on an {block.kind}, which has nothing to repeat", "remove it"


def _idle_style(linted: Linted, block: Block) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What a block says of its norms and its padding in vain."""
    spec, own = linted.loaded.spec, block.own_norm
    said = own.model_dump(exclude_none=True) if own else {}
    if own and _is_alike(linted, block, {"norm": None}):
        same = all(value == getattr(spec.norm, key) for key, value in said.items())
        yield ("norm",), SAME if same else "on a block without such a norm", "remove it"
    else:
        for key in said:
            if own and _is_alike(linted, block, {"norm": own.model_copy(update={key: None})}):
                same = said[key] == getattr(spec.norm, key)
                yield (
                    ("norm", key),
                    SAME if same else f"on a norm of the kind '{spec.norm_of(block).kind}'",
                    "remove it",
                )
    if block.padding and _is_alike(linted, block, {"padding": None}):
        why = SAME if block.padding == spec.padding else "where no window strides"
        yield ("padding",), why, "remove it"


def _is_alike(linted: Linted, block: Block, change: dict[str, Any]) -> bool:
    """Whether a block computes the same with other settings."""
    spec, given = linted.loaded.spec, [linted.features(source.block) for source in block.inputs]
    said, other = (
        list(_ops(lower_block(each, given, linted.features_of(block), spec, repeat(0.0))))
        for each in (block, block.model_copy(update=change))
    )
    return len(said) == len(other) and all(map(_are_alike, said, other))


def _are_alike(one: Op, other: Op) -> bool:
    """Whether two ops do the same: padding only says where the windows of one that strides lie."""
    if isinstance(one, Conv | Pool) and isinstance(other, Conv | Pool) and (one.stride == 1 or one.kernel == 1):
        return one == replace(other, padding=one.padding)
    return one == other


def _ops(graph: Graph) -> Iterator[Op]:
    for node in graph.nodes:
        yield from _ops(node.op) if isinstance(node.op, Graph) else [node.op]


def _idle_fields(block: Block, strides: Collection[int]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The fields of a block that only steps take which its other fields leave out."""
    kind, fields = block.definition, block.fields
    if fields.get("kernel") == 1 and "dilation" in fields:
        yield ("dilation",), "with a kernel of one pixel", "remove it"
    left_out = {".".join(placed.path): placed.step.when for placed in kind.placed() if placed.step.when}
    sites = [known_nodes(kind, field_values(block), stride) for stride in strides]
    for name in kind.document.fields:
        users = users_of(kind, name)
        reasons = [left_out[user] for user in users if user in left_out]
        if (
            users
            and len(reasons) == len(users)
            and all(settled(reason.node, known).value is False for reason in reasons for known in sites)
        ):
            yield (name,), f"unless {reasons[0].text}", "set that, or remove this"


def _is_idle(linted: Linted, given: Input, block: Block, key: str) -> bool:
    """Whether an input is resampled in one way, whatever is said under a key."""
    spec = linted.loaded.spec
    way = spec.resample_of(given)
    ways = [way.model_copy(update={key: choice}) for choice in _choices(key)]
    source, to = linted.features(given.block), linted.features_of(block)
    if key == "up":  # the one way there is, or none: it says whether a finer level may read a coarser one
        return to.level >= source.level
    style, joins = style_of(spec, block), spec.joins(block)
    return len({repr(resample(source, to, each, style, keep_dim=joins)) for each in ways}) == 1


def _choices(key: str) -> tuple[Any, ...]:
    """Enough values of a setting to see whether it has an effect."""
    annotation = Resample.model_fields[key].annotation
    some = {"alpha": (0.0, 0.5), "bias": (False, True), "activation": ("none", "relu")}
    return some.get(key) or tuple(choice for choice in get_args(annotation) if key != "down" or choice != "none")


def _is_idle_everywhere(linted: Linted, key: str) -> bool:
    return all(
        linted.as_is(block) or _is_idle(linted, given, block, key)
        for block in linted.loaded.spec.blocks.values()
        for given in block.inputs
    )


def _takes(item: Item | None, key: str, default: Item) -> bool:
    own = item.mapping.get(key) if item else None
    return own is not None and own.place == default.place


IDLE: tuple[Rule, ...] = (inputs, blocks, defaults, scale, order)
