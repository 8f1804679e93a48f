"""What a block may say: one model per kind. To add a kind, add a class here and a file in `compiler/lowering/blocks/`.

Every kind has `level`, `dim`, `inputs` and `repeats`; the rest are the fields of what it computes.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from spinec.spec.fields import Activation, Dilation, Dim, Frozen, Kernel, Level, Ratio, Repeats

Down = Annotated[
    Literal[
        "space_to_depth",
        "depthwise",
        "conv",
        "conv_pool",
        "max_pool",
        "max_pool_first",
        "max_pool_disjoint",
        "avg_pool",
        "none",
    ],
    Field(description="how features come to a coarser level"),
]
Up = Annotated[
    Literal["nearest", "nearest_first", "none"],
    Field(description="how features come to a finer level: after the 1x1 convolution + norm, or before it"),
]
Match = Annotated[
    Literal["when_different", "always", "where_needed"],
    Field(
        description="when there is a 1x1 convolution + norm at equal level; where_needed: at any, where dims differ",
    ),
]
Alpha = Annotated[
    Ratio,
    Field(
        description="share of a source's inner dim that resampling works at, between two 1x1 convolutions; 0: none",
    ),
]
ResampleBias = Annotated[bool, Field(description="of the 1x1 convolutions, beside their norm")]
ChannelOrder = Annotated[
    Literal["channel_major", "block_major"],
    Field(description="order of space-to-depth's channels: (C, 2, 2) as in PyTorch or (2, 2, C) as in TensorFlow"),
]
StepActivation = Annotated[Activation, Field(description="between the steps of down-sampling")]


class Resample(Frozen):
    """How features come to a block's level and dim (Eff-SpineNet, Figure 2)."""

    down: Down = "space_to_depth"
    up: Up = "nearest"
    match: Match = "when_different"
    alpha: Alpha = 0.0
    bias: ResampleBias = False
    channel_order: ChannelOrder = "channel_major"
    activation: StepActivation = "swish"


class InputResample(Frozen):
    """What one input does differently from the spec's `resample`."""

    down: Down | None = None
    up: Up | None = None
    match: Match | None = None
    alpha: Alpha | None = None
    bias: ResampleBias | None = None
    channel_order: ChannelOrder | None = None
    activation: StepActivation | None = None


class Input(InputResample):
    """An earlier block that feeds this one, and how it is resampled where that differs."""

    block: str = Field(alias="from", description="the name of an earlier block, or 'image'")


class Fuse(Frozen):
    """How resampled inputs become one (Eff-SpineNet, Equation 1)."""

    kind: Literal["fast_normalized", "softmax", "sum", "concat", "attention"] = Field(
        "fast_normalized",
        description="weighted by normalised ReLU weights or by a softmax, summed, concatenated, or the first plus each "
        "other times a gate from what is fused so far",
    )
    epsilon: float = Field(
        0.001,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="added to the sum of fast-normalised weights",
    )
    activation: Activation | None = Field(None, description="after fusion; the block's own where not given")


class Block(Frozen):
    """What every kind of block has."""

    kinds: ClassVar[dict[str, type[Block]]] = {}
    has_branch: ClassVar[bool] = False
    """Whether there is a branch beside a shortcut, which stochastic depth can leave out."""
    strides: ClassVar[bool] = True
    """Whether the block itself can bring an input to a coarser level."""

    kind: str = Field(description="what the block computes")
    level: Level
    dim: Dim
    inputs: Annotated[
        tuple[Input, ...],
        Field(min_length=1, max_length=64, description="earlier blocks, or 'image'"),
    ]
    repeats: Repeats = 1
    activation: Activation = Field("swish", description="after the convolutions of the block, and after fusion")
    fuse: Fuse | None = Field(None, description="where it differs from the spec's `fuse`")

    @property
    def inner_dim(self) -> int:
        """The dim that the block works at where that is less than what it gives out."""
        return self.dim

    def takes_as_is(self, *levels: int | None) -> bool:
        """Whether inputs at these levels are taken without resampling and fusion: a single one that is no coarser."""
        return self.strides and len(levels) == 1 and levels[0] is not None and levels[0] <= self.level

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        if not cls.model_fields["kind"].is_required():  # a base of kinds has none of its own
            Block.kinds[cls.model_fields["kind"].default] = cls


class InvertedBottleneck(Block):
    """Expansion, squeeze-excite, 1x1 projection: what `mbconv` and `fused_mbconv` have in common."""

    has_branch: ClassVar[bool] = True

    kernel: Kernel = 3
    expand: float = Field(6, ge=1, le=64, allow_inf_nan=False, description="expand ratio: hidden dim over input dim")
    squeeze: Ratio = Field(0.2, description="squeeze-excite: squeezed dim over `squeeze_base`; 0 for none")
    squeeze_base: Literal["input", "hidden"] = Field("input", description="the dim that `squeeze` is a ratio of")
    squeeze_multiple: int = Field(1, gt=0, le=1024, description="the squeezed dim is a multiple of this, the nearest")
    squeeze_activation: Activation | None = Field(
        None, description="within squeeze-excite; the block's own if not given"
    )
    gate: Literal["sigmoid", "hard_sigmoid"] = Field("sigmoid", description="of squeeze-excite")
    dilation: Dilation = 1
    shortcut: bool = Field(True, description="add the input where shapes allow it")


class MBConv(InvertedBottleneck):
    """Inverted bottleneck: 1x1 expansion, depthwise convolution, squeeze-excite, 1x1 projection (arXiv 1801.04381)."""

    kind: Literal["mbconv"] = "mbconv"


class FusedMBConv(InvertedBottleneck):
    """Inverted bottleneck whose expansion and depthwise convolution are one full convolution."""

    kind: Literal["fused_mbconv"] = "fused_mbconv"
    squeeze: Ratio = Field(0.0, description="squeeze-excite: squeezed dim over `squeeze_base`; 0 for none")


class Residual(Block):
    """Two k x k convolutions and a shortcut (ResNet's basic block)."""

    has_branch: ClassVar[bool] = True

    kind: Literal["residual"] = "residual"
    kernel: Kernel = 3
    dilation: Dilation = 1
    zero_gamma: bool = Field(
        True,
        description="start the last norm's scale at zero, so that the block starts as its shortcut",
    )


class Bottleneck(Block):
    """1x1 reduction, k x k convolution, 1x1 expansion and a shortcut; `dim` is what the block gives out."""

    has_branch: ClassVar[bool] = True

    kind: Literal["bottleneck"] = "bottleneck"
    kernel: Kernel = 3
    expand: int = Field(4, ge=1, le=64, description="output dim over inner dim")
    dilation: Dilation = 1
    subsample: bool = Field(
        False, description="where the size alone changes, the shortcut takes pixels, not a projection"
    )
    zero_gamma: bool = Field(
        True,
        description="start the last norm's scale at zero, so that the block starts as its shortcut",
    )

    @property
    def inner_dim(self) -> int:
        """The dim of the convolution in the middle."""
        return max(1, self.dim // self.expand)


class Conv(Block):
    """Convolution, norm, activation."""

    kind: Literal["conv"] = "conv"
    kernel: Kernel = 3
    norm: bool = Field(True, description="batch norm after the convolution")
    bias: bool | None = Field(None, description="of the convolution; only without norm if not given")
    dilation: Dilation = 1


class SeparableConv(Block):
    """Depthwise convolution, 1x1 convolution, norm, activation."""

    kind: Literal["separable_conv"] = "separable_conv"
    kernel: Kernel = 3
    norm: bool = Field(True, description="batch norm after the 1x1 convolution")
    norm_between: bool = Field(False, description="norm and activation after the depthwise convolution, too")
    bias: bool | None = Field(None, description="of the 1x1 convolution; only without norm if not given")


class Identity(Block):
    """Nothing but resampling and fusion: a node of a feature pyramid."""

    strides: ClassVar[bool] = False

    kind: Literal["identity"] = "identity"
    norm: bool = Field(False, description="batch norm on the result")
