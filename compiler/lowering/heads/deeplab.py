"""DeepLabv3's head (architectures.md, section 8)."""

from __future__ import annotations

from collections.abc import Mapping

from spinec.compiler.graph.hierarchy import GraphBuilder
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.kinds import conv_block
from spinec.compiler.lowering.layers import Style
from spinec.compiler.lowering.resample import Features
from spinec.compiler.ops.merge import Concat
from spinec.compiler.ops.pool import GlobalPool
from spinec.compiler.ops.resize import Spread
from spinec.spec.heads import DeepLab


@lowers(DeepLab)
def deeplab(head: DeepLab, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """The image's mean on every cell, a 1x1 and dilated 3x3 convolutions, concatenated, and a prediction per cell."""
    (features,) = outputs.values()
    dim, act = features.dim, head.activation
    to = GraphBuilder("deeplab_head", "Sees the map at several scales at once and classifies every cell.")
    mean = to.add("mean", GlobalPool(keep=True), "x")
    mean = to.add("mean_conv", conv_block(style, dim, head.dim, activation=act), mean)
    mean = to.add("mean_spread", Spread(), mean, "x")
    branches = [mean, to.add("point", conv_block(style, dim, head.dim, activation=act), "x")]
    for i, rate in enumerate(head.rates, 1):
        branches.append(to.add(f"atrous{i}", conv_block(style, dim, head.dim, 3, activation=act, dilation=rate), "x"))
    x = to.add("concat", Concat(), *branches)
    x = to.add("fuse", conv_block(style, head.dim * len(branches), head.dim, activation=act), x)
    graph = to.build(to.add("predict", style.conv(head.classes, bias=True), x, counted="classes"))
    return {"logits": model.add("head", graph, features.name)}
