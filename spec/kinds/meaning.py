"""What is wrong with a kind whose parts are each in form: types, defaults, unknown values, what nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spinec.spec.errors import Fault, ShapeError, did_you_mean
from spinec.spec.kinds.arithmetic import NAMED, check_numbers, plain_number, settled, type_of
from spinec.spec.kinds.document import FieldDocument
from spinec.spec.kinds.formula import Formula, FormulaError, Type
from spinec.spec.kinds.kind import SITE, Kind, Placed, default_formula, formulas_of, type_of_field, words_named
from spinec.spec.kinds.kind_names import names
from spinec.spec.kinds.model import bounds, field_type, may_be
from spinec.spec.kinds.plan import step_fields
from spinec.spec.kinds.steps import LISTS, WORDS
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.kinds.uses import uses
from spinec.spec.validate import formula_fault, show


def meaning(kind: Kind) -> list[Fault]:
    """Every fault of a kind."""
    types: dict[str, Type] = {**kind.types, **dict.fromkeys(kind.document.let, "number")}
    faults = [*names(kind), *_fields(kind), *_lets(kind, types), *_steps(kind, types), *_whole(kind, types)]
    return faults or [*_unused(kind)]  # what is at fault uses nothing


def _fields(kind: Kind) -> Iterator[Fault]:
    """A field has a type, bounds where it is a number, and a default that is a value of its own."""
    before: dict[str, Type] = dict(SITE)
    for name, field in kind.document.fields.items():
        place, what = kind.key_place("fields", name), f"fields.{name}"
        bounded = field.min is not None or field.max is not None
        if (field.type is None) == (field.one_of is None):
            hint = "such as {type: kernel, default: 3}"
            yield Fault("SPN-521", f"{what}: expected either a 'type' or 'one_of'", place, hint)
            continue
        if bounded and field.type not in ("integer", "number"):
            message = f"{what}: only an integer or a number has bounds"
            where = kind.key_place("fields", name, "max" if field.min is None else "min")
            yield Fault("SPN-521", message, where, "remove 'min' and 'max'")
            continue
        if bounded and bounds(field)[0] > bounds(field)[1]:
            message = f"{what}: no number is from {bounds(field)[0]:g} to {bounds(field)[1]:g}"
            yield Fault("SPN-521", message, kind.place("fields", name, "max" if field.min is None else "min"))
            continue
        yield from _default(kind, name, before)
        before[name] = type_of_field(field.type)


def _default(kind: Kind, name: str, before: Mapping[str, Type]) -> Iterator[Fault]:
    field, what = kind.document.fields[name], f"fields.{name}.default"
    item = kind.item.find(("fields", name, "default"))
    if field.default is None or item is None:
        return
    try:
        formula = default_formula(field.type, field.default) if isinstance(field.default, str) else None
        if formula:
            _expect(formula, type_of_field(field.type), before)
            return
    except FormulaError as error:
        yield formula_fault(what, error, item)
        return
    try:
        TypeAdapter(field_type(field)).validate_python(field.default, strict=True)
    except ValidationError:
        message = f"{what}: {show(field.default)} is no value of the field"
        yield Fault("SPN-521", message, item.place, "see its type and its bounds")


def _expect(formula: Formula, wanted: Type, types: Mapping[str, Type]) -> None:
    if (found := type_of(formula.node, types)) != wanted:
        raise FormulaError(f"expected {NAMED[wanted]}, got {NAMED[found]}")
    check_numbers(formula.node)


def _typed(
    kind: Kind, path: tuple[str, ...], formula: Formula, wanted: Type, types: Mapping[str, Type]
) -> Iterator[Fault]:
    try:
        _expect(formula, wanted, types)
    except FormulaError as error:
        yield formula_fault(".".join(path), error, kind.item.find(path) or kind.item)


def _lets(kind: Kind, types: dict[str, Type]) -> Iterator[Fault]:
    """Formulas name fields, what the place gives, and formulas above; `types` learns what they are."""
    known = dict(kind.types)
    for name, formula in kind.document.let.items():
        try:
            known[name] = types[name] = type_of(formula.node, known)
            check_numbers(formula.node)
        except FormulaError as error:
            yield formula_fault(f"let.{name}", error, kind.item.find(("let", name)) or kind.item)
            known[name] = "number"


def _steps(kind: Kind, types: Mapping[str, Type]) -> Iterator[Fault]:
    """Settings have the type that they are to have, and every value is one of an earlier step."""
    if not kind.steps and not kind.document.node:
        yield Fault("SPN-520", "steps: expected at least one step", kind.place("steps"))
    values: dict[str, bool] = {"x": False}  # name: whether it is that of a repeated step
    beside: dict[str, bool] = {"x": False}  # those of the shortcut's own steps
    for placed in kind.placed():
        known = beside if placed.path[0] == "shortcut" else values
        yield from _settings(kind, placed, types)
        yield from _words(kind, placed, types)
        yield from _values(kind, placed, known)
        if isinstance(placed.step, KindStep):
            yield from _inner_fields(kind, placed, types)
        known[placed.name] = placed.step.repeat is not None


def _settings(kind: Kind, placed: Placed, types: Mapping[str, Type]) -> Iterator[Fault]:
    """Formulas give what their setting takes."""
    for key, formula in formulas_of(placed.step):
        wanted = placed.step.types.get(key) or ("number" if key == "repeat" else "boolean")
        if key in placed.step.sided and types.get(_named(formula)) == "sides":
            continue
        wrong = [*_typed(kind, (*placed.path, key), formula, wanted, types)]
        yield from wrong or _number(kind, placed, key, formula)
    if placed.step.zero_scale is not None and placed.step.norm is None:
        message = f"{'.'.join(placed.path)}: 'zero_scale' is of a norm, and there is none"
        yield Fault("SPN-520", message, kind.place(*placed.path, "zero_scale"), "add norm: true")


def _named(formula: Formula) -> str:
    """The name that a formula is, if it is nothing else."""
    return str(formula.node.value) if formula.node.op == "name" else ""


def _number(kind: Kind, placed: Placed, key: str, formula: Formula) -> Iterator[Fault]:
    """A number that depends on nothing is one that its setting may have."""
    node = settled(formula.node, {})
    if node.op == "number":
        try:
            placed.step.number(key, node.value)
        except ShapeError as error:
            path = (*placed.path, key)
            yield Fault("SPN-522", f"{'.'.join(path)}: {error}", kind.place(*path))


def _words(kind: Kind, placed: Placed, types: Mapping[str, Type]) -> Iterator[Fault]:
    """Words that stand for themselves are ones that the primitive knows; others name fields that have words."""
    for key, name in words_named(placed.step):
        if types.get(name) != "word":
            known = [each for each, found in types.items() if found == "word"]
            message = f"{'.'.join((*placed.path, key))}: no field with a word is called {show(name)}"
            yield Fault("SPN-522", message, kind.place(*placed.path, key), partial(did_you_mean, name, known))
    for key in type(placed.step).model_fields:
        value = getattr(placed.step, key)
        if key == "kernels" and not value.startswith("$"):
            lists = [f"${name}" for name, field in kind.document.fields.items() if field.type == "kernels"]
            message = (
                f"{'.'.join((*placed.path, key))}: expected $ and the name of a field of kernels, got {show(value)}"
            )
            yield Fault("SPN-522", message, kind.place(*placed.path, key), partial(did_you_mean, value, lists))
        elif key in WORDS and isinstance(value, str):
            yield from _word(kind, placed, key, value)


def _word(kind: Kind, placed: Placed, key: str, value: str) -> Iterator[Fault]:
    """A word, or those that a field may be, is one that the setting knows."""
    path = (*placed.path, key)
    field = kind.document.fields.get(value[1:]) if value.startswith("$") else None
    if not value.startswith("$") and value not in WORDS[key]:
        message = f"{'.'.join(path)}: unknown word {show(value)}"
        yield Fault("SPN-205", message, kind.place(*path), partial(did_you_mean, value, WORDS[key]))
    for word in field.one_of or () if field else ():
        if word not in WORDS[key]:
            message = f"fields.{value[1:]}: {show(word)} is no word for {'.'.join(path)}"
            place = kind.place("fields", value[1:], "one_of")
            yield Fault("SPN-521", message, place, partial(did_you_mean, word, WORDS[key]))


def _values(kind: Kind, placed: Placed, known: Mapping[str, bool]) -> Iterator[Fault]:
    """What a step takes is the input, or what an earlier step gives; all repeats are those of one that has some."""
    where = ".".join(placed.path)
    for key in ("given", *LISTS):
        place = kind.place(*placed.path, "from" if key == "given" else key)
        for value in getattr(placed.step, key, None) or ():
            name, every = value.removesuffix("*"), value.endswith("*")
            if name == placed.name and every and placed.step.repeat:
                continue  # its own repeats so far
            if name not in known:
                hint = partial(did_you_mean, name, [*known])
                yield Fault("SPN-523", f"{where}: no earlier step is called {show(name)}", place, hint)
            elif every and not known[name]:
                message = f"{where}: {show(value)} is all repeats of a step, and {name!r} has none"
                yield Fault("SPN-523", message, place, f"write {name}")


def _inner_fields(kind: Kind, placed: Placed, types: Mapping[str, Type]) -> Iterator[Fault]:
    """What a step says of another kind are that kind's fields."""
    step = placed.step
    assert isinstance(step, KindStep)
    fields, where, said = kind.used[step.kind].document.fields, ".".join(placed.path), step.model_extra or {}
    for key in said:
        if key not in fields:
            hint = partial(did_you_mean, key, [*fields])
            yield Fault("SPN-202", f"{where}: unknown key {show(key)}", kind.key_place(*placed.path, key), hint)
    for key in fields:
        if key in step.model_fields_set and key not in said:
            message = f"{where}: {key!r} is a setting of steps, and a field of {step.kind} as well"
            yield Fault("SPN-520", message, kind.place(*placed.path, key), "put a norm into a step of its own")
    for key, field in fields.items():
        if field.default is None and key not in said:
            yield Fault("SPN-201", f"{where}: missing key {key!r}", kind.key_place(*placed.path), field.says)
    known = {key: value for key, value in said.items() if key in fields}
    for key in known:
        try:
            for _, value in step_fields(kind, step, (key,)):
                yield from _inner_field(kind, (*placed.path, key), fields[key], value, types)
        except FormulaError as error:
            yield formula_fault(f"{where}.{key}", error, kind.item.find((*placed.path, key)) or kind.item)


def _inner_field(
    kind: Kind, path: tuple[str, ...], field: FieldDocument, value: Any, types: Mapping[str, Type]
) -> Iterator[Fault]:
    """What is said of a field fits it, as far as it depends on nothing."""
    if isinstance(value, Formula):
        wanted = type_of_field(field.type)
        if wanted == "sides" and types.get(_named(value)) != "sides":
            wanted = "number"
        if wrong := [*_typed(kind, path, value, wanted, types)]:
            yield from wrong
            return
        node = settled(value.node, {})
        if node.op not in ("number", "boolean") or field.type == "dim":
            return
        value = plain_number(node.value)
    if not (isinstance(value, str) and value.startswith("$")) and not may_be(field, value):
        message = f"{'.'.join(path)}: {show(value)} is no value of the field"
        yield Fault("SPN-521", message, kind.place(*path), "see its type and its bounds")


def _whole(kind: Kind, types: Mapping[str, Type]) -> Iterator[Fault]:
    """What is said of the kind as a whole."""
    document = kind.document
    if document.shortcut and document.shortcut.when:
        yield from _typed(kind, ("shortcut", "when"), document.shortcut.when, "boolean", types)
    if document.work:
        yield from _typed(kind, ("work",), document.work, "number", types)
    if document.inner is not None and (types.get(document.inner) != "number" or document.inner in SITE):
        hint = partial(did_you_mean, document.inner, [*document.let])
        yield Fault("SPN-522", f"inner: no number of 'let' is called {show(document.inner)}", kind.place("inner"), hint)


def _unused(kind: Kind) -> Iterator[Fault]:
    """Every field and every formula has an effect."""
    used = {name for named in uses(kind).values() for name in named}
    for sort, path, listed in (("field", "fields", kind.document.fields), ("formula", "let", kind.document.let)):
        for name in listed:
            if name not in used:
                item = kind.item.find((path, name))
                place = (item.key if item else None) or kind.item.place
                yield Fault("SPN-524", f"nothing uses the {sort} {show(name)}", place, "use it in a step, or remove it")
