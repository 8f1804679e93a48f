"""Op -> PyTorch: one rule per op. A rule says what is constructed or called, and which attribute holds which weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from spinec.backends.expressions import Call, Function, Half, In, Layer, Optional, Rule, call
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

WEIGHT = {"kernel": "weight", "bias": "bias"}
NORM = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
ActivationRule: TypeAlias = Callable[[Activation], Function]


def named(
    function: str, layer: str, *, overwrites: bool = False, recalls: bool = False, **settings: Any
) -> ActivationRule:
    """The rule of an activation that is a function of PyTorch's, and a layer of the same name.

    Where the function can overwrite its operand, and the operand is fresh, that saves a tenth of the time on a CPU. In
    training it costs some where the backward pass `recalls` the operand, which PyTorch copies then.
    """
    in_place = call(function, In(0), inplace=True) if overwrites else None
    made = Function(call(function, In(0), **settings), call(layer, **settings), in_place, recalls)
    return lambda op: made


ACTIVATIONS: dict[str, ActivationRule] = {
    "swish": named("F.silu", "nn.SiLU", overwrites=True, recalls=True),
    "relu": named("F.relu", "nn.ReLU", overwrites=True),
    "relu6": named("F.relu6", "nn.ReLU6", overwrites=True),
    "hard_swish": named("F.hardswish", "nn.Hardswish", overwrites=True, recalls=True),
    "gelu": named("F.gelu", "nn.GELU"),
    "sigmoid": named("torch.sigmoid", "nn.Sigmoid"),
    "hard_sigmoid": named("F.hardsigmoid", "nn.Hardsigmoid"),
    "leaky_relu": lambda op: named("F.leaky_relu", "nn.LeakyReLU", negative_slope=Optional(op.slope, 0.01))(op),
    "elu": named("F.elu", "nn.ELU"),
    "mish": named("F.mish", "nn.Mish"),
    "gelu_tanh": named("F.gelu", "nn.GELU", approximate="tanh"),
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
    """Padding that is the same on both sides is a setting of the layer; where 'same' is uneven, a layer pads itself."""
    settings = {
        "kernel_size": op.kernel,
        "stride": Optional(op.stride, 1),
        **({} if op.is_uneven else {"padding": _half(op)}),
        "dilation": Optional(op.dilation, 1),
        "groups": Optional(op.groups, 1),
        "bias": Optional(op.bias, True),
    }
    uneven = "Conv2dSame" if isinstance(op.kernel, int) else "RectangularConv2dSame"
    return Layer(call(uneven if op.is_uneven else "nn.Conv2d", x[0], op.dim, **settings), WEIGHT)


def _half(op: Conv) -> Optional:
    """Half of what a kernel spans, written as half of it where that is the same."""
    rows, columns = op.extents
    if isinstance(op.kernel, tuple):
        return Optional((rows // 2, columns // 2), (0, 0))
    return Optional(Half(op.kernel) if op.dilation == 1 else rows // 2, 0)


@rule(TransposedConv)
def transposed_conv(op: TransposedConv, x: Shape) -> Layer:
    """The prelude's, which starts as a convolution does."""
    initial = {"scale": Optional(op.init_scale, 2.0), "mode": Optional(op.init_mode, "fan_out")}
    settings = {"factor": op.factor, "bias": Optional(op.bias, True)}
    return Layer(call("TransposedConv2d", x[0], op.dim, **settings, **initial), WEIGHT)


@rule(Linear)
def linear(op: Linear, x: Shape) -> Layer:
    """A fully connected layer."""
    return Layer(call("nn.Linear", x[0], op.dim, bias=Optional(op.bias, True)), WEIGHT)


@rule(BatchNorm)
def batch_norm(op: BatchNorm, x: Shape) -> Layer:
    """PyTorch's momentum is the share of the new statistics, the complement of the op's."""
    kind = "nn.BatchNorm2d" if len(x) == 3 else "nn.BatchNorm1d"
    build = call(
        "nn.SyncBatchNorm" if op.synchronized else kind,
        x[0],
        eps=op.epsilon,
        momentum=round(1 - op.momentum, 12),
    )
    return Layer(build, NORM, "nn.init.zeros_({layer}.weight)" if op.zero_init else "")


@rule(LayerNorm)
def layer_norm(op: LayerNorm, x: Shape) -> Layer:
    """Of a map the prelude's: PyTorch's own normalises over the last axes."""
    kind = "LayerNorm2d" if len(x) == 3 else "nn.LayerNorm"
    return Layer(call(kind, x[0], eps=op.epsilon), {"scale": "weight", "shift": "bias"})


@rule(GroupNorm)
def group_norm(op: GroupNorm, x: Shape) -> Layer:
    """PyTorch's own."""
    return Layer(call("nn.GroupNorm", op.groups, x[0], eps=op.epsilon), {"scale": "weight", "shift": "bias"})


@rule(Activation)
def activation(op: Activation, x: Shape) -> Function:
    """By its name."""
    return find_activation(ACTIVATIONS, op, "pytorch")(op)


@rule(PReLU)
def prelu(op: PReLU, x: Shape) -> Layer:
    """A slope for each channel, of a map or a vector."""
    return Layer(call("nn.PReLU", x[0], init=Optional(op.initial, 0.25)), {"slope": "weight"})


@rule(Exp)
def exp(op: Exp, x: Shape) -> Function:
    """PyTorch's own, and the prelude's in a sequence."""
    return Function(call("torch.exp", In(0)), call("Exp"))


@rule(Pool)
def pool(op: Pool, x: Shape) -> Layer:
    """Symmetric padding is a setting; average pooling leaves it out of the count, unless told otherwise."""
    name = {"max": "MaxPool2d", "avg": "AvgPool2d"}[op.kind]
    if op.padding == "same":
        counted = {"count_padding": Optional(op.count_padding, False)} if op.kind == "avg" else {}
        return Layer(call(f"{name}Same", kernel_size=op.kernel, stride=op.stride, **counted))
    uncounted = {"count_include_pad": Optional(op.count_padding, True)} if op.kind == "avg" else {}
    return Layer(
        call(
            f"nn.{name}",
            kernel_size=op.kernel,
            stride=op.stride,
            padding=op.kernel // 2,
            **uncounted,
        )
    )


@rule(GlobalPool)
def global_pool(op: GlobalPool, x: Shape) -> Function:
    """The mean or the maximum over height and width."""
    return Function(call({"mean": ".mean", "max": ".amax"}[op.kind], In(0), (2, 3), keepdim=Optional(op.keep, False)))


@rule(Upsample)
def upsample(op: Upsample, x: Shape) -> Function:
    """Nearest neighbour is PyTorch's default mode; with the other, whether corners are aligned is better said."""
    way: dict[str, Any] = {} if op.mode == "nearest" else {"mode": op.mode, "align_corners": False}
    return Function(
        call("F.interpolate", In(0), scale_factor=op.factor, **way),
        call("nn.Upsample", scale_factor=op.factor, **way),
    )


@rule(Spread)
def spread(op: Spread, pixel: Shape, x: Shape) -> Function:
    """A view, for maps of any size."""
    return Function(call("spread", In(0), In(1)))


@rule(Crop)
def crop(op: Crop, x: Shape) -> Function:
    """The upper left part."""
    part = Call("[]", (In(0), f"..., :{op.height}, :{op.width}"))
    return Function(part, call("Crop", op.height, op.width))


@rule(Flatten)
def flatten(op: Flatten, x: Shape) -> Function:
    """PyTorch's own order."""
    return Function(call(".flatten", In(0), start_dim=1), call("nn.Flatten"))


@rule(Pad)
def pad(op: Pad, x: Shape) -> Function:
    """Zeros to the right and below."""
    amounts = (0, op.right, 0, op.bottom)
    return Function(call("F.pad", In(0), amounts), call("nn.ZeroPad2d", amounts))


@rule(SpaceToDepth)
def space_to_depth(op: SpaceToDepth, x: Shape) -> Function:
    """PyTorch's own order is channel-major; TensorFlow's is spelt out."""
    if op.order == "channel_major":
        return Function(call("F.pixel_unshuffle", In(0), 2), call("nn.PixelUnshuffle", 2))
    return Function(call("space_to_depth", In(0)), call("SpaceToDepth"))


@rule(Add)
def add(op: Add, *inputs: Shape) -> Function:
    """The sum of all inputs."""
    return Function(Call("+", tuple(In(i) for i in range(len(inputs)))))


@rule(Average)
def average(op: Average, *inputs: Shape) -> Function:
    """The mean of all inputs."""
    return Function(Call("/", (Call("+", tuple(In(i) for i in range(len(inputs)))), len(inputs))))


@rule(Multiply)
def multiply(op: Multiply, x: Shape, gate: Shape) -> Function:
    """The product, the gate spread over the map."""
    return Function(Call("*", (In(0), In(1))))


@rule(Concat)
def concat(op: Concat, *inputs: Shape) -> Function:
    """Channels behind channels."""
    return Function(call("torch.cat", [In(i) for i in range(len(inputs))], dim=1))


@rule(WeightedSum)
def weighted_sum(op: WeightedSum, *inputs: Shape) -> Layer:
    """One scalar per input."""
    if op.kind == "softmax":
        return Layer(call("SoftmaxSum", len(inputs)), {"fusion": "weight"})
    return Layer(call("WeightedSum", len(inputs), epsilon=op.epsilon), {"fusion": "weight"})


@rule(LayerScale)
def layer_scale(op: LayerScale, x: Shape) -> Layer:
    """One factor per channel."""
    return Layer(call("LayerScale", x[0], initial=op.initial), {"factor": "weight"})


@rule(Scale)
def scale(op: Scale, x: Shape) -> Layer:
    """One factor."""
    return Layer(call("Scale", initial=Optional(op.initial, 1.0)), {"factor": "weight"})


@rule(Slice)
def slice_channels(op: Slice, x: Shape) -> Layer:
    """A layer, so that where it begins and ends can be arguments of a class."""
    return Layer(call("ChannelSlice", op.start, op.dim))


@rule(Shuffle)
def shuffle(op: Shuffle, x: Shape) -> Layer:
    """PyTorch's own."""
    return Layer(call("nn.ChannelShuffle", op.groups))


@rule(ChannelConv)
def channel_conv(op: ChannelConv, x: Shape) -> Layer:
    """The prelude's, which has the channels as a line."""
    return Layer(call("ChannelConv", op.kernel), {"kernel": "weight"})


@rule(Attention)
def attention(op: Attention, x: Shape) -> Layer:
    """The prelude's, of products that every counter sees."""
    return Layer(call("MapAttention", op.heads))


@rule(StochasticDepth)
def stochastic_depth(op: StochasticDepth, x: Shape) -> Layer:
    """Acts in training alone."""
    return Layer(call("StochasticDepth", op.rate))


@rule(Dropout)
def dropout(op: Dropout, x: Shape) -> Layer:
    """Acts in training alone."""
    return Layer(call("nn.Dropout", op.rate))


def initial_bias(op: Op) -> float:
    """What a layer's bias starts at."""
    return op.bias_init if isinstance(op, Conv) else 0.0
