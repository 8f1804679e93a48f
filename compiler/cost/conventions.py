"""What counts as a multiply-add. Every published number has a convention; here each is a price list over kinds of work.

Prices are in halves, so that every count is an exact integer until it is shown. The names are in `spec/conventions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spinec.compiler.ops.base import Quantity, Work
from spinec.spec.conventions import Convention as Name


@dataclass(frozen=True)
class Convention:
    """How much each kind of work counts, in half multiply-adds."""

    doc: str
    prices: Mapping[Quantity, int]
    kernel_weight: int = 0
    """For every convolution or linear kernel weight and fusion scalar, counted once however often it is used."""

    def halves(self, work: Work, kernel_weights: int) -> int:
        """The multiply-adds of some work, times two."""
        total = self.kernel_weight * kernel_weights
        for quantity, amount in work.items():
            total += self.prices.get(quantity, 0) * amount
        return total


_GRAPH: Mapping[Quantity, int] = {
    "macs": 2,
    "bias": 1,
    "add": 1,
    "multiply": 1,
    "divide": 1,
    "mean": 1,
    "pool": 1,
    "softmax": 5,
    "moments": 6,  # two means, a squared difference of two, and a product and a sum: only batch norm is fused
}
CONVENTIONS: dict[Name, Convention] = {
    "conv": Convention("convolutions and linear layers only, as PyTorch's counters report", {"macs": 2}),
    "profiler": Convention(
        "float operations of the TensorFlow 1.x graph over two, as the paper's authors counted",
        {**_GRAPH, "swish": 1},
        kernel_weight=2,
    ),
    "profiler_without_swish": Convention(
        "the same up to TensorFlow 1.14, which saw nothing of a swish: EfficientNet's own figures",
        _GRAPH,
        kernel_weight=2,
    ),
    "fvcore": Convention(
        "fvcore 0.1.5, outside training: convolutions and linear layers, 2 a norm element, 1 an upsampled element",
        {"macs": 2, "norm": 4, "moments": 6, "resize": 2, "bilinear": 6},
    ),
    "thop": Convention(
        "thop 0.1.1: convolutions and linear layers, 4 a norm element, 1 an upsampled or average-pooled element",
        {"macs": 2, "norm": 8, "resize": 2, "bilinear": 20, "average": 2, "prelu": 2},
    ),
    "ptflops": Convention(
        "ptflops 0.7.5: convolutions and linear layers with their biases, 2 a norm element, 1 an element of a swish, "
        "ReLU, ReLU6 or GELU, an upsampled element, and an element that a pool is given",
        {"macs": 2, "bias": 2, "norm": 4, "swish": 2, "relu": 2, "gelu": 2, "softmax": 2, "resize": 2, "pooled": 2},
    ),
    "torch": Convention("PyTorch's FlopCounterMode over two: the same as conv", {"macs": 2}),
}
INITIALISED = (
    "kernel",
    "fusion",
)  # roles whose initialisers are operations of the TensorFlow 1.x graph
PARTS: dict[str, tuple[Quantity, ...]] = {
    "convolution, linear": ("macs",),
    "bias": ("bias",),
    "norm": ("norm", "moments"),
    "activation": ("activation", "swish", "relu", "prelu", "gelu", "softmax"),
    "sum, product": ("add", "multiply", "divide", "scale"),
    "pooling": ("mean", "pool", "pooled", "average"),
    "upsampling": ("resize", "bilinear"),
}
"""Kinds of work as a reader knows them; a convention's initialisers are the rest."""
