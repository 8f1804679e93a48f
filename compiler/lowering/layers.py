"""The layers that every block is made of, in the style that a spec asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from spinec.compiler.graph.hierarchy import GraphBuilder
from spinec.compiler.ops.activation import Activation
from spinec.compiler.ops.conv import Conv, TransposedConv
from spinec.compiler.ops.norm import BatchNorm, GroupNorm, LayerNorm
from spinec.compiler.ops.window import Kernel
from spinec.spec.activations import Activation as Kind
from spinec.spec.blocks import Block, Norm
from spinec.spec.fields import Padding
from spinec.spec.model import Init, ModelSpec


@dataclass(frozen=True, eq=False)
class Style:
    """How a spec, or one of its blocks, wants its layers. `style_of` gives one object for all that want the same."""

    padding: Padding
    norms: Norm
    init: Init
    drops: bool
    """Whether branches are left out in training."""

    def conv(
        self,
        dim: int,
        kernel: Kernel = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = False,
        bias_init: float = 0.0,
    ) -> Conv:
        """A convolution."""
        return Conv(
            dim=dim,
            kernel=kernel,
            stride=stride,
            groups=groups,
            dilation=dilation if kernel != 1 else 1,  # one pixel has no gaps
            bias=bias,
            bias_init=bias_init,
            padding=self.padding,
            init_scale=self.init.scale,
            init_mode=self.init.mode,
        )

    def transposed_conv(self, dim: int, factor: int = 2, *, bias: bool = True) -> TransposedConv:
        """A transposed convolution, to so many times the size."""
        return TransposedConv(dim, factor, bias, self.init.scale, self.init.mode)

    def norm(self, zero_init: bool = False) -> BatchNorm | LayerNorm | GroupNorm:
        """The norm that is wanted; `zero_init` starts a batch norm's scale at zero."""
        norm = self.norms
        match norm.kind:
            case "layer":
                return LayerNorm(norm.epsilon)
            case "group":
                return GroupNorm(norm.groups, norm.epsilon)
        return BatchNorm(norm.epsilon, norm.momentum, zero_init, norm.synchronized)

    def said(self, doc: str) -> str:
        """A docstring that names a batch norm, with the norm that is wanted."""
        return doc if self.norms.kind == "batch" else doc.replace("batch norm", f"{self.norms.kind} norm")

    def vector_norm(self) -> BatchNorm | LayerNorm | GroupNorm:
        """The norm behind a linear layer; a vector has no image over which groups could be normed."""
        return LayerNorm(self.norms.epsilon) if self.norms.kind == "group" else self.norm()


def style_of(spec: ModelSpec, block: Block | None = None) -> Style:
    """How a spec wants its layers, or those of one of its blocks: of its ways between levels, its fusion, its body."""
    padding, norm = (block.padding or spec.padding, spec.norm_of(block)) if block else (spec.padding, spec.norm)
    return _style(padding, norm, spec.init, spec.stochastic_depth.rate > 0)


@lru_cache(256)
def _style(padding: Padding, norm: Norm, init: Init, drops: bool) -> Style:
    return Style(padding, norm, init, drops)


def activate(to: GraphBuilder, name: str, kind: Kind, x: str) -> str:
    """The activation of a value; the value itself for the kind 'none'."""
    return x if kind == "none" else to.add(name, Activation(kind), x)


def conv_norm_act(to: GraphBuilder, style: Style, x: str, prefix: str, conv: Conv, activation: Kind) -> str:
    """Convolution, norm, activation, under names that begin with `prefix`."""
    x = to.add(f"{prefix}conv", conv, x)
    x = to.add(f"{prefix}norm", style.norm(), x)
    return activate(to, f"{prefix}act", activation, x)
