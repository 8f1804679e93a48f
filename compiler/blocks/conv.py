"""Plain and separable convolutions with norm and activation, and the block that computes nothing."""

from __future__ import annotations

from spinec.compiler.blocks.layers import Site, Style, activate, conv_block
from spinec.compiler.blocks.registry import lowers
from spinec.compiler.graph import Graph, GraphBuilder, Setting, sequence
from spinec.spec.blocks import Conv, Identity, SeparableConv


@lowers(Conv)
def conv(block: Conv, site: Site) -> Graph:
    """Convolution, norm, activation; without norm the convolution has a bias."""
    if block.norm:
        return conv_block(site.style, site.in_dim, block.dim, block.kernel, site.stride, block.activation)
    settings: dict[str, Setting] = {
        "in_dim": site.in_dim,
        "dim": block.dim,
        "kernel": block.kernel,
        "stride": site.stride,
    }
    to = GraphBuilder("conv_act", "Convolution with bias, then an activation.", settings=settings)
    x = to.add("conv", site.style.conv(block.dim, block.kernel, site.stride, bias=True), "x")
    return to.build(activate(to, "act", block.activation, x))


@lowers(SeparableConv)
def separable_conv_block(block: SeparableConv, site: Site) -> Graph:
    """Depthwise convolution, 1x1 convolution, norm, activation; without norm the 1x1 convolution has a bias."""
    settings: dict[str, Setting] = {
        "in_dim": site.in_dim,
        "dim": block.dim,
        "kernel": block.kernel,
        "stride": site.stride,
    }
    to = GraphBuilder(
        "separable_conv_norm_act",
        "Separable convolution, batch norm, activation.",
        settings=settings,
    )
    separable = separable_conv(site.style, site.in_dim, block.dim, block.kernel, site.stride, bias=not block.norm)
    x = to.add("conv", separable, "x")
    if block.norm:
        x = to.add("norm", site.style.norm(), x)
    return to.build(activate(to, "act", block.activation, x))


@lowers(Identity)
def identity(block: Identity, site: Site) -> Graph:
    """Nothing: the block is its resampling and its fusion."""
    return sequence("identity", "Nothing.")


def separable_conv(
    style: Style,
    in_dim: int,
    dim: int,
    kernel: int = 3,
    stride: int = 1,
    bias: bool = True,
    bias_init: float = 0.0,
) -> Graph:
    """Depthwise convolution, then a 1x1 convolution."""
    settings: dict[str, Setting] = {
        "in_dim": in_dim,
        "dim": dim,
        "kernel": kernel,
        "stride": stride,
    }
    to = GraphBuilder("separable_conv", "Depthwise convolution, then a 1x1 convolution.", settings=settings)
    x = to.add("depthwise", style.conv(in_dim, kernel, stride, groups=in_dim), "x")
    return to.build(to.add("pointwise", style.conv(dim, bias=bias, bias_init=bias_init), x))
