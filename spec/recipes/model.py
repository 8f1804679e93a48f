"""What a recipe says: data, augmentation, optimiser, schedule and evaluation of a training run.

Defaults are the paper's protocol for detection (arXiv 2010.11426, Section 5.1.1); where it is silent, its authors'
public code (tensorflow/tpu).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from spinec.spec.fields import READ_ONLY, Frozen, Ratio

MOST = 100_000_000
MOST_PATTERNS = 1_000
Count = Annotated[int, Field(ge=1, le=MOST)]
Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Epochs = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


def _by_epoch(drops: Any) -> Any:
    """Keys of a document are text; these are epochs."""
    if not isinstance(drops, Mapping):
        return drops
    try:
        found = {float(epoch): factor for epoch, factor in drops.items()}
    except ValueError:
        found = {}
    if len(found) < len(drops) or not all(map(isfinite, found)):
        raise ValueError("expected epochs and factors, such as {620: 0.1, 640: 0.01} or {-30: 0.1, -10: 0.01}")
    return found


def _range(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, int | float) for each in value):
        if value[0] > value[1]:
            raise ValueError(f"expected the smaller number first, got {list(value)}")
        return value
    raise ValueError("expected two numbers, [least, most]")


Range = Annotated[tuple[Positive, Positive], BeforeValidator(_range)]


def check_one(steps: int | None, epochs: float | None) -> None:
    """A length is said in one way.

    Raises:
        ValueError: where it is said in none, or in both.
    """
    if (steps is None) == (epochs is None):
        raise ValueError(f"expected either 'steps' or 'epochs', got {'neither' if steps is None else 'both'}")


class Data(Frozen):
    """What is learned from, and what the result is judged by."""

    train: str = Field("train", max_length=200, description="split that is learned from")
    evaluate: str = Field("val", max_length=200, description="split that the result is judged by")
    hold_out: int = Field(
        0,
        ge=0,
        le=MOST,
        description="images of `train` that are not learned from: the result is judged by these, not by `evaluate`",
    )
    boxes: Count = Field(100, description="boxes of an image that are learned, at most")


class Augment(Frozen):
    """How images change from epoch to epoch."""

    flip: Ratio = Field(0.5, description="share of images that are mirrored, left to right")
    scale: Range = Field((1.0, 1.0), description="boxes, areas: size of the image, in sizes of the network's input")
    smooth: bool = Field(True, description="whether what becomes smaller is smoothed, as it is in evaluation")
    area: Range = Field(
        (0.08, 1.0), description="classification: share of the image that is seen, [least, most]; its form varies, too"
    )
    policy: Literal["none", "randaugment", "autoaugment"] = Field(
        "none", description="classification: operations that are drawn"
    )
    layers: int = Field(2, ge=1, le=16, description="operations of randaugment on an image, one after the other")
    magnitude: int = Field(10, ge=0, le=10, description="how strong those of randaugment are, of 10")


class Optimizer(Frozen):
    """How weights follow gradients."""

    kind: Literal["sgd", "rmsprop", "adamw"] = Field(
        "sgd", description="which rule; sgd and adamw are those of torch.optim, rmsprop is TensorFlow's"
    )
    rate: Positive = Field(0.28, description="learning rate for `per` images a step; it grows with them")
    per: Count = Field(256, description="images of a step that the rate is for")
    momentum: Ratio = Field(0.9, description="share of the last step that the next one keeps")
    smoothing: Ratio = Field(0.9, description="rmsprop, adamw: share that the mean of squared gradients keeps")
    epsilon: Positive = Field(1e-3, description="rmsprop, adamw: what a root of squared gradients is at least about")
    decay: Factor = Field(
        4e-5,
        description="weight decay: sgd and rmsprop have decay x sum(w^2) / 2 in the loss, adamw takes it off itself",
    )
    decays: Literal["kernels", "all"] = Field(
        "kernels", description="what decays: no bias, norm or scalar; or everything"
    )
    clip: Factor = Field(10.0, description="largest norm of all gradients together; 0: any")
    frozen: tuple[Pattern, ...] = Field(
        (), max_length=MOST_PATTERNS, description="patterns of blocks and weights that stay as they are, [stem, 'b1*']"
    )
    parts: Annotated[Mapping[Pattern, Positive], *READ_ONLY] = Field(
        {}, max_length=MOST_PATTERNS, description="pattern: factor of the rate of what it matches; the last one counts"
    )


class Warmup(Frozen):
    """The first steps, in which the rate rises."""

    steps: Count | None = Field(None, description="how many")
    epochs: Epochs | None = Field(None, description="or how many epochs")
    start: Factor = Field(0.0, description="rate of the first step, for `per` images")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        check_one(self.steps, self.epochs)
        return self


class Schedule(Frozen):
    """How long, and how the rate falls."""

    epochs: Epochs | None = Field(None, description="how often all images are seen")
    steps: Count | None = Field(None, description="or how many steps there are")
    kind: Literal["drops", "cosine", "exponential"] = Field(
        "drops", description="by factors at some epochs; to 0, as half a cosine; by one factor again and again"
    )
    drops: Annotated[Mapping[float, Factor], BeforeValidator(_by_epoch), *READ_ONLY] = Field(
        {}, max_length=100, description="epoch: the factor of the rate from it on; -30 is 30 epochs before the end"
    )
    factor: Ratio = Field(0.97, description="exponential: of the rate")
    every: Epochs = Field(2.4, description="exponential: epochs from one factor to the next")
    warmup: Warmup | None = Field(None, description="how the rate rises at first; without it, it does not")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        check_one(self.steps, self.epochs)
        return self

    def drops_in(self, epochs: float) -> dict[float, float]:
        """The epoch that each drop begins with, in a run of so many, and its factor.

        Raises:
            ValueError: for one that is farther from the end than the beginning is.

        >>> Schedule(epochs=650, drops={-30: 0.1, -10: 0.01}).drops_in(650)
        {620.0: 0.1, 640.0: 0.01}
        """
        if early := [epoch for epoch in sorted(self.drops) if epoch + epochs < 0]:
            raise ValueError(f"{early[0]:g} is before the run begins, which has {epochs:.4g} epochs")
        return dict(sorted((epoch + epochs * (epoch < 0), factor) for epoch, factor in self.drops.items()))


class Average(Frozen):
    """A moving average of the weights, which is judged instead of them."""

    decay: Ratio = Field(0.9998, description="share that the average keeps of itself at a step")


class Evaluate(Frozen):
    """How often the network is judged."""

    every: Epochs | None = Field(
        None, description="epochs from one evaluation to the next, 10 if not said; the last step is always one"
    )
    steps: Count | None = Field(None, description="or how many steps")
    statistics: int = Field(
        0, ge=0, le=100_000, description="batches that running means and variances are taken anew from before it"
    )

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.every and self.steps:
            raise ValueError("expected either 'every', in epochs, or 'steps', got both")
        return self


class Recipe(Frozen):
    """A training run: what is learned from, how, and how long."""

    recipe: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="what the recipe is called")
    says: str = Field("", max_length=200, description="what it is for, in one line")
    source: str = Field("", max_length=500, description="where the protocol comes from")
    data: Data = Data()
    augment: Augment = Augment()
    batch: Count = Field(256, description="images of a step, over all processes")
    optimizer: Optimizer = Optimizer()
    schedule: Schedule
    average: Average | None = None
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="of what the network computes; weights, losses and evaluation are float32"
    )
    compile: bool = Field(False, description="whether the step is compiled first: by torch.compile, or by XLA")
    synchronized: bool = Field(
        False,
        description="of several processes: whether every batch norm is of all their images, whatever the spec says",
    )
    normaliser: Literal["replica", "global"] = Field(
        "replica",
        description="of several processes: each one's loss is over its own images' positives, as on a TPU, or over all",
    )
    evaluate: Evaluate = Evaluate()
    seed: int = Field(0, ge=0, le=2**63 - 1, description="of the start, the order of the images and their augmentation")

    @property
    def rate(self) -> float:
        """The learning rate for this batch: it grows with the images of a step.

        >>> Recipe(recipe="small", batch=8, schedule=Schedule(steps=100)).rate
        0.00875
        """
        return self.optimizer.rate * self.scaled

    @property
    def scaled(self) -> float:
        """What the rate is multiplied by, as the batch is not the one that it is said for."""
        return self.batch / self.optimizer.per
