"""Squeeze-excite: every channel scaled by a gate that sees the whole image."""

from __future__ import annotations

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder
from spinec.compiler.lowering.blocks.layers import Style, activate
from spinec.compiler.ops.merge import Multiply
from spinec.compiler.ops.pool import GlobalPool
from spinec.spec.fields import Activation


def squeeze_excite(
    style: Style, dim: int, squeezed: int, activation: Activation, gate_kind: Activation = "sigmoid"
) -> Graph:
    """Mean over the image, two 1x1 convolutions with bias, a sigmoid gate on every channel."""
    doc = "Squeeze-excite: a gate per channel, computed from the mean over the image."
    to = GraphBuilder("squeeze_excite", doc, settings={"dim": dim, "squeezed": squeezed})
    gate = to.add("pool", GlobalPool(keep=True), "x")
    gate = to.add("reduce", style.conv(squeezed, bias=True), gate)
    gate = activate(to, "act", activation, gate)
    gate = to.add("expand", style.conv(dim, bias=True), gate)
    gate = activate(to, "gate", gate_kind, gate)
    return to.build(to.add("scale", Multiply(), "x", gate))
