"""What is wrong with a kind whose parts are each in form: names, types, values that no step gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from pydantic import TypeAdapter, ValidationError

from spinec.spec.errors import Fault, did_you_mean
from spinec.spec.fields import Activation
from spinec.spec.kinds.formula import Formula, FormulaError, Type, type_of
from spinec.spec.kinds.kind import SITE, Kind, Placed, default_formula, formulas_of, type_of_field, words_named
from spinec.spec.kinds.model import field_type
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.kinds.steps import Step
from spinec.spec.kinds.uses import uses
from spinec.spec.names import BLOCK_NAME, RESERVED
from spinec.spec.validate import formula_fault, show

COMMON = (
    "level",
    "dim",
    "inputs",
    "repeats",
    "activation",
    "fuse",
    "kind",
    "norm_kind",
    "image",
    "x",
    "in_dim",
    "stride",
)
"""Names that no field, formula or step may take."""
WORDS = {"pool": ("max", "avg"), "global_pool": ("mean", "max")}


def meaning(kind: Kind) -> list[Fault]:
    """Every fault of a kind."""
    return [*_names(kind), *_fields(kind), *_lets(kind), *_steps(kind), *_uses(kind)]


def _names(kind: Kind) -> Iterator[Fault]:
    """Fields, formulas and steps have names that code can bear, and no two of one sort that formulas mix up."""
    seen: dict[str, str] = {}
    for sort, path in (("field", ("fields",)), ("formula", ("let",))):
        section = kind.item.find(path)
        for name, item in (section.mapping if section else {}).items():
            place = item.key or item.place
            if not BLOCK_NAME.match(name):
                rule = "expected a small letter, then small letters, digits and '_' (ASCII, 48 at most)"
                yield Fault("SPN-303", f"{sort} name {show(name)} is not allowed", place, rule)
            elif name in COMMON:
                yield Fault("SPN-304", f"{sort} name {name!r} is taken: every block has it", place, f"such as {name}_1")
            elif name in seen:
                yield Fault("SPN-305", f"{sort} name {name!r} is taken by a {seen[name]}", place, "rename one of them")
            seen.setdefault(name, sort)
    steps: set[str] = set()
    for name, _, path in kind.placed():
        found = kind.item.find(path)
        place = (found.key if found else None) or kind.item.place
        unique = ("/".join(path[:-1]) == "shortcut/steps" and f"shortcut_{name}") or name
        if not BLOCK_NAME.match(name) or name in ("x", "image"):
            rule = "expected a small letter, then small letters, digits and '_' (ASCII, 48 at most)"
            yield Fault("SPN-303", f"step name {show(name)} is not allowed", place, rule)
        elif name in RESERVED - {"head"}:
            message = f"step name {name!r} is taken by Python, by a framework or by generated code"
            yield Fault("SPN-304", message, place, f"such as {name}_1")
        elif unique in steps:
            yield Fault("SPN-305", f"step name {name!r} is taken by an earlier step", place, "rename one of them")
        steps.add(unique)


def _fields(kind: Kind) -> Iterator[Fault]:
    """A field has a type, bounds where it is a number, and a default that is a value of its own."""
    before: dict[str, Type] = dict(SITE)
    for name, field in kind.document.fields.items():
        place, what = kind.place("fields", name), f"fields.{name}"
        if (field.type is None) == (field.one_of is None):
            yield Fault(
                "SPN-521", f"{what}: expected either a 'type' or 'one_of'", place, "such as {type: kernel, default: 3}"
            )
            continue
        if (field.min is not None or field.max is not None) and field.type not in ("integer", "number"):
            yield Fault("SPN-521", f"{what}: only an integer or a number has bounds", place, "remove 'min' and 'max'")
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
            if (found := type_of(formula.node, before)) != type_of_field(field.type):
                raise FormulaError(f"expected what the field is, got a {found}")
            return
    except FormulaError as error:
        yield formula_fault(what, error, item)
        return
    try:
        TypeAdapter(field_type(field)).validate_python(field.default, strict=not isinstance(field.default, int))
    except ValidationError:
        yield Fault(
            "SPN-521", f"{what}: {show(field.default)} is no value of the field", item.place, "see its type and bounds"
        )


def _lets(kind: Kind) -> Iterator[Fault]:
    """Formulas name fields, what the place gives, and formulas above."""
    known = dict(kind.types)
    for name, formula in kind.document.let.items():
        try:
            known[name] = type_of(formula.node, known)
        except FormulaError as error:
            yield formula_fault(f"let.{name}", error, kind.item.find(("let", name)) or kind.item)
            known[name] = "number"


def let_types(kind: Kind) -> dict[str, Type]:
    """The types of all names, as far as they can be told."""
    known = dict(kind.types)
    for name, formula in kind.document.let.items():
        try:
            known[name] = type_of(formula.node, known)
        except FormulaError:
            known[name] = "number"
    return known


def _steps(kind: Kind) -> Iterator[Fault]:
    """Settings have the type that they are to have, and every value is one of an earlier step."""
    types = let_types(kind)
    names: dict[str, bool] = {"x": False}  # name of a value: whether it is repeated
    for placed in kind.placed():
        if placed.path[:-1] == ("shortcut", "steps"):
            names_here = {"x": False} | {
                n: bool(s.repeat) for n, s in kind.shortcut.items() if _before(kind.shortcut, n, placed.name)
            }
            yield from _step(kind, placed, types, names_here)
            continue
        yield from _step(kind, placed, types, names)
        names[placed.name] = placed.step.repeat is not None
    for path, formula, wanted in (
        (("shortcut", "when"), kind.document.shortcut and kind.document.shortcut.when, "boolean"),
        (("work",), kind.document.work, "number"),
    ):
        if formula:
            yield from _typed(kind, path, formula, wanted, types)  # type: ignore[arg-type]
    inner = kind.document.inner
    if inner and inner not in kind.document.let:
        yield Fault(
            "SPN-522",
            f"inner: nothing in 'let' is called {show(inner)}",
            kind.place("inner"),
            partial(did_you_mean, inner, [*kind.document.let]),
        )
    if not kind.steps and not kind.document.node:
        yield Fault("SPN-520", "steps: expected at least one step", kind.place("steps"))


def _before(steps: Mapping[str, Step], first: str, second: str) -> bool:
    order = list(steps)
    return order.index(first) < order.index(second)


def _step(kind: Kind, placed: Placed, types: Mapping[str, Type], names: Mapping[str, bool]) -> Iterator[Fault]:
    step, path = placed.step, placed.path
    wanted = {"norm": "boolean", "zero_scale": "boolean", "when": "boolean", "repeat": "number", **step.types}
    for key, formula in formulas_of(step):
        yield from _typed(kind, (*path, key), formula, wanted[key], types)  # type: ignore[arg-type]
    for key, name in words_named(step):
        if types.get(name) != "word" and not (isinstance(step, KindStep) and name in types):
            place = kind.place(*path, key)
            known = [each for each, found in types.items() if found == "word"]
            yield Fault(
                "SPN-522",
                f"{'.'.join((*path, key))}: no field with a word is called {show(name)}",
                place,
                partial(did_you_mean, name, known),
            )
    yield from _plain_words(kind, placed)
    for key in ("given", "add", "multiply", "concat"):
        for value in getattr(step, key, None) or ():
            name = value.removesuffix("*")
            alias = "from" if key == "given" else key
            if name not in names and not (name == placed.name and value.endswith("*") and step.repeat):
                yield Fault(
                    "SPN-523",
                    f"{'.'.join(path)}: no earlier step is called {show(name)}",
                    kind.place(*path, alias),
                    partial(did_you_mean, name, [*names]),
                )
            elif value.endswith("*") and name != placed.name and not names[name]:
                yield Fault(
                    "SPN-523",
                    f"{'.'.join(path)}: {show(value)} is all repeats of a step, and {name!r} has none",
                    kind.place(*path, alias),
                    f"write {name}",
                )
    if step.zero_scale is not None and step.norm is None:
        yield Fault(
            "SPN-520",
            f"{'.'.join(path)}: 'zero_scale' is of a norm, and there is none",
            kind.place(*path, "zero_scale"),
            "add norm: true",
        )
    if isinstance(step, KindStep):
        yield from _inner_fields(kind, placed, types)


def _typed(
    kind: Kind, path: tuple[str, ...], formula: Formula, wanted: Type, types: Mapping[str, Type]
) -> Iterator[Fault]:
    try:
        if (found := type_of(formula.node, types)) != wanted:
            raise FormulaError(f"expected {_A[wanted]}, got {_A[found]}")
    except FormulaError as error:
        yield formula_fault(".".join(path), error, kind.item.find(path) or kind.item)


_A = {"number": "a number", "boolean": "true or false", "word": "a word"}
ACTIVATION = TypeAdapter(Activation)


def _plain_words(kind: Kind, placed: Placed) -> Iterator[Fault]:
    """Words that stand for themselves are ones that the primitive knows."""
    for key, value in placed.step:
        choices = WORDS.get(key)
        if not isinstance(value, str) or value.startswith("$") or key in ("kind", "says", "present", "absent"):
            continue
        if key in ("act", "activation"):
            try:
                ACTIVATION.validate_python(value)
                continue
            except ValidationError:
                choices = Activation.__args__  # type: ignore[attr-defined]
        if choices and value not in choices:
            yield Fault(
                "SPN-205",
                f"{'.'.join((*placed.path, key))}: unknown word {show(value)}",
                kind.place(*placed.path, key),
                partial(did_you_mean, value, choices),
            )


def _inner_fields(kind: Kind, placed: Placed, types: Mapping[str, Type]) -> Iterator[Fault]:
    """What a step says of another kind are that kind's fields."""
    step = placed.step
    assert isinstance(step, KindStep)
    inner, where = kind.used[step.kind], ".".join(placed.path)
    fields = inner.document.fields
    for key in step.model_extra or {}:
        if key not in fields:
            yield Fault(
                "SPN-202",
                f"{where}: unknown key {show(key)}",
                kind.place(*placed.path, key),
                partial(did_you_mean, key, [*fields]),
            )
    for key, field in fields.items():
        if field.default is None and key not in (step.model_extra or {}):
            yield Fault("SPN-201", f"{where}: missing key {key!r}", kind.place(*placed.path), field.says)


def _uses(kind: Kind) -> Iterator[Fault]:
    """Every field and every formula has an effect."""
    used = {name for names in uses(kind).values() for name in names}
    for sort, path, names in (("field", "fields", kind.document.fields), ("formula", "let", kind.document.let)):
        for name in names:
            if name not in used:
                item = kind.item.find((path, name))
                place = (item.key if item else None) or kind.item.place
                yield Fault("SPN-524", f"nothing uses the {sort} {show(name)}", place, "use it in a step, or remove it")
