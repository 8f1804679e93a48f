"""What an experienced author would ask about a legal spec: one plain function a rule, in the order of `RULES`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spinec.compiler.advice.remark import Linted, Remark, Rule
from spinec.compiler.advice.without_effect import IDLE
from spinec.spec.blocks import Block
from spinec.spec.kinds.expand import expand
from spinec.spec.kinds.plan import field_values

MULTIPLE = 8  # channels that matrix units of GPUs and TPUs take at once in half precision
LEAST_READ = 0.5  # of the positions of an input that a block strides over
LEAST_KEPT = 0.01  # of what an input holds; resampling across three levels at one dim keeps 1/64
MOST_OF_COST = 0.5
LEAST_MOMENTUM = 0.5  # frameworks' defaults are 0.9 and 0.99; the same meant the other way round is 0.1 and 0.01
FEWEST_BLOCKS = 4  # of a spec in which one block may not take most of the cost
_FEATURE = re.compile(r"C(\d{1,2})\Z", re.ASCII)  # the name of a feature that says a level


def unread(linted: Linted) -> Iterator[Remark]:
    """What loading warns of."""
    blocks = linted.loaded.tree.mapping["blocks"].mapping
    for fault in linted.loaded.warnings:
        name = next(name for name, item in blocks.items() if item.key == fault.place)
        yield Remark(fault.code, fault.message, ("blocks", name), fault.advice)


def thrown_away(linted: Linted) -> Iterator[Remark]:
    """Coming to a coarser level keeps more than a hundredth of an input, and a stride reads more than half of it."""
    for name, block in linted.loaded.spec.blocks.items():
        if linted.as_is(block):
            source = block.inputs[0].block
            kernel, stride = _window(linted, block)
            if (read := min(1, kernel / stride) ** 2) < LEAST_READ:
                message = f"{name}: a kernel of {kernel} with stride {stride} reads only {read:.0%} of {source}"
                yield Remark("SPN-901", message, ("blocks", name, "level"), "put a block between them")
            continue
        for i, given in enumerate(block.inputs):
            down = block.level - linted.level(given.block)
            dim = linted.dim(given.block) if linted.loaded.spec.joins(block) else block.dim
            kept = dim / (linted.dim(given.block) * 4**down)
            if down > 0 and kept < LEAST_KEPT:
                message = (
                    f"{name}: only {kept:.1%} of {given.block} is left: {linted.dim(given.block)} channels at level "
                    f"{linted.level(given.block)} become {dim} at level {block.level}"
                )
                yield Remark(
                    "SPN-901",
                    message,
                    ("blocks", name, "inputs", i),
                    "read a coarser block, or give this one more channels",
                )


def _window(linted: Linted, block: Block) -> tuple[int, int]:
    """The largest window of a block that strides, and its stride."""
    source = block.inputs[0].block
    stride = 2 ** (block.level - linted.level(source))
    parts = expand(block.definition, field_values(block), linted.dim(source), block.dim, stride)
    windows = [window for window in parts.windows if window[1] > 1]
    return max(windows, default=(1, 1))


def levels(linted: Linted) -> Iterator[Remark]:
    """Between the finest output and the coarsest, every level that has blocks has an output."""
    spec = linted.loaded.spec
    given = {spec.level_of(block) for block in spec.outputs.values()}
    for level in sorted({block.level for block in spec.blocks.values()} - given):
        if min(given) < level < max(given):
            last = [name for name, block in spec.blocks.items() if block.level == level][-1]
            message = f"no output at level {level}, between outputs at levels {min(given)} and {max(given)}"
            yield Remark("SPN-902", message, ("outputs",), f"such as P{level}: {last}")


def dims(linted: Linted) -> Iterator[Remark]:
    """Dims are multiples of what the hardware takes at once."""
    spec, multiple = linted.loaded.spec, linted.multiple
    found: list[tuple[tuple[str | int, ...], object]] = [
        (("blocks", name, "dim"), block.dim) for name, block in spec.blocks.items()
    ]
    found += [((part, "dim"), getattr(getattr(spec, part), "dim", None)) for part in ("endpoints", "head")]
    for path, dim in found:
        if isinstance(dim, int) and dim % multiple:
            owner = path[-2]
            hint = f"{-(-dim // multiple) * multiple} would take as long"
            yield Remark("SPN-903", f"{owner}: dim {dim} is not a multiple of {multiple}", path, hint)


def hidden_dims(linted: Linted) -> Iterator[Remark]:
    """So are the dims within a block, if its kind can round them."""
    multiple = linted.multiple
    for name, block in linted.loaded.spec.blocks.items():
        in_dim = linted.dim(block.inputs[0].block) if linted.as_is(block) else block.dim
        for dim in dict.fromkeys((in_dim, block.dim) if block.repeats > 1 else (in_dim,)):
            hidden = _hidden_dim(block, dim)
            if hidden % multiple and not dim % multiple:
                message = f"{name}: its hidden dim {hidden} is not a multiple of {multiple}"
                hint = f"hidden_multiple: {multiple} rounds it to the nearest"
                yield Remark("SPN-903", message, ("blocks", name, "dim"), hint)


def _hidden_dim(block: Block, in_dim: int) -> int:
    """The hidden dim of a block whose kind can round it, else 0."""
    if "hidden_multiple" not in block.fields:
        return 0
    settings = expand(block.definition, field_values(block), in_dim, block.dim, 1).settings
    return int(settings["hidden"][0]) if "hidden" in settings else 0


def unscaled(linted: Linted) -> Iterator[Remark]:
    """A width changes all dims of a block, unless the document says one itself for what it inherits."""
    document, blocks = linted.loaded.document, linted.loaded.spec.blocks
    width = document.find(("scale", "width"))
    for name, block in blocks.items() if width and width.value != 1 else ():
        for field in sorted(block.model_fields_set & block.definition.dims):
            if "extends" not in document.mapping or not document.find(("blocks", name, field)):
                message = f"scale: the width leaves '{field}' of {name} as it is, {block.fields[field]}"
                yield Remark("SPN-909", message, ("scale", "width"), "a spec that extends this one can say another")


def balance(linted: Linted) -> Iterator[Remark]:
    """No block takes most of the multiply-adds."""
    blocks, whole = linted.loaded.spec.blocks, linted.report.macs()
    costs = linted.report.by("block")
    for name in blocks if len(blocks) >= FEWEST_BLOCKS and whole else ():
        share = costs[name].macs() / whole if name in costs else 0
        if share > MOST_OF_COST:
            message = f"{name}: one of {len(blocks)} blocks takes {share:.0%} of the multiply-adds"
            yield Remark(
                "SPN-904",
                message,
                ("blocks", name),
                "make it narrower, or move it to a coarser level; 'spinec show' lists all shares",
            )


def size(linted: Linted) -> Iterator[Remark]:
    """Where features are upsampled, sizes divide: nothing is cropped."""
    spec, sides = linted.loaded.spec, linted.report.program.size
    ups = [
        (linted.level(given.block), block.level)
        for block in spec.blocks.values()
        for given in block.inputs
        if linted.level(given.block) > block.level
    ]
    for side in dict.fromkeys(sides):
        cropped = [
            coarse for coarse, fine in ups if -(-side // 2**coarse) * 2 ** (coarse - fine) != -(-side // 2**fine)
        ]
        if cropped:
            step = 2 ** max(cropped)
            message = (
                f"{side} pixels are not a multiple of {step}: features upsampled from level {max(cropped)} are cropped"
            )
            yield Remark(
                "SPN-905",
                message,
                ("input", "size"),
                f"such as {max(1, side // step) * step} or {(side // step + 1) * step}",
            )


def features(linted: Linted) -> Iterator[Remark]:
    """A neck is given features of the levels that their names say."""
    spec, neck = linted.loaded.spec, linted.loaded.document.mapping.get("neck")
    for key, item in neck.mapping.items() if neck else ():
        level, block = _FEATURE.match(key), spec.blocks.get(str(item.value))
        if level and block and block.level != int(level[1]):
            message = f"neck: {key} is given {item.value}, which is at level {block.level}"
            yield Remark("SPN-908", message, ("neck", key), f"expected a block at level {level[1]}")


def momentum(linted: Linted) -> Iterator[Remark]:
    """Running statistics keep most of themselves at each step; PyTorch gives the share of what is new."""
    kept = linted.loaded.spec.norm.momentum
    if kept < LEAST_MOMENTUM:
        message = f"norm: a momentum of {kept:g} keeps {kept:.0%} of the running statistics at each step"
        hint = f"PyTorch's {kept:g} is {1 - kept:g} here, as in TensorFlow"
        yield Remark("SPN-920", message, ("norm", "momentum"), hint)


RULES: tuple[Rule, ...] = (
    unread,
    thrown_away,
    levels,
    dims,
    hidden_dims,
    unscaled,
    balance,
    size,
    features,
    momentum,
    *IDLE,
)
