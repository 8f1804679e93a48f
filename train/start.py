"""What a run starts from: the weights of a file, but for layers of the head that are of other classes there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.backends.checkpoints import read_checkpoint, shapes_in
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.ops.base import Shape
from spinec.spec.errors import SpecError
from spinec.spec.making import change

if TYPE_CHECKING:
    from spinec.backends.weights import Array


class Start(NamedTuple):
    """Weights by neutral name."""

    weights: Mapping[str, Array]
    """Those that are taken as they are."""
    anew: tuple[str, ...] = ()
    """Those that start as fresh ones do, as the file has them for another number of classes."""
    classes: int = 0
    """How many classes the file is of, where that is another number."""


def read_start(path: Path, program: Program) -> Start:
    """The weights of a file of any form. It may be of the same network with another number of classes.

    Raises:
        BackendError: when the file cannot be read, or anything else does not fit: all faults are named.
    """
    network = _network_in(shapes_in(path, program), program)
    held, own = read_checkpoint(path, network), _shapes(program)
    anew = tuple(name for name, array in held.items() if array.shape != own[name])
    taken = {name: array for name, array in held.items() if name not in anew}
    return Start(taken, anew, _classes(network) if anew else 0)


def _network_in(found: Mapping[str, Shape], program: Program) -> Program:
    """The network of a file: with other classes, where the first layer that depends on them says so."""
    own = _shapes(program)
    if program.spec.head is None or all(found.get(name) == shape for name, shape in own.items()):
        return program
    with suppress(SpecError):  # the head may not have that many classes
        for name, more in _shapes(_of_classes(program, _classes(program) + 1)).items():
            if more != own[name] and len(found.get(name, ())) == len(more):
                axis = next(i for i, size in enumerate(more) if size != own[name][i])
                others, rest = divmod(found[name][axis] - own[name][axis], more[axis] - own[name][axis])
                return program if rest else _of_classes(program, _classes(program) + others)
    return program


def _classes(program: Program) -> int:
    head: Any = program.spec.head  # every kind has some
    number: int = head.classes
    return number


def _of_classes(program: Program, classes: int) -> Program:
    """The same network with other classes."""
    return lower(change(program.spec, {"head": {"labels": None, "classes": classes}}), program.size)


def _shapes(program: Program) -> dict[str, Shape]:
    return {**program.weights, **program.state}
