"""CenterNet's network part: heat maps of centres, and what every centre says of its box (arXiv 1904.07850)."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.layers import Style, activate
from spinec.compiler.lowering.resample import Features
from spinec.spec.heads import CenterNet

PAIR = 2  # numbers of a size, and of an offset


@lowers(CenterNet)
def centernet(head: CenterNet, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """A heat map, sizes and offsets per output; nothing is shared between them."""
    prior = -log((1 - head.prior) / head.prior)
    predictions = {"heatmap": (head.classes, prior), "size": (PAIR, 0.0), "offset": (PAIR, 0.0)}
    return {
        f"{kind}_{name}": model.add(
            f"{kind}_{name}",
            _branch(head, style, features.dim, *last),
            features.name,
            counted="classes" if kind == "heatmap" else "",
        )
        for kind, last in predictions.items()
        for name, features in outputs.items()
    }


def _branch(head: CenterNet, style: Style, in_dim: int, predictions: int, prior: float) -> Graph:
    settings = {"in_dim": in_dim, "dim": head.dim, "predictions": predictions}
    to = GraphBuilder("branch", "3x3 convolution, activation, 1x1 prediction.", settings=settings)
    x = to.add("conv", style.conv(head.dim, 3, bias=True), "x")
    x = activate(to, "act", head.activation, x)
    return to.build(to.add("predict", style.conv(predictions, bias=True, bias_init=prior), x, counted="predictions"))
