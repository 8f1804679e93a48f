"""Mask R-CNN's network part: proposals over the levels, and subnets on crops of them (arXiv 1703.06870)."""

from __future__ import annotations

from collections.abc import Mapping

from spinec.compiler.graph.hierarchy import Derived, Graph, GraphBuilder
from spinec.compiler.lowering.heads.layers import BOX, add_layers, conv, subnet_builder
from spinec.compiler.lowering.heads.registry import lowers
from spinec.compiler.lowering.layers import Style, activate
from spinec.compiler.lowering.resample import Features
from spinec.compiler.ops.conv import Linear
from spinec.compiler.ops.resize import Flatten
from spinec.spec.heads import MaskRCNN


@lowers(MaskRCNN)
def mask_rcnn(head: MaskRCNN, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """The outputs themselves, which crops are cut out of, proposals for each, and what is found in the crops given."""
    dim = next(iter(outputs.values())).dim
    boxes = model.take("box_crops", (dim, head.box_size, head.box_size), head.box_crops)
    masks = model.take("mask_crops", (dim, head.mask_size, head.mask_size), head.mask_crops)
    x = model.add("box_subnet", _box_subnet(head, dim, style), boxes)
    return {
        **{name: features.name for name, features in outputs.items()},
        **_proposals(head, outputs, style, model),
        "crop_class": model.add("crop_class", Linear(head.classes), x, counted="classes"),
        "crop_box": model.add("crop_box", Linear(head.classes * BOX), x, counted=f"classes * {BOX}"),
        "crop_mask": model.add("crop_mask", _mask_subnet(head, dim, style), masks),
    }


def _proposals(head: MaskRCNN, outputs: Mapping[str, Features], style: Style, model: GraphBuilder) -> dict[str, str]:
    """For every anchor whether something is there, and by how much its box is off; norms are each level's own."""
    in_dim = next(iter(outputs.values())).dim
    to = subnet_builder(
        "proposals", "What proposals are made from, with batch norms of each level's own.", head, in_dim
    )
    x, dim = add_layers(to, head, head.proposal_layers, in_dim, style)
    tower = to.build(x)
    read = {name: features.name for name, features in outputs.items()}
    if head.proposal_layers:
        read = {
            name: model.add(f"proposals_{name}", tower, value, module="proposals", call=name)
            for name, value in read.items()
        }
    graphs = {
        "objectness": conv(head, style, dim, head.anchors.per_cell, kernel=1),
        "deltas": conv(head, style, dim, head.anchors.per_cell * BOX, kernel=1),
    }
    counted = {"objectness": "anchors", "deltas": f"anchors * {BOX}"}
    return {
        f"{kind}_{name}": model.add(f"{kind}_{name}", graph, value, module=kind, call=name, counted=counted[kind])
        for kind, graph in graphs.items()
        for name, value in read.items()
    }


def _box_subnet(head: MaskRCNN, in_dim: int, style: Style) -> Graph:
    """Convolutions and linear layers on every crop, each with norm and activation."""
    to = subnet_builder("box_subnet", "What tells the class and the box of a crop.", head, in_dim)
    x, dim = add_layers(to, head, head.box_layers, in_dim, style, per_call=False)
    cells = head.box_size**2
    features = Derived(dim * cells, f"{'dim' if dim == head.dim else 'in_dim'} * {cells}")
    to.settings = {**to.settings, "features": features}
    x = to.add("flatten", Flatten(), x)
    for i, hidden in enumerate(head.hidden, 1):
        x = to.add(f"hidden{i}", Linear(hidden), x)
        x = to.add(f"hidden_norm{i}", style.vector_norm(), x)
        x = activate(to, f"hidden_act{i}", head.activation, x)
    return to.build(x)


def _mask_subnet(head: MaskRCNN, in_dim: int, style: Style) -> Graph:
    """Convolutions on every crop, twice its size by a transposed one, and a mask per class."""
    to = subnet_builder("mask_subnet", "A mask of twice a crop's size for every class.", head, in_dim)
    x, _ = add_layers(to, head, head.mask_layers, in_dim, style, per_call=False)
    x = to.add("up", style.transposed_conv(head.dim), x)
    x = to.add("up_norm", style.norm(), x)
    x = activate(to, "up_act", head.activation, x)
    predict = conv(head, style, head.dim, head.classes, kernel=1)
    return to.build(to.add("predict", predict, x, counted="classes"))
