"""The reference of the Python interface, from the docstrings of everything that `spinec` offers by name."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import spinec

ERRORS = Exception  # their signatures say nothing
WIDTH = 100


def api() -> str:
    """Every public name in Markdown: functions, what they take and give, errors."""
    offered = {name: getattr(spinec, name) for name in spinec.__all__}
    functions = {name: each for name, each in offered.items() if inspect.isfunction(each)}
    errors = {name: each for name, each in offered.items() if name not in functions and issubclass(each, ERRORS)}
    classes = {name: each for name, each in offered.items() if name not in functions and name not in errors}
    classes |= {each.__name__: each for function in functions.values() for each in _given(function)}
    parts = ["## Functions", *(_entry(*each) for each in functions.items())]
    parts += ["## Classes", *(_entry(*each) for each in sorted(classes.items()))]
    parts += ["## Errors", *(_entry(*each) for each in errors.items())]
    return "\n\n".join(parts)


def _given(function: Any) -> Iterator[type]:
    """The class of spinec that a function gives, if it does."""
    name = inspect.signature(function).return_annotation
    given = getattr(sys.modules[inspect.unwrap(function).__module__], str(name), None)
    if inspect.isclass(given) and given.__module__.startswith("spinec"):
        yield given


def _entry(name: str, value: Any) -> str:
    parts = [f"### {name}"]
    if not (inspect.isclass(value) and issubclass(value, ERRORS | spinec.ModelSpec)):
        parts.append(f"```pyi\n{_signature(name, value)}\n```")
    parts += _paragraphs(inspect.getdoc(value) or "", name if name in spinec.__all__ else "")
    members = list(_members(value)) if inspect.isclass(value) else []
    return "\n\n".join([*parts, *(["\n".join(members)] if members else [])])


def _members(given: type) -> Iterator[str]:
    """A line for every public method and property."""
    own = (vars(each) for each in reversed(given.__mro__) if each.__module__.startswith("spinec"))
    for name, member in {name: member for members in own for name, member in members.items()}.items():
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        shown = name if function is not member else _flat(name, function)
        yield f"- `{shown}`: {(inspect.getdoc(function) or '').split(chr(10) * 2)[0].replace(chr(10), ' ')}"


def _signature(name: str, value: Any) -> str:
    """A signature as a person would write it, a line for every parameter where one is too short."""
    flat = _flat(name, value)
    if len(flat) <= WIDTH:
        return flat
    signature = inspect.signature(value)
    lines = "".join(f"    {part},\n" for part in _parameters(value))
    return f"{name}(\n{lines}){_result(signature)}"


def _flat(name: str, value: Any) -> str:
    signature = inspect.signature(value)
    return f"{name}({', '.join(_parameters(value))}){_result(signature)}"


def _parameters(value: Any) -> Iterator[str]:
    starred = False
    for name, parameter in inspect.signature(value).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        if name != "self":
            yield _unquoted(str(parameter.replace(annotation=_spelt(parameter.annotation, value))))


def _spelt(annotation: Any, value: Any) -> Any:
    """The choices of an annotation that only names them."""
    choices = getattr(sys.modules[inspect.unwrap(value).__module__], str(annotation), None)
    if get_origin(choices) is not Literal:
        return annotation
    return " | ".join(repr(choice) for choice in get_args(choices))


def _result(signature: inspect.Signature) -> str:
    given = signature.return_annotation
    return "" if given in (inspect.Signature.empty, None, "None") else f" -> {_unquoted(str(given))}"


def _unquoted(text: str) -> str:
    """Annotations without the quotes of strings, defaults with them."""
    return re.sub(r": '([^']*)'", r": \1", text)


def _paragraphs(docstring: str, name: str) -> Iterator[str]:
    """The parts of a docstring as Markdown: text, what is raised, examples that can be pasted."""
    for part in docstring.split("\n\n"):
        if part.startswith(">>>"):
            yield f"```pycon\n{_importing(part, name)}\n```"
        elif part.startswith("Raises:"):
            raised = inspect.cleandoc(part.removeprefix("Raises:")).replace("\n    ", " ").splitlines()
            yield "\n".join(
                f"**Raises** `{error}`:{when}" for error, _, when in (each.partition(":") for each in raised)
            )
        else:
            yield part


def _importing(example: str, name: str) -> str:
    """An example that imports what it is an example of."""
    first, _, rest = example.partition("\n")
    found = re.fullmatch(r">>> from spinec import (.*)", first)
    names = sorted({*(found[1].split(", ") if found else ()), *filter(None, [name])})
    return "\n".join([f">>> from spinec import {', '.join(names)}", rest if found else example])
