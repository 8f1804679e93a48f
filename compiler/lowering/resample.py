"""How features come to another level and dim (Eff-SpineNet, Figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, sequence
from spinec.compiler.lowering.kinds import conv_block
from spinec.compiler.lowering.layers import Style
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.pool import Pool
from spinec.compiler.ops.resize import Crop, Pad, SpaceToDepth, Upsample
from spinec.spec.activations import Activation as Kind
from spinec.spec.blocks import Resample
from spinec.spec.rounding import ratio_of

Mode = Literal["nearest", "bilinear"]


class Features(NamedTuple):
    """A value between blocks: its name in the graph, its level and shape, and the dim that what made it works at."""

    name: str
    level: int
    dim: int
    height: int
    width: int
    inner: int = 0


def resample(given: Features, to: Features, way: Resample, style: Style, *, keep_dim: bool = False) -> Graph:
    """A sequence that brings features to the level, dim and size of `to`; an empty one where they are there already.

    With `keep_dim` the dim is their own, and there is no 1x1 convolution unless `way` always asks for one.
    """
    if keep_dim:
        to = to._replace(dim=given.dim)
        way = way if way.match == "always" else way.model_copy(update={"match": "where_needed"})
    narrow = [] if not way.alpha else [conv_block(style, given.dim, _narrowed(given, way), activation=way.activation)]
    if narrow:
        given = given._replace(dim=_narrowed(given, way))
    if given.level < to.level:
        steps = DOWN[way.down](given, to, way, style)
    elif given.level == to.level:
        steps = match(given, to, way, style, by_default=False)
    elif way.up == "transposed_conv":
        steps = _transposed(given, to, style)
    else:
        mode: Mode = "bilinear" if way.up.startswith("bilinear") else "nearest"
        if way.up.endswith("_first") or narrow:
            steps = [_as_one(upsample(given, to, mode)), *match(given, to, way, style)]
        else:
            steps = [*match(given, to, way, style), *upsample(given, to, mode)]
    return sequence("resample", "Brings features to another level and dim.", *narrow, *steps)


def _as_one(steps: Sequence[Op | Graph]) -> Op | Graph:
    """One step of several, so that the weights of those that follow have the same names at every input size."""
    return steps[0] if len(steps) == 1 else sequence("fitted", "Fits a map to the size of its level.", *steps)


def _narrowed(given: Features, way: Resample) -> int:
    return ratio_of(given.inner or given.dim, way.alpha)


def match(given: Features, to: Features, way: Resample, style: Style, *, by_default: bool = True) -> list[Op | Graph]:
    """The 1x1 convolution + norm to the target dim, unless the dims agree and nothing asks for it."""
    always = way.match == "always" or way.alpha or (by_default and way.match == "when_different")
    return [conv_block(style, given.dim, to.dim, bias=way.bias)] if given.dim != to.dim or always else []


def upsample(given: Features, to: Features, mode: Mode = "nearest") -> list[Op | Graph]:
    """Resizing by the power of two between the levels, cropped where the sizes do not divide."""
    factor = 2 ** (given.level - to.level)
    return [Upsample(factor, mode), *_cropped(given, to)] if factor > 1 else []


def _transposed(given: Features, to: Features, style: Style) -> list[Op | Graph]:
    """A transposed convolution whose kernel is as large as its stride, and norm; cropped as an upsampled map is."""
    factor = 2 ** (given.level - to.level)
    doc = "Transposed convolution and norm: every pixel becomes a square."
    builder = GraphBuilder("transposed_conv_norm", doc, settings={"in_dim": given.dim, "dim": to.dim, "factor": factor})
    x = builder.add("conv", style.transposed_conv(to.dim, factor, bias=False), "x")
    return [builder.build(builder.add("norm", style.norm(), x)), *_cropped(given, to)]


def _cropped(given: Features, to: Features) -> list[Op | Graph]:
    factor = 2 ** (given.level - to.level)
    fits = (given.height * factor, given.width * factor) == (to.height, to.width)
    return [] if fits else [Crop(to.height, to.width)]


def _space_to_depth(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Space-to-depth, stride-2 depthwise convolutions while still above the target level, 1x1 convolution + norm."""
    odd = (given.height % 2, given.width % 2)
    squares = [*([Pad(*odd)] if any(odd) else []), SpaceToDepth(way.channel_order)]
    dim, further = 4 * given.dim, to.level - given.level - 1
    depthwise = [_depthwise_down(style, dim, way.activation) for _ in range(further)]
    return [_as_one(squares), *depthwise, conv_block(style, dim, to.dim, bias=way.bias)]


def _depthwise(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Stride-2 depthwise convolutions, 1x1 convolution + norm."""
    steps = [_depthwise_down(style, given.dim, way.activation) for _ in range(to.level - given.level)]
    return [*steps, conv_block(style, given.dim, to.dim, bias=way.bias)]


def _conv(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Stride-2 3x3 convolutions, the first to the target dim, with an activation between them."""
    further = to.level - given.level - 1
    first = conv_block(style, given.dim, to.dim, 3, 2, way.activation if further else "none")
    rest = [
        conv_block(style, to.dim, to.dim, 3, 2, way.activation if i < further else "none")
        for i in range(1, further + 1)
    ]
    return [first, *rest]


def _conv_last(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """Stride-2 3x3 convolutions, the last to the target dim, with an activation between them (HRNet)."""
    further = to.level - given.level - 1
    rest = [conv_block(style, given.dim, given.dim, 3, 2, way.activation) for _ in range(further)]
    return [*rest, conv_block(style, given.dim, to.dim, 3, 2)]


def _conv_pool(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """A stride-2 3x3 convolution, one maximum pooling for all further levels, 1x1 convolution + norm (SpineNet)."""
    ratio = 2 ** (to.level - given.level)
    conv = conv_block(style, given.dim, given.dim, 3, 2, way.activation)
    pool = [Pool("max", 3 if ratio <= 4 else 5, ratio // 2, style.padding)] if ratio > 2 else []
    return [conv, *pool, conv_block(style, given.dim, to.dim, bias=way.bias)]


def _pool(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """1x1 convolution + norm where the dim differs, then 3x3 pooling of stride 2, once per level."""
    kind: Literal["max", "avg"] = "avg" if way.down == "avg_pool" else "max"
    pools = [Pool(kind, 3, 2, style.padding) for _ in range(to.level - given.level)]
    return [*match(given, to, way, style, by_default=False), *pools]


def _pool_first(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """One 3x3 maximum pooling over all levels, then the 1x1 convolution + norm where the dim differs (MnasFPN)."""
    pool = Pool("max", 3, 2 ** (to.level - given.level), style.padding)
    return [pool, *match(given, to, way, style, by_default=False)]


def _disjoint_pool(given: Features, to: Features, way: Resample, style: Style) -> list[Op | Graph]:
    """1x1 convolution + norm where the dim differs, then one pooling of disjoint squares (NAS-FPN, HRFPN)."""
    kind: Literal["max", "avg"] = "avg" if way.down.startswith("avg") else "max"
    ratio = 2 ** (to.level - given.level)
    return [*match(given, to, way, style, by_default=False), Pool(kind, ratio, ratio, "same")]


def _depthwise_down(style: Style, dim: int, activation: Kind) -> Graph:
    doc = style.said("Depthwise 3x3 convolution of stride 2, batch norm, activation.")
    to = GraphBuilder("depthwise_down", doc, settings={"dim": dim})
    x = to.add("conv", style.conv(dim, 3, 2, groups=dim), "x")
    x = to.add("norm", style.norm(), x)
    return to.build(x if activation == "none" else to.add("act", Activation(activation), x))


DOWN = {
    "space_to_depth": _space_to_depth,
    "depthwise": _depthwise,
    "conv": _conv,
    "conv_last": _conv_last,
    "conv_pool": _conv_pool,
    "max_pool": _pool,
    "max_pool_first": _pool_first,
    "max_pool_disjoint": _disjoint_pool,
    "avg_pool": _pool,
    "avg_pool_disjoint": _disjoint_pool,
}
