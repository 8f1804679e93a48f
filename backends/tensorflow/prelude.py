"""What generated Keras source defines for itself: each piece is copied, as it stands here, where it is used."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import KerasTensor, layers, ops

Apply = Callable[..., KerasTensor]


def chain(*steps: Apply) -> Apply:
    """Layers or blocks, one after the other."""

    def apply(x: KerasTensor) -> KerasTensor:
        for step in steps:
            x = step(x)
        return x

    return apply


def logit(probability: float) -> float:
    """What a sigmoid gives this probability for."""
    return -math.log((1 - probability) / probability)


def initializer(scale: float, mode: str) -> keras.initializers.Initializer:
    """Variance scaling: normal, with variance scale / fan."""
    return keras.initializers.VarianceScaling(scale, mode, "untruncated_normal")


def padded(layer: layers.Layer, amount: int) -> Apply:
    """A layer behind zeros on every side of the map."""
    pad = layers.ZeroPadding2D(amount, name=f"{layer.name}_pad")
    return lambda x: layer(pad(x))


def conv2d(
    dim: int,
    kernel_size: int,
    strides: int = 1,
    padding: str = "symmetric",
    use_bias: bool = False,
    bias_init: float = 0.0,
    scale: float = 2.0,
    mode: str = "fan_out",
    **settings: Any,
) -> Apply:
    """Convolution padded by half its kernel on every side, unless told "same"."""
    uneven = padding == "symmetric" and strides > 1 and kernel_size > 1
    layer = layers.Conv2D(
        dim,
        kernel_size,
        strides=strides,
        padding="valid" if uneven else "same",
        use_bias=use_bias,
        kernel_initializer=initializer(scale, mode),
        bias_initializer=keras.initializers.Constant(bias_init),
        **settings,
    )
    return padded(layer, kernel_size // 2) if uneven else layer


def depthwise_conv2d(
    kernel_size: int,
    strides: int = 1,
    padding: str = "symmetric",
    use_bias: bool = False,
    bias_init: float = 0.0,
    scale: float = 2.0,
    **settings: Any,
) -> Apply:
    """Depthwise convolution padded by half its kernel, unless told "same"."""
    uneven = padding == "symmetric" and strides > 1 and kernel_size > 1
    layer = layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding="valid" if uneven else "same",
        use_bias=use_bias,
        depthwise_initializer=initializer(scale, "fan_out"),
        bias_initializer=keras.initializers.Constant(bias_init),
        **settings,
    )
    return padded(layer, kernel_size // 2) if uneven else layer


def padded_sides(layer: layers.Layer, rows: int, columns: int) -> Apply:
    """A layer behind zeros: rows above and below, columns left and right."""
    pad = layers.ZeroPadding2D((rows, columns), name=f"{layer.name}_pad")
    return lambda x: layer(pad(x))


def rectangular_conv2d(
    dim: int,
    kernel_size: tuple[int, int],
    strides: int = 1,
    padding: str = "symmetric",
    use_bias: bool = False,
    bias_init: float = 0.0,
    scale: float = 2.0,
    mode: str = "fan_out",
    **settings: Any,
) -> Apply:
    """Convolution by a kernel that is no square, padded by half of its sides."""
    uneven = padding == "symmetric" and strides > 1
    layer = layers.Conv2D(
        dim,
        kernel_size,
        strides=strides,
        padding="valid" if uneven else "same",
        use_bias=use_bias,
        kernel_initializer=initializer(scale, mode),
        bias_initializer=keras.initializers.Constant(bias_init),
        **settings,
    )
    rows, columns = kernel_size
    return padded_sides(layer, rows // 2, columns // 2) if uneven else layer


def rectangular_depthwise_conv2d(
    kernel_size: tuple[int, int],
    strides: int = 1,
    padding: str = "symmetric",
    use_bias: bool = False,
    bias_init: float = 0.0,
    scale: float = 2.0,
    **settings: Any,
) -> Apply:
    """Depthwise convolution by a kernel that is no square, padded by half its sides."""
    uneven = padding == "symmetric" and strides > 1
    layer = layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding="valid" if uneven else "same",
        use_bias=use_bias,
        depthwise_initializer=initializer(scale, "fan_out"),
        bias_initializer=keras.initializers.Constant(bias_init),
        **settings,
    )
    rows, columns = kernel_size
    return padded_sides(layer, rows // 2, columns // 2) if uneven else layer


def transposed_conv2d(
    dim: int,
    factor: int,
    use_bias: bool = True,
    scale: float = 2.0,
    mode: str = "fan_out",
    **settings: Any,
) -> layers.Layer:
    """Transposed convolution without overlaps; its outputs are Keras' fan in."""
    fan = "fan_in" if mode == "fan_out" else "fan_out"
    return layers.Conv2DTranspose(
        dim,
        factor,
        strides=factor,
        use_bias=use_bias,
        kernel_initializer=initializer(scale, fan),
        **settings,
    )


def every(strides: int, offset: tuple[int, int], layer: Apply) -> Apply:
    """Values at every so many rows and columns: no Keras layer strides and dilates."""
    top, left = offset
    return lambda x: layer(x)[:, top::strides, left::strides]


def strided_conv2d(
    *args: Any,
    strides: int,
    offset: tuple[int, int],
    **settings: Any,
) -> Apply:
    """Convolution that is dilated, too."""
    return every(strides, offset, conv2d(*args, **settings))


def strided_depthwise_conv2d(
    *args: Any,
    strides: int,
    offset: tuple[int, int],
    **settings: Any,
) -> Apply:
    """Depthwise convolution that is dilated, too."""
    return every(strides, offset, depthwise_conv2d(*args, **settings))


@keras.saving.register_keras_serializable(package="spinec")
class StochasticDepth(layers.Layer):
    """Leaves out the whole branch of an image at the given rate in training."""

    def __init__(self, rate: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, x: KerasTensor, training: bool = False) -> KerasTensor:
        if not training or self.rate == 0:
            return x
        keep = 1 - self.rate
        shape = (ops.shape(x)[0], 1, 1, 1)
        # drawn in float32 whatever the policy: bfloat16 cannot tell small rates apart
        drawn = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return x * ops.cast(drawn < keep, x.dtype) / keep

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="spinec")
class WeightedSum(layers.Layer):
    """Fast normalised fusion: sum_i(w_i x_i) / (sum_j w_j + epsilon), all w >= 0."""

    def __init__(self, epsilon: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.epsilon = epsilon

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        shape = (len(input_shape),)
        self.weight = self.add_weight(shape=shape, initializer="ones", name="weight")

    def call(self, inputs: list[KerasTensor]) -> KerasTensor:
        weight = ops.relu(self.weight)
        weight = weight / (ops.sum(weight) + self.epsilon)
        total = inputs[0] * weight[0]
        for i, x in enumerate(inputs[1:], 1):
            total = total + x * weight[i]
        return total

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="spinec")
class SoftmaxSum(layers.Layer):
    """Fusion by a softmax over one weight per input."""

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        shape = (len(input_shape),)
        self.weight = self.add_weight(shape=shape, initializer="ones", name="weight")

    def call(self, inputs: list[KerasTensor]) -> KerasTensor:
        weight = ops.softmax(self.weight)
        total = inputs[0] * weight[0]
        for i, x in enumerate(inputs[1:], 1):
            total = total + x * weight[i]
        return total


@keras.saving.register_keras_serializable(package="spinec")
class SpaceToDepth(layers.Layer):
    """2 x 2 squares become channels in PyTorch's order, (C, 2, 2), or in (2, 2, C)."""

    def __init__(self, order: str = "channel_major", **settings: Any) -> None:
        super().__init__(**settings)
        self.order = order

    def call(self, x: KerasTensor) -> KerasTensor:
        _, height, width, dim = ops.shape(x)
        x = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, dim))
        channels = (5, 2, 4) if self.order == "channel_major" else (2, 4, 5)
        x = ops.transpose(x, (0, 1, 3, *channels))
        return ops.reshape(x, (-1, height // 2, width // 2, 4 * dim))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "order": self.order}


@keras.saving.register_keras_serializable(package="spinec")
class FlattenChannels(layers.Layer):
    """A map as a vector, channel by channel."""

    def call(self, x: KerasTensor) -> KerasTensor:
        _, height, width, dim = ops.shape(x)
        x = ops.transpose(x, (0, 3, 1, 2))
        return ops.reshape(x, (-1, dim * height * width))


@keras.saving.register_keras_serializable(package="spinec")
class SymmetricMaxPooling2D(layers.Layer):
    """Maximum pooling padded by half the window on every side."""

    def __init__(self, pool_size: int, strides: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.pool_size, self.strides = pool_size, strides

    def call(self, x: KerasTensor) -> KerasTensor:
        half = self.pool_size // 2
        pads = ((0, 0), (half, half), (half, half), (0, 0))
        x = ops.pad(x, pads, constant_values=-math.inf)
        return ops.max_pool(x, self.pool_size, self.strides)

    def get_config(self) -> dict[str, Any]:
        config = {"pool_size": self.pool_size, "strides": self.strides}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="spinec")
class SymmetricAveragePooling2D(layers.Layer):
    """Average pooling padded by half the window on every side; zeros do not count."""

    def __init__(self, pool_size: int, strides: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.pool_size, self.strides = pool_size, strides

    def call(self, x: KerasTensor) -> KerasTensor:
        half = self.pool_size // 2
        pads = ((0, 0), (half, half), (half, half), (0, 0))
        ones = ops.ones((1, *ops.shape(x)[1:3], 1), dtype=x.dtype)
        x, ones = (ops.pad(each, pads) for each in (x, ones))
        share = ops.average_pool(ones, self.pool_size, self.strides)
        return ops.average_pool(x, self.pool_size, self.strides) / share

    def get_config(self) -> dict[str, Any]:
        config = {"pool_size": self.pool_size, "strides": self.strides}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="spinec")
class PaddedAveragePooling2D(layers.Layer):
    """Average pooling of a map with zeros around it, which count."""

    def __init__(
        self,
        pool_size: int,
        strides: int,
        pads: tuple[tuple[int, int], tuple[int, int]],
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.pool_size, self.strides, self.pads = pool_size, strides, pads

    def call(self, x: KerasTensor) -> KerasTensor:
        x = ops.pad(x, ((0, 0), *self.pads, (0, 0)))
        return ops.average_pool(x, self.pool_size, self.strides)

    def get_config(self) -> dict[str, Any]:
        config = {"pool_size": self.pool_size, "strides": self.strides}
        return {**super().get_config(), **config, "pads": self.pads}


@keras.saving.register_keras_serializable(package="spinec")
def gelu(x: KerasTensor) -> KerasTensor:
    """GELU by the error function, in the precision of its argument."""
    return 0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))


@keras.saving.register_keras_serializable(package="spinec")
def gelu_tanh(x: KerasTensor) -> KerasTensor:
    """GELU approximated by a hyperbolic tangent, in the precision of its argument."""
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1 + ops.tanh(inner))


@keras.saving.register_keras_serializable(package="spinec")
class LeakyReLU(layers.Layer):
    """A ReLU with a slope below zero, in the precision of its argument."""

    def __init__(self, slope: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.slope = slope

    def call(self, x: KerasTensor) -> KerasTensor:
        return ops.where(x > 0, x, self.slope * x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "slope": self.slope}


@keras.saving.register_keras_serializable(package="spinec")
class PReLU(layers.Layer):
    """A ReLU with a trained slope below zero for each channel."""

    def __init__(self, initial: float = 0.25, **settings: Any) -> None:
        super().__init__(**settings)
        self.initial = initial

    def build(self, input_shape: tuple[int, ...]) -> None:
        start = keras.initializers.Constant(self.initial)
        dims = input_shape[-1:]
        self.slope = self.add_weight(shape=dims, initializer=start, name="slope")

    def call(self, x: KerasTensor) -> KerasTensor:
        return ops.where(x > 0, x, self.slope * x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(package="spinec")
class LayerScale(layers.Layer):
    """Every channel of a map times a trained factor."""

    def __init__(self, initial: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.initial = initial

    def build(self, input_shape: tuple[int, ...]) -> None:
        start, dims = keras.initializers.Constant(self.initial), input_shape[-1:]
        self.factor = self.add_weight(shape=dims, initializer=start, name="factor")

    def call(self, x: KerasTensor) -> KerasTensor:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(package="spinec")
class Scale(layers.Layer):
    """A whole map times one trained factor."""

    def __init__(self, initial: float = 1.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.initial = initial

    def build(self, input_shape: tuple[int, ...]) -> None:
        start = keras.initializers.Constant(self.initial)
        self.factor = self.add_weight(shape=(1,), initializer=start, name="factor")

    def call(self, x: KerasTensor) -> KerasTensor:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(package="spinec")
class ChannelSlice(layers.Layer):
    """So many channels of a map, from one on."""

    def __init__(self, start: int, dim: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.start, self.dim = start, dim

    def call(self, x: KerasTensor) -> KerasTensor:
        return x[..., self.start : self.start + self.dim]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start, "dim": self.dim}


@keras.saving.register_keras_serializable(package="spinec")
class ChannelShuffle(layers.Layer):
    """The first channel of every group, then the second of every group, and so on."""

    def __init__(self, groups: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.groups = groups

    def call(self, x: KerasTensor) -> KerasTensor:
        _, height, width, dim = ops.shape(x)
        apart = (-1, height, width, self.groups, dim // self.groups)
        x = ops.transpose(ops.reshape(x, apart), (0, 1, 2, 4, 3))
        return ops.reshape(x, (-1, height, width, dim))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable(package="spinec")
class Spread(layers.Layer):
    """A map of one pixel, repeated over all positions of another map."""

    def call(self, inputs: list[KerasTensor]) -> KerasTensor:
        pixel, x = inputs
        _, height, width, _ = ops.shape(x)
        return ops.repeat(ops.repeat(pixel, height, axis=1), width, axis=2)


@keras.saving.register_keras_serializable(package="spinec")
class BilinearUpsampling(layers.Layer):
    """Bilinear interpolation by a whole factor, values at the centres of pixels."""

    def __init__(self, factor: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.factor = factor

    def call(self, x: KerasTensor) -> KerasTensor:
        _, height, width, dim = ops.shape(x)
        x = self.stretched(ops.reshape(x, (-1, height, width * dim)))
        x = ops.reshape(x, (-1, width, dim))
        x = self.stretched(x)
        return ops.reshape(x, (-1, self.factor * height, self.factor * width, dim))

    def stretched(self, x: KerasTensor) -> KerasTensor:
        """Each value of the middle axis as `factor`, mixed with its neighbour."""
        _, length, dim = ops.shape(x)
        before = ops.concatenate([x[:, :1], x[:, :-1]], axis=1)
        after = ops.concatenate([x[:, 1:], x[:, -1:]], axis=1)
        centres = [(i + 0.5) / self.factor - 0.5 for i in range(self.factor)]
        left = ops.convert_to_tensor([[max(-c, 0.0)] for c in centres], dtype=x.dtype)
        right = ops.convert_to_tensor([[max(c, 0.0)] for c in centres], dtype=x.dtype)
        x, before, after = (each[:, :, None] for each in (x, before, after))
        mixed = before * left + x * (1 - left - right) + after * right
        return ops.reshape(mixed, (-1, self.factor * length, dim))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="spinec")
class ChannelConv(layers.Layer):
    """1-D convolution along the channels of a map of one pixel."""

    def __init__(self, kernel_size: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.kernel_size = kernel_size

    def build(self, input_shape: tuple[int, ...]) -> None:
        start = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        shape = (self.kernel_size, 1, 1)
        self.kernel = self.add_weight(shape=shape, initializer=start, name="kernel")

    def call(self, x: KerasTensor) -> KerasTensor:
        dim = x.shape[-1]
        line = ops.conv(ops.reshape(x, (-1, dim, 1)), self.kernel, padding="same")
        return ops.reshape(line, (-1, 1, 1, dim))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable(package="spinec")
class MapAttention(layers.Layer):
    """Multi-head attention of every position of a map to all others."""

    def __init__(self, heads: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.heads = heads

    def call(self, x: KerasTensor) -> KerasTensor:
        _, height, width, dim = ops.shape(x)
        size = dim // 3 // self.heads  # of a head
        apart = (-1, height * width, self.heads, size)
        parts = (ops.reshape(part, apart) for part in ops.split(x, 3, axis=-1))
        query, key, value = (ops.transpose(part, (0, 2, 1, 3)) for part in parts)
        share = ops.matmul(query * size**-0.5, ops.transpose(key, (0, 1, 3, 2)))
        x = ops.transpose(ops.matmul(ops.softmax(share), value), (0, 2, 1, 3))
        return ops.reshape(x, (-1, height, width, dim // 3))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}
