"""What an arrow does to the features that it carries, as the program does it: short for a label, in words for a tip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from spinec.compiler.graph.hierarchy import Graph, nodes_of
from spinec.compiler.ops.base import Op, op_name
from spinec.compiler.ops.conv import Conv
from spinec.compiler.ops.pool import Pool
from spinec.compiler.ops.resize import Crop, Pad, SpaceToDepth, Spread, Upsample


class Step(NamedTuple):
    """One thing that is done on the way: ``Step("up ×4", "nearest upsampling by 4")``."""

    short: str
    words: str


KEYS = {
    "s2d": "space-to-depth",
    "dw": "depthwise 3×3 convolution",
    "s2": "stride 2",
}
"""What stands for what in labels; a picture explains those that it uses."""


def input_steps(block: Graph, operand: int, stride: int) -> tuple[Step, ...]:
    """What a block does to one of its inputs before it is fused with the others.

    A block that takes its only input as it is strides in its own first layer: that is said too, with the stride given.

    >>> from spinec import load, lower
    >>> block = next(node for node in lower(load("eff-spinenet-d0")).graph.nodes if node.name == "b8")
    >>> [step.short for step in input_steps(block.op, 0, 1)]
    ['s2d', 'dw s2', '1×1']
    """
    names = (f"resample{operand + 1}", "resample")
    paths = [node.op for node in block.nodes if node.name in names and isinstance(node.op, Graph)]
    if not paths:
        return (Step(f"stride {stride}", f"taken as it is, the block strides by {stride}"),) if stride > 1 else ()
    return _sequence_steps(paths[0])


def _sequence_steps(graph: Graph) -> tuple[Step, ...]:
    """The steps of a sequence, runs of equal ones counted."""
    return tuple(_counted(map(layer_step, _layers(graph))))


def _layers(sequence: Graph) -> Iterator[Op | Graph]:
    """The layers of a sequence and of those within it, in order."""
    for node in sequence.nodes:
        if isinstance(node.op, Graph) and node.op.is_sequence:
            yield from _layers(node.op)
        else:
            yield node.op


def layer_step(layer: Op | Graph) -> Step:
    """A layer as one step: of a convolution with norm and activation, the convolution."""
    if not isinstance(layer, Graph):
        return _step(layer)
    ops = [inner.op for _, inner in nodes_of(layer) if not isinstance(inner.op, Graph)]
    return _step(next((op for op in ops if isinstance(op, Conv)), ops[0]))


def _counted(steps: Iterable[Step]) -> Iterable[Step]:
    for step, run in groupby(steps):
        count = len(list(run))
        yield step if count == 1 else Step(f"{step.short} ×{count}", f"{count} times {step.words}")


def _step(op: Op) -> Step:
    rule = _RULES.get(type(op))
    return rule(op) if rule else Step(op_name(type(op)).replace("_", " "), str(op))


def _conv(op: Conv) -> Step:
    window, stride = "×".join(map(str, op.sides)), f" s{op.stride}" if op.stride > 1 else ""
    words = f"{window} convolution" + (f" of stride {op.stride}" if stride else "")
    if op.groups == 1:
        return Step(window + stride, words)
    if op.groups != op.dim:
        return Step(f"{window} g{op.groups}{stride}", f"{words} in {op.groups} groups")
    return Step(("dw" if op.sides == (3, 3) else f"dw {window}") + stride, f"depthwise {words}")


def _pool(op: Pool) -> Step:
    kind = "maximum" if op.kind == "max" else "average"
    return Step(f"{op.kind} pool s{op.stride}", f"{op.kernel}×{op.kernel} {kind} pooling of stride {op.stride}")


_RULES: dict[type[Op], Callable[[Any], Step]] = {
    Conv: _conv,
    Pool: _pool,
    Upsample: lambda op: Step(f"up ×{op.factor}", f"{op.mode} upsampling by {op.factor}"),
    Spread: lambda op: Step("spread", "one pixel repeated over the map"),
    SpaceToDepth: lambda op: Step("s2d", "space-to-depth"),
    Crop: lambda op: Step("crop", f"crop to {op.height} × {op.width}"),
    Pad: lambda op: Step("pad", "zeros up to an even size"),
}
