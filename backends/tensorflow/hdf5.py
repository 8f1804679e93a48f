"""What a file of Keras' weights holds: arrays in the order of a layer's own, in a group that bears the layer's name."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from spinec.backends.neutral import widened
from spinec.backends.tensorflow.live import build
from spinec.backends.tensorflow.printer import rule_of
from spinec.backends.tensorflow.weights import neutral_shape, to_neutral
from spinec.backends.weights import Slot, Stored, most_bytes, renamed, slots
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    import h5py

    from spinec.backends.weights import Array

ARRAY = re.compile(r"(layers/[^/]+)/vars/(\d+)")
OTHERS = re.compile(r"layers/[^/]+/(.*/)?seed_generator\w*/")  # what dropout draws from is no weight


def read_hdf5(file: Path | io.BytesIO, program: Program) -> dict[str, Stored]:
    """What a file holds of a network, by neutral name where it has one; not what an optimizer keeps there.

    Nothing is followed that leads to other files.
    """
    found = _datasets(file)
    layers = _layers(found, program)
    places: dict[str, list[Slot]] = {}
    for slot in slots(program, rule_of):
        places.setdefault(slot.module, []).append(slot)
    slot_of = {
        path: places[layer][index] for path, (layer, index) in layers.items() if index < len(places.get(layer, ()))
    }
    stored = {path: _stored(dataset, slot_of.get(path), most_bytes(program)) for path, dataset in found.items()}
    shown = {path: f"{path} ({layers[path][0]})" if path in layers else path for path in found}
    return renamed(
        {shown[path]: each for path, each in stored.items()}, {shown[path]: slot.name for path, slot in slot_of.items()}
    )


def _datasets(file: Path | io.BytesIO) -> dict[str, h5py.Dataset]:
    """Every array of a layer by its path; links to other places are not followed."""
    import h5py

    found = {}

    def visit(path: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and path.startswith("layers/") and not OTHERS.match(path):
            found[path] = item

    h5py.File(file, "r").visititems(visit)
    return found


def _layers(found: dict[str, h5py.Dataset], program: Program) -> dict[str, tuple[str, int]]:
    """The layer that an array is of, and its number there."""
    matches = {path: match for path in found if (match := ARRAY.fullmatch(path))}
    names = {path: found[path].parent.attrs.get("name") for path in matches}
    by_order = {} if all(names.values()) else _by_order(program)
    return {
        path: (str(names[path] or by_order.get(match[1], match[1])), int(match[2])) for path, match in matches.items()
    }


def _by_order(program: Program) -> dict[str, str]:
    """Layers by the groups of older files, which say of which class they are and count."""
    counts: Counter[str] = Counter()
    found = {}
    for layer in build(program).layers:
        kind = re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", type(layer).__name__).lower()
        found[f"layers/{kind}_{counts[kind]}" if counts[kind] else f"layers/{kind}"] = layer.name
        counts[kind] += 1
    return found


def _stored(dataset: h5py.Dataset, slot: Slot | None, limit: int) -> Stored:
    shape = neutral_shape(slot, dataset.shape) if slot else tuple(dataset.shape or ())
    return Stored(shape, _type(dataset, limit), lambda: to_neutral(slot, _array(dataset)) if slot else _array(dataset))


def _type(dataset: h5py.Dataset, limit: int) -> str:
    """What an array holds and how, if not simply its numbers."""
    halves = dataset.attrs.get("dtype") == "bfloat16" and dataset.dtype.itemsize == 2
    chunk = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    kinds = {
        "external": bool(dataset.external),
        "virtual": dataset.is_virtual,
        f"in chunks of {chunk:,} bytes": chunk > limit,
    }
    return " ".join([*(kind for kind, holds in kinds.items() if holds), "bfloat16" if halves else dataset.dtype.name])


def _array(dataset: h5py.Dataset) -> Array:
    array: Array = dataset[()]
    return widened(array.view("uint16")) if dataset.attrs.get("dtype") == "bfloat16" else array
