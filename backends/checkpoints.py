"""Files of weights: the neutral form as safetensors, and every backend's own files, read and written whole."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from spinec.backends.backend import backend, backend_names
from spinec.backends.neutral import SUFFIX, packed, read_safetensors, spec_in
from spinec.backends.weights import Stored, held, take
from spinec.backends.writing import written
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Shape
from spinec.spec.errors import BackendError, SpinecError, first_line

if TYPE_CHECKING:
    from spinec.backends.weights import Array

Layout: TypeAlias = Literal["neutral", "pytorch"]


class Checkpoint(NamedTuple):
    """What a file holds: weights in float32, by neutral name, and of which types they were in the file."""

    weights: dict[str, Array]
    types: Mapping[str, int]


def read_checkpoint(path: Path, program: Program) -> dict[str, Array]:
    """The weights in a file of any form, by neutral name, in float32.

    Raises:
        BackendError: when the file cannot be read, or holds the weights of another program: all faults are named.
    """
    return open_checkpoint(path, program).weights


def open_checkpoint(path: Path, program: Program) -> Checkpoint:
    """The same and of which types it was: float16 and bfloat16 become float32 as they are, float64 is rounded to it.

    Raises:
        BackendError: when the file cannot be read, or holds the weights of another program: all faults are named.
    """
    with _reading(path):
        stored = _stored(path, program)
        return Checkpoint(take(program, stored), Counter(each.type for each in stored.values()))


def read_part(path: Path, part: str, program: Program) -> dict[str, Array]:
    """The weights in a part of a file of neutral arrays, ``PART/NAME``, in float32; nothing where it has no such part.

    Raises:
        BackendError: when the file cannot be read, or the part is of another program.
    """
    with _reading(path):
        stored = {name.partition("/")[::2]: each for name, each in read_safetensors(path).items()}
        own = {name: each for (first, name), each in stored.items() if first == part}
        return take(program, own) if own else {}


def shapes_in(path: Path, program: Program) -> dict[str, Shape]:
    """What a file holds: shapes by neutral name, and by the file's own where a program has none.

    Raises:
        BackendError: when the file cannot be read.
    """
    with _reading(path):
        return {name: each.shape for name, each in _stored(path, program).items()}


def write_checkpoint(path: Path, program: Program, weights: Mapping[str, Array], layout: Layout = "neutral") -> None:
    """Write weights to a file, in float32 and in the form that its name says; all of them, or nothing.

    Raises:
        BackendError: when weights are missing, unknown or of another shape or type, or the form is unknown.
        OSError: when the file cannot be written.
    """
    taken = take(program, {name: held(array) for name, array in weights.items()})
    neutral = path.suffix == SUFFIX and layout == "neutral"
    owner = None if neutral else backend(_owner(path))
    with written(path) as made:
        if owner is None:
            made.write_bytes(packed(taken, program.name))
        else:
            owner.write_checkpoint(made, program, taken)


def spec_named_in(path: Path) -> str | None:
    """The spec whose weights a file holds, where it is a neutral one.

    Raises:
        BackendError: when there is no such file, or it is damaged.
    """
    if not os.path.isfile(path):  # False, unlike Path.is_file, for a name that no file can have
        raise BackendError(f"{path}: no such file")
    if path.suffix != SUFFIX:
        return None
    with _reading(path):
        return spec_in(path)


def _stored(path: Path, program: Program) -> dict[str, Stored]:
    owner = None if spec_named_in(path) else backend(_owner(path))
    return owner.read_checkpoint(path, program) if owner else read_safetensors(path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever the libraries that read a file raise, where it is damaged, is one error that names it."""
    try:
        yield
    except SpinecError as error:
        if str(error).startswith(f"{path}"):
            raise
        raise BackendError(f"{path}: {error}") from None
    except Exception as error:
        reason = first_line(str(error)) or type(error).__name__
        raise BackendError(f"{path}: cannot be read as a file of weights: {reason}") from error


def _owner(path: Path) -> str:
    """The backend whose files have this suffix."""
    suffixes = {suffix: name for name in backend_names() for suffix in backend(name).CHECKPOINTS}
    found = [name for suffix, name in suffixes.items() if path.name.endswith(suffix)]
    if not found:
        known = ", ".join(sorted({SUFFIX, *suffixes}))
        raise BackendError(f"{path}: unknown form of weights; expected a name that ends in {known}")
    return found[0]
