"""What a step of a kind may say: one class per primitive, chosen by the key that names it.

To add a primitive: a class here, the op in `compiler/ops/`, and a rule in each backend.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, WithJsonSchema

from spinec.spec.activations import ACTIVATIONS
from spinec.spec.errors import ShapeError
from spinec.spec.fields import MAX_LEVEL, MAX_REPEATS, Frozen, Padding
from spinec.spec.kinds.formula import Formula, FormulaError, Type, parse
from spinec.spec.kinds.spelling import floor

MOST_CHANNELS = 2**24  # within a kind: the largest dim, expanded as much as the library allows, and more
MOST_PIXELS = 2**MAX_LEVEL  # of a window and its stride
FORMULA = {"type": ["string", "number", "boolean"], "description": "a formula of in_dim, dim, stride and fields"}


def to_formula(value: Any) -> Formula:
    """The formula that a value of a document is.

    Raises:
        FormulaError: when it is none.
    """
    if isinstance(value, bool):
        return parse(str(value).lower())
    if isinstance(value, int | float | str):
        return parse(str(value))
    raise FormulaError("expected a formula: a number, a name, or such as in_dim * expand")


IsFormula = Annotated[
    InstanceOf[Formula],
    BeforeValidator(to_formula),
    PlainSerializer(lambda formula: formula.text),
    WithJsonSchema(FORMULA),
]
Number = IsFormula
Boolean = IsFormula
Word = Annotated[str, Field(max_length=60, description="a word, or $ and the name of a field that has one")]
Value = Annotated[str, Field(max_length=60, description="an earlier step, 'x' for the input, 'name*' for all repeats")]
Values = Annotated[tuple[Value, ...], Field(min_length=1, max_length=64)]
WordInName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,23}$")]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Step(Frozen):
    """What every step may say. By itself it is a norm, an activation, or both."""

    main: ClassVar[str] = ""
    """The key that names the primitive."""
    types: ClassVar[Mapping[str, Type]] = {}
    """Setting: what its formula gives. Words are no formulas and are not listed."""
    dims: ClassVar[tuple[str, ...]] = ()
    """Settings that are numbers of channels: rounded down, at least one."""
    exact: ClassVar[tuple[str, ...]] = ()
    sided: ClassVar[tuple[str, ...]] = ()
    """Settings that may be a field of two sides instead of a number."""
    """Settings that are any numbers; others are whole and above zero."""
    positive: ClassVar[tuple[str, ...]] = ()
    """Those of them that are above zero."""
    divides: ClassVar[str] = ""
    """The setting that may not fit the channels; the primitive's own if not given."""
    sees_input: ClassVar[bool] = False
    """Whether its settings have the channels that it takes, too, as ``in_dim``."""

    norm: Boolean | None = Field(None, description="a norm behind it")
    zero_scale: Boolean | None = Field(None, description="start the norm's scale at zero")
    act: Word | None = Field(None, description="an activation behind it")
    when: Boolean | None = Field(None, description="the step is left out where this is not so")
    given: Annotated[Values, BeforeValidator(_listed)] | None = Field(
        None, alias="from", description="what it takes, if not the step before; several are concatenated"
    )
    repeat: Number | None = Field(None, description="how often it runs, each on what the last one gave")
    present: WordInName | None = Field(None, description="a word of the class's name where the step is there")
    absent: WordInName | None = Field(None, description="a word of the class's name where the step is left out")
    says: Annotated[str, Field(max_length=100)] = Field("", description="what the class's docstring says of it")

    @classmethod
    def number(cls, key: str, value: Fraction) -> int | float:
        """A setting as a number.

        Raises:
            ShapeError: when it is out of range.
        """
        if key in cls.exact:
            if key in cls.positive and value <= 0:
                raise ShapeError(f"expected a number above zero, got {value}")
            return float(value)
        least = 0 if key == "repeat" else 1
        most = MAX_REPEATS if key == "repeat" else MOST_PIXELS if key in PIXELS else MOST_CHANNELS
        whole = Fraction(floor(value)) if key in cls.dims else value
        if whole.denominator > 1 or not least <= whole <= most:
            raise ShapeError(f"expected a whole number from {least} to {most:,}, got {value}")
        return int(whole)

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """How many channels come out, of so many that go in.

        Raises:
            ShapeError: when they do not fit.
        """
        return given[0]


class Conv(Step):
    """A convolution; its value is the number of channels that come out."""

    main: ClassVar[str] = "conv"
    types: ClassVar[Mapping[str, Type]] = {
        **dict.fromkeys(("conv", "kernel", "stride", "groups", "dilation", "bias_init"), "number"),
        "bias": "boolean",
    }
    dims: ClassVar[tuple[str, ...]] = ("conv",)
    exact: ClassVar[tuple[str, ...]] = ("bias_init",)
    divides: ClassVar[str] = "groups"
    sided: ClassVar[tuple[str, ...]] = ("kernel",)

    conv: Number = Field(description="channels that come out")
    kernel: Number = Field(parse("1"), description="size of the square kernel, or a field of type sides")
    stride: Number = Field(parse("1"), description="pixels from one window to the next")
    groups: Number = Field(parse("1"), description="groups of channels, each convolved by itself")
    dilation: Number = Field(parse("1"), description="pixels from one tap of the kernel to the next")
    bias: Boolean = Field(parse("false"), description="one number added to each channel")
    bias_init: Number = Field(parse("0"), description="what the bias starts at")
    padding: Word = Field(
        "spec", description="symmetric or same; spec: as the block or the spec says, or same for an even kernel"
    )

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """As many as are asked for, if the groups divide them."""
        groups, dim = settings["groups"], settings["conv"]
        if given[0] % groups or dim % groups:
            raise ShapeError(f"a convolution of {groups} groups cannot take {given[0]} channels to {dim}")
        return int(dim)


class Pool(Step):
    """The maximum or the average of a window."""

    main: ClassVar[str] = "pool"
    types: ClassVar[Mapping[str, Type]] = {"kernel": "number", "stride": "number"}

    pool: Word = Field(description="max or avg")
    kernel: Number = Field(parse("3"), description="size of the square window")
    stride: Number = Field(parse("1"), description="pixels from one window to the next")
    padding: Word = Field(
        "spec", description="symmetric or same; spec: as the block or the spec says, or same for an even kernel"
    )


class GlobalPool(Step):
    """The mean or the maximum over the image, as a map of one pixel."""

    main: ClassVar[str] = "global_pool"

    global_pool: Word = Field(description="mean or max")


class _OfSeveral(Step):
    """A primitive of several values."""

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """Those that all values have."""
        if len(set(given)) > 1:
            raise ShapeError(f"cannot add maps of {', '.join(map(str, given))} channels")
        return given[0]


class Add(_OfSeveral):
    """The sum of several values."""

    main: ClassVar[str] = "add"

    add: Values = Field(description="what is added")


class Multiply(_OfSeveral):
    """A map times a gate of one number per channel."""

    main: ClassVar[str] = "multiply"

    multiply: Annotated[Values, Field(min_length=2, max_length=2)] = Field(description="the map, and the gate")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """Those of the map."""
        if given[0] != given[1]:
            raise ShapeError(f"cannot scale a map of {given[0]} channels by a gate of {given[1]}")
        return given[0]


class Spread(_OfSeveral):
    """One pixel, as global_pool gives it, repeated over a map."""

    main: ClassVar[str] = "spread"

    spread: Annotated[Values, Field(min_length=2, max_length=2)] = Field(description="the pixel, and the map")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """Those of the pixel."""
        return given[0]


class Concat(_OfSeveral):
    """The channels of several values, one behind the other."""

    main: ClassVar[str] = "concat"

    concat: Values = Field(description="what is concatenated")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """Those of all values."""
        return sum(given)


class MixedConv(Step):
    """A convolution with a kernel of another size for every share of the channels (MixNet)."""

    main: ClassVar[str] = "mixed_conv"
    types: ClassVar[Mapping[str, Type]] = {"mixed_conv": "number", "stride": "number", "depthwise": "boolean"}
    dims: ClassVar[tuple[str, ...]] = ("mixed_conv",)
    sees_input: ClassVar[bool] = True

    mixed_conv: Number = Field(description="channels that come out")
    kernels: Word = Field(description="$ and the name of a field that has a list of kernels")
    stride: Number = Field(parse("1"), description="pixels from one window to the next")
    depthwise: Boolean = Field(parse("false"), description="every channel is convolved by itself")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """As many as are asked for, if every kernel gets some."""
        dim, several = settings["mixed_conv"], len(settings["kernels"])
        if min(dim, given[0]) < several:
            raise ShapeError(f"{several} kernels cannot share {given[0]} channels that become {dim}")
        if settings["depthwise"] and dim != given[0]:
            raise ShapeError(f"a depthwise convolution cannot take {given[0]} channels to {dim}")
        return int(dim)


def shares(dim: int, parts: int) -> list[int]:
    """Equal shares of channels; the first has what does not divide, too."""
    return [dim // parts + dim % parts, *[dim // parts] * (parts - 1)]


class LayerNorm(Step):
    """The norm of every pixel over its channels."""

    main: ClassVar[str] = "layer_norm"
    types: ClassVar[Mapping[str, Type]] = {"layer_norm": "number"}
    exact: ClassVar[tuple[str, ...]] = ("layer_norm",)
    positive: ClassVar[tuple[str, ...]] = ("layer_norm",)

    layer_norm: Number = Field(description="its epsilon, such as 1.0e-6")


class GroupNorm(Step):
    """The norm of groups of channels over the image."""

    main: ClassVar[str] = "group_norm"
    types: ClassVar[Mapping[str, Type]] = {"group_norm": "number", "epsilon": "number"}
    exact: ClassVar[tuple[str, ...]] = ("epsilon",)
    positive: ClassVar[tuple[str, ...]] = ("epsilon",)

    group_norm: Number = Field(description="how many groups")
    epsilon: Number = Field(parse("1e-5"), description="added to the variance")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """As many as go in, if the groups divide them."""
        if given[0] % settings["group_norm"]:
            raise ShapeError(f"a norm of {settings['group_norm']} groups cannot take {given[0]} channels")
        return given[0]


class LayerScale(Step):
    """One trained factor for each channel."""

    main: ClassVar[str] = "layer_scale"
    types: ClassVar[Mapping[str, Type]] = {"layer_scale": "number"}
    exact: ClassVar[tuple[str, ...]] = ("layer_scale",)

    layer_scale: Number = Field(description="what the factors start at")


class PReLU(Step):
    """A leaky ReLU with one trained slope for each channel."""

    main: ClassVar[str] = "prelu"
    types: ClassVar[Mapping[str, Type]] = {"prelu": "number"}
    exact: ClassVar[tuple[str, ...]] = ("prelu",)

    prelu: Number = Field(description="what the slopes start at")


class Slice(Step):
    """Some of the channels."""

    main: ClassVar[str] = "slice"
    types: ClassVar[Mapping[str, Type]] = {"slice": "number", "start": "number"}
    dims: ClassVar[tuple[str, ...]] = ("slice",)
    exact: ClassVar[tuple[str, ...]] = ("start",)

    slice: Number = Field(description="how many channels")
    start: Number = Field(parse("0"), description="the first of them, counted from 0")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """As many as are asked for, if there are so many."""
        start, count = settings["start"], settings["slice"]
        if start < 0 or start != int(start) or start + count > given[0]:
            raise ShapeError(f"cannot take {count} channels from {start:g} on of {given[0]}")
        return int(count)


class Shuffle(Step):
    """The channels of several groups in turn (ShuffleNet)."""

    main: ClassVar[str] = "shuffle"
    types: ClassVar[Mapping[str, Type]] = {"shuffle": "number"}

    shuffle: Number = Field(description="how many groups")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """As many as go in, if the groups divide them."""
        if given[0] % settings["shuffle"]:
            raise ShapeError(f"cannot shuffle {settings['shuffle']} groups of {given[0]} channels")
        return given[0]


class ChannelConv(Step):
    """A convolution over the channels of one pixel (ECA)."""

    main: ClassVar[str] = "channel_conv"
    types: ClassVar[Mapping[str, Type]] = {"channel_conv": "number"}

    channel_conv: Number = Field(description="size of the kernel, odd")

    @classmethod
    def number(cls, key: str, value: Fraction) -> int | float:
        """An odd number: an even kernel has no centre."""
        if key == "channel_conv" and value % 2 != 1:
            raise ShapeError(f"expected an odd number, got {value}")
        return super().number(key, value)


class Attention(Step):
    """Self-attention of all pixels, from queries, keys and values that stand one behind the other in the channels."""

    main: ClassVar[str] = "attention"
    types: ClassVar[Mapping[str, Type]] = {"attention": "number"}

    attention: Number = Field(description="how many heads")

    @staticmethod
    def channels(settings: Mapping[str, Any], given: Sequence[int]) -> int:
        """A third of those that go in."""
        heads = settings["attention"]
        if given[0] % (3 * heads):
            raise ShapeError(f"attention of {heads} heads cannot take {given[0]} channels: 3 x heads must divide them")
        return given[0] // 3


class Kind(Step):
    """Another kind, with its fields beside it."""

    model_config = ConfigDict(extra="allow")

    main: ClassVar[str] = "kind"
    types: ClassVar[Mapping[str, Type]] = {"dim": "number", "stride": "number"}
    dims: ClassVar[tuple[str, ...]] = ("dim",)

    kind: str = Field(max_length=60, description="the kind's name")
    dim: Number | None = Field(None, description="channels that come out; as many as go in if not given")
    stride: Number = Field(parse("1"), description="by how much it strides")
    activation: Word = Field("$activation", description="its activation")


PRIMITIVES: dict[str, type[Step]] = {
    each.main: each
    for each in (
        Kind,
        Conv,
        MixedConv,
        Pool,
        GlobalPool,
        Add,
        Multiply,
        Spread,
        Concat,
        LayerNorm,
        GroupNorm,
        LayerScale,
        PReLU,
        Slice,
        Shuffle,
        ChannelConv,
        Attention,
    )
}
"""In the order in which a key decides: a convolution may have a norm and an activation as well."""
AnyStep = TypeVar("AnyStep", bound=type[Step])


def primitive(step: AnyStep) -> AnyStep:
    """Register what a step of a plug-in's primitive may say."""
    PRIMITIVES[step.main] = step
    return step


OWN = tuple(Step.model_fields)
WORDS: dict[str, Collection[str]] = {
    "pool": ("max", "avg"),
    "global_pool": ("mean", "max"),
    "padding": ("spec", *get_args(Padding)),
    **dict.fromkeys(("act", "activation"), ACTIVATIONS),
}
"""Setting: the words that it may be, if it does not name a field."""
PIXELS = ("kernel", "stride", "dilation")
"""Settings that are numbers of pixels, in every primitive."""
LISTS = ("add", "multiply", "spread", "concat")
"""Primitives of several values, which their own key lists."""
PAIRS = ("multiply", "spread")
"""Those of them that take two values."""
