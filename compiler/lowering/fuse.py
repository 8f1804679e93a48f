"""One block: inputs resampled, fused, activated, and the body run as often as it repeats."""

from __future__ import annotations

from collections.abc import Iterator

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, sequence
from spinec.compiler.lowering.kinds import add_parts, conv_block, graph_of
from spinec.compiler.lowering.layers import Style, activate
from spinec.compiler.lowering.resample import Features, resample
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.merge import Add, Concat, Multiply, WeightedSum
from spinec.compiler.ops.pool import GlobalPool
from spinec.spec.blocks import Block, Fuse
from spinec.spec.kinds.expand import expand, field_values


def lower_block(block: Block, given: list[Features], to: Features, style: Style, drop_rates: Iterator[float]) -> Graph:
    """The graph of a block: its inputs are the features given, its result has the shape of `to`."""
    if block.takes_as_is(*(features.level for features in given)):
        return _body(block, style, given[0].dim, 2 ** (to.level - given[0].level), drop_rates)
    names = tuple(f"x{i}" for i in range(1, len(given) + 1)) if len(given) > 1 else ("x",)
    word = "an input" if len(given) == 1 else f"{len(given)} inputs"
    builder = GraphBuilder(
        f"block{len(given)}",
        f"A block of {word}: resampled, fused, activated, then the body.",
        names,
    )
    resampled = []
    for i, (name, features, source) in enumerate(zip(names, given, block.inputs, strict=True), 1):
        path = resample(features, to, style.spec.resample_of(source), style)
        resampled.append(builder.add(f"resample{i}" if len(given) > 1 else "resample", path, name))
    fuse = style.spec.fuse_of(block)
    x = _fuse(builder, fuse, resampled, to.dim, style)
    x = activate(builder, "act", fuse.activation or "none", x)
    if block.definition.document.node:
        parts = expand(block.definition, field_values(block), to.dim, to.dim, 1)
        return builder.build(add_parts(builder, parts, style, x))
    return builder.build(builder.add("body", _body(block, style, to.dim, 1, drop_rates), x))


def _body(block: Block, style: Style, in_dim: int, stride: int, drop_rates: Iterator[float]) -> Graph:
    """The block's repeats: the first takes the input's dim and strides."""
    kind, fields = block.definition, field_values(block)
    repeats: list[Op | Graph] = []
    for i in range(block.repeats):
        rate = next(drop_rates) if kind.has_branch else 0.0
        parts = expand(kind, fields, block.dim if i else in_dim, block.dim, 1 if i else stride)
        repeats.append(graph_of(parts, style, rate))
    only = repeats[0]
    return (
        only if len(repeats) == 1 and isinstance(only, Graph) else sequence("repeats", "The block's repeats.", *repeats)
    )


def _fuse(builder: GraphBuilder, fuse: Fuse, values: list[str], dim: int, style: Style) -> str:
    if len(values) == 1:
        return values[0]
    match fuse.kind:
        case "sum":
            return builder.add("fuse", Add(), *values)
        case "concat":
            x = builder.add("concat", Concat(), *values)
            return builder.add("fuse", conv_block(style, dim * len(values), dim), x)
        case "attention":
            return _attention(builder, values)
        case "softmax":
            return builder.add("fuse", WeightedSum("softmax", 0.0), *values)
    return builder.add("fuse", WeightedSum("fast_normalized", fuse.epsilon), *values)


def _attention(builder: GraphBuilder, values: list[str]) -> str:
    """NAS-FPN's global attention: the maximum over the image of one value, through a sigmoid, scales the next."""
    fused = values[0]
    for i, value in enumerate(values[1:], 2):
        gate = builder.add(f"fuse{i}_max", GlobalPool("max", keep=True), fused)
        gate = builder.add(f"fuse{i}_gate", Activation("sigmoid"), gate)
        scaled = builder.add(f"fuse{i}_scaled", Multiply(), value, gate)
        fused = builder.add(f"fuse{i}", Add(), fused, scaled)
    return fused
