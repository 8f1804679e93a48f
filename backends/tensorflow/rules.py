"""Op -> Keras: one rule per op. Everything is a layer, since a layer has a name; maps are (height, width, channels)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from spinec.backends.expressions import Call, Layer, Name, Optional, Rule, call
from spinec.backends.source import find_activation
from spinec.compiler.ops.activation import Activation, Exp, PReLU
from spinec.compiler.ops.attention import Attention
from spinec.compiler.ops.base import Op, Shape
from spinec.compiler.ops.channels import ChannelConv, LayerScale, Scale, Shuffle, Slice
from spinec.compiler.ops.conv import Conv, Linear, TransposedConv
from spinec.compiler.ops.merge import Add, Average, Concat, Multiply, WeightedSum
from spinec.compiler.ops.norm import BatchNorm, GroupNorm, LayerNorm
from spinec.compiler.ops.pool import GlobalPool, Pool
from spinec.compiler.ops.regularize import Dropout, StochasticDepth
from spinec.compiler.ops.resize import Crop, Flatten, Pad, SpaceToDepth, Spread, Upsample

RULES: dict[type[Op], Rule] = {}
AnyRule = TypeVar("AnyRule", bound=Rule)

WEIGHT = {"kernel": "kernel", "bias": "bias"}
NORM = {"scale": "gamma", "shift": "beta", "mean": "moving_mean", "variance": "moving_variance"}
ActivationRule: TypeAlias = Callable[[Activation], Layer]


def named(name: str | Name) -> ActivationRule:
    """The rule of an activation that Keras knows by a name, or of a function."""
    made = Layer(call("layers.Activation", name))
    return lambda op: made


ACTIVATIONS: dict[str, ActivationRule] = {
    "swish": named("silu"),
    "relu": named("relu"),
    "relu6": named("relu6"),
    "hard_swish": named("hard_silu"),
    "gelu": named(Name("gelu")),  # the prelude's: Keras' own has a constant of single precision
    "sigmoid": named("sigmoid"),
    "hard_sigmoid": named("hard_sigmoid"),
    "leaky_relu": lambda op: Layer(call("LeakyReLU", op.slope)),  # Keras' own rounds the slope to single precision
    "elu": named("elu"),
    "mish": named("mish"),
    "gelu_tanh": named(Name("gelu_tanh")),  # the prelude's, as gelu is
}


def rule(op: type[Op]) -> Callable[[AnyRule], AnyRule]:
    """Register the rule of an op."""

    def register(function: AnyRule) -> AnyRule:
        RULES[op] = function
        return function

    return register


def activation_rule(name: str) -> Callable[[ActivationRule], ActivationRule]:
    """Register the rule of a plug-in's activation."""

    def register(function: ActivationRule) -> ActivationRule:
        ACTIVATIONS[name] = function
        return function

    return register


@rule(Conv)
def conv(op: Conv, x: Shape) -> Layer:
    """A convolution of whole filters per channel is a layer of its own in Keras."""
    if max(op.sides) == 1 < op.dilation:
        return conv(replace(op, dilation=1), x)
    if op.stride > 1 and op.dilation > 1:
        dense = replace(op, stride=1)
        offset = tuple(skipped[0] - kept[0] for skipped, kept in zip(dense.pads(*x[1:]), op.pads(*x[1:]), strict=True))
        made = conv(dense, x).build
        steps = (("strides", op.stride), ("offset", offset))
        target = made.target.removeprefix("rectangular_")  # without a stride, kernels of any sides are padded alike
        return Layer(Call(f"strided_{target}", made.args, (*steps, *made.kwargs)), WEIGHT)
    settings = {
        "kernel_size": op.kernel,
        "strides": Optional(op.stride, 1),
        "padding": Optional(op.padding if max(op.sides) > 1 else "symmetric", "symmetric"),
        "dilation_rate": Optional(op.dilation, 1),
    }
    bias = {"use_bias": Optional(op.bias, False), "bias_init": Optional(op.bias_init, 0.0)}
    shape = "" if isinstance(op.kernel, int) else "rectangular_"
    if op.groups == x[0] > 1:
        multiples = op.dim // op.groups  # Keras' fan in has all channels, so this one counts the fan out
        scale = op.init_scale * (multiples if op.init_mode == "fan_in" else 1)
        initial = {"scale": Optional(scale, 2.0), "depth_multiplier": Optional(multiples, 1)}
        return Layer(call(f"{shape}depthwise_conv2d", **settings, **bias, **initial), WEIGHT)
    groups = {"groups": Optional(op.groups, 1)}
    return Layer(call(f"{shape}conv2d", op.dim, **settings, **groups, **bias, **_initial(op)), WEIGHT)


def _initial(op: Conv) -> dict[str, Any]:
    """Keras counts the outputs of all groups into the fan, PyTorch those of one."""
    scale = op.init_scale * (op.groups if op.init_mode == "fan_out" else 1)
    return {"scale": Optional(scale, 2.0), "mode": Optional(op.init_mode, "fan_out")}


@rule(TransposedConv)
def transposed_conv(op: TransposedConv, x: Shape) -> Layer:
    """As many pixels as the kernel has from one square to the next."""
    initial = {"scale": Optional(op.init_scale, 2.0), "mode": Optional(op.init_mode, "fan_out")}
    settings = {"factor": op.factor, "use_bias": Optional(op.bias, True)}
    return Layer(call("transposed_conv2d", op.dim, **settings, **initial), WEIGHT)


@rule(Linear)
def linear(op: Linear, x: Shape) -> Layer:
    """Uniform within 1 / sqrt(fan_out), as EfficientNet's classifier is."""
    initial = call("keras.initializers.VarianceScaling", 1 / 3, mode="fan_out", distribution="uniform")
    return Layer(call("layers.Dense", op.dim, use_bias=Optional(op.bias, True), kernel_initializer=initial), WEIGHT)


@rule(BatchNorm)
def batch_norm(op: BatchNorm, x: Shape) -> Layer:
    """Keras keeps the biased variance of a batch, PyTorch the unbiased one, n / (n - 1) times as large."""
    gamma = Optional("zeros" if op.zero_init else "ones", "ones")
    settings = {"momentum": op.momentum, "epsilon": op.epsilon, "gamma_initializer": gamma}
    shared = {"synchronized": True} if op.synchronized else {}
    return Layer(call("layers.BatchNormalization", **settings, **shared), NORM)


@rule(LayerNorm)
def layer_norm(op: LayerNorm, x: Shape) -> Layer:
    """Over the last axis, which has the channels."""
    weights = {"scale": "gamma", "shift": "beta"}
    return Layer(call("layers.LayerNormalization", epsilon=op.epsilon), weights)


@rule(GroupNorm)
def group_norm(op: GroupNorm, x: Shape) -> Layer:
    """Keras' own."""
    weights = {"scale": "gamma", "shift": "beta"}
    return Layer(call("layers.GroupNormalization", groups=op.groups, epsilon=op.epsilon), weights)


@rule(Activation)
def activation(op: Activation, x: Shape) -> Layer:
    """By its name."""
    return find_activation(ACTIVATIONS, op, "tensorflow")(op)


@rule(PReLU)
def prelu(op: PReLU, x: Shape) -> Layer:
    """The prelude's: Keras' own has a slope for every pixel, or one of another shape."""
    return Layer(call("PReLU", initial=Optional(op.initial, 0.25)), {"slope": "slope"})


@rule(Exp)
def exp(op: Exp, x: Shape) -> Layer:
    """Keras' own, as an activation."""
    return Layer(call("layers.Activation", "exponential"))


@rule(Pool)
def pool(op: Pool, x: Shape) -> Layer:
    """At stride 1 'same' is symmetric; Keras leaves padding out of averages and below every maximum."""
    name = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}[op.kind]
    rows, columns = pads = op.pads(*x[1:])
    if op.kind == "avg" and op.count_padding and any((*rows, *columns)):
        return Layer(call("PaddedAveragePooling2D", pool_size=op.kernel, strides=op.stride, pads=pads))
    if op.padding == "same" or op.stride == 1:
        return Layer(call(f"layers.{name}", pool_size=op.kernel, strides=op.stride, padding="same"))
    return Layer(call(f"Symmetric{name}", pool_size=op.kernel, strides=op.stride))


@rule(GlobalPool)
def global_pool(op: GlobalPool, x: Shape) -> Layer:
    """The mean or the maximum over height and width."""
    name = {"mean": "Average", "max": "Max"}[op.kind]
    return Layer(call(f"layers.Global{name}Pooling2D", keepdims=Optional(op.keep, False)))


@rule(Upsample)
def upsample(op: Upsample, x: Shape) -> Layer:
    """Nearest neighbour is Keras' default, made of repeats: XLA sees broadcasts and reshapes, never a gather.

    Keras' own bilinear interpolation is in single precision whatever it is given; XLA makes a gather of it, which for
    odd factors gives other values.
    """
    if op.mode == "bilinear":
        return Layer(call("BilinearUpsampling", op.factor))
    return Layer(call("layers.UpSampling2D", op.factor))


@rule(Spread)
def spread(op: Spread, pixel: Shape, x: Shape) -> Layer:
    """The prelude's: Keras' own layers resize by a fixed factor."""
    return Layer(call("Spread"))


@rule(Crop)
def crop(op: Crop, x: Shape) -> Layer:
    """The upper left part: so many rows below and columns to the right are cut off."""
    return Layer(call("layers.Cropping2D", ((0, x[1] - op.height), (0, x[2] - op.width))))


@rule(Flatten)
def flatten(op: Flatten, x: Shape) -> Layer:
    """Channels first: Keras' own layer would go pixel by pixel."""
    return Layer(call("FlattenChannels"))


@rule(Pad)
def pad(op: Pad, x: Shape) -> Layer:
    """Zeros below and to the right."""
    return Layer(call("layers.ZeroPadding2D", ((0, op.bottom), (0, op.right))))


@rule(SpaceToDepth)
def space_to_depth(op: SpaceToDepth, x: Shape) -> Layer:
    """Reshapes and one transposition, for either order."""
    return Layer(call("SpaceToDepth", order=Optional(op.order, "channel_major")))


@rule(Add)
def add(op: Add, *inputs: Shape) -> Layer:
    """The sum of all inputs."""
    return Layer(call("layers.Add"))


@rule(Average)
def average(op: Average, *inputs: Shape) -> Layer:
    """The mean of all inputs."""
    return Layer(call("layers.Average"))


@rule(Multiply)
def multiply(op: Multiply, x: Shape, gate: Shape) -> Layer:
    """The product, the gate spread over the map."""
    return Layer(call("layers.Multiply"))


@rule(Concat)
def concat(op: Concat, *inputs: Shape) -> Layer:
    """Channels behind channels: the last axis, Keras' default."""
    return Layer(call("layers.Concatenate"))


@rule(WeightedSum)
def weighted_sum(op: WeightedSum, *inputs: Shape) -> Layer:
    """One scalar per input."""
    settings = {} if op.kind == "softmax" else {"epsilon": op.epsilon}
    return Layer(call("SoftmaxSum" if op.kind == "softmax" else "WeightedSum", **settings), {"fusion": "weight"})


@rule(LayerScale)
def layer_scale(op: LayerScale, x: Shape) -> Layer:
    """One factor per channel."""
    return Layer(call("LayerScale", op.initial), {"factor": "factor"})


@rule(Scale)
def scale(op: Scale, x: Shape) -> Layer:
    """One factor."""
    return Layer(call("Scale", initial=Optional(op.initial, 1.0)), {"factor": "factor"})


@rule(Slice)
def slice_channels(op: Slice, x: Shape) -> Layer:
    """A slice with fixed ends, which XLA does not gather."""
    return Layer(call("ChannelSlice", op.start, op.dim))


@rule(Shuffle)
def shuffle(op: Shuffle, x: Shape) -> Layer:
    """Reshapes and one transposition."""
    return Layer(call("ChannelShuffle", op.groups))


@rule(ChannelConv)
def channel_conv(op: ChannelConv, x: Shape) -> Layer:
    """The prelude's, which has the channels as a line."""
    return Layer(call("ChannelConv", op.kernel), {"kernel": "kernel"})


@rule(Attention)
def attention(op: Attention, x: Shape) -> Layer:
    """The prelude's: two products and a softmax."""
    return Layer(call("MapAttention", op.heads))


@rule(StochasticDepth)
def stochastic_depth(op: StochasticDepth, x: Shape) -> Layer:
    """Acts in training alone."""
    return Layer(call("StochasticDepth", op.rate))


@rule(Dropout)
def dropout(op: Dropout, x: Shape) -> Layer:
    """Acts in training alone."""
    return Layer(call("layers.Dropout", op.rate))
