"""Whether two backends are one network: the same weights and images, compared at every block, also in training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from spinec.backends.backend import backend
from spinec.backends.sample import REFERENCE, Precision, Sample, fresh, lesson_of, sample, without_chance
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.ops.norm import BatchNorm

if TYPE_CHECKING:
    from spinec.backends.backend import TrainingStep
    from spinec.backends.weights import Array

OTHER = "tensorflow"
BARS: dict[Precision, float] = {"float32": 1e-5, "float64": 1e-12}
TRAINING_BAR = 1e-4  # for losses and gradients
RATE = 0.01  # of the descent that is compared
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


class Comparison(NamedTuple):
    """How far two backends are apart, and how far they may be."""

    found: list[Difference]
    """At every block, endpoint and output."""
    bar: float

    @property
    def worst(self) -> Difference:
        """The value at which they are furthest apart."""
        return worst_of(self.found)

    @property
    def worst_first(self) -> list[Difference]:
        """The same values, by how far apart they are."""
        return sorted(self.found, key=_distance, reverse=True)


def compare(
    program: Program, precision: Precision = "float32", seed: int = 0, image: Array | None = None
) -> Comparison:
    """The difference of two backends at every block, endpoint and output, on random weights and images.

    With an image of your own it is on that and the weights that a model starts with.

    The bar is that of the precision. A hundred norms in a row magnify rounding until two backends that both round are
    further apart than it: where a float32 value is, the reference's own distance from what it computes in float64 is
    found, and the backends may be three times that apart.

    Raises:
        BackendError: when a framework is not installed.
    """
    given = sample(program, "float64", seed) if image is None else fresh(program, image)
    rounded = given.rounded(precision)
    reference, other = (observed(name, program, rounded, precision) for name in (REFERENCE, OTHER))
    found = Comparison(differences(reference, other), BARS[precision])
    if precision == "float64" or found.worst.error <= found.bar:
        return found
    exact = observed(REFERENCE, program, given, "float64")
    return found._replace(bar=max(found.bar, ROUNDINGS * worst_of(differences(exact, reference)).error))


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
    least = max(1e-30, least_share * max(largest.values(), default=0.0))
    return [
        Difference(name, array.shape, float(np.abs(other[name] - array).max() / max(largest[name], least)))
        for name, array in reference.items()
    ]


def worst_of(found: Iterable[Difference]) -> Difference:
    """The one that is furthest apart."""
    return max(found, key=_distance)


def _distance(each: Difference) -> tuple[bool, float]:
    """What differences are ordered by: one that is not a number is further than any."""
    return math.isnan(each.error), each.error


class Training(NamedTuple):
    """How far two backends are apart when both train the same weights on the same images."""

    values: list[Difference]
    """Every block, endpoint and output in the first step, norms using the batch's statistics."""
    statistics: list[Difference]
    """Running statistics after it; none where norms keep none."""
    gradients: list[Difference]
    """Of its loss, for every weight."""
    losses: list[Difference]
    """Of every step."""
    rounding: float
    """The furthest that the reference's own losses are from those of the same descent in float64."""
    precision: Precision

    @property
    def worst(self) -> dict[str, tuple[Difference, float]]:
        """The worst of each, and its bar.

        Descent through kinks magnifies rounding: where float32 moves the reference's own losses by more than the bar,
        two backends that both round need not be closer than each is to the truth.
        """
        statistics = {"statistics": (worst_of(self.statistics), BARS[self.precision])} if self.statistics else {}
        return {
            "values": (worst_of(self.values), BARS[self.precision]),
            **statistics,
            "gradients": (worst_of(self.gradients), TRAINING_BAR),
            "losses": (worst_of(self.losses), max(TRAINING_BAR, ROUNDINGS * self.rounding)),
        }


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
        other = self._run(OTHER, precision)
        weights = self.lesson.rounded(precision).given.weights
        return Training(
            differences(reference.first.values, other.first.values),
            differences(reference.statistics, _unbiased(self.program, weights, other.statistics, self.batch)),
            differences(reference.first.gradients, other.first.gradients, LEAST[precision]),
            _apart(reference.losses, other.losses),
            worst_of(_apart(self.exact.losses, reference.losses)).error,
            precision,
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


def _apart(losses: list[float], others: list[float]) -> list[Difference]:
    return [
        Difference(f"step {step}", (), abs(loss - found) / loss)
        for step, (loss, found) in enumerate(zip(losses, others, strict=True), 1)
    ]


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
