"""What a space says beside its spec: which blocks move, how work is shared out, and what no candidate may exceed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from spinec.spec.conventions import Convention
from spinec.spec.document import Item
from spinec.spec.fields import READ_ONLY, Dim, Frozen, Level, Ratio, figure_value


def _amount(value: Any) -> Any:
    """A number, or a figure with its unit."""
    if not isinstance(value, str):
        return value
    try:
        return figure_value(value)
    except AssertionError:
        raise ValueError("expected a number, or one with its unit, such as 2.5G or 4M") from None


def _milliseconds(value: Any) -> Any:
    number, _, unit = value.partition(" ") if isinstance(value, str) else (value, " ", "ms")
    try:
        return float(number) if unit == "ms" else float("of another unit")
    except (TypeError, ValueError):
        raise ValueError("expected milliseconds, such as 8 ms") from None


def _unlike(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"expected no two of them equal, got {list(values)}")
    return values


def _by_level(dims: Any) -> Any:
    """Keys of a document are text; these are levels."""
    if not isinstance(dims, Mapping):
        return dims
    return {int(level) if str(level).isdecimal() else level: dim for level, dim in dims.items()}


Amount = Annotated[
    float, BeforeValidator(_amount, json_schema_input_type=float | str), Field(gt=0, allow_inf_nan=False)
]
Milliseconds = Annotated[
    float, BeforeValidator(_milliseconds, json_schema_input_type=float | str), Field(gt=0, allow_inf_nan=False)
]
Names = Annotated[tuple[str, ...], Field(max_length=256), AfterValidator(_unlike)]
Beta = Annotated[int | float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Dims = Annotated[Mapping[Level, Dim], BeforeValidator(_by_level), *READ_ONLY]


class Limits(Frozen):
    """What no candidate may exceed: the candidate is counted before anything is built."""

    macs: Amount | None = Field(None, description="most multiply-adds, such as 2.5G")
    params: Amount | None = Field(None, description="most parameters, such as 4M")
    memory: Amount | None = Field(None, description="most bytes of activations in memory at once, such as 50M")
    latency: Milliseconds | None = Field(
        None, description="highest latency, measured where the search runs, such as 8 ms"
    )
    convention: Convention = Field("conv", description="how multiply-adds are counted")


class Share(Frozen):
    """How the work of a candidate is shared out among its blocks (arXiv 2010.11426, Equations 2 to 4)."""

    betas: Annotated[tuple[Beta, ...], Field(min_length=1, max_length=1_000), AfterValidator(_unlike)] = Field(
        (1, 5, 10, 15, 20), description="what the beta of a block may be"
    )
    groups: tuple[Names, ...] = Field((), description="blocks that have one beta")
    frozen: Names = Field((), description="blocks that keep their dims")
    target: Amount | None = Field(None, description="the work that is shared out; the spec's own if not given")
    exact: bool = Field(True, description="whether Equation 2 has both terms, or its first alone")
    multiple: int = Field(8, gt=0, le=1024, description="new dims are multiples of this")
    keep: Ratio = Field(0.9, description="rounding never leaves less than this share of a dim")


class Permute(Frozen):
    """Which blocks change places (SpineNet, arXiv 1912.05027, Section 3)."""

    middle: Annotated[Names, Field(min_length=1)] = Field(description="blocks that change places with each other")
    outputs: Annotated[Names, Field(min_length=1)] = Field(
        description="blocks that change places with each other behind those of the middle, and keep their levels"
    )
    stem: Annotated[Names, Field(min_length=1)] = Field(
        description="blocks before them, which stay where they are and may be inputs of the others"
    )
    inputs: int = Field(2, ge=1, le=4, description="how many earlier blocks each of them reads")
    level: Annotated[tuple[Annotated[int, Field(ge=-12, le=12)], ...], AfterValidator(_unlike)] = Field(
        (0,), min_length=1, description="by how much the level of a middle block may change"
    )
    between: tuple[Level, Level] = Field((2, 7), description="lowest and highest level of a middle block")
    dims: Annotated[Mapping[str, Dims], *READ_ONLY] = Field(
        {}, validate_default=True, description="kind: the dim of its blocks by level, where a level may change"
    )
    join: Annotated[Mapping[str, Any], *READ_ONLY] = Field(
        {},
        validate_default=True,
        description="how a block that nobody reads joins the output of its level, such as {alpha: 0.0}",
    )


class Sections(Frozen):
    """What a space says beside its spec."""

    space: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,57}$", description="what the space is called")
    permute: Permute | None = None
    share: Share | None = None
    limits: Limits = Limits()


OWN_KEYS = tuple(Sections.model_fields)


def is_space(document: Item) -> bool:
    """Whether a document is a space, not a spec with a key misplaced."""
    keys = document.mapping.keys()
    return "space" in keys and "name" not in keys
