"""What the subnets of detectors are made of."""

from __future__ import annotations

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, Setting
from spinec.compiler.lowering.kinds import kind_graph
from spinec.compiler.lowering.layers import Style, activate
from spinec.compiler.ops.base import Op
from spinec.spec.heads import MaskRCNN, RetinaNet

BOX = 4  # numbers per box


def subnet_builder(name: str, doc: str, head: RetinaNet | MaskRCNN, in_dim: int) -> GraphBuilder:
    """A builder of what works at the head's dim."""
    settings: dict[str, Setting] = {"in_dim": in_dim} if in_dim != head.dim else {}
    return GraphBuilder(name, doc, settings=settings | {"dim": head.dim})


def add_layers(
    to: GraphBuilder,
    head: RetinaNet | MaskRCNN,
    layers: int,
    dim: int,
    style: Style,
    *,
    bias: bool = True,
    per_call: bool = True,
) -> tuple[str, int]:
    """Convolutions with norm and activation: the last value and its dim. Norms are each call's own where asked for."""
    x = "x"
    for i in range(1, layers + 1):
        x = to.add(f"conv{i}", conv(head, style, dim, head.dim, bias=bias), x)
        x = to.add(f"norm{i}", style.norm(), x, per_call=per_call)
        x, dim = activate(to, f"act{i}", head.activation, x), head.dim
    return x, dim


def conv(
    head: RetinaNet | MaskRCNN,
    style: Style,
    in_dim: int,
    dim: int,
    bias_init: float = 0.0,
    *,
    kernel: int = 3,
    bias: bool = True,
) -> Op | Graph:
    """A convolution of the kind that the head asks for."""
    if head.conv == "separable":
        return kind_graph(style, "separable", in_dim, dim, kernel=kernel, bias=bias, bias_init=bias_init)
    return style.conv(dim, kernel, bias=bias, bias_init=bias_init)
