"""RetinaNet's network part: class and box subnets over the levels (method.md, Tasks; architectures.md, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from spinec.compiler.blocks.conv import separable_conv
from spinec.compiler.blocks.layers import Style, activate
from spinec.compiler.graph import Graph, GraphBuilder, Setting
from spinec.compiler.heads.registry import lowers
from spinec.compiler.resample import Features
from spinec.spec.heads import RetinaNet

BOX = 4  # numbers per box


@lowers(RetinaNet)
def retinanet(head: RetinaNet, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """A class map and a box map per level; convolutions are shared over the levels, batch norms are not."""
    prior = -log((1 - head.prior) / head.prior)
    in_dim = next(iter(outputs.values())).dim
    subnets = {
        "class": subnet(head, in_dim, head.classes * head.anchors, prior, style),
        "box": subnet(head, in_dim, BOX * head.anchors, 0.0, style),
    }
    return {
        f"{kind}_{name}": model.add(f"{kind}_{name}", graph, features.name, module=f"{kind}_subnet", call=name)
        for kind, graph in subnets.items()
        for name, features in outputs.items()
    }


def subnet(head: RetinaNet, in_dim: int, predictions: int, prior: float, style: Style) -> Graph:
    """Separable convolutions, each with batch norm and activation, and a separable prediction layer."""
    settings: dict[str, Setting] = {"in_dim": in_dim} if in_dim != head.dim else {}
    settings |= {"dim": head.dim, "predictions": predictions}
    to = GraphBuilder(
        "subnet",
        "A subnet shared over the levels, with batch norms of each level's own.",
        settings=settings,
    )
    x, dim = "x", in_dim
    for i in range(1, head.layers + 1):
        x = to.add(f"conv{i}", separable_conv(style, dim, head.dim), x)
        x = to.add(f"norm{i}", style.norm(), x, per_call=True)
        x, dim = activate(to, f"act{i}", head.activation, x), head.dim
    return to.build(to.add("predict", separable_conv(style, dim, predictions, bias_init=prior), x))
