"""Weights between frameworks: arrays by the names of the graph, in one layout.

The neutral form has the names and shapes of `Program.weights` and `Program.state`: ``b5.resample1.2.conv.kernel``,
kernels (out, in, height, width), depthwise ones (C, 1, height, width), linear ones (out, in).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from spinec.backends.expressions import Layer, Rule
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op, Shape
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.floating[Any]]

MOST_SHOWN = 50  # faults of one set of weights
LIVE = ("float32", "float64", "float16")  # what a live model's weights may be given in
STORED = (*LIVE, "bfloat16")  # and what files may hold: all of it is read as float32


class Stored(NamedTuple):
    """An array in a file: what can be known of it before it is read."""

    shape: Shape
    type: str
    read: Callable[[], Array]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one array: its neutral name and shape, the layer that holds it, and under which attribute."""

    name: str
    shape: Shape
    module: str
    layer: str
    """What the backend's rule makes the layer by."""
    attribute: str


def slots(program: Program, rule_of: Callable[[Op], Rule]) -> list[Slot]:
    """Every array that a model of a program keeps, in the order of execution."""
    found = []
    for step in program.steps:
        shapes = {**step.op.weights(*step.input_shapes), **step.op.state(*step.input_shapes)} if step.owner else {}
        if not shapes:
            continue
        layer = rule_of(step.op)(step.op, *step.input_shapes)
        assert isinstance(layer, Layer), f"{step.op} keeps weights, so its rule makes a layer"
        found += [
            Slot(f"{step.module}.{role}", shape, step.module, layer.build.target, layer.weights[role])
            for role, shape in shapes.items()
        ]
    return found


def find_arrays(
    places: list[Slot], find: Callable[[Slot], Any], shape_of: Callable[[Slot, Any], Shape]
) -> dict[Slot, Any]:
    """What a live model keeps in every place.

    Raises:
        BackendError: when it is a model of another program.
    """
    found = {slot: find(slot) for slot in places}
    faults = [
        f"{slot.name}: expected {_show(slot.shape)}, the model has {_show(held) if held else 'none'}"
        for slot, value in found.items()
        if (held := None if value is None else shape_of(slot, value)) != slot.shape
    ]
    _raise("the model is none of this program", faults)
    return found


def check_weights(program: Program, weights: Mapping[str, Array]) -> None:
    """Every array that a program needs is there, in its shape, of real numbers, and no other.

    Raises:
        BackendError: naming everything that is missing, that nothing needs, or that has another shape or type.
    """
    found = {name: (tuple(array.shape), array.dtype.name) for name, array in weights.items()}
    _raise(_title(program), _misfits(program, found, LIVE))


def take(program: Program, stored: Mapping[str, Stored]) -> dict[str, Array]:
    """The arrays of a file in float32; nothing is read before all of them are known to fit.

    Raises:
        BackendError: naming everything that does not fit, or that has values which are no numbers.
    """
    import numpy as np

    _raise(_title(program), _misfits(program, {name: each[:2] for name, each in stored.items()}, STORED))
    with np.errstate(over="ignore"):  # what is too large is said below
        weights = {
            name: stored[name].read().astype(np.float32, copy=False) for name in (*program.weights, *program.state)
        }
    lost = {name: int(array.size - np.isfinite(array).sum()) for name, array in weights.items()}
    faults = [
        f"{name}: {count} of {weights[name].size} values are not finite in float32"
        for name, count in lost.items()
        if count
    ]
    _raise(_title(program), faults)
    return weights


def held(array: Array) -> Stored:
    """An array at hand, as if it were in a file."""
    return Stored(tuple(array.shape), array.dtype.name, lambda: array)


def renamed(stored: Mapping[str, Stored], names: Mapping[str, str]) -> dict[str, Stored]:
    """What a file holds by neutral name; what has none, or one that is taken, by its own."""
    known = {names[key]: each for key, each in stored.items() if key in names}
    return known | {f"{key} (twice)" if key in known else key: stored[key] for key in stored if key not in names}


def most_bytes(program: Program) -> int:
    """More than any file of a program's weights needs, be it in float64 and with all that an optimizer keeps."""
    shapes = {**program.weights, **program.state}.values()
    return (1 << 26) + (len(shapes) << 14) + 64 * sum(map(math.prod, shapes))


def _misfits(program: Program, found: Mapping[str, tuple[Shape, str]], types: tuple[str, ...]) -> list[str]:
    expected = {**program.weights, **program.state}
    known = {name: (shape, *found[name]) for name, shape in expected.items() if name in found}
    return [
        *(f"{name}: missing, expected {_show(shape)}" for name, shape in expected.items() if name not in found),
        *(
            f"{name}: expected {_show(wanted)}, got {_show(shape)}"
            for name, (wanted, shape, _) in known.items()
            if shape != wanted
        ),
        *(
            f"{name}: expected {' or '.join(types)}, got {held}"
            for name, (_, _, held) in known.items()
            if held not in types
        ),
        *(f"{name}: {program.name} has no such weight" for name in found if name not in expected),
    ]


def _title(program: Program) -> str:
    return f"these are no weights of {program.name}"


def _raise(title: str, faults: list[str]) -> None:
    if faults:
        rest = [f"... and {len(faults) - MOST_SHOWN} more"] if len(faults) > MOST_SHOWN else []
        raise BackendError("\n  ".join([f"{title}:", *faults[:MOST_SHOWN], *rest]))


def _show(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "a scalar"
