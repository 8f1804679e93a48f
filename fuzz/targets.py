"""What is fuzzed: each target takes bytes and returns; SpecError is an answer, whatever else is raised is a fault."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel

from spinec.backends.backend import emit
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.blocks import Fuse, Norm, Resample
from spinec.spec.document import decode, read_text
from spinec.spec.dump import dump
from spinec.spec.errors import BackendError, SpecError
from spinec.spec.format import format_text
from spinec.spec.heads import Head
from spinec.spec.kinds.library import KINDS
from spinec.spec.known import OneOf
from spinec.spec.load import reads
from spinec.spec.model import StochasticDepth

BACKENDS = ("pytorch", "tensorflow")
NAME = "fuzz.yaml"
MOST_BLOCKS = 8


class Provider(Protocol):
    """What turns bytes into choices: atheris' FuzzedDataProvider."""

    def ConsumeIntInRange(self, least: int, most: int) -> int: ...  # noqa: D102, N802
    def ConsumeBool(self) -> bool: ...  # noqa: D102, N802


def loader(data: bytes) -> None:
    """Any bytes: they load or are refused, and the same after formatting and after dumping."""
    try:
        text = decode(data, NAME)
        formatted = format_text(text, NAME)
    except SpecError as error:
        str(error)  # hints are worked out here
        return
    assert format_text(formatted) == formatted
    assert same(read_text(formatted, NAME).plain(), read_text(text, NAME).plain())
    try:
        spec = reads(text, NAME).spec
    except SpecError as error:
        str(error)  # hints are worked out here
        return
    assert reads(dump(spec)).spec == spec


def emitter(data: bytes, provider: type[Provider]) -> None:
    """A spec made of the language's words: it is refused, or its source compiles in both backends."""
    text = Author(provider(data)).document()  # type: ignore[call-arg]  # a protocol has no constructor
    try:
        program = lower(reads(text, NAME).spec, (17, 24))
        for backend in BACKENDS:
            compile(emit(program, backend), f"{backend}.py", "exec")
    except (SpecError, BackendError) as error:
        str(error)  # hints are worked out here


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, whatever the order of keys; a number that is none is equal to itself."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case tuple(), tuple():
            return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


class Author:
    """Writes a document from choices; it is often a legal spec, and never far from one."""

    def __init__(self, choices: Provider) -> None:
        self.choices = choices
        self.names: list[str] = ["image"]
        self.unread: list[str] = []

    def document(self) -> str:
        """The text of a spec."""
        entries = [
            "name: fuzz",
            f"input: {{size: {self.number(1, 40)}, channels: {self.number(1, 4)}}}",
            f"padding: {self.one(('symmetric', 'same'))}",
            *(f"{key}: {self.some(part)}" for key, part in PARTS.items() if self.choices.ConsumeBool()),
            "blocks:",
            *(f"  {self.block()}" for _ in range(self.number(1, MOST_BLOCKS))),
        ]
        outputs = [*self.unread, *(self.names[-1:] if self.choices.ConsumeBool() else ())]
        entries.append(f"outputs: {{{', '.join(f'out{i}: {name}' for i, name in enumerate(dict.fromkeys(outputs)))}}}")
        if self.choices.ConsumeBool():
            entries.append(f"endpoints: {{dim: {self.number(1, 8)}}}")
        if self.choices.ConsumeBool():
            entries.append(f"head: {self.some(self.one(list(Head.kinds.values())), ('kind',))}")
        return "\n".join(entries) + "\n"

    def block(self) -> str:
        """A block that reads earlier ones."""
        name, kind = f"b{len(self.names)}", self.one(list(KINDS.values()))
        inputs = list(dict.fromkeys(self.one(self.names[-4:]) for _ in range(self.number(1, 3))))
        own = [f"{{from: {given}, {self.some(Resample)[1:]}" if self.number(0, 5) == 0 else given for given in inputs]
        text = self.some(kind, ("kind", "level", "dim"), skip=("inputs",))
        self.unread = [*(other for other in self.unread if other not in inputs), name]
        self.names.append(name)
        return f"{name}: {text[:-1]}, inputs: [{', '.join(own)}]}}"

    def some(self, model: type[BaseModel], wanted: Sequence[str] = (), skip: Sequence[str] = ()) -> str:
        """A mapping of some fields of a model, and of those that are wanted."""
        given = [
            f"{field.alias or key}: {self.value(field.annotation, field.metadata)}"
            for key, field in model.model_fields.items()
            if key not in skip and (key in wanted or field.is_required() or self.number(0, 3) == 0)
        ]
        return "{" + ", ".join(given) + "}"

    def value(self, annotation: Any, limits: Sequence[Any] = ()) -> str:
        """A value that a field takes, or nearly."""
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is Literal:
            return str(self.one(arguments))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self.some(annotation)
        if origin is tuple:
            return f"[{', '.join(self.value(arguments[0]) for _ in range(self.number(1, 3)))}]"
        if origin is Annotated:
            return self.value(arguments[0], arguments[1:])
        if words := [each for each in limits if isinstance(each, OneOf)]:
            return str(self.one(list(words[0].known)))
        if arguments:  # a union with None
            return self.value(arguments[0], limits)
        if annotation is bool:
            return str(self.one(("true", "false")))
        if annotation is float:
            most = min(limit(limits, "le", 64), limit(limits, "lt", 64))
            return str(self.one((0.05, 0.25, 0.5, 0.75, 1) if most == 1 else (1, 1.5, 2, 6)))
        least = max(limit(limits, "ge", 0), limit(limits, "gt", -1) + 1)
        step = 2 if any(isinstance(each, AfterValidator) for each in limits) else 1  # kernels are odd
        return str(least + step * self.number(0, 6)) if self.number(0, 40) else str(least - self.number(0, 2))

    def number(self, least: int, most: int) -> int:
        """A whole number."""
        return self.choices.ConsumeIntInRange(least, most)

    def one(self, choices: Sequence[Any]) -> Any:
        """One of several."""
        return choices[self.number(0, len(choices) - 1)]


def limit(metadata: Sequence[Any], name: str, default: int) -> int:
    """A limit that a field has, by the name that pydantic gives it."""
    found = [
        getattr(inner, name)
        for each in metadata
        for inner in (each, *getattr(each, "metadata", ()))
        if hasattr(inner, name)
    ]
    return int(found[0]) if found else default


PARTS: dict[str, type[BaseModel]] = {
    "norm": Norm,
    "stochastic_depth": StochasticDepth,
    "resample": Resample,
    "fuse": Fuse,
}
