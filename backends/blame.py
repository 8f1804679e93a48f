"""Where the first number of a step of training comes from that is none: NaN, or infinite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spinec.backends.weights import Array


class Watched(NamedTuple):
    """What is not finite in a step that was looked at: names, in the order in which it is computed."""

    values: Sequence[str]
    """Paths of the graph, such as ``b5.body.norm``, then outputs."""
    losses: Sequence[str]
    gradients: Sequence[str]
    """Of weights, those behind first: gradients go backward."""
    weights: Sequence[str]
    """Before the step."""


def blame(watched: Watched, images: Array, targets: Mapping[str, NDArray[Any]], ids: Iterable[int | str]) -> str:
    """Where it begins, as the end of a sentence.

    >>> import numpy as np
    >>> blame(Watched(["b5.norm", "b6.conv"], ["loss"], [], ["b5.norm.scale"]), np.zeros((1, 2, 2, 3)), {}, [7])
    'first at b5.norm, whose scale was none before the step'
    """
    import numpy as np

    for name, array in {"image": images, **targets}.items():
        finite = np.isfinite(array).reshape(len(array), -1).all(1)
        for known, example in zip(finite, ids, strict=True):
            if not known:
                return f"first in the {name} of example {example}: the data are at fault"
    if watched.values:
        return f"first at {watched.values[0]}{_own(watched.values[0], watched.weights)}"
    if watched.losses:
        parts = [f"loss {name!r}" for name in watched.losses if name != "loss"] or ["sum of the losses"]
        return f"first in the {parts[0]}: all that the network gives is finite"
    if watched.gradients:
        return f"first in the gradient of {watched.gradients[0]}: the losses are finite"
    return "not when the step was looked at once more"


def _own(path: str, weights: Sequence[str]) -> str:
    """Which weights of an op were no numbers themselves."""
    own = [name.rpartition(".")[2] for name in weights if name.rpartition(".")[0] == path]
    return f", whose {' and '.join(own)} was none before the step" if own else ""
