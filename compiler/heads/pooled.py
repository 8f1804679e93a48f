"""Heads on the average of all levels: classification and segmentation (method.md, Tasks)."""

from __future__ import annotations

from spinec.compiler.blocks.conv import separable_conv
from spinec.compiler.blocks.layers import Style, activate
from spinec.compiler.graph import GraphBuilder, sequence
from spinec.compiler.heads.registry import lowers
from spinec.compiler.ops.conv import Linear
from spinec.compiler.ops.merge import Average
from spinec.compiler.ops.pool import GlobalPool
from spinec.compiler.ops.regularize import Dropout
from spinec.compiler.resample import Features, upsample
from spinec.spec.heads import Classification, Segmentation


@lowers(Classification)
def classification(head: Classification, outputs: list[Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """Average of the levels, mean over the image, dropout, linear layer."""
    doc = "Averages the levels at the finest one, pools over the image and classifies."
    if len(outputs) == 1:
        doc = "Pools over the image and classifies."
    to = GraphBuilder("classification_head", doc, _names(outputs))
    x = to.add("pool", GlobalPool(), _average(to, outputs))
    if head.dropout:
        x = to.add("dropout", Dropout(head.dropout), x)
    graph = to.build(to.add("classify", Linear(head.classes), x))
    return {"logits": model.add("head", graph, *(features.name for features in outputs))}


@lowers(Segmentation)
def segmentation(head: Segmentation, outputs: list[Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """Average of the levels, separable convolutions, a prediction for every cell of the finest level."""
    doc = "Averages the levels at the finest one, refines them and classifies every cell."
    to = GraphBuilder("segmentation_head", doc, _names(outputs))
    x, dim = _average(to, outputs), outputs[0].dim
    for i in range(1, head.layers + 1):
        x = to.add(f"conv{i}", separable_conv(style, dim, head.dim), x)
        x = to.add(f"norm{i}", style.norm(), x)
        x, dim = activate(to, f"act{i}", head.activation, x), head.dim
    graph = to.build(to.add("predict", style.conv(head.classes, bias=True), x))
    return {"logits": model.add("head", graph, *(features.name for features in outputs))}


def _names(outputs: list[Features]) -> tuple[str, ...]:
    return tuple(features.name for features in outputs) if len(outputs) > 1 else ("x",)


def _average(to: GraphBuilder, outputs: list[Features]) -> str:
    """Every level upsampled to the finest, and their mean."""
    if len(outputs) == 1:
        return "x"
    finest = min(outputs, key=lambda features: features.level)
    values = []
    for features in outputs:
        steps = upsample(features, finest)
        graph = sequence("upsample", "Brings a level to the size of the finest.", *steps)
        values.append(to.add(f"{features.name}_up", graph, features.name) if steps else features.name)
    return to.add("average", Average(), *values)
