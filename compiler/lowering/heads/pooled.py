"""Heads on the average of all levels: classification and segmentation (arXiv 2010.11426, Tables 10 and 11)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spinec.compiler.graph.hierarchy import GraphBuilder
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.kinds import kind_graph
from spinec.compiler.lowering.layers import Style, activate
from spinec.compiler.lowering.resample import Features, upsample
from spinec.compiler.ops.conv import Linear
from spinec.compiler.ops.merge import Average
from spinec.compiler.ops.norm import LayerNorm
from spinec.compiler.ops.pool import GlobalPool
from spinec.compiler.ops.regularize import Dropout
from spinec.compiler.ops.resize import Crop
from spinec.spec.heads import Classification, Segmentation

LEVEL_NAME = re.compile(r"[A-Z][0-9]+\Z")  # P3, C5: names that no value within a head has


@lowers(Classification)
def classification(
    head: Classification, outputs: Mapping[str, Features], style: Style, model: GraphBuilder
) -> dict[str, str]:
    """Average of the levels, mean over the image, dropout, linear layer."""
    doc = "Averages the levels at the finest one, pools over the image and classifies."
    if len(outputs) == 1:
        doc = "Pools over the image and classifies."
    to = GraphBuilder("classification_head", doc, _names(outputs))
    x, _ = _average(to, outputs)
    x = to.add("pool", GlobalPool(), x)
    if head.pooled_norm:
        x = to.add("pooled_norm", LayerNorm(), x)
    if head.hidden:
        x = to.add("hidden", Linear(head.hidden, head.hidden_bias), x)
        if head.hidden_norm:
            x = to.add("norm", style.vector_norm(), x)
        x = activate(to, "act", head.activation, x)
    if head.dropout:
        x = to.add("dropout", Dropout(head.dropout), x)
    graph = to.build(to.add("classify", Linear(head.classes), x, counted="classes"))
    return {"logits": model.add("head", graph, *(features.name for features in outputs.values()))}


@lowers(Segmentation)
def segmentation(
    head: Segmentation, outputs: Mapping[str, Features], style: Style, model: GraphBuilder
) -> dict[str, str]:
    """Average of the levels, separable convolutions, a prediction for every cell of the finest level."""
    doc = "Averages the levels at the finest one, refines them and classifies every cell."
    to = GraphBuilder("segmentation_head", doc, _names(outputs))
    x, dim = _average(to, outputs)
    for i in range(1, head.layers + 1):
        x = to.add(f"conv{i}", kind_graph(style, "separable", dim, head.dim), x)
        x = to.add(f"norm{i}", style.norm(), x)
        x, dim = activate(to, f"act{i}", head.activation, x), head.dim
    graph = to.build(to.add("predict", style.conv(head.classes, head.kernel, bias=True), x, counted="classes"))
    return {"logits": model.add("head", graph, *(features.name for features in outputs.values()))}


def _names(outputs: Mapping[str, Features]) -> tuple[str, ...]:
    """What the head calls its inputs: by their level, or numbered where such a name could be one of its own."""
    if len(outputs) == 1:
        return ("x",)
    if all(LEVEL_NAME.match(name) for name in outputs):
        return tuple(outputs)
    return tuple(f"x{i}" for i in range(1, len(outputs) + 1))


def _average(to: GraphBuilder, outputs: Mapping[str, Features]) -> tuple[str, int]:
    """Every level upsampled to the finest, and their mean; its name and its dim."""
    finest = min(outputs.values(), key=lambda features: features.level)
    if len(outputs) == 1:
        return "x", finest.dim
    values = []
    for name, features in zip(to.inputs, outputs.values(), strict=True):
        value = name
        for step in upsample(features, finest):
            value = to.add(f"{name}_{'crop' if isinstance(step, Crop) else 'up'}", step, value)
        values.append(value)
    return to.add("average", Average(), *values), finest.dim
