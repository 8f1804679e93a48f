"""What a step may say."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from spinec.spec.kinds.formula import Type
from spinec.spec.kinds.steps import Number, Step, primitive


@primitive
class Softsign(Step):
    """Steepness * x / (1 + |steepness * x|)."""

    main: ClassVar[str] = "softsign"
    types: ClassVar[Mapping[str, Type]] = {"softsign": "number"}
    exact: ClassVar[tuple[str, ...]] = ("softsign",)

    softsign: Number = Field(description="the steepness")
