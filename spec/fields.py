"""The words of the language that several models share: limits, choices and the frozen base model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.functional_validators import AfterValidator

MAX_LEVEL = 12
MAX_DIM = 65_536
MAX_KERNEL = 63
MAX_REPEATS = 64
MAX_SIZE = 16_384
MAX_BLOCKS = 4_096

Padding = Literal["symmetric", "same"]
CountedParams = Literal["trained", "folded", "all"]


class Frozen(BaseModel):
    """A part of a spec: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Besides:
    """What the JSON Schema of a field allows beside what its type does: a short form, which a validator spells out.

    pydantic 2.9 loses models that are named by `json_schema_input_type`.
    """

    def __init__(self, **form: Any) -> None:
        self.form = form

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        own = handler(schema)
        return {"anyOf": [self.form, *(own["anyOf"] if own.keys() == {"anyOf"} else [own])]}


Value = TypeVar("Value")


class FrozenMapping(Mapping[str, Value]):
    """A mapping that stays as it is; unlike a `MappingProxyType`, it can be hashed, copied and pickled."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Value]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, key: str) -> Value:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __or__(self, other: Mapping[str, Value]) -> dict[str, Value]:
        return {**self._entries, **other}

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))  # no order, as equal mappings may differ in it

    def __repr__(self) -> str:
        return repr(self._entries)


READ_ONLY = (AfterValidator(FrozenMapping), PlainSerializer(dict))
"""What makes the mapping of a field one that nobody can change."""


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("expected an odd number: an even kernel has no centre")
    return value


def _sides(value: Any, side: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, list | tuple):
        return side(value)
    if len(value) != 2:
        raise ValueError("expected one number, or [height, width]")
    height, width = map(side, value)
    return height if height == width else (height, width)


def _pair(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("expected one number, or [height, width]")
    return value


Level = Annotated[
    int,
    Field(ge=0, le=MAX_LEVEL, description="features have stride 2^level with respect to the image"),
]
Dim = Annotated[int, Field(gt=0, le=MAX_DIM, description="number of channels")]
Kernel = Annotated[
    int,
    Field(gt=0, le=MAX_KERNEL, description="size of the square kernel, odd"),
    AfterValidator(_odd),
]
Sides = Annotated[
    Kernel,
    WrapValidator(_sides, json_schema_input_type=Kernel | tuple[Kernel, Kernel]),
    PlainSerializer(lambda kernel: kernel),
    Field(description="size of the kernel, odd: one number, or [height, width]"),
]
Dilation = Annotated[int, Field(ge=1, le=64, description="pixels from one tap of the kernel to the next")]
Repeats = Annotated[int, Field(gt=0, le=MAX_REPEATS, description="how often the block runs, one after the other")]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Length = Annotated[int, Field(gt=0, le=MAX_SIZE)]
Size = Annotated[
    tuple[Length, Length],
    BeforeValidator(_pair, json_schema_input_type=Length | tuple[Length, Length]),
    Field(description="pixels: one number, or [height, width]"),
]

_FIGURE = re.compile(r"(\d+)(\.\d+)?([KMGBT]?)\Z")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}


def figure_value(figure: str) -> float:
    """The number behind a printed figure: ``figure_value("2.5B")`` is 2.5e9."""
    match = _FIGURE.match(figure)
    assert match, figure
    return float(f"{match[1]}{match[2] or ''}e{len(str(_UNITS[match[3]])) - 1}")


def _figure(value: Any) -> Any:
    if not isinstance(value, str) or not _FIGURE.match(value):
        raise ValueError("expected a printed figure such as 2.5B, 3.60M or 97.0K")
    return value


Figure = Annotated[
    str,
    BeforeValidator(_figure),
    Field(description="a figure as printed, with its unit: 2.5B, 3.60M"),
]
