"""What a backend learns with: a model and its optimiser, fed with arrays, whose state can be kept and taken up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, Any, Protocol

from spinec.backends.blame import Watched
from spinec.backends.patterns import factors
from spinec.backends.processes import Place
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError
from spinec.spec.heads import MaskRCNN
from spinec.spec.recipes.model import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spinec.backends.weights import Array

MOMENTS = {"sgd": ("momentum",), "rmsprop": ("momentum", "square"), "adamw": ("momentum", "square")}
"""What an optimiser keeps of every weight: the mean step, the mean square of the gradients."""


class Learner(Protocol):
    """A network as it learns. Names are the graph's and arrays neutral, so that any backend takes up any state."""

    def step(self, images: Array, targets: Mapping[str, NDArray[Any]], rate: float, number: int) -> dict[str, float]:
        """One step of gradient descent; gives the losses, and the norm of all gradients before it is limited.

        Images are (batch, height, width, channels). What is drawn at random, as for stochastic depth, is drawn by the
        recipe's seed and the number of the step alone. Where one of these is no number, nothing is changed.
        """

    def watch(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> Watched:
        """What is not finite in a step that was taken last and changed nothing: all of it is computed again."""

    def agree(self, asked: bool) -> bool:
        """Whether any of the processes that learn together is asked for something."""

    def state(self) -> dict[str, Array]:
        """All that training goes on from: ``weights/NAME``, ``momentum/NAME``, ``average/NAME`` and so on."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state.

        Raises:
            BackendError: where it is not of this network and this recipe.
        """

    def weights(self) -> dict[str, Array]:
        """What the network is judged by: the average where the recipe has one, else the weights as they are."""


@dataclass
class Scale:
    """What a loss is multiplied by, so that gradients in float16 are not too small to be told from 0.

    The least that works: it is halved where gradients overflow, and doubled after `EVERY` steps that went well, as
    PyTorch and Keras do it. A power of 2, by which no digit of a gradient is lost.
    """

    on: bool
    value: float = 1.0
    steps: int = 0
    """How many steps went well since it was changed."""

    EVERY = 2000
    FIRST = 65536.0

    def __post_init__(self) -> None:
        self.value = self.FIRST if self.on else 1.0

    def told(self, told: dict[str, float]) -> dict[str, float]:
        """What a step tells, and what it means for the next one; a step whose gradients overflowed is skipped."""
        if not self.on:
            return told
        used, lacking = self.value, [name for name, value in told.items() if not isfinite(value)]
        if lacking == ["gradient"] and used > 1:
            self.value, self.steps = used / 2, 0
            return {**{name: value for name, value in told.items() if name != "gradient"}, "scale": used, "skipped": 1}
        self.steps += not lacking
        if self.steps == self.EVERY:
            self.value, self.steps = used * 2, 0
        return {**told, "scale": used}

    def state(self) -> dict[str, Array]:
        """What it goes on from."""
        import numpy as np

        return {"scaler/scale": np.array(self.value), "scaler/steps": np.array(float(self.steps))} if self.on else {}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state."""
        if self.on:
            self.value, self.steps = float(state["scaler/scale"]), int(state["scaler/steps"])


def narrowed(targets: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    """Targets without boxes that stand for none in every image, which take time alone.

    What is left is as wide as a power of two, since each width is traced anew.

    >>> import numpy as np
    >>> narrowed({"boxes": np.zeros((2, 100, 4)), "classes": np.full((2, 100), -1)})["boxes"].shape
    (2, 8, 4)
    """
    if "boxes" not in targets:
        return targets
    import numpy as np

    there = np.flatnonzero((targets["classes"] >= 0).any(axis=0))
    width = max(8, 1 << int(there.max(initial=0)).bit_length())
    return {name: each[:, :width] for name, each in targets.items()}


def noise_of(program: Program, images: int, boxes: int, seed: int, number: int, place: Place) -> tuple[Array, Array]:
    """What the loss of Mask R-CNN draws anchors and regions by, for a process's images of a step: (images, of them).

    The whole batch's is drawn by seed and step, so it is the same for every backend and any number of processes.
    """
    import numpy as np

    head = program.spec.head
    assert isinstance(head, MaskRCNN)
    maps = (program.shapes[value] for name, value in program.graph.outputs.items() if name.startswith("objectness_"))
    draw = np.random.default_rng([seed, number])
    own = slice(place.rank * images, (place.rank + 1) * images)
    widths = (sum(map(prod, maps)), head.proposals.most + boxes)
    one, other = (draw.random((images * place.number, width), np.float32)[own] for width in widths)
    return one, other


def decayed(program: Program, recipe: Recipe) -> list[str]:
    """The weights that decay: kernels have more than one axis, whatever an op calls them.

    >>> from spinec import load, lower
    >>> from spinec.spec.recipes.load import load_recipe
    >>> [name.rpartition(".")[2] for name in decayed(lower(load("eff-spinenet-d0")), load_recipe("detection"))][:2]
    ['kernel', 'kernel']
    """
    every = recipe.optimizer.decays == "all"
    return [name for name in factors(program, recipe) if every or name.endswith(".kernel")]


def parts_of(program: Program, recipe: Recipe) -> dict[str, list[str]]:
    """Which arrays a state has, by its parts."""
    every, trained = [*program.weights, *program.state], list(factors(program, recipe))
    moments = dict.fromkeys(MOMENTS[recipe.optimizer.kind], trained)
    return {"weights": every, **moments, **({"average": every} if recipe.average else {})}


def check_state(program: Program, recipe: Recipe, state: Mapping[str, Array]) -> None:
    """Every array that training goes on from is there, in its shape, and no other.

    Raises:
        BackendError: naming the first that is not.
    """
    shapes = {**program.weights, **program.state}
    wanted = {f"{part}/{name}": shapes[name] for part, names in parts_of(program, recipe).items() for name in names}
    wanted |= dict.fromkeys(Scale(recipe.precision == "float16").state(), ())
    for name in wanted.keys() | state.keys():
        if (held := state[name].shape if name in state else None) != wanted.get(name):
            expected = f"expected {wanted[name]}" if name in wanted else "expected no such array"
            raise BackendError(f"the state is not of {program.name} and this recipe: {name}: {expected}, got {held}")
