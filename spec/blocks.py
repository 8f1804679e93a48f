"""What a block of any kind may say: its level, its dim, what feeds it and how that is resampled and fused.

What a kind has besides is said by its document in `specs/kinds/`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from spinec.spec.activations import Activation
from spinec.spec.fields import Dim, Frozen, Level, Padding, Ratio, Repeats
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.plan import field_values, inner_dim

Down = Annotated[
    Literal[
        "space_to_depth",
        "depthwise",
        "conv",
        "conv_last",
        "conv_pool",
        "max_pool",
        "max_pool_first",
        "max_pool_disjoint",
        "avg_pool",
        "avg_pool_disjoint",
        "none",
    ],
    Field(description="how features come to a coarser level"),
]
Up = Annotated[
    Literal["nearest", "nearest_first", "bilinear", "bilinear_first", "transposed_conv", "none"],
    Field(
        description="how features come to a finer level: resized behind the 1x1 convolution + norm, or before it, "
        "or by a transposed convolution + norm"
    ),
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

    kind: Literal["fast_normalized", "softmax", "sum", "concat", "attention", "join"] = Field(
        "fast_normalized",
        description="weighted by normalised ReLU weights or by a softmax, summed, concatenated and projected, or the "
        "first plus each other times a gate from what is fused so far; join: concatenated, each with its own dim",
    )
    epsilon: float = Field(
        0.001,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="added to the sum of fast-normalised weights",
    )
    activation: Activation | None = Field(
        None, description="after fusion; the block's own where not given, none behind `join`"
    )


NormKind = Annotated[
    Literal["batch", "layer", "group"],
    Field(description="over the batch, over the channels of every pixel, or over groups of channels"),
]
Groups = Annotated[
    int,
    Field(
        ge=1,
        le=4096,
        description="of group norm; they divide every dim that has a norm. Behind linear layers it is layer norm",
    ),
]
NormEpsilon = Annotated[float, Field(gt=0, le=1, description="added to the variance")]
Momentum = Annotated[
    float,
    Field(ge=0, lt=1, description="what the running statistics keep of themselves each step, as in TensorFlow"),
]
Synchronized = Annotated[bool, Field(description="statistics over the images of all replicas in training, not of each")]


class Norm(Frozen):
    """The norm behind convolutions; frameworks' defaults differ, so settings are never left to them."""

    kind: NormKind = "batch"
    groups: Groups = 32
    epsilon: NormEpsilon = 0.001
    momentum: Momentum = 0.99
    synchronized: Synchronized = False


class BlockNorm(Frozen):
    """What the norms of one block do differently from the spec's `norm`."""

    kind: NormKind | None = None
    groups: Groups | None = None
    epsilon: NormEpsilon | None = None
    momentum: Momentum | None = None
    synchronized: Synchronized | None = None


def _which(value: Any, norm: ValidatorFunctionWrapHandler) -> Any:
    if value is None or isinstance(value, dict | BlockNorm):
        return norm(value)
    raise ValueError("expected a mapping such as {kind: group}: blocks of this kind have their norms always")


class Block(Frozen):
    """What every kind of block has."""

    definition: ClassVar[Kind]
    """The document of its kind."""

    kind: str = Field(description="what the block computes")
    level: Level
    dim: Dim
    inputs: Annotated[
        tuple[Input, ...],
        Field(min_length=1, max_length=64, description="earlier blocks, or 'image'"),
    ]
    repeats: Repeats = 1
    activation: Activation = Field("swish", description="after the convolutions of the block, and after fusion")
    norm: Annotated[BlockNorm | None, WrapValidator(_which)] = Field(
        None, description="the norm of all that the block makes, where it differs from the spec's `norm`"
    )
    padding: Padding | None = Field(
        None, description="the padding of all that the block makes, where it differs from the spec's"
    )
    fuse: Fuse | None = Field(None, description="where it differs from the spec's `fuse`")

    @property
    def own_norm(self) -> BlockNorm | None:
        """What the block says of its norms; a kind that can leave its norm out may say true or false instead."""
        return self.norm if isinstance(self.norm, BlockNorm) else None

    @property
    def fields(self) -> dict[str, Any]:
        """What its kind's own fields say, and its activation."""
        return dict(field_values(self))

    @property
    def has_branch(self) -> bool:
        """Whether there is a branch beside a shortcut, which stochastic depth can leave out."""
        return self.definition.has_branch

    @property
    def inner_dim(self) -> int:
        """The dim that the block works at where that is less than what it gives out."""
        return inner_dim(self.definition, field_values(self), self.dim)

    def takes_as_is(self, *levels: int | None) -> bool:
        """Whether inputs at these levels are taken without resampling and fusion.

        That is a single one, at the level of the block, or at a finer one if the kind strides.
        """
        if len(levels) != 1 or levels[0] is None or self.definition.document.node:
            return False
        return levels[0] == self.level or (levels[0] < self.level and self.definition.strides)
