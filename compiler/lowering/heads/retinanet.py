"""RetinaNet's network part: class and box subnets over the levels (arXiv 1708.02002)."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder
from spinec.compiler.lowering.heads.layers import BOX, add_layers, conv, subnet_builder
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.layers import Style
from spinec.compiler.lowering.resample import Features
from spinec.spec.heads import RetinaNet


@lowers(RetinaNet)
def retinanet(head: RetinaNet, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """A class map and a box map per level; convolutions are shared over the levels, batch norms are not."""
    prior = -log((1 - head.prior) / head.prior)
    in_dim = next(iter(outputs.values())).dim
    predictions = {"class": (head.anchors.per_cell * head.classes, prior), "box": (head.anchors.per_cell * BOX, 0.0)}
    counted = {"class": "anchors * classes", "box": f"anchors * {BOX}"}
    if shares := head.shared and head.layers > 0:  # without layers there is nothing to share
        tower = _tower(head, in_dim, style)
        graphs = {kind: conv(head, style, head.dim, *last) for kind, last in predictions.items()}
        read = {
            name: model.add(f"tower_{name}", tower, features.name, module="tower", call=name)
            for name, features in outputs.items()
        }
    else:
        graphs = {kind: subnet(head, in_dim, *last, style) for kind, last in predictions.items()}
        read = {name: features.name for name, features in outputs.items()}
    suffix = "predict" if shares else "subnet"
    return {
        f"{kind}_{name}": model.add(
            f"{kind}_{name}", graph, value, module=f"{kind}_{suffix}", call=name, counted=counted[kind]
        )
        for kind, graph in graphs.items()
        for name, value in read.items()
    }


def subnet(head: RetinaNet, in_dim: int, predictions: int, prior: float, style: Style) -> Graph:
    """Convolutions, each with batch norm and activation, and a prediction layer."""
    to = subnet_builder(
        "subnet", "A subnet shared over the levels, with batch norms of each level's own.", head, in_dim
    )
    to.settings = {**to.settings, "predictions": predictions}
    x, dim = add_layers(to, head, head.layers, in_dim, style, bias=head.bias)
    return to.build(to.add("predict", conv(head, style, dim, predictions, prior), x, counted="predictions"))


def _tower(head: RetinaNet, in_dim: int, style: Style) -> Graph:
    to = subnet_builder("tower", "What classes and boxes share, with batch norms of each level's own.", head, in_dim)
    return to.build(add_layers(to, head, head.layers, in_dim, style, bias=head.bias)[0])
