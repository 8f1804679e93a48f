"""Backends by name: source of a program, and the live module that is that source."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from spinec import backends
from spinec.backends.processes import ALONE, Across, Place
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from spinec.backends.learner import Learner
    from spinec.backends.weights import Array, Stored
    from spinec.spec.recipes.model import Recipe


class TrainingStep(NamedTuple):
    """What a step of training computed, by neutral names: every value between blocks, the loss and its gradients."""

    values: dict[str, Array]
    loss: float
    gradients: dict[str, Array]


class Live(NamedTuple):
    """A live model with weights, and what answers with it."""

    model: Any
    answer: Callable[..., tuple[Array, ...]]
    """Of images (batch, channels, height, width), and what the part takes besides, in its order."""
    use: Callable[..., Any]
    """A function of the source, by its name, such as 'paste', on arrays."""


class Contents(NamedTuple):
    """What a file of a model gives and takes besides what the model does."""

    part: str = ""
    """Whose answers it gives in place of the network's outputs."""
    sizes: bool = False
    """Whether it is told how many rows and columns of each image are image, the rest being padding."""


class Backend(Protocol):
    """What a backend's package offers. To add a backend, add a folder whose package has these."""

    CHECKPOINTS: tuple[str, ...]
    """The endings of the files of weights that it reads and writes."""
    EXPORTS: Mapping[str, Callable[[Path, Program, Mapping[str, Array] | None, Contents], None]]
    """What it can turn a program into, with some weights or fresh ones."""

    MEASURES: Mapping[str, Callable[[Program, Recipe, Array, Mapping[str, NDArray[Any]]], float]]
    """What a network is worth before it has learned, of a batch: images (batch, height, width, channels) and targets.

    None, where a backend has none.
    """

    def emit(self, program: Program, parts: Sequence[str] = ()) -> str:
        """Standalone source of a program, and of what its head answers or learns: see `emit` below."""

    def build(self, program: Program) -> Any:
        """The live model: that source, imported."""

    def run(self, program: Program, image: NDArray[np.float32], seed: int = 0) -> dict[str, NDArray[np.float32]]:
        """The outputs of a model with fresh weights for one image, all (channels, height, width).

        Raises:
            BackendError: when the program takes more than an image.
        """

    def answering(self, program: Program, parts: Sequence[str], weights: Mapping[str, Array] | None, seed: int) -> Live:
        """A model with some weights, or fresh ones from a seed, and what answers with it: the first of the parts."""

    def join(self, across: Across) -> Place:
        """Take part in a training by several processes, as the environment says; which of them this one is."""

    def learner(
        self, program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None, place: Place = ALONE
    ) -> Learner:
        """A network that learns, from some weights; those that are not given are fresh, by the recipe's seed."""

    def lacks_memory(self, error: Exception) -> bool:
        """Whether an error of the framework says that there was too little memory."""

    def settle(self, model: Any, images: Iterable[Array], modules: Container[str] = ()) -> None:
        """Take a model's running means and variances anew, from batches (batch, height, width, channels).

        Some modules stay as they are.
        """

    def observe(self, model: Any, program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Every block's, endpoint's and output's value for some inputs, all (batch, channels, height, width)."""

    def train_step(
        self, model: Any, program: Program, inputs: Mapping[str, Array], targets: Mapping[str, Array], rate: float
    ) -> TrainingStep:
        """One step of gradient descent on the mean squared error, summed over the outputs."""

    def precision(self, name: str) -> AbstractContextManager[None]:
        """What models are built within compute in: float32 or float64."""

    def read_weights(self, model: Any, program: Program) -> dict[str, Array]:
        """Every weight and running statistic by neutral name."""

    def write_weights(self, model: Any, program: Program, weights: Mapping[str, Array]) -> None:
        """Set every weight and running statistic, or none."""

    def read_checkpoint(self, path: Path, program: Program) -> dict[str, Stored]:
        """What is in a file of the framework, by neutral name where it has one, to be read when it is known to fit."""

    def write_checkpoint(self, path: Path, program: Program, weights: Mapping[str, Array]) -> None:
        """Write a file of the framework."""


def check_image_alone(program: Program) -> None:
    """An image is all that a program takes.

    Raises:
        BackendError: naming what else it takes.
    """
    if program.crops:
        raise BackendError(
            f"{program.name} takes {' and '.join(program.crops)} beside the image: a picture is not enough"
        )


def backend_names() -> list[str]:
    """The backends there are."""
    return [module.name for module in iter_modules(backends.__path__) if module.ispkg]


def backend(name: str) -> Backend:
    """A backend by name; its framework is loaded by `build` alone."""
    if name not in backend_names():
        raise BackendError(f"no backend {name!r}; {did_you_mean(name, backend_names())}")
    found: Any = import_module(f"spinec.backends.{name}")
    return found  # type: ignore[no-any-return]  # a package that has these functions


def emit(program: Program, backend_name: str = "pytorch", parts: Sequence[str] = ()) -> str:
    """Standalone source of a program for a framework; deterministic, and nothing of spinec in it.

    With the parts ``"detect"``, ``"classify"``, ``"segment"``, ``"paste"`` or ``"loss"`` it has functions of these
    names, which make answers of what the head gives, or say what it is to learn.

    Raises:
        BackendError: when the backend lacks a rule, or the head a part.

    >>> from spinec import load, lower
    >>> "class EffSpineNetD0(nn.Module):" in emit(lower(load("eff-spinenet-d0")), "pytorch")
    True
    """
    return backend(backend_name).emit(program, parts)


def build(program: Program, backend_name: str = "pytorch") -> Any:
    """The live model of a program in a framework: the module that `emit` writes, imported.

    Raises:
        BackendError: when the framework is not installed.
    """
    return backend(backend_name).build(program)
