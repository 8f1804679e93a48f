"""FCOS' network part: towers over the levels, and what every cell says of its box (arXiv 1904.01355, Figure 2)."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder
from spinec.compiler.lowering.heads.layers import BOX
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.layers import Style, activate
from spinec.compiler.lowering.resample import Features
from spinec.compiler.ops.activation import Activation, Exp
from spinec.compiler.ops.channels import Scale
from spinec.compiler.ops.norm import GroupNorm
from spinec.spec.heads import FCOS

EPSILON = 1e-5  # of group norm, as in the public code


@lowers(FCOS)
def fcos(head: FCOS, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """A class map, a map of distances and a centerness map per level; all but a factor is shared over the levels."""
    in_dim = next(iter(outputs.values())).dim
    read = {kind: _towers(head, kind, in_dim, outputs, style, model) for kind in ("class", "box")}
    prior = -log((1 - head.prior) / head.prior)
    layers = {
        "class": (read["class"], style.conv(head.classes, 3, bias=True, bias_init=prior), "classes"),
        "distances": (read["box"], style.conv(BOX, 3, bias=True), ""),
        "centerness": (read[head.centerness], style.conv(1, 3, bias=True), ""),
    }
    found = {
        f"{kind}_{name}": model.add(
            f"{kind}_{name}", layer, value, module=f"{kind}_predict", call=name, counted=counted
        )
        for kind, (values, layer, counted) in layers.items()
        for name, value in values.items()
    }
    for name in outputs:
        found[f"box_{name}"] = model.add(f"box_{name}", _positive(head), found[f"distances_{name}"])
    return {f"{kind}_{name}": found[f"{kind}_{name}"] for kind in head.maps for name in outputs}


def _towers(
    head: FCOS, kind: str, in_dim: int, outputs: Mapping[str, Features], style: Style, model: GraphBuilder
) -> dict[str, str]:
    """Output: the value that predictions of a kind are made from."""
    if not head.layers:
        return {name: features.name for name, features in outputs.items()}
    tower = _tower(head, in_dim, style)
    return {
        name: model.add(f"{kind}_tower_{name}", tower, features.name, module=f"{kind}_tower", call=name)
        for name, features in outputs.items()
    }


def _tower(head: FCOS, in_dim: int, style: Style) -> Graph:
    settings = {"in_dim": in_dim, "dim": head.dim} if in_dim != head.dim else {"dim": head.dim}
    to = GraphBuilder("tower", "Convolutions with group norm, shared over the levels.", settings=settings)
    x = "x"
    for i in range(1, head.layers + 1):
        x = to.add(f"conv{i}", style.conv(head.dim, 3, bias=True), x)
        x = to.add(f"norm{i}", GroupNorm(head.groups, EPSILON), x)
        x = activate(to, f"act{i}", head.activation, x)
    return to.build(x)


def _positive(head: FCOS) -> Graph:
    doc = "Distances above zero" + (", by a factor of the level's own." if head.scaled else ".")
    to = GraphBuilder("distances", doc)
    x = to.add("scale", Scale(), "x") if head.scaled else "x"
    return to.build(to.add("positive", Exp() if head.distances == "exp" else Activation("relu"), x))
