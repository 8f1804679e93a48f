"""Plain and separable convolutions with norm and activation, and the block that computes nothing."""

from __future__ import annotations

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, Setting, sequence
from spinec.compiler.lowering.blocks.layers import Site, Style, activate, conv_block, conv_norm_act
from spinec.compiler.lowering.blocks.registry import lowers
from spinec.spec.blocks import Conv, Identity, SeparableConv


@lowers(Conv)
def conv(block: Conv, site: Site) -> Graph:
    """Convolution, norm, activation; without norm the convolution has a bias, unless told otherwise."""
    bias = not block.norm if block.bias is None else block.bias
    if block.norm:
        where = site.style, site.in_dim, block.dim, block.kernel, site.stride
        return conv_block(*where, block.activation, dilation=block.dilation, bias=bias)
    settings: dict[str, Setting] = {
        "in_dim": site.in_dim,
        "dim": block.dim,
        "kernel": block.kernel,
        "stride": site.stride,
    }
    doc = "Convolution without norm" + ("." if block.activation == "none" else ", then an activation.")
    to = GraphBuilder("conv_act" if block.activation != "none" else "plain_conv", doc, settings=settings)
    plain = site.style.conv(block.dim, block.kernel, site.stride, dilation=block.dilation, bias=bias)
    x = to.add("conv", plain, "x")
    return to.build(activate(to, "act", block.activation, x))


@lowers(SeparableConv)
def separable_conv_block(block: SeparableConv, site: Site) -> Graph:
    """Depthwise convolution, 1x1 convolution, norm, activation; without norm the 1x1 convolution has a bias."""
    style, bias = site.style, not block.norm if block.bias is None else block.bias
    settings: dict[str, Setting] = {
        "in_dim": site.in_dim,
        "dim": block.dim,
        "kernel": block.kernel,
        "stride": site.stride,
    }
    doc = "Separable convolution" + (", batch norm" if block.norm else "") + ", activation."
    to = GraphBuilder("separable_conv_norm_act", doc, settings=settings)
    if block.norm_between:
        depthwise = style.conv(site.in_dim, block.kernel, site.stride, groups=site.in_dim)
        x = conv_norm_act(to, style, "x", "depthwise_", depthwise, block.activation)
        x = to.add("pointwise", style.conv(block.dim, bias=bias), x)
    else:
        separable = separable_conv(style, site.in_dim, block.dim, block.kernel, site.stride, bias=bias)
        x = to.add("conv", separable, "x")
    if block.norm:
        x = to.add("norm", style.norm(), x)
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
