"""What counts as a multiply-add. Every published number has a convention; each is a price list over kinds of work.

Prices are in halves, so that every count is an exact integer until it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from spinec.spec.known import Known, OneOf
from spinec.spec.quantities import PriceList, Quantity

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
CONVENTIONS = Known(
    "convention",
    {
        "conv": PriceList("convolutions and linear layers only, as PyTorch's counters report", {"macs": 2}),
        "profiler": PriceList(
            "float operations of the TensorFlow 1.x graph over two, as the paper's authors counted",
            {**_GRAPH, "swish": 1},
            kernel_weight=2,
        ),
        "profiler_without_swish": PriceList(
            "the same up to TensorFlow 1.14, which saw nothing of a swish: EfficientNet's own figures",
            _GRAPH,
            kernel_weight=2,
        ),
        "fvcore": PriceList(
            "fvcore 0.1.5, outside training: convolutions and linear layers, 2 a norm element, 1 an upsampled element",
            {"macs": 2, "norm": 4, "moments": 6, "resize": 2, "bilinear": 6},
        ),
        "thop": PriceList(
            "thop 0.1.1: convolutions and linear layers, 4 a norm element, 1 an upsampled or average-pooled element",
            {"macs": 2, "norm": 8, "resize": 2, "bilinear": 20, "average": 2, "prelu": 2},
        ),
        "ptflops": PriceList(
            "ptflops 0.7.5: convolutions and linear layers with their biases, 2 a norm element, 1 an element of a "
            "swish, ReLU, ReLU6 or GELU, an upsampled element, and an element that a pool is given",
            {"macs": 2, "bias": 2, "norm": 4, "swish": 2, "relu": 2, "gelu": 2, "softmax": 2, "resize": 2, "pooled": 2},
        ),
        "torch": PriceList("PyTorch's FlopCounterMode over two: the same as conv", {"macs": 2}),
    },
)
Convention: TypeAlias = Annotated[str, OneOf(CONVENTIONS)]
"""The name of a convention."""
