"""ResNet's blocks: residual (basic) and bottleneck."""

from __future__ import annotations

from spinec.compiler.graph.hierarchy import Derived, Graph, GraphBuilder, Setting
from spinec.compiler.lowering.blocks.layers import Site, activate, conv_norm_act
from spinec.compiler.lowering.blocks.registry import lowers
from spinec.compiler.ops.pool import Pool
from spinec.spec.blocks import Bottleneck, Residual


@lowers(Residual)
def residual(block: Residual, site: Site) -> Graph:
    """Two convolutions and a shortcut, which is projected where the shape changes."""
    style = site.style
    to = _builder("residual", "Two convolutions", block, site)
    x = conv_norm_act(
        to,
        style,
        "x",
        "first_",
        style.conv(block.dim, block.kernel, site.stride, dilation=block.dilation),
        block.activation,
    )
    x = to.add("second_conv", style.conv(block.dim, block.kernel, dilation=block.dilation), x)
    x = to.add("second_norm", style.norm(zero_init=block.zero_gamma), x)
    return _close(to, block, site, x)


@lowers(Bottleneck)
def bottleneck(block: Bottleneck, site: Site) -> Graph:
    """1x1 reduction, convolution, 1x1 expansion and a shortcut; the convolution in the middle strides."""
    style, inner = site.style, block.inner_dim
    setting = Derived(inner, f"dim // {block.expand}") if block.dim >= block.expand else inner
    to = _builder("bottleneck", "1x1 reduction, convolution, 1x1 expansion", block, site, setting)
    x = conv_norm_act(to, style, "x", "reduce_", style.conv(inner), block.activation)
    x = conv_norm_act(
        to, style, x, "middle_", style.conv(inner, block.kernel, site.stride, dilation=block.dilation), block.activation
    )
    x = to.add("expand_conv", style.conv(block.dim), x)
    x = to.add("expand_norm", style.norm(zero_init=block.zero_gamma), x)
    return _close(to, block, site, x)


def _builder(name: str, doc: str, block: Residual | Bottleneck, site: Site, inner: Setting = 0) -> GraphBuilder:
    same = site.has_shortcut(block.dim)
    settings: dict[str, Setting] = {} if same else {"in_dim": site.in_dim}
    settings |= {"dim": block.dim, "kernel": block.kernel, "stride": site.stride}
    settings |= {"inner": inner} if inner else {}
    if same:
        shortcut, title = "a shortcut", name
    elif _subsamples(block, site):
        shortcut, title = "a shortcut of every other pixel", f"{name}_subsample"
    else:
        shortcut, title = "a projected shortcut", f"{name}_project"
    return GraphBuilder(title, f"{doc} and {shortcut}.", settings=settings | {"drop_rate": site.drop_rate})


def _close(to: GraphBuilder, block: Residual | Bottleneck, site: Site, branch: str) -> Graph:
    shortcut = "x"
    if _subsamples(block, site):
        shortcut = to.add("shortcut", Pool("max", 1, site.stride), shortcut)
    elif not site.has_shortcut(block.dim):
        shortcut = to.add("shortcut_conv", site.style.conv(block.dim, 1, site.stride), shortcut)
        shortcut = to.add("shortcut_norm", site.style.norm(), shortcut)
    x = site.add_shortcut(to, branch, shortcut)
    return to.build(activate(to, "act", block.activation, x))


def _subsamples(block: Residual | Bottleneck, site: Site) -> bool:
    """Whether the shortcut takes pixels as they are."""
    return isinstance(block, Bottleneck) and block.subsample and site.in_dim == block.dim and site.stride > 1
