"""Weights between frameworks: arrays by the names of the graph, in one layout.

The neutral form has the names and shapes of `Program.weights` and `Program.state`: ``b5.resample1.2.conv.kernel``,
kernels (out, in, height, width), depthwise ones (C, 1, height, width), linear ones (out, in).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from spinec.backends.expressions import Layer
from spinec.backends.outline import Rule
from spinec.compiler.ops.base import Op, Shape
from spinec.compiler.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.floating[Any]]

MOST_SHOWN = 50  # faults of one set of weights


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
    """Every array that a program needs is there, in its shape, and no other.

    Raises:
        BackendError: naming everything that is missing, that nothing needs, or that has another shape.
    """
    expected = {**program.weights, **program.state}
    faults = [f"{name}: missing, expected {_show(shape)}" for name, shape in expected.items() if name not in weights]
    faults += [
        f"{name}: expected {_show(shape)}, got {_show(weights[name].shape)}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != tuple(shape)
    ]
    faults += [f"{name}: {program.name} has no such weight" for name in weights if name not in expected]
    _raise(f"these are no weights of {program.name}, nothing was written", faults)


def _raise(title: str, faults: list[str]) -> None:
    if faults:
        rest = [f"... and {len(faults) - MOST_SHOWN} more"] if len(faults) > MOST_SHOWN else []
        raise BackendError("\n  ".join([f"{title}:", *faults[:MOST_SHOWN], *rest]))


def _show(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "a scalar"
