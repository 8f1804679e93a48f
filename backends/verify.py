"""Whether two backends are one network: the same weights and images, compared at every block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from spinec.backends.backend import backend
from spinec.compiler.program import Program

if TYPE_CHECKING:
    import numpy as np

    from spinec.backends.weights import Array

Precision: TypeAlias = Literal["float32", "float64"]
REFERENCE = "pytorch"
BARS: dict[Precision, float] = {"float32": 1e-5, "float64": 1e-12}


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two backends are apart at one value: max|difference| over max|reference|."""

    value: str
    shape: tuple[int, ...]
    error: float


class Sample(NamedTuple):
    """Weights and images on which backends are compared."""

    weights: dict[str, Array]
    images: Array


def sample(program: Program, precision: Precision = "float32", seed: int = 0, spread: float = 1.0) -> Sample:
    """Random weights and images that leave nothing at its default, so that nothing can go unnoticed.

    Running statistics are those of the images, changed at random by a tenth to a half: as in a trained network, values
    neither grow nor vanish from block to block, so that float32 shows the backends' faults and not its own. A `spread`
    of the norms' scales above one drives activations into saturation.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    weights = {name: _random(name, shape, spread, generator) for name, shape in program.weights.items()}
    weights |= {name: np.full(shape, float(name.endswith("variance"))) for name, shape in program.state.items()}
    images = generator.normal(0, 1, (8, *program.input_shape))
    for name, values in _statistics(program, weights, images).items():
        usual = np.sqrt(values.mean()) if name.endswith("variance") else values.std()
        noise = generator.uniform(0.5, 1.5, values.shape)
        weights[name] = values * noise + 0.1 * usual**2 if name.endswith("variance") else values + 0.1 * usual * noise
    return Sample({name: array.astype(precision) for name, array in weights.items()}, images[:2].astype(precision))


def _fresh(program: Program, precision: Precision, image: Array) -> Sample:
    """The weights that a model starts with, and one image."""
    found = backend(REFERENCE)
    weights = found.read_weights(found.build(program), program)
    return Sample({name: array.astype(precision) for name, array in weights.items()}, image[None].astype(precision))


def _random(name: str, shape: tuple[int, ...], spread: float, generator: np.random.Generator) -> Array:
    """Kernels keep the variance of their input; scales differ by channel; fusion weights are of either sign."""
    role = name.rpartition(".")[2]
    if role == "kernel":
        return generator.normal(0, (1 / math.prod(shape[1:])) ** 0.5, shape)
    if role == "scale":
        return generator.uniform(0.5, 1.5, shape) * spread
    if role == "fusion":
        return generator.uniform([1.0] + [-0.5] * (shape[0] - 1), 1.5)
    return generator.normal(0, 0.3 * spread, shape)


def _statistics(program: Program, weights: dict[str, Array], images: Array) -> dict[str, Array]:
    """Mean and variance of what every norm is given, computed by the reference backend in double precision."""
    from spinec.backends.pytorch.observe import statistics

    found = backend(REFERENCE)
    with found.precision("float64"):
        model = found.build(program)
        found.write_weights(model, program, weights)
        return statistics(model, images)


def compare(
    program: Program,
    names: tuple[str, str] = (REFERENCE, "tensorflow"),
    precision: Precision = "float32",
    seed: int = 0,
    image: Array | None = None,
) -> list[Difference]:
    """The difference of two backends at every block, endpoint and output, on random weights and images.

    With an image of your own it is on that and the weights that a model starts with.

    Raises:
        BackendError: when a framework is not installed.
    """
    given = sample(program, precision, seed) if image is None else _fresh(program, precision, image)
    first, second = (observed(name, program, given, precision) for name in names)
    return differences(first, second)


def observed(name: str, program: Program, given: Sample, precision: Precision = "float32") -> dict[str, Array]:
    """Every value between blocks as one backend computes it."""
    found = backend(name)
    with found.precision(precision):
        model = found.build(program)
        found.write_weights(model, program, given.weights)
        return found.observe(model, program, given.images)


def differences(reference: Mapping[str, Array], other: Mapping[str, Array]) -> list[Difference]:
    """How far apart two sets of values are, each in units of the reference's largest."""
    import numpy as np

    return [
        Difference(name, value.shape, float(np.abs(other[name] - value).max() / max(np.abs(value).max(), 1e-30)))
        for name, value in reference.items()
    ]
