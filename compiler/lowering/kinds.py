"""Kinds -> graphs: each part of a kind at a place becomes an op, or the graph of the kind that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from spinec.compiler.graph.hierarchy import Derived, Graph, GraphBuilder, Setting
from spinec.compiler.lowering.layers import Style
from spinec.compiler.ops.activation import Activation, PReLU
from spinec.compiler.ops.attention import Attention
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.channels import ChannelConv, LayerScale, Shuffle, Slice
from spinec.compiler.ops.merge import Add, Concat, Multiply
from spinec.compiler.ops.norm import GroupNorm, LayerNorm
from spinec.compiler.ops.pool import GlobalPool, Pool
from spinec.compiler.ops.regularize import StochasticDepth
from spinec.compiler.ops.resize import Spread
from spinec.compiler.ops.window import sides_of
from spinec.spec.errors import BackendError
from spinec.spec.fields import Padding
from spinec.spec.kinds.expand import Parts, expand
from spinec.spec.kinds.library import library_kind
from spinec.spec.kinds.plan import default_fields
from spinec.spec.kinds.steps import PRIMITIVES, shares
from spinec.spec.plugins import load_part, missing

Maker: TypeAlias = Callable[[Style, Mapping[str, Any]], Op | Graph]
"""Makes the op, or the graph, of a primitive from its settings, in the style that a spec asks for."""


def _conv(style: Style, settings: Mapping[str, Any]) -> Op:
    given = {key: value for key, value in settings.items() if key not in ("conv", "padding")}
    return replace(style.conv(settings["conv"], **given), padding=_padding(style, settings))


def _pool(style: Style, settings: Mapping[str, Any]) -> Op:
    padding = "symmetric" if settings["kernel"] == 1 else _padding(style, settings)  # one pixel needs none
    return Pool(settings["pool"], settings["kernel"], settings["stride"], padding)


def _padding(style: Style, settings: Mapping[str, Any]) -> Padding:
    """As a step says, or a spec; but an even kernel, which has no centre, is padded as 'same' does."""
    said: Padding | Literal["spec"] = settings["padding"]
    if any(side % 2 == 0 for side in sides_of(settings["kernel"])):
        return "same"
    return style.padding if said == "spec" else said


def _mixed_conv(style: Style, settings: Mapping[str, Any]) -> Op | Graph:
    """Each share of the channels convolved by a kernel of its own; the first takes what does not divide."""
    kernels, in_dim, dim = settings["kernels"], settings["in_dim"], settings["mixed_conv"]
    if len(kernels) == 1:
        return style.conv(dim, kernels[0], settings["stride"], groups=dim if settings["depthwise"] else 1)
    doc = "Every share of the channels convolved by a kernel of another size."
    to = GraphBuilder("mixed_conv", doc, settings={"in_dim": in_dim, "dim": dim, "stride": settings["stride"]})
    start, made = 0, []
    each = zip(kernels, shares(in_dim, len(kernels)), shares(dim, len(kernels)), strict=True)
    for i, (kernel, taken, given) in enumerate(each, 1):
        groups = given if settings["depthwise"] else 1
        part = to.add(f"part{i}", Slice(start, taken), "x")
        made.append(to.add(f"conv{i}", style.conv(given, kernel, settings["stride"], groups=groups), part))
        start += taken
    return to.build(to.add("concat", Concat(), *made))


OPS: dict[str, Maker] = {
    "mixed_conv": _mixed_conv,
    "conv": _conv,
    "norm": lambda style, settings: style.norm(settings["zero_init"]),
    "act": lambda style, settings: Activation(settings["kind"]),
    "pool": _pool,
    "global_pool": lambda style, settings: GlobalPool(settings["global_pool"], keep=True),
    "add": lambda style, settings: Add(),
    "multiply": lambda style, settings: Multiply(),
    "spread": lambda style, settings: Spread(),
    "concat": lambda style, settings: Concat(),
    "layer_norm": lambda style, settings: LayerNorm(settings["layer_norm"]),
    "group_norm": lambda style, settings: GroupNorm(settings["group_norm"], settings["epsilon"]),
    "layer_scale": lambda style, settings: LayerScale(settings["layer_scale"]),
    "slice": lambda style, settings: Slice(int(settings["start"]), settings["slice"]),
    "shuffle": lambda style, settings: Shuffle(settings["shuffle"]),
    "channel_conv": lambda style, settings: ChannelConv(settings["channel_conv"]),
    "attention": lambda style, settings: Attention(settings["attention"]),
    "prelu": lambda style, settings: PReLU(settings["prelu"]),
}
"""Primitive: the op that it is. What `spec/kinds/steps.py` lists is here."""


def makes(main: str) -> Callable[[Maker], Maker]:
    """Register what makes the op of a plug-in's primitive."""

    def register(maker: Maker) -> Maker:
        OPS[main] = maker
        return maker

    return register


def _maker(main: str) -> Maker:
    if main not in OPS:
        load_part("ops")
    if main not in OPS:
        raise BackendError(
            missing(f"no op is registered for the primitive {main!r}", PRIMITIVES[main].__module__, "ops")
        )
    return OPS[main]


@lru_cache(4_096)
def graph_of(parts: Parts, style: Style, drop_rate: float = 0.0) -> Graph:
    """The graph of a kind at a place, of one input, ``x``."""
    settings = _settings(parts, drop_rate)
    to = GraphBuilder(parts.name, style.said(parts.doc), settings=settings, class_name=parts.class_name)
    x = add_parts(to, parts, style, "x", drop_rate)
    return to.build(x)


def add_parts(to: GraphBuilder, parts: Parts, style: Style, x: str, drop_rate: float = 0.0) -> str:
    """Add the parts of a kind to a graph, from a value on; the last value."""
    values = {"x": x}
    for part in parts.parts:
        inputs = [values[name] for name in part.inputs]
        if part.main == "drop":
            values[part.name] = _drop(to, part.name, inputs[0], style, drop_rate)
        else:
            op = graph_of(part.inner, style) if part.inner else _maker(part.main)(style, part.settings)
            values[part.name] = to.add(part.name, op, *inputs)
    return values[parts.result]


def kind_graph(style: Style, name: str, in_dim: int, dim: int, stride: int = 1, **given: Any) -> Graph:
    """The graph of a kind of the library, for what is no block of a spec: necks, heads, ways between levels."""
    kind = library_kind(name)
    assert kind, name
    fields = default_fields(kind) | {"activation": "none", **given}
    return graph_of(expand(kind, tuple(fields.items()), in_dim, dim, stride), style)


def conv_block(
    style: Style,
    in_dim: int,
    dim: int,
    kernel: int = 1,
    stride: int = 1,
    activation: str = "none",
    *,
    dilation: int = 1,
    bias: bool = False,
) -> Graph:
    """Convolution and norm, with an activation or without."""
    given = {"kernel": kernel, "activation": activation, "dilation": dilation, "bias": bias}
    return kind_graph(style, "conv", in_dim, dim, stride, **given)


def _drop(to: GraphBuilder, name: str, x: str, style: Style, rate: float) -> str:
    """Stochastic depth, where the spec asks for it."""
    return to.add(name, StochasticDepth(rate), x) if style.drops else x


def _settings(parts: Parts, drop_rate: float) -> dict[str, Setting]:
    found: dict[str, Setting] = {
        name: (Derived(*value) if value[1] else value[0]) if isinstance(value, tuple) else value
        for name, value in parts.settings.items()
    }
    return found | ({"drop_rate": drop_rate} if parts.drops else {})
