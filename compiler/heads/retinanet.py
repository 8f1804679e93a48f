"""RetinaNet's network part: class and box subnets over the levels (arXiv 1708.02002)."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from spinec.compiler.blocks.conv import separable_conv
from spinec.compiler.blocks.layers import Style, activate
from spinec.compiler.graph import Graph, GraphBuilder, Setting
from spinec.compiler.heads.registry import lowers
from spinec.compiler.ops.base import Op
from spinec.compiler.resample import Features
from spinec.spec.heads import RetinaNet

BOX = 4  # numbers per box


@lowers(RetinaNet)
def retinanet(head: RetinaNet, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """A class map and a box map per level; convolutions are shared over the levels, batch norms are not."""
    prior = -log((1 - head.prior) / head.prior)
    in_dim = next(iter(outputs.values())).dim
    predictions = {"class": (head.classes * head.anchors, prior), "box": (BOX * head.anchors, 0.0)}
    if shares := head.shared and head.layers > 0:  # without layers there is nothing to share
        tower = _tower(head, in_dim, style)
        graphs = {kind: _conv(head, style, head.dim, *last) for kind, last in predictions.items()}
        read = {
            name: model.add(f"tower_{name}", tower, features.name, module="tower", call=name)
            for name, features in outputs.items()
        }
    else:
        graphs = {kind: subnet(head, in_dim, *last, style) for kind, last in predictions.items()}
        read = {name: features.name for name, features in outputs.items()}
    suffix = "predict" if shares else "subnet"
    return {
        f"{kind}_{name}": model.add(f"{kind}_{name}", graph, value, module=f"{kind}_{suffix}", call=name)
        for kind, graph in graphs.items()
        for name, value in read.items()
    }


def subnet(head: RetinaNet, in_dim: int, predictions: int, prior: float, style: Style) -> Graph:
    """Convolutions, each with batch norm and activation, and a prediction layer."""
    to = _builder("subnet", "A subnet shared over the levels, with batch norms of each level's own.", head, in_dim)
    to.settings = {**to.settings, "predictions": predictions}
    x, dim = _layers(to, head, in_dim, style)
    return to.build(to.add("predict", _conv(head, style, dim, predictions, prior), x))


def _tower(head: RetinaNet, in_dim: int, style: Style) -> Graph:
    to = _builder("tower", "What classes and boxes share, with batch norms of each level's own.", head, in_dim)
    return to.build(_layers(to, head, in_dim, style)[0])


def _builder(name: str, doc: str, head: RetinaNet, in_dim: int) -> GraphBuilder:
    settings: dict[str, Setting] = {"in_dim": in_dim} if in_dim != head.dim else {}
    return GraphBuilder(name, doc, settings=settings | {"dim": head.dim})


def _layers(to: GraphBuilder, head: RetinaNet, dim: int, style: Style) -> tuple[str, int]:
    """Convolutions with norm and activation: the last value and its dim."""
    x = "x"
    for i in range(1, head.layers + 1):
        x = to.add(f"conv{i}", _conv(head, style, dim, head.dim, bias=head.bias), x)
        x = to.add(f"norm{i}", style.norm(), x, per_call=True)
        x, dim = activate(to, f"act{i}", head.activation, x), head.dim
    return x, dim


def _conv(
    head: RetinaNet, style: Style, in_dim: int, dim: int, bias_init: float = 0.0, *, bias: bool = True
) -> Op | Graph:
    if head.conv == "separable":
        return separable_conv(style, in_dim, dim, bias=bias, bias_init=bias_init)
    return style.conv(dim, 3, bias=bias, bias_init=bias_init)
