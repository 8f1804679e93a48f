"""The activations, and what each does. To add one: an entry here, and a rule in each backend."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from spinec.spec.known import Known, OneOf
from spinec.spec.quantities import Elementwise

ACTIVATIONS = Known(
    "activation",
    {
        "swish": Elementwise("x * sigmoid(x), also called SiLU", {"swish": 1}),
        "relu": Elementwise("max(x, 0)", {"relu": 1}, keeps="output"),
        "relu6": Elementwise("min(max(x, 0), 6)", {"relu": 1}),
        "hard_swish": Elementwise("x * hard_sigmoid(x)", {"add": 1, "multiply": 2}),  # x * relu6(x + 3) * (1 / 6)
        "gelu": Elementwise("x times the share of a normal distribution that is below x", {"gelu": 1}),
        "sigmoid": Elementwise("1 / (1 + exp(-x))", keeps="output"),
        "hard_sigmoid": Elementwise("relu6(x + 3) / 6", {"add": 1, "multiply": 1}),  # a product with 1 / 6
        "leaky_relu": Elementwise("max(x, 0.01 * x)", {"relu": 1}),
        "elu": Elementwise("x, or exp(x) - 1 below zero", {"relu": 1}),
        "mish": Elementwise("x * tanh(log(1 + exp(x)))", {"multiply": 1}),
        "gelu_tanh": Elementwise("an approximation of gelu by a hyperbolic tangent", {"gelu": 1}),
        "none": Elementwise("x: no activation"),
    },
)
Activation: TypeAlias = Annotated[str, OneOf(ACTIVATIONS)]
"""The name of an activation."""
