"""What a kind's document may say: its own form. What steps may say is in `steps.py`, what they mean in `meaning.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from spinec.spec.fields import READ_ONLY, Frozen
from spinec.spec.kinds.steps import Boolean, IsFormula, Number

FieldType = Literal[
    "kernel", "sides", "kernels", "dilation", "dim", "integer", "number", "ratio", "boolean", "activation"
]
MAX_FIELDS = 32
MAX_STEPS = 64
LOOKS = 28  # four outlines in seven colours


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    if twice := next((word for word in words if words.count(word) > 1), None):
        raise ValueError(f"expected every word once, and {twice!r} is there twice")
    return words


class FieldDocument(Frozen):
    """A field that a block of the kind may set."""

    type: FieldType | None = Field(None, description="what it is, if none of some words")
    one_of: Annotated[tuple[str, ...], Field(min_length=2, max_length=16), AfterValidator(_once)] | None = Field(
        None, description="the words of which it is one"
    )
    default: Any = Field(None, description="its value where a block sets none: a value, or a formula of other fields")
    min: float | None = Field(None, allow_inf_nan=False, description="the least number")
    max: float | None = Field(None, allow_inf_nan=False, description="the largest number")
    says: str = Field("", max_length=200, description="what it means, in a line")


class Shortcut(Frozen):
    """What is added to the result of the steps: the input, or what its own steps make of it where the shape changes."""

    when: Boolean | None = Field(None, description="there is no shortcut where this is not so")
    drop: bool = Field(True, description="stochastic depth leaves out the steps, and the shortcut stays")
    steps: Annotated[Mapping[str, Any], *READ_ONLY] = Field(
        {}, validate_default=True, description="what becomes of the input where the shape changes; no shortcut if none"
    )


class KindDocument(Frozen):
    """An operation: fields, steps, shortcut."""

    kind: str = Field("", description="what specs call it")
    class_name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,47}$")] = Field(
        "", alias="class", description="what generated source calls it; made of the kind's name if not given"
    )
    says: str = Field(max_length=200, description="what it computes, in a line")
    title: str = Field("", max_length=100, description="how docstrings of its classes begin; `says` up to a colon")
    source: str = Field("", max_length=200, description="where the operation comes from")
    fields: Annotated[Mapping[str, FieldDocument], *READ_ONLY] = Field(
        {}, validate_default=True, max_length=MAX_FIELDS, description="field name: its type, its default, its meaning"
    )
    let: Annotated[Mapping[str, IsFormula], *READ_ONLY] = Field(
        {}, validate_default=True, max_length=MAX_FIELDS, description="name: a formula that steps use"
    )
    steps: Annotated[Mapping[str, Any], *READ_ONLY] = Field(
        max_length=MAX_STEPS, description="step name: a primitive or another kind, in the order of execution"
    )
    shortcut: Shortcut | None = Field(None, description="what is added to the result of the steps")
    then: Annotated[Mapping[str, Any], *READ_ONLY] = Field(
        {}, validate_default=True, max_length=MAX_STEPS, description="steps behind the shortcut"
    )
    inner: str | None = Field(None, description="the name of the dim that it works at, where that is another")
    look: int | None = Field(None, ge=0, lt=LOOKS, description="its outline and colour in pictures; one of 28")
    part: bool = Field(False, description="a part of other kinds; no block is of it")
    node: bool = Field(False, description="a node of a pyramid: fusion, then the steps; it neither strides nor repeats")
    work: Number | None = Field(
        None, description="Equation 2's work of a pixel; 0: takes no part; counted from the steps if not given"
    )
