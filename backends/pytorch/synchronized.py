"""Synchronized batch norm on a CPU, where PyTorch has none."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


class Sum(torch.autograd.Function):
    """The sum over all processes; a gradient is that of all processes' losses."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        """The sum of this value in all processes."""
        total = value.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """The sum of this gradient in all processes."""
        total = gradients[0].clone()
        torch.distributed.all_reduce(total)
        return total


def synchronize(model: nn.Module) -> None:
    """Let the norms of a model that are to be synchronized be so."""
    for norm in model.modules():
        if isinstance(norm, nn.SyncBatchNorm):
            norm.forward = partial(normalize, norm)  # type: ignore[method-assign]


def normalize(norm: nn.SyncBatchNorm, x: Tensor) -> Tensor:
    """Batch norm by the mean and the variance of all processes' images, which are as many in each."""
    if not norm.training:
        return torch.nn.functional.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    given, axes = x.to(norm.weight.dtype), [axis for axis in range(x.ndim) if axis != 1]
    number = given.numel() // given.shape[1] * torch.distributed.get_world_size()
    shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    mean: Tensor = Sum.apply(given.sum(axes)) / number  # type: ignore[no-untyped-call]
    off = given - mean.view(shape)
    variance: Tensor = Sum.apply(off.square().sum(axes)) / number  # type: ignore[no-untyped-call]
    with torch.no_grad():
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.momentum is not None
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (number / (number - 1)), norm.momentum)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return (off * scale.view(shape) + norm.bias.view(shape)).to(x.dtype)
