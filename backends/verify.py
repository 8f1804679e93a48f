"""Whether two backends are one network: the same weights and images, compared at every block."""

from __future__ import annotations

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

    Kernels keep the variance of their input; scales, variances and fusion weights are positive and differ by channel.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    weights: dict[str, Array] = {}
    for name, shape in {**program.weights, **program.state}.items():
        role = name.rpartition(".")[2]
        if role == "kernel":
            fan_in = int(np.prod(shape[1:]))
            weights[name] = generator.normal(0, (2 / fan_in) ** 0.5, shape).astype(precision)
        elif role in ("scale", "variance", "fusion"):
            weights[name] = generator.uniform(0.5, 1.5, shape).astype(precision)
        else:
            weights[name] = generator.normal(0, 0.1, shape).astype(precision)
    return weights


def compare(
    program: Program,
    names: tuple[str, str] = ("pytorch", "tensorflow"),
    precision: Precision = "float32",
    batch: int = 2,
    seed: int = 0,
) -> list[Difference]:
    """The difference of two backends at every block, endpoint and output, on random weights and images.

    Raises:
        BackendError: when a framework is not installed.
    """
    import numpy as np

    weights = random_weights(program, seed, precision)
    images = np.random.default_rng(seed + 1).normal(size=(batch, *program.input_shape)).astype(precision)
    first, second = (_observe(name, program, weights, images, precision) for name in names)
    return [
        Difference(
            name, tuple(value.shape), float(np.abs(second[name] - value).max() / max(np.abs(value).max(), 1e-30))
        )
        for name, value in first.items()
    ]


def _observe(
    name: str, program: Program, weights: dict[str, Array], images: Array, precision: Precision
) -> dict[str, Array]:
    found = backend(name)
    with found.precision(precision):
        model = found.build(program)
        found.write_weights(model, program, weights)
        return found.observe(model, program, images)
