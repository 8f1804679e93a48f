"""What generated PyTorch source defines for itself: each piece is copied, as it stands here, where it is used."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def initialize(module: nn.Module, scale: float = 2.0, mode: str = "fan_out") -> None:
    """Variance scaling of convolution kernels; zero biases."""
    if isinstance(module, nn.Conv2d):
        area = module.kernel_size[0] * module.kernel_size[1]
        dim = module.out_channels if mode == "fan_out" else module.in_channels
        fan = area * dim // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(scale / fan))
    elif isinstance(module, nn.Linear):
        bound = 1 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound)
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


def logit(probability: float) -> float:
    """What a sigmoid gives this probability for."""
    return -math.log((1 - probability) / probability)


def fill_bias(layer: nn.Conv2d, value: float) -> None:
    """Start every bias of a layer at one value."""
    if layer.bias is not None:
        nn.init.constant_(layer.bias, value)


class TransposedConv2d(nn.ConvTranspose2d):
    """Transposed convolution without overlaps, to `factor` times the size."""

    def __init__(
        self,
        in_dim: int,
        dim: int,
        factor: int,
        bias: bool = True,
        scale: float = 2.0,
        mode: str = "fan_out",
    ) -> None:
        fan = factor**2 * (dim if mode == "fan_out" else in_dim)
        self.std = math.sqrt(scale / fan)
        super().__init__(in_dim, dim, kernel_size=factor, stride=factor, bias=bias)

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=self.std)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class StochasticDepth(nn.Module):
    """Leaves out the whole branch of an image at the given rate in training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(keep)
        return x * mask / keep


class WeightedSum(nn.Module):
    """Fast normalised fusion: sum_i(w_i x_i) / (sum_j w_j + epsilon), w >= 0."""

    def __init__(self, inputs: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(inputs))
        self.epsilon = epsilon

    def forward(self, *inputs: Tensor) -> Tensor:
        weight = F.relu(self.weight)
        weight = weight / (weight.sum() + self.epsilon)
        total = inputs[0] * weight[0]
        for i, x in enumerate(inputs[1:], 1):
            total = total + x * weight[i]
        return total


class SoftmaxSum(nn.Module):
    """Fusion by a softmax over one weight per input."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(inputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        weight = self.weight.softmax(0)
        total = inputs[0] * weight[0]
        for i, x in enumerate(inputs[1:], 1):
            total = total + x * weight[i]
        return total


class LayerNorm2d(nn.LayerNorm):
    """Layer norm of every pixel of a map over its channels."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """Every channel of a map times a trained factor."""

    def __init__(self, dim: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((dim,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]


class Exp(nn.Module):
    """e to the power of every value."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x)


class Scale(nn.Module):
    """A whole map times one trained factor."""

    def __init__(self, initial: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class ChannelSlice(nn.Module):
    """So many channels of a map, from one on."""

    def __init__(self, start: int, dim: int) -> None:
        super().__init__()
        self.start, self.dim = start, dim

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.start + self.dim]


class ChannelConv(nn.Conv1d):
    """1-D convolution along the channels of a map of one pixel."""

    def __init__(self, kernel_size: int) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        line = input.flatten(2).transpose(1, 2)
        return super().forward(line).transpose(1, 2).unsqueeze(3)


class MapAttention(nn.Module):
    """Multi-head attention of every position of a map to all others."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        batch, dim, height, width = x.shape
        size = dim // 3 // self.heads  # of a head
        x = x.reshape(batch, 3, self.heads, size, height * width)
        query, key, value = x.permute(1, 0, 2, 4, 3).contiguous().unbind()
        share = torch.matmul(query * size**-0.5, key.transpose(2, 3))
        x = torch.matmul(F.softmax(share, dim=-1), value)
        return x.transpose(2, 3).reshape(batch, dim // 3, height, width)


def pad_same(x: Tensor, extent: int, stride: int, value: float = 0.0) -> Tensor:
    """Padding as TensorFlow's 'same': the odd pixel goes below and to the right."""
    height, width = x.shape[-2:]
    rows = max(extent - 1 - (height - 1) % stride, 0)
    columns = max(extent - 1 - (width - 1) % stride, 0)
    if isinstance(rows, int) and rows == columns == 0:  # no symbol of an exporter
        return x
    left, top = columns // 2, rows // 2
    return F.pad(x, (left, columns - left, top, rows - top), value=value)


class Conv2dSame(nn.Conv2d):
    """Convolution padded as TensorFlow's 'same'."""

    def forward(self, input: Tensor) -> Tensor:
        extent = self.dilation[0] * (self.kernel_size[0] - 1) + 1
        return super().forward(pad_same(input, extent, self.stride[0]))


class RectangularConv2dSame(nn.Conv2d):
    """Convolution by a kernel that is no square, padded as TensorFlow's 'same'."""

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for axis in (1, 0):  # the last one first
            size, stride = input.shape[axis + 2], self.stride[axis]
            extent = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            missing = max(extent - 1 - (size - 1) % stride, 0)
            pads += [missing // 2, missing - missing // 2]
        return super().forward(F.pad(input, pads))


class MaxPool2dSame(nn.Module):
    """Maximum pooling padded as TensorFlow's 'same'."""

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        x = pad_same(x, self.kernel_size, self.stride, value=-math.inf)
        return F.max_pool2d(x, self.kernel_size, self.stride)


class AvgPool2dSame(nn.Module):
    """Average pooling padded as TensorFlow's 'same': left out, or counted as 0."""

    def __init__(
        self,
        kernel_size: int,
        stride: int,
        count_padding: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.count_padding = count_padding

    def forward(self, x: Tensor) -> Tensor:
        padded = pad_same(x, self.kernel_size, self.stride)
        average = F.avg_pool2d(padded, self.kernel_size, self.stride)
        if self.count_padding:
            return average
        ones = pad_same(torch.ones_like(x[:1, :1]), self.kernel_size, self.stride)
        return average / F.avg_pool2d(ones, self.kernel_size, self.stride)


def spread(pixel: Tensor, x: Tensor) -> Tensor:
    """A map of one pixel, repeated over all positions of another map."""
    return pixel.expand(-1, -1, *x.shape[2:])


class Crop(nn.Module):
    """The upper left part of a map."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.height, : self.width]


def space_to_depth(x: Tensor) -> Tensor:
    """2 x 2 squares become channels in TensorFlow's order, (2, 2, C)."""
    batch, dim, height, width = x.shape
    x = x.view(batch, dim, height // 2, 2, width // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(batch, 4 * dim, height // 2, width // 2)


class SpaceToDepth(nn.Module):
    """2 x 2 squares become channels in TensorFlow's order, (2, 2, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return space_to_depth(x)
