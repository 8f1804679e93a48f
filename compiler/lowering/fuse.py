"""One block: inputs resampled, fused, activated, and the body run as often as it repeats."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, sequence
from spinec.compiler.lowering.kinds import add_parts, conv_block, graph_of
from spinec.compiler.lowering.layers import Style, activate, style_of
from spinec.compiler.lowering.resample import Features, resample
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.merge import Add, Concat, Multiply, WeightedSum
from spinec.compiler.ops.pool import GlobalPool
from spinec.spec.blocks import Block, Fuse, Resample
from spinec.spec.check import kind_fault
from spinec.spec.errors import SpecError
from spinec.spec.kinds.expand import expand, expand_block
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.plan import Fields, KindError, field_values
from spinec.spec.model import ModelSpec


class _Site(NamedTuple):
    """All that the graph of a block depends on. Equal sites have one graph, which is made once."""

    kind: Kind
    fields: Fields
    repeats: int
    given: tuple[Features, ...]
    to: Features
    ways: tuple[Resample, ...]
    fuse: Fuse
    as_is: bool
    rates: tuple[float, ...]
    """How often training leaves out the branch of each repeat."""


def lower_block(
    block: Block, given: list[Features], to: Features, spec: ModelSpec, drop_rates: Iterator[float]
) -> Graph:
    """The graph of a block: its inputs are the features given, its result has the shape of `to`.

    Raises:
        SpecError: when its kind does not work out at these dims.
    """
    kind = block.definition
    site = _Site(
        kind,
        field_values(block),
        block.repeats,
        tuple([features._replace(name="") for features in given]),
        to._replace(name=""),
        tuple([spec.resample_of(source) for source in block.inputs]),
        spec.fuse_of(block),
        block.takes_as_is(*(features.level for features in given)),
        tuple([next(drop_rates) if kind.has_branch else 0.0 for _ in range(block.repeats)]),
    )
    try:
        return _graph(site, style_of(spec, block))
    except KindError as error:
        raise SpecError([kind_fault(to.name, kind.name, error, None)]) from None


@lru_cache(2_048)
def _graph(site: _Site, style: Style) -> Graph:
    given, to = site.given, site.to
    if site.as_is:
        return _body(site, style, given[0].dim, 2 ** (to.level - given[0].level))
    names = tuple(f"x{i}" for i in range(1, len(given) + 1)) if len(given) > 1 else ("x",)
    builder = GraphBuilder(f"block{len(given)}", _doc(site), names)
    resampled, joins = [], site.fuse.kind == "join"
    in_dim = sum(features.dim for features in given) if joins else to.dim
    for i, (name, features, way) in enumerate(zip(names, given, site.ways, strict=True), 1):
        path = resample(features, to, way, style, keep_dim=joins)
        resampled.append(builder.add(f"resample{i}" if len(given) > 1 else "resample", path, name))
    x = _fuse(builder, site.fuse, resampled, to.dim, style)
    x = activate(builder, "act", site.fuse.activation or "none", x)
    if site.kind.document.node:
        parts = expand(site.kind, site.fields, in_dim, to.dim, 1)
        return builder.build(add_parts(builder, parts, style, x))
    return builder.build(builder.add("body", _body(site, style, in_dim, 1), x))


def _doc(site: _Site) -> str:
    """What a block does to its inputs, in a line."""
    many = len(site.given) > 1
    done = [
        "resampled",
        *(["joined" if site.fuse.kind == "join" else "fused"] if many else []),
        *(["activated"] if (site.fuse.activation or "none") != "none" else []),
    ]
    word = f"{len(site.given)} inputs" if many else "an input"
    body = "" if site.kind.document.node else ", then the body"
    return f"A block of {word}: {', '.join(done)}{body}."


def _body(site: _Site, style: Style, in_dim: int, stride: int) -> Graph:
    """The block's repeats: the first takes the input's dim and strides."""
    dim = site.to.dim
    parts = [
        expand_block(site.kind, site.fields, dim if i else in_dim, dim, 1 if i else stride) for i in range(site.repeats)
    ]
    graphs = [graph_of(each, style, rate) for each, rate in zip(parts, site.rates, strict=True)]
    return graphs[0] if len(graphs) == 1 else sequence("repeats", "The block's repeats.", *graphs)


def _fuse(builder: GraphBuilder, fuse: Fuse, values: list[str], dim: int, style: Style) -> str:
    if len(values) == 1:
        return values[0]
    match fuse.kind:
        case "sum":
            return builder.add("fuse", Add(), *values)
        case "join":
            return builder.add("fuse", Concat(), *values)
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
