"""The model of a kind: what a block of it may say, as the document lists its fields."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, cast

from pydantic import (
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)

from spinec.spec.activations import Activation
from spinec.spec.blocks import Block, BlockNorm
from spinec.spec.fields import Besides, Dilation, Dim, Kernel, Ratio, Sides
from spinec.spec.kinds.document import FieldDocument, FieldType
from spinec.spec.kinds.kind import Kind, camel
from spinec.spec.kinds.plan import SWITCH

TYPES: dict[str, Any] = {
    "kernel": Kernel,
    "sides": Sides,
    "kernels": Annotated[tuple[Kernel, ...], Field(min_length=1, max_length=8)],
    "dilation": Dilation,
    "dim": Dim,
    "integer": int,
    "number": float,
    "ratio": Ratio,
    "boolean": bool,
    "activation": Activation,
}


def _whether_or_which(value: Any, norm: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, bool):
        return value
    if value is None or isinstance(value, dict | BlockNorm):
        return norm(value)
    raise ValueError("expected true, false, or a mapping such as {kind: group}")


SWITCHED = Annotated[
    BlockNorm | None,
    WrapValidator(_whether_or_which),
    PlainSerializer(lambda norm: norm),
    Besides(type="boolean"),
]
"""Whether a block has the norm that its kind can leave out, or which one it has."""
LEAST, MOST = 0, 65_536  # of numbers whose document says no bounds


class KindBlock(Block):
    """A block whose kind is a document."""

    def __reduce__(self) -> tuple[Any, ...]:
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return _restored, (self.definition, given)


def _restored(kind: Kind, given: dict[str, Any]) -> Block:
    return model_of(kind).model_construct(**given)


@lru_cache(512)
def model_of(kind: Kind) -> type[Block]:
    """The model of a kind; the same one for the same document."""
    fields: dict[str, Any] = {
        name: _field(name, field, name in kind.defaults) for name, field in kind.document.fields.items()
    }
    fields["kind"] = (Literal[kind.name], kind.name)
    name = camel(kind.name)
    if kind.document.class_name.lower() == name.lower():  # the same word, spelt as its authors do
        name = kind.document.class_name
    about = kind.document.says + (f" ({kind.document.source})." if kind.document.source else ".")
    made = create_model(name, __base__=KindBlock, __doc__=about, __module__=__name__, **fields)
    made.definition = kind
    return cast(type[Block], made)


def _field(name: str, field: FieldDocument, from_others: bool) -> tuple[Any, Any]:
    """Type and default of a field; one whose default follows from other fields is None until it is needed."""
    annotation = SWITCHED if name == SWITCH else field_type(field)
    said: dict[str, Any] = {"description": field.says} if field.says else {}
    if from_others:
        return annotation | None, Field(None, **said)
    if field.default is None:
        return annotation, Field(**said)
    default = float(field.default) if field.type == "ratio" and not field.default else field.default
    return annotation, Field(default, **said)


def may_be(field: FieldDocument, value: Any) -> bool:
    """Whether a field may have a value."""
    try:
        _adapter(field.type, field.one_of, field.min, field.max).validate_python(value)
    except ValidationError:
        return False
    return True


@lru_cache(512)
def _adapter(
    kind: FieldType | None, one_of: tuple[str, ...] | None, least: float | None, most: float | None
) -> TypeAdapter[Any]:
    return TypeAdapter(field_type(FieldDocument(type=kind, one_of=one_of, min=least, max=most)))


def bounds(field: FieldDocument) -> tuple[float, float]:
    """The least and the largest number that a field may be."""
    return (LEAST if field.min is None else field.min), (MOST if field.max is None else field.max)


def field_type(field: FieldDocument) -> Any:
    """What a block may say for a field."""
    if field.one_of:
        return Literal[field.one_of]
    if field.type not in ("integer", "number"):
        return TYPES[field.type or "activation"]
    whole = int if field.type == "integer" else float
    low, high = bounds(field)
    return Annotated[whole, Field(ge=whole(low), le=whole(high), allow_inf_nan=None if whole is int else False)]
