"""Whether two backends are one network: the same weights and images, compared at every block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from spinec.backends.backend import backend
from spinec.compiler.program import Program

if TYPE_CHECKING:
    from spinec.backends.weights import Array

Precision: TypeAlias = Literal["float32", "float64"]
BARS: dict[Precision, float] = {"float32": 1e-5, "float64": 1e-12}


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two backends are apart at one value: max|difference| over max|reference|."""

    value: str
    shape: tuple[int, ...]
    error: float


def random_weights(program: Program, seed: int = 0, precision: Precision = "float32") -> dict[str, Array]:
    """Weights and running statistics that leave nothing at its default, so that nothing can go unnoticed.

    Kernels keep the variance of their input; scales and variances are positive and differ by channel; of fusion weights
    the first is above one and the others of either sign.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    weights: dict[str, Array] = {}
    for name, shape in {**program.weights, **program.state}.items():
        role = name.rpartition(".")[2]
        if role == "kernel":
            values = generator.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        elif role in ("scale", "variance"):
            values = generator.uniform(0.5, 1.5, shape)
        elif role == "fusion":
            values = generator.uniform([1.0] + [-0.5] * (shape[0] - 1), 1.5)
        else:
            values = generator.normal(0, 0.1, shape)
        weights[name] = values.astype(precision)
    return weights


def random_images(program: Program, seed: int = 0, precision: Precision = "float32", spread: float = 1.0) -> Array:
    """Two images of normal noise; a larger spread drives activations into saturation."""
    import numpy as np

    return np.random.default_rng(seed + 1).normal(0, spread, (2, *program.input_shape)).astype(precision)


def compare(
    program: Program,
    names: tuple[str, str] = ("pytorch", "tensorflow"),
    precision: Precision = "float32",
    seed: int = 0,
) -> list[Difference]:
    """The difference of two backends at every block, endpoint and output, on random weights and images.

    Raises:
        BackendError: when a framework is not installed.
    """
    first, second = (observed(name, program, precision, seed) for name in names)
    return differences(first, second)


def observed(
    name: str, program: Program, precision: Precision = "float32", seed: int = 0, spread: float = 1.0
) -> dict[str, Array]:
    """Every value between blocks as one backend computes it, on random weights and images from a seed."""
    found = backend(name)
    with found.precision(precision):
        model = found.build(program)
        found.write_weights(model, program, random_weights(program, seed, precision))
        return found.observe(model, program, random_images(program, seed, precision, spread))


def differences(reference: Mapping[str, Array], other: Mapping[str, Array]) -> list[Difference]:
    """How far apart two sets of values are, each in units of the reference's largest."""
    import numpy as np

    return [
        Difference(name, value.shape, float(np.abs(other[name] - value).max() / max(np.abs(value).max(), 1e-30)))
        for name, value in reference.items()
    ]
