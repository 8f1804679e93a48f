"""Safetensors: the neutral form of weights, and how arrays of any names are read from such a file, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.backends.installed import check_installed
from spinec.backends.weights import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spinec.backends.weights import Array

SUFFIX = ".safetensors"
MARK = "spinec-neutral"  # the metadata's only key, for the spec's name: of several the order would be random
TYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}  # by the format's own names


def spec_in(path: Path) -> str | None:
    """The spec whose weights a file holds, where it is a neutral one."""
    return dict(_opened(path).metadata() or {}).get(MARK)


def read_safetensors(path: Path) -> dict[str, Stored]:
    """What a file holds, by its own names."""
    file = _opened(path)

    @cache
    def raw() -> dict[str, bytes]:
        """All of it, for what NumPy has no type for."""
        from safetensors import deserialize

        every: Any = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]  # its types are not written
        return {name: held["data"] for name, held in every}

    def stored(name: str) -> Stored:
        held = file.get_slice(name)
        shape, known = tuple(held.get_shape()), held.get_dtype()
        if known == "BF16":
            return Stored(shape, TYPES[known], lambda: widened(_halves(raw()[name])).reshape(shape))
        return Stored(shape, TYPES.get(known, known), lambda: file.get_tensor(name))

    return {name: stored(name) for name in file.keys()}  # noqa: SIM118  (the file is no mapping)


def packed(weights: Mapping[str, Array], spec: str = "") -> bytes:
    """The bytes of a file, which says whose weights it holds where that is given."""
    check_installed("safetensors", "safetensors", "pytorch")
    import numpy as np
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    data: bytes = save(arrays, {MARK: spec} if spec else None)
    return data


def unpacked(data: bytes) -> dict[str, Array]:
    """What `packed` packed."""
    from safetensors.numpy import load

    arrays: dict[str, Array] = load(data)
    return arrays


def widened(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The bits of bfloat16 as float32, whose first half they are."""
    import numpy as np

    return (halves.astype(np.uint32) << 16).view(np.float32)


def _halves(data: bytes) -> NDArray[np.uint16]:
    import numpy as np

    return np.frombuffer(data, np.dtype("<u2"))


def _opened(path: Path) -> Any:
    check_installed("safetensors", "safetensors", "pytorch")
    from safetensors import safe_open

    return safe_open(path, "numpy")
