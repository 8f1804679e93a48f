"""What a count is made up of, as a reader knows it."""

from __future__ import annotations

from spinec.spec.quantities import Quantity

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
