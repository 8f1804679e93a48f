"""A spec as it is after loading: frozen, validated, nothing left to resolve."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import inf
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, SerializeAsAny, WithJsonSchema, WrapValidator

from spinec.spec.activations import Activation
from spinec.spec.blocks import Block, Fuse, Input, Norm, Resample
from spinec.spec.conventions import Convention
from spinec.spec.fields import (
    READ_ONLY,
    CountedParams,
    Dim,
    Figure,
    Frozen,
    FrozenMapping,
    Padding,
    Repeats,
    Size,
)
from spinec.spec.heads import Head
from spinec.spec.kinds.kind import Kind
from spinec.spec.notebook import shown
from spinec.spec.rounding import round_dim

MAX_TEXT = 500  # characters of what an origin says in words
MAX_TRIAL = 10**9
MAX_SEED = 10**18

Score = Annotated[float, Field(allow_inf_nan=False)]


class Image(Frozen):
    """What the network is given."""

    size: Size = (512, 512)
    channels: Dim = 3


class StochasticDepth(Frozen):
    """How often the branch beside a shortcut is left out in training."""

    rate: float = Field(0.0, ge=0, lt=1, description="of the last block")
    schedule: Literal["linear", "constant"] = Field(
        "linear", description="linear: from 0 at the first block up to `rate`"
    )


class Init(Frozen):
    """Variance scaling of convolution kernels: normal with variance scale / fan."""

    scale: float = Field(2.0, gt=0, le=100, allow_inf_nan=False, description="variance of a kernel times its fan")
    mode: Literal["fan_out", "fan_in"] = Field(
        "fan_out", description="the fan: area of the kernel times its output channels, or its input channels"
    )


class Endpoints(Frozen):
    """A 1x1 convolution + norm + activation on every output."""

    dim: Dim
    activation: Activation = Field("swish", description="after the norm")


class Published(Frozen):
    """What the publication printed about this architecture, digits and all."""

    table: str = Field(description="where it is printed")
    macs: Figure = Field(description="multiply-adds")
    params: Figure | None = Field(None, description="parameters; some tables print none")
    convention: Convention = Field("profiler", description="how the publication counted multiply-adds")
    counted_params: CountedParams = Field(
        "trained", description="folded: one per norm channel, as after folding; all: running statistics, too"
    )
    metric: str = Field("", description="of the score: AP, top-1, mIoU")
    score: Annotated[float, Field(ge=0, le=100)] | None = Field(None, description="of the trained model, in percent")
    dataset: str = Field("", description="of the score: COCO, ImageNet")


def _choice(value: Any) -> Any:
    if not isinstance(value, int | float | str) or value != value or value in (inf, -inf):
        raise ValueError("expected a number or a word")
    return value


Choice = Annotated[
    int | float | str,
    WrapValidator(lambda value, _: _choice(value), json_schema_input_type=int | float | str),
    Field(description="a number or a word"),
]


class Origin(Frozen):
    """The search that found this architecture."""

    study: str = Field(min_length=1, max_length=MAX_TEXT, description="name of the study")
    trial: int = Field(ge=0, le=MAX_TRIAL, description="number of the candidate within the study")
    spec: str = Field("", max_length=MAX_TEXT, description="name of the spec that the study began with")
    scores: Annotated[tuple[Score, ...], Field(max_length=100)] = Field(
        (), description="what the candidate was judged to be worth: a number for every objective"
    )
    evaluator: str = Field("", max_length=MAX_TEXT, description="what judged it, as `module:function`")
    recipe: str = Field("", max_length=MAX_TEXT, description="recipe that it was trained by to be judged, if it was")
    seed: int | None = Field(
        None, ge=0, le=MAX_SEED, description="random seed that the study began with, if it had one"
    )
    choices: Annotated[Mapping[str, Choice], *READ_ONLY] = Field(
        {},
        validate_default=True,
        description="parameter: what was chosen for it; a beta of redistribution by its block",
    )


OwnKinds = Annotated[
    Mapping[str, Kind],
    AfterValidator(FrozenMapping),
    PlainSerializer(lambda kinds: {name: kind.item.plain() for name, kind in kinds.items()}),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["object", "string", "null"]}}),
]
"""Kinds of a spec's own, written as their documents."""


class ModelSpec(Frozen):
    """An architecture: blocks, which of them are outputs, and the head on top."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="what the architecture is called")
    source: str = Field("", max_length=500, description="where the architecture comes from")
    origin: Origin | None = None
    input: Image = Image()
    padding: Padding = Field(
        "symmetric", description="of strided windows: k // 2 on every side, or TensorFlow's 'same'"
    )
    norm: Norm = Norm()
    init: Init = Init()
    stochastic_depth: StochasticDepth = StochasticDepth()
    resample: Resample = Resample()
    fuse: Fuse = Fuse()
    kinds: OwnKinds = Field(
        {},
        validate_default=True,
        description="kind name: an operation of the spec's own, or the file beside it that holds one",
    )
    blocks: Annotated[Mapping[str, SerializeAsAny[Block]], *READ_ONLY] = Field(
        description="block name: what it computes, in the order of execution"
    )
    outputs: Annotated[Mapping[str, str], *READ_ONLY] = Field(
        min_length=1, description="output name: the block that is given out under it"
    )
    endpoints: Endpoints | None = None
    head: SerializeAsAny[Head] | None = None
    published: Published | None = None

    def _repr_svg_(self) -> str | None:
        return shown("svg", self)

    def __repr__(self) -> str:
        return f"<ModelSpec {self.name}: {len(self.blocks)} blocks, outputs {', '.join(self.outputs)}>"

    __str__ = __repr__

    def resample_of(self, given: Input) -> Resample:
        """How one input is resampled: the spec's way, with what the input itself says."""
        own = given.model_dump(exclude={"block"}, exclude_none=True)
        return self.resample.model_copy(update=own) if own else self.resample

    def norm_of(self, block: Block) -> Norm:
        """The norm of all that a block makes: the spec's, with what the block itself says."""
        own = block.own_norm
        return self.norm.model_copy(update=own.model_dump(exclude_none=True)) if own else self.norm

    def fuse_of(self, block: Block) -> Fuse:
        """How a block fuses its inputs; the activation behind it is the block's own where none is given."""
        fuse = block.fuse or self.fuse
        own: Activation = "none" if fuse.kind == "join" else block.activation
        return fuse if fuse.activation else fuse.model_copy(update={"activation": own})

    def joins(self, block: Block) -> bool:
        """Whether a block takes the channels of all its inputs: they are resampled, and keep their dims."""
        return (block.fuse or self.fuse).kind == "join"

    def level_of(self, name: str) -> int:
        """The level of a block; the image is level 0."""
        return 0 if name == "image" else self.blocks[name].level


class Scale(Frozen):
    """A change of a whole spec (Eff-SpineNet, Table 2): applied when loading, gone afterwards."""

    size: Size | None = Field(None, description="another input size: one number, or [height, width]")
    width: float = Field(1.0, gt=0, le=64, description="multiplies every block's dim")
    multiple: int = Field(4, gt=0, le=1024, description="scaled dims are multiples of this, the nearest")
    rounding: Literal["nearest", "down"] = Field("nearest", description="down: the multiple below, whatever is left")
    keep: float = Field(0.9, ge=0, le=1, description="rounding never leaves less than this share of the scaled dim")
    repeats: Annotated[Mapping[str, Repeats], *READ_ONLY] = Field(
        {}, validate_default=True, description="block name: repeats"
    )


def scaled_dim(dim: int, scale: Scale) -> int:
    """What becomes of a dim."""
    if scale.rounding == "down":
        return max(scale.multiple, int(Fraction(str(scale.width)) * dim) // scale.multiple * scale.multiple)
    return round_dim(dim * scale.width, scale.multiple, scale.keep)


def with_dims(
    spec: ModelSpec, dims: Mapping[str, int], repeats: Mapping[str, int], size: tuple[int, int] | None = None
) -> ModelSpec:
    """The spec with other dims and repeats of some blocks, unchecked: for counting many candidates."""
    blocks = {
        name: block.model_copy(update={"dim": dims.get(name, block.dim), "repeats": repeats.get(name, block.repeats)})
        for name, block in spec.blocks.items()
    }
    image = Image(size=size or spec.input.size, channels=spec.input.channels)
    return spec.model_copy(update={"blocks": FrozenMapping(blocks), "input": image})
