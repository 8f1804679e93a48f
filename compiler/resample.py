"""How features come to another level and dim (Eff-SpineNet, Figure 2; method.md, open points)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from spinec.compiler.blocks.layers import Style, conv_block
from spinec.compiler.graph import Graph, GraphBuilder, sequence
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.pool import Pool
from spinec.compiler.ops.resize import Crop, Pad, SpaceToDepth, Upsample
from spinec.spec.blocks import Resample
from spinec.spec.fields import Activation as Kind


class Features(NamedTuple):
    """A value between blocks: its name in the graph, its level and shape."""

    name: str
    level: int
    dim: int
    height: int
    width: int


def resample(given: Features, to: Features, way: Resample, style: Style) -> Graph:
    """A sequence that brings features to the level, dim and size of `to`; an empty one where they are there already."""
    if given.level < to.level:
        steps = DOWN[way.down](given, to, way, style)
    elif given.level > to.level:
        steps = [conv_block(style, given.dim, to.dim), *upsample(given, to)]
    elif given.dim != to.dim or way.match == "always":
        steps = [conv_block(style, given.dim, to.dim)]
    else:
        steps = []
    return sequence("resample", "Brings features to another level and dim.", *steps)


def upsample(given: Features, to: Features) -> list[Op | Graph]:
    """Nearest neighbour by the power of two between the levels, cropped where the sizes do not divide."""
    factor = 2 ** (given.level - to.level)
    if factor == 1:
        return []
    fits = (given.height * factor, given.width * factor) == (to.height, to.width)
    return [Upsample(factor), *([] if fits else [Crop(to.height, to.width)])]


def _space_to_depth(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Space-to-depth, stride-2 depthwise convolutions while still above the target level, 1x1 convolution + norm."""
    odd = (given.height % 2, given.width % 2)
    pad = [Pad(*odd)] if any(odd) else []
    dim, further = 4 * given.dim, to.level - given.level - 1
    depthwise = [_depthwise_down(style, dim, way.activation) for _ in range(further)]
    return [*pad, SpaceToDepth(way.channel_order), *depthwise, conv_block(style, dim, to.dim)]


def _depthwise(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Stride-2 depthwise convolutions, 1x1 convolution + norm."""
    steps = [_depthwise_down(style, given.dim, way.activation) for _ in range(to.level - given.level)]
    return [*steps, conv_block(style, given.dim, to.dim)]


def _conv(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Stride-2 3x3 convolutions, the first to the target dim, with an activation between them."""
    further = to.level - given.level - 1
    first = conv_block(style, given.dim, to.dim, 3, 2, way.activation if further else "none")
    rest = [
        conv_block(style, to.dim, to.dim, 3, 2, way.activation if i < further else "none")
        for i in range(1, further + 1)
    ]
    return [first, *rest]


def _pool(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """1x1 convolution + norm where the dim differs, then 3x3 pooling of stride 2, once per level."""
    match = [conv_block(style, given.dim, to.dim)] if given.dim != to.dim or way.match == "always" else []
    kind: Literal["max", "avg"] = "max" if way.down == "max_pool" else "avg"
    return [*match, *(Pool(kind, 3, 2, style.spec.padding) for _ in range(to.level - given.level))]


def _depthwise_down(style: Style, dim: int, activation: Kind) -> Graph:
    doc = "Depthwise 3x3 convolution of stride 2, batch norm, activation."
    to = GraphBuilder("depthwise_down", doc, settings={"dim": dim})
    x = to.add("conv", style.conv(dim, 3, 2, groups=dim), "x")
    x = to.add("norm", style.norm(), x)
    return to.build(x if activation == "none" else to.add("act", Activation(activation), x))


DOWN = {
    "space_to_depth": _space_to_depth,
    "depthwise": _depthwise,
    "conv": _conv,
    "max_pool": _pool,
    "avg_pool": _pool,
}
