"""The layers that every block is made of, in the style that a spec asks for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, Setting
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.conv import Conv, TransposedConv
from spinec.compiler.ops.norm import BatchNorm
from spinec.compiler.ops.regularize import StochasticDepth
from spinec.spec.fields import Activation as Kind
from spinec.spec.model import ModelSpec


@dataclass(frozen=True)
class Style:
    """How a spec wants its layers: padding, norm and initialisation are the same everywhere."""

    spec: ModelSpec

    def conv(
        self,
        dim: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = False,
        bias_init: float = 0.0,
    ) -> Conv:
        """A convolution."""
        spec = self.spec
        return Conv(
            dim=dim,
            kernel=kernel,
            stride=stride,
            groups=groups,
            dilation=dilation if kernel > 1 else 1,  # one pixel has no gaps
            bias=bias,
            bias_init=bias_init,
            padding=spec.padding,
            init_scale=spec.init.scale,
            init_mode=spec.init.mode,
        )

    def transposed_conv(self, dim: int) -> TransposedConv:
        """A transposed convolution with a bias, to twice the size."""
        return TransposedConv(dim, init_scale=self.spec.init.scale, init_mode=self.spec.init.mode)

    def norm(self, zero_init: bool = False) -> BatchNorm:
        """Batch norm; `zero_init` starts its scale at zero."""
        norm = self.spec.norm
        return BatchNorm(norm.epsilon, norm.momentum, zero_init, norm.synchronized)


@dataclass(frozen=True)
class Site:
    """Where one repeat of a block stands: what it is given, how it strides, how often training leaves it out."""

    style: Style
    in_dim: int
    stride: int
    drop_rate: float

    def has_shortcut(self, dim: int) -> bool:
        """Whether the input can be added to the result as it is."""
        return self.stride == 1 and self.in_dim == dim

    def add_shortcut(self, to: GraphBuilder, branch: str, shortcut: str) -> str:
        """The branch, left out now and then in training where the spec asks for it, plus the shortcut."""
        from spinec.compiler.ops.merge import Add

        if self.style.spec.stochastic_depth.rate:
            branch = to.add("drop", StochasticDepth(self.drop_rate), branch)
        return to.add("add", Add(), shortcut, branch)


def activate(to: GraphBuilder, name: str, kind: Kind, x: str) -> str:
    """The activation of a value; the value itself for the kind 'none'."""
    return x if kind == "none" else to.add(name, Activation(kind), x)


def conv_norm_act(to: GraphBuilder, style: Style, x: str, prefix: str, conv: Conv, activation: Kind) -> str:
    """Convolution, norm, activation, under names that begin with `prefix`."""
    x = to.add(f"{prefix}conv", conv, x)
    x = to.add(f"{prefix}norm", style.norm(), x)
    return activate(to, f"{prefix}act", activation, x)


def conv_block(
    style: Style,
    in_dim: int,
    dim: int,
    kernel: int = 1,
    stride: int = 1,
    activation: Kind = "none",
    *,
    dilation: int = 1,
    bias: bool = False,
) -> Graph:
    """Convolution and norm, with an activation or without, as a graph of its own."""
    name = "conv_norm" if activation == "none" else "conv_norm_act"
    name += (
        "_same" if style.spec.padding == "same" and stride > 1 else ""
    )  # it pads for itself, so its class is another
    doc = "Convolution and batch norm" + ("." if activation == "none" else ", then an activation.")
    settings: dict[str, Setting] = {
        "in_dim": in_dim,
        "dim": dim,
        "kernel": kernel,
        "stride": stride,
    }
    to = GraphBuilder(name, doc, settings=settings)
    conv = style.conv(dim, kernel, stride, dilation=dilation, bias=bias)
    return to.build(conv_norm_act(to, style, "x", "", conv, activation))


@cache
def ratio_of(dim: int, ratio: float) -> int:
    """The share of a dim, rounded down in exact decimals, at least one.

    >>> ratio_of(104, 0.2), ratio_of(4, 0.2)
    (20, 1)
    """
    return max(1, int(Fraction(str(ratio)) * dim))


@cache
def formula_of(base: str, dim: int, ratio: float, value: int) -> str:
    """The share of a dim as source, where a plain quotient says it: ``dim // 5``; empty where none does."""
    divisor = round(1 / ratio)
    return (
        f"{base} // {divisor}"
        if divisor > 1 and Fraction(str(ratio)) == Fraction(1, divisor) and dim // divisor == value
        else ""
    )
