"""The layers that every block is made of, in the style that a spec asks for."""

from __future__ import annotations

from dataclasses import dataclass

from spinec.compiler.graph.hierarchy import GraphBuilder
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.conv import Conv, TransposedConv
from spinec.compiler.ops.norm import BatchNorm
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


def activate(to: GraphBuilder, name: str, kind: Kind, x: str) -> str:
    """The activation of a value; the value itself for the kind 'none'."""
    return x if kind == "none" else to.add(name, Activation(kind), x)


def conv_norm_act(to: GraphBuilder, style: Style, x: str, prefix: str, conv: Conv, activation: Kind) -> str:
    """Convolution, norm, activation, under names that begin with `prefix`."""
    x = to.add(f"{prefix}conv", conv, x)
    x = to.add(f"{prefix}norm", style.norm(), x)
    return activate(to, f"{prefix}act", activation, x)
