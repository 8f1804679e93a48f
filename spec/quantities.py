"""The kinds of work that ops do, what activations do in them, and what counting conventions price them at."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

Quantity: TypeAlias = Literal[
    "macs",
    "bias",
    "add",
    "multiply",
    "divide",
    "scale",
    "swish",
    "relu",
    "prelu",
    "gelu",
    "softmax",
    "mean",
    "pool",
    "pooled",
    "average",
    "norm",
    "moments",
    "activation",
    "resize",
    "bilinear",
]
"""A kind of work."""
MEANINGS: Mapping[Quantity, str] = MappingProxyType(
    {
        "macs": "products of convolutions, linear layers and attention",
        "bias": "elements that a bias is added to",
        "add": "sums, one for every element",
        "multiply": "products, one for every element",
        "divide": "quotients, one for every element",
        "scale": "elements of an average of several maps",
        "swish": "elements of a swish",
        "relu": "elements of a ReLU, ReLU6, leaky ReLU, ELU or PReLU",
        "prelu": "elements of a PReLU",
        "gelu": "elements of a GELU",
        "softmax": "elements of a softmax",
        "mean": "elements that a mean over the image is given",
        "pool": "elements of every window of a pool",
        "pooled": "elements that a pool is given",
        "average": "results of an average pool",
        "norm": "elements of a norm",
        "moments": "elements of a norm that computes its statistics outside training, too",
        "activation": "elements of any activation",
        "resize": "elements of the result of any resizing",
        "bilinear": "elements of the result of one that interpolates",
    }
)

Work: TypeAlias = Mapping[Quantity, int]
"""How much of each."""


class Elementwise(NamedTuple):
    """What an activation does to every element."""

    says: str
    work: Work = MappingProxyType({})
    """For each element; that it is an activation counts by itself."""
    keeps: Literal["input", "output"] = "input"
    """What PyTorch's autograd keeps of it for the backward pass."""


class PriceList(NamedTuple):
    """How much each kind of work counts, in half multiply-adds."""

    says: str
    prices: Mapping[Quantity, int]
    kernel_weight: int = 0
    """For every convolution or linear kernel weight and fusion scalar, counted once however often it is used."""

    def halves(self, work: Work, kernel_weights: int) -> int:
        """The multiply-adds of some work, times two."""
        total = self.kernel_weight * kernel_weights
        for quantity, amount in work.items():
            total += self.prices.get(quantity, 0) * amount
        return total
