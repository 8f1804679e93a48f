"""What public functions are given, looked at once, where they are called: one mechanism for all of them.

What a parameter takes is what its annotation says. Which words a `Literal` has, and which numbers make sense, the
function itself knows, and says in its own errors.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from types import FunctionType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

MADE_BY_HAND = ("Candidates", "CostModel", "Space")  # classes whose constructors people call
ASKED_BY_HAND = (*MADE_BY_HAND, "Report")  # and whose methods
ARRAYS = ("ArrayLike", "NDArray")  # numpy says itself what is one
LONGEST = 60  # characters shown of what was given
KNOWN_AS = {"ModelSpec": "spec", "Program": "program", "Report": "report"}
WAYS = {
    ("ModelSpec", "Program"): "{}.spec",
    ("ModelSpec", "Report"): "{}.program.spec",
    ("ModelSpec", "str"): "load({})",
    ("Program", "ModelSpec"): "lower({})",
    ("Program", "Report"): "{}.program",
    ("Program", "str"): "lower(load({}))",
    ("Sequence[Report]", "Report"): "[{}]",
    ("Space", "ModelSpec"): "Space({})",
}
"""How what was given becomes what was expected."""

Public = TypeVar("Public")


def guarded(value: Public, name: str) -> Public:
    """A public function that looks at its arguments; of a class, the methods are made to do so."""
    if isinstance(value, FunctionType):
        made: Any = _guarded(value, name)
        made.__module__ = __package__  # where it is found, by pickle, too
        return made  # type: ignore[no-any-return]
    if isinstance(value, type) and name in ASKED_BY_HAND:
        for key, method in list(vars(value).items()):
            if isinstance(method, FunctionType) and (key[0] != "_" or (key == "__init__" and name in MADE_BY_HAND)):
                setattr(value, key, _guarded(method, name if key == "__init__" else f"{name}.{key}"))
    return value


def _guarded(function: FunctionType, name: str) -> Callable[..., Any]:
    order = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        hints = _hints(function)
        checked = [_checked(name, key, value, hints) for key, value in zip(order, args, strict=False)]
        named = {key: _checked(name, key, value, hints) for key, value in kwargs.items()}
        try:
            return function(*checked, *args[len(order) :], **named)
        except OverflowError as error:
            raise ValueError(f"{name}: a number is too large: {error}") from error

    return call


@functools.cache
def _hints(function: FunctionType) -> dict[str, Any]:
    """What is looked at: names that only type checkers import stand for anything."""
    module = vars(sys.modules[function.__module__])
    hints = {}
    for key, text in function.__annotations__.items():
        if key != "return" and not any(each in str(text) for each in ARRAYS):
            holder = type("_", (), {"__annotations__": {key: text}})
            hints[key] = get_type_hints(holder, module, include_extras=True)[key]
    return hints


def _checked(name: str, key: str, value: Any, hints: Mapping[str, Any]) -> Any:
    """The value, numpy's as plain ones."""
    if key not in hints or type(value) is hints[key]:
        return value
    plain = value.tolist() if type(value).__module__ == "numpy" else value
    if _fits(plain, hints[key]):
        return plain
    raise TypeError(_fault(name, key, value, hints[key]))


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    match origin:
        case None:
            return _is_a(value, hint)
        case _ if origin in (Union, UnionType):
            return any(_fits(value, each) for each in inner)
        case _ if origin is Literal:
            return isinstance(value, str)
        case _ if origin is Annotated:
            return _fits(value, inner[0])
        case _ if origin is Callable:
            return callable(value)
    if origin is tuple and inner[-1] is not ...:
        return isinstance(value, tuple | list) and len(value) == len(inner) and all(map(_fits, value, inner))
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and all(_fits(v, inner[0]) for v in value)


def _is_a(value: Any, kind: Any) -> bool:
    """Whether a value is of a type; truth values are no numbers."""
    if kind is Any:
        return True
    kind = {int: Integral, float: Real}.get(kind, kind)
    return isinstance(value, kind) and not (isinstance(value, bool) and kind in (Integral, Real))


def _fault(name: str, key: str, value: Any, hint: Any) -> str:
    expected, given = _shown(hint), type(value).__name__
    article = "an" if given[0] in "aeiou" else "a"
    what = f"{article} {given}" if given in KNOWN_AS else f"{_short(value)} ({given})"
    if way := WAYS.get((expected, given)):
        what += f"; such as {name}({way.format(KNOWN_AS.get(given, _short(value)))})"
    return f"{name}: {key}: expected {expected}, got {what}"


def _shown(hint: Any) -> str:
    """An annotation in words that stand in code."""
    inner = get_args(hint)
    if hint is type(None) or hint is None or hint is ...:
        return "None" if hint is not ... else "..."
    if get_origin(hint) in (Union, UnionType):
        return " | ".join(map(_shown, inner))
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, inner))
    if get_origin(hint) is Annotated:
        return _shown(inner[0])
    plain = getattr(hint, "__name__", str(hint))
    return f"{plain}[{', '.join(map(_shown, inner))}]" if inner else plain


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # whatever somebody else's class does, or a number with more digits than Python writes
        text = "something"
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
