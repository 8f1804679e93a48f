"""What backends are compared on: random weights and images that leave nothing at its default, targets to train on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from spinec.backends.backend import backend, check_image_alone
from spinec.compiler.graph.program import Program
from spinec.spec.heads import Classification
from spinec.spec.model import ModelSpec, StochasticDepth

if TYPE_CHECKING:
    import numpy as np

    from spinec.backends.weights import Array

Precision: TypeAlias = Literal["float32", "float64"]
REFERENCE = "pytorch"
VALUES = 32  # a channel, at least, whose mean and variance running statistics are


class Sample(NamedTuple):
    """Weights, and images with as many crops, on which backends are compared."""

    weights: dict[str, Array]
    inputs: dict[str, Array]

    def rounded(self, precision: Precision) -> Sample:
        """The same numbers, but for rounding."""
        return Sample(_as(precision, self.weights), _as(precision, self.inputs))


def sample(program: Program, precision: Precision = "float32", seed: int = 0, spread: float = 1.0) -> Sample:
    """Random weights and images that leave nothing at its default, so that nothing can go unnoticed.

    Running statistics are those of the images, changed at random by a tenth to a half: as in a trained network, values
    neither grow nor vanish from block to block, so that float32 shows the backends' faults and not its own. For the
    same reason norms shift by about one: a ReLU that cuts off half of every value makes each norm magnify rounding by
    a fifth (arXiv 1902.08129, Section 3), ten thousand times over fifty of them. And there are as many images that no
    block's statistics are of less than `VALUES` values: the variance of a few is small in some channels by chance,
    and a norm divides by it. A `spread` of the norms' scales above one drives activations into saturation.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    weights = {name: _random(name, shape, spread, generator) for name, shape in program.weights.items()}
    weights |= {name: np.full(shape, float(name.endswith("variance"))) for name, shape in program.state.items()}
    inputs = _noise(program, 8, generator)
    for name, values in _statistics(program, weights, _more(program, inputs)).items():
        usual = np.sqrt(values.mean()) if name.endswith("variance") else values.std()
        noise = generator.uniform(0.5, 1.5, values.shape)
        weights[name] = values * noise + 0.1 * usual**2 if name.endswith("variance") else values + 0.1 * usual * noise
    few = {name: array[:2] for name, array in inputs.items()}
    return Sample(weights, few).rounded(precision)


def fresh(program: Program, image: Array) -> Sample:
    """The weights that a model starts with, and one image."""
    check_image_alone(program)
    found = backend(REFERENCE)
    weights = found.read_weights(found.build(program), program)
    return Sample(weights, {"image": image[None]}).rounded("float64")


class Lesson(NamedTuple):
    """What a backend is trained on."""

    given: Sample
    targets: dict[str, Array]

    def rounded(self, precision: Precision) -> Lesson:
        """The same numbers, but for rounding."""
        return Lesson(self.given.rounded(precision), _as(precision, self.targets))


def lesson_of(program: Program, seed: int = 0, batch: int = 8) -> Lesson:
    """Weights, images and targets to train on, in float64."""
    import numpy as np

    weights = sample(program, "float64", seed).weights
    generator = np.random.default_rng(seed + 1)
    inputs = _noise(program, batch, generator)
    wanted: dict[str, Array] = {
        name: generator.normal(0, 1, (batch, *shape)) for name, shape in program.outputs.items()
    }
    return Lesson(Sample(weights, inputs), wanted)


def without_chance(spec: ModelSpec) -> ModelSpec:
    """A spec whose training has no randomness."""
    head = spec.head
    if isinstance(head, Classification):
        head = head.model_copy(update={"dropout": 0.0})
    return spec.model_copy(update={"stochastic_depth": StochasticDepth(rate=0.0), "head": head})


def _noise(program: Program, batch: int, generator: np.random.Generator) -> dict[str, Array]:
    return {name: generator.normal(0, 1, (batch, *given.shape)) for name, given in program.inputs.items()}


def _more(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """As many images, with the first ones, as the coarsest map needs for its statistics."""
    import numpy as np

    maps = [shape for shape in map(program.shape, program.observable) if len(shape) == 3]
    pixels = min((height * width for _, height, width in maps), default=VALUES)
    given = len(inputs["image"])
    others = _noise(program, max(0, math.ceil(VALUES / pixels) - given), np.random.default_rng(given))
    return {name: np.concatenate([array, others[name]]) for name, array in inputs.items()}


def _as(precision: Precision, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.astype(precision) for name, array in arrays.items()}


def _random(name: str, shape: tuple[int, ...], spread: float, generator: np.random.Generator) -> Array:
    """Kernels keep the variance of their input; scales differ by channel; fusion weights are of either sign."""
    role = name.rpartition(".")[2]
    if role == "kernel":
        return generator.normal(0, (1 / math.prod(shape[1:])) ** 0.5, shape)
    if role == "scale":
        return generator.uniform(0.5, 1.5, shape) * spread
    if role == "fusion":
        return generator.uniform([1.0] + [-0.5] * (shape[0] - 1), 1.5)
    return generator.normal(float(role == "shift"), 0.3 * spread, shape)


def _statistics(program: Program, weights: dict[str, Array], inputs: dict[str, Array]) -> dict[str, Array]:
    """Mean and variance of what every norm is given, computed by the reference backend in double precision."""
    found = backend(REFERENCE)
    with found.precision("float64"):
        model = found.build(program)
        found.write_weights(model, program, weights)
        seen: dict[str, Array] = import_module(f"spinec.backends.{REFERENCE}.observe").statistics(model, inputs)
        return seen
