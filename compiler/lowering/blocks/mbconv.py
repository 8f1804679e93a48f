"""MBConv and its fused form (arXiv 1801.04381)."""

from __future__ import annotations

from spinec.compiler.graph.hierarchy import Derived, Graph, GraphBuilder, Setting
from spinec.compiler.lowering.blocks.layers import Site, conv_norm_act, formula_of, ratio_of
from spinec.compiler.lowering.blocks.registry import lowers
from spinec.compiler.lowering.blocks.squeeze_excite import squeeze_excite
from spinec.spec.blocks import FusedMBConv, InvertedBottleneck, MBConv
from spinec.spec.model import round_dim

_SIDEWAYS = {1: "_widen", 0: "_plain", -1: "_narrow"}  # names of what changes the dim and nothing else


@lowers(MBConv)
def mbconv(block: MBConv, site: Site) -> Graph:
    """1x1 expansion, depthwise convolution, squeeze-excite, 1x1 projection; a shortcut where shapes allow it."""
    style, hidden = site.style, ratio_of(site.in_dim, block.expand)
    to = GraphBuilder(*_title("mbconv", block, site), settings=_settings(block, site, hidden))
    x = "x"
    if block.expand != 1:
        x = conv_norm_act(to, style, x, "expand_", style.conv(hidden), block.activation)
    depthwise = style.conv(hidden, block.kernel, site.stride, groups=hidden, dilation=block.dilation)
    x = conv_norm_act(to, style, x, "depthwise_", depthwise, block.activation)
    return _close(to, block, site, x, hidden)


@lowers(FusedMBConv)
def fused_mbconv(block: FusedMBConv, site: Site) -> Graph:
    """A full convolution that expands, squeeze-excite, 1x1 projection; without expansion the convolution alone."""
    style, hidden = site.style, ratio_of(site.in_dim, block.expand)
    to = GraphBuilder(*_title("fused_mbconv", block, site), settings=_settings(block, site, hidden))
    dim, prefix = (hidden, "expand_") if block.expand != 1 else (block.dim, "")
    full = style.conv(dim, block.kernel, site.stride, dilation=block.dilation)
    x = conv_norm_act(to, style, "x", prefix, full, block.activation)
    return _close(to, block, site, x, dim, project=block.expand != 1)


def _close(to: GraphBuilder, block: InvertedBottleneck, site: Site, x: str, dim: int, *, project: bool = True) -> Graph:
    """Squeeze-excite, projection, shortcut: how either kind ends."""
    x = _squeeze(to, block, site, x, dim)
    if project:
        x = to.add("project_conv", site.style.conv(block.dim), x)
        x = to.add("project_norm", site.style.norm(), x)
    return to.build(site.add_shortcut(to, x, "x") if _has_shortcut(block, site) else x)


def _squeeze(to: GraphBuilder, block: InvertedBottleneck, site: Site, x: str, dim: int) -> str:
    if not block.squeeze:
        return x
    squeezed = _squeezed(block, site.in_dim if block.squeeze_base == "input" else dim)
    activation = block.squeeze_activation or block.activation
    return to.add("squeeze_excite", squeeze_excite(site.style, dim, squeezed, activation, block.gate), x)


def _squeezed(block: InvertedBottleneck, dim: int) -> int:
    """The squeezed dim; a share as it is, or the nearest multiple that leaves most of it."""
    if block.squeeze_multiple > 1:
        return round_dim(dim * block.squeeze, block.squeeze_multiple)
    return ratio_of(dim, block.squeeze)


def _has_shortcut(block: InvertedBottleneck, site: Site) -> bool:
    return block.shortcut and site.has_shortcut(block.dim)


def _title(name: str, block: InvertedBottleneck, site: Site) -> tuple[str, str]:
    """The class name says what differs in the steps; the one-line description says it in words."""
    unexpanded = block.expand == 1
    steps = "Inverted bottleneck without expansion" if unexpanded else "Inverted bottleneck"
    if _has_shortcut(block, site):
        return name + ("_unexpanded" if unexpanded else ""), f"{steps} with a shortcut."
    change = "_down" if site.stride > 1 else _SIDEWAYS[(block.dim > site.in_dim) - (block.dim < site.in_dim)]
    why = ": the shape changes." if site.stride > 1 or block.dim != site.in_dim else "."
    if unexpanded:
        return f"{name}_unexpanded", f"{steps} and shortcut{why}"
    return name + change, f"{steps} without a shortcut{why}"


def _settings(block: InvertedBottleneck, site: Site, hidden: int) -> dict[str, Setting]:
    changes = not _has_shortcut(block, site)
    base = "in_dim" if changes else "dim"
    settings: dict[str, Setting] = {"in_dim": site.in_dim} if changes else {}
    settings |= {"dim": block.dim, "kernel": block.kernel, "stride": site.stride}
    if block.expand != 1:
        whole = block.expand == int(block.expand)
        settings["hidden"] = Derived(hidden, f"{base} * {block.expand:g}") if whole else hidden
    if block.squeeze:
        dim, name = (site.in_dim, base) if block.squeeze_base == "input" else _hidden(block, site, hidden, base)
        squeezed = _squeezed(block, dim)
        formula = formula_of(name, dim, block.squeeze, squeezed)
        settings["squeezed"] = Derived(squeezed, formula) if formula else squeezed
    return settings | {"drop_rate": site.drop_rate}


def _hidden(block: InvertedBottleneck, site: Site, hidden: int, base: str) -> tuple[int, str]:
    """The dim that squeeze-excite works at, and its name: without expansion, what its convolution takes or gives."""
    if block.expand != 1:
        return hidden, "hidden"
    return (block.dim, "dim") if isinstance(block, FusedMBConv) else (site.in_dim, base)
