"""What a backend learns with: a model and its optimiser, fed with arrays, whose state can be kept and taken up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError
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
        recipe's seed and the number of the step alone.
        """

    def state(self) -> dict[str, Array]:
        """All that training goes on from: ``weights/NAME``, ``momentum/NAME``, ``average/NAME`` and so on."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state.

        Raises:
            BackendError: where it is not of this network and this recipe.
        """

    def weights(self) -> dict[str, Array]:
        """What the network is judged by: the average where the recipe has one, else the weights as they are."""


def decayed(program: Program, recipe: Recipe) -> list[str]:
    """The weights that decay: kernels have more than one axis, whatever an op calls them.

    >>> from spinec import load, lower
    >>> from spinec.spec.recipes.load import load_recipe
    >>> [name.rpartition(".")[2] for name in decayed(lower(load("eff-spinenet-d0")), load_recipe("detection"))][:2]
    ['kernel', 'kernel']
    """
    return [name for name in program.weights if recipe.optimizer.decays == "all" or name.endswith(".kernel")]


def parts_of(program: Program, recipe: Recipe) -> dict[str, list[str]]:
    """Which arrays a state has, by its parts."""
    every, trained = [*program.weights, *program.state], list(program.weights)
    moments = dict.fromkeys(MOMENTS[recipe.optimizer.kind], trained)
    return {"weights": every, **moments, **({"average": every} if recipe.average else {})}


def check_state(program: Program, recipe: Recipe, state: Mapping[str, Array]) -> None:
    """Every array that training goes on from is there, in its shape, and no other.

    Raises:
        BackendError: naming the first that is not.
    """
    shapes = {**program.weights, **program.state}
    wanted = {f"{part}/{name}": shapes[name] for part, names in parts_of(program, recipe).items() for name in names}
    for name in wanted.keys() | state.keys():
        if (held := state[name].shape if name in state else None) != wanted.get(name):
            expected = f"expected {wanted[name]}" if name in wanted else "expected no such array"
            raise BackendError(f"the state is not of {program.name} and this recipe: {name}: {expected}, got {held}")
