"""Whether two backends are one network: the same weights and images, compared at every block, also in training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from spinec.backends.backend import backend, check_image_alone
from spinec.compiler.ops.norm import BatchNorm
from spinec.compiler.pipeline import lower
from spinec.compiler.program import Program
from spinec.spec.heads import Classification
from spinec.spec.model import ModelSpec, StochasticDepth

if TYPE_CHECKING:
    import numpy as np

    from spinec.backends.backend import TrainingStep
    from spinec.backends.weights import Array

Precision: TypeAlias = Literal["float32", "float64"]
REFERENCE = "pytorch"
BARS: dict[Precision, float] = {"float32": 1e-5, "float64": 1e-12}
TRAINING_BAR = 1e-4  # for losses and gradients
RATE = 0.01  # of the descent that is compared
VALUES = 32  # a channel, at least, whose mean and variance running statistics are
ROUNDINGS = 3  # that backends may be apart in float32: one of each, and as much as they may differ in size
# A gradient below this share of the largest is all rounding, as that of a shift before another norm is: it is measured
# against the share. Float32 rounds so much in deep stacks of norms that all are measured against the largest.
LEAST: dict[Precision, float] = {"float32": 1.0, "float64": 1e-6}


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two backends are apart at one value: max|difference| over max|reference|."""

    value: str
    shape: tuple[int, ...]
    error: float


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


def _fresh(program: Program, precision: Precision, image: Array) -> Sample:
    """The weights that a model starts with, and one image."""
    check_image_alone(program)
    found = backend(REFERENCE)
    weights = found.read_weights(found.build(program), program)
    return Sample(weights, {"image": image[None]}).rounded(precision)


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
    from spinec.backends.pytorch.observe import statistics

    found = backend(REFERENCE)
    with found.precision("float64"):
        model = found.build(program)
        found.write_weights(model, program, weights)
        return statistics(model, inputs)


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
    given = _given(program, precision, seed, image)
    first, second = (observed(name, program, given, precision) for name in names)
    return differences(first, second)


def bar_of(
    found: Iterable[Difference],
    program: Program,
    precision: Precision = "float32",
    seed: int = 0,
    image: Array | None = None,
) -> float:
    """What a `compare` is held to: its precision's bar, or where float32 itself is further off, what it does.

    A hundred norms in a row magnify rounding until two backends that both round are further apart than the bar. Where a
    difference is above it, the reference's own distance from what it computes in float64 is found, and the backends
    may be three times that apart.
    """
    bar = BARS[precision]
    if precision == "float64" or worst_of(found).error <= bar:
        return bar
    given = _given(program, "float64", seed, image)
    exact = observed(REFERENCE, program, given, "float64")
    rounded = observed(REFERENCE, program, given.rounded(precision), precision)
    return max(bar, ROUNDINGS * worst_of(differences(exact, rounded)).error)


def _given(program: Program, precision: Precision, seed: int, image: Array | None) -> Sample:
    return sample(program, precision, seed) if image is None else _fresh(program, precision, image)


def observed(name: str, program: Program, given: Sample, precision: Precision = "float32") -> dict[str, Array]:
    """Every value between blocks as one backend computes it."""
    found = backend(name)
    with found.precision(precision):
        model = found.build(program)
        found.write_weights(model, program, given.weights)
        return found.observe(model, program, given.inputs)


def differences(
    reference: Mapping[str, Array], other: Mapping[str, Array], least_share: float = 0.0
) -> list[Difference]:
    """How far apart two sets of arrays are, each in units of the reference's largest value.

    An array counts as no smaller than a share of the largest of all.
    """
    import numpy as np

    largest = {name: float(np.abs(array).max()) for name, array in reference.items()}
    least = max(1e-30, least_share * max(largest.values()))
    return [
        Difference(name, array.shape, float(np.abs(other[name] - array).max() / max(largest[name], least)))
        for name, array in reference.items()
    ]


def worst_of(found: Iterable[Difference]) -> Difference:
    """The one that is furthest apart."""
    return max(found, key=lambda each: each.error)


class Training(NamedTuple):
    """How far two backends are apart when both train the same weights on the same images."""

    values: list[Difference]
    """Every block, endpoint and output in the first step, norms using the batch's statistics."""
    statistics: list[Difference]
    """Running statistics after it."""
    gradients: list[Difference]
    """Of its loss, for every weight."""
    losses: list[Difference]
    """Of every step."""
    rounding: float
    """The furthest that the reference's own losses are from those of the same descent in float64."""

    def worst(self, precision: Precision) -> dict[str, tuple[Difference, float]]:
        """The worst of each, and its bar.

        Descent through kinks magnifies rounding: where float32 moves the reference's own losses by more than the bar,
        two backends that both round need not be closer than each is to the truth.
        """
        return {
            "values": (worst_of(self.values), BARS[precision]),
            "statistics": (worst_of(self.statistics), BARS[precision]),
            "gradients": (worst_of(self.gradients), TRAINING_BAR),
            "losses": (worst_of(self.losses), max(TRAINING_BAR, ROUNDINGS * self.rounding)),
        }


class Lesson(NamedTuple):
    """What a backend is trained on."""

    given: Sample
    targets: dict[str, Array]

    def rounded(self, precision: Precision) -> Lesson:
        """The same numbers, but for rounding."""
        return Lesson(self.given.rounded(precision), _as(precision, self.targets))


class _Run(NamedTuple):
    """What one backend makes of some steps of training."""

    first: TrainingStep
    statistics: dict[str, Array]
    losses: list[float]


class Course:
    """Some steps of gradient descent by which two backends are compared, with nothing left to chance: no dropout.

    PyTorch keeps n / (n - 1) of the variance of n values in a norm's running variance, Keras the variance itself: the
    factor is taken out. A norm over few values magnifies rounding: over four, as of four images whose coarsest level is
    one pixel, a hundredfold a step; so does every step of a `rate` with which losses grow.
    """

    def __init__(self, program: Program, seed: int = 0, steps: int = 10, batch: int = 8, rate: float = RATE) -> None:
        self.program = lower(without_chance(program.spec), program.size)
        self.lesson = lesson_of(self.program, seed, batch)
        self.steps, self.batch, self.rate = steps, batch, rate

    @cached_property
    def exact(self) -> _Run:
        """What the reference makes of it in float64."""
        return self._run(REFERENCE, "float64")

    def compare(self, precision: Precision = "float64") -> Training:
        """The difference of two backends."""
        reference = self.exact if precision == "float64" else self._run(REFERENCE, precision)
        other = self._run("tensorflow", precision)
        weights = self.lesson.rounded(precision).given.weights
        return Training(
            differences(reference.first.values, other.first.values),
            differences(reference.statistics, _unbiased(self.program, weights, other.statistics, self.batch)),
            differences(reference.first.gradients, other.first.gradients, LEAST[precision]),
            _apart(reference.losses, other.losses),
            worst_of(_apart(self.exact.losses, reference.losses)).error,
        )

    def _run(self, name: str, precision: Precision) -> _Run:
        given, targets = self.lesson.rounded(precision)
        found = backend(name)
        with found.precision(precision):
            model = found.build(self.program)
            found.write_weights(model, self.program, given.weights)

            def step() -> TrainingStep:
                return found.train_step(model, self.program, given.inputs, targets, self.rate)

            first = step()
            kept = found.read_weights(model, self.program)
            others = [step() for _ in range(self.steps - 1)]
        statistics = {key: kept[key] for key in self.program.state}
        return _Run(first, statistics, [each.loss for each in (first, *others)])


def compare_training(
    program: Program,
    precision: Precision = "float64",
    seed: int = 0,
    steps: int = 10,
    batch: int = 8,
    rate: float = RATE,
) -> Training:
    """The difference of two backends over some steps of gradient descent, as a `Course` takes them."""
    return Course(program, seed, steps, batch, rate).compare(precision)


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


def _apart(losses: list[float], others: list[float]) -> list[Difference]:
    return [
        Difference(f"step {step}", (), abs(loss - found) / loss)
        for step, (loss, found) in enumerate(zip(losses, others, strict=True), 1)
    ]


def without_chance(spec: ModelSpec) -> ModelSpec:
    """A spec whose training has no randomness."""
    head = spec.head
    if isinstance(head, Classification):
        head = head.model_copy(update={"dropout": 0.0})
    return spec.model_copy(update={"stochastic_depth": StochasticDepth(rate=0.0), "head": head})


def _unbiased(
    program: Program, before: Mapping[str, Array], after: Mapping[str, Array], batch: int
) -> dict[str, Array]:
    """Keras' running statistics as PyTorch keeps them."""
    corrected = dict(after)
    for step in program.steps:
        if isinstance(step.op, BatchNorm):
            name, kept = f"{step.module}.variance", step.op.momentum * before[f"{step.module}.variance"]
            n = batch * math.prod(step.input_shapes[0][1:])
            corrected[name] = kept + (after[name] - kept) * n / (n - 1)
    return corrected
