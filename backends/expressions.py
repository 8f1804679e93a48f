"""Calls as data: what rules return, what unification compares, what printers lay out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class In:
    """The k-th operand of the node."""

    index: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable or attribute, printed as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Half:
    """Half of a whole number, rounded down: how symmetric padding follows from a kernel."""

    value: Any


@dataclass(frozen=True, slots=True)
class Place:
    """The path of a layer, printed as a string; `within` a builder it continues the builder's own name.

    A `numbered` one has the number of a loop in it: ``p6_up_{k}.body``.
    """

    path: str
    within: bool = False
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Optional:
    """A keyword argument's value that is not printed where it is the framework's default."""

    value: Any
    default: Any


@dataclass(frozen=True, slots=True)
class Call:
    """``target(*args, **kwargs)``; a target in dots is a method of the first argument, one that is no name is infix."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()

    @property
    def outer(self) -> tuple[Any, ...]:
        """What it has in common with a call that differs in the values of arguments alone."""
        return self.target, len(self.args), tuple(key for key, _ in self.kwargs)

    @property
    def depth(self) -> int:
        """How many calls are nested in one another."""
        return 1 + max((value.depth for value in self.values() if isinstance(value, Call)), default=0)

    def values(self) -> Iterator[Any]:
        """Every argument."""
        yield from self.args
        yield from (value for _, value in self.kwargs)

    def map(self, change: Callable[[Any], Any]) -> Call:
        """The same call with every argument changed."""
        return Call(
            self.target,
            tuple(map(change, self.args)),
            tuple((key, change(value)) for key, value in self.kwargs),
        )


def call(target: str, *args: Any, **kwargs: Any) -> Call:
    """A call, written like one."""
    return Call(target, args, tuple(kwargs.items()))


@dataclass(frozen=True, slots=True)
class Layer:
    """Made once in the constructor, applied to its operands; `weights` are the attributes that hold the op's roles."""

    build: Call
    weights: Mapping[str, str] = field(default_factory=dict)
    after: str = ""
    """A statement on the finished layer, which is ``{layer}`` in it."""


@dataclass(frozen=True, slots=True)
class Function:
    """Applied without anything to keep; `layer` is the same thing as a layer, for use in a sequence.

    `in_place` overwrites its operand: for one that was just made and that nobody else reads. A function that `recalls`
    its operand in the backward pass copies it before that, if it is to learn.
    """

    apply: Call
    layer: Call | None = None
    in_place: Call | None = None
    recalls: bool = False


Rule = Callable[..., Layer | Function]
"""What a backend makes of an op and the shapes that it is given."""


class Hole(NamedTuple):
    """Where instances of a class differ: a constructor argument."""

    name: str


def substitute(value: Any, operands: tuple[Any, ...]) -> Any:
    """The expression with its operands in place."""
    match value:
        case In(index):
            return operands[index]
        case Call():
            return value.map(lambda inner: substitute(inner, operands))
        case list():
            return [substitute(inner, operands) for inner in value]
    return value


def render(value: Any) -> str:
    """An expression on one line."""
    match value:
        case Call(target, args) if target.startswith("."):
            return f"{render(args[0])}{target}({', '.join(arguments(Call(target, args[1:], value.kwargs)))})"
        case Call("[]", (base, index)):
            return f"{render(base)}[{index if isinstance(index, str) else render(index)}]"
        case Call(target, args) if not (target[0].isalpha() or target[0] == "_"):
            return f" {target} ".join(render(arg) if not _is_infix(arg) else f"({render(arg)})" for arg in args)
        case Call(target):
            return f"{target}({', '.join(arguments(value))})"
        case Hole(name) | Name(name):
            return name
        case Half(Hole(name)):
            return f"{name} // 2"
        case Half(inner):
            return str(inner // 2)
        case Optional(inner):
            return render(inner)
        case Place(path, within, numbered):
            return f'f"{{name}}.{path}"' if within else f'{"f" if numbered else ""}"{path}"'
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list():
            return f"[{', '.join(map(render, value))}]"
        case tuple():
            return f"({', '.join(map(render, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def arguments(value: Call) -> list[str]:
    """The arguments of a call, each on one line, without keywords at their default."""
    return [*map(render, value.args), *(f"{key}={render(item)}" for key, item in shown(value))]


def shown(value: Call) -> list[tuple[str, Any]]:
    """The keyword arguments that are not at their default."""
    return [
        (key, item)
        for key, item in value.kwargs
        if not (isinstance(item, Optional) and render(item.value) == render(item.default))
    ]


def _is_infix(value: Any) -> bool:
    return isinstance(value, Call) and not (value.target[0].isalpha() or value.target[0] in "_.[")


WIDTH = 88


def layout(prefix: str, value: Any, indent: int, suffix: str = "", comment: str = "") -> list[str]:
    """Lines of ``prefix value suffix  # comment``, laid out as formatters do: arguments on one line, or one a line."""
    space = " " * indent
    line = f"{space}{prefix}{render(value)}{suffix}"
    if len(line) + len(comment) <= WIDTH:
        return [line + comment]
    if len(line) <= WIDTH:
        return [line]
    if isinstance(value, list | tuple):
        start, end = "[]" if isinstance(value, list) else "()"
        return bracketed(f"{space}{prefix}{start}{comment}", [("", item) for item in value], f"{end}{suffix}")
    if not _can_explode(value):
        return [line]
    head, inner = value.target, value
    if value.target.startswith("."):
        head, inner = (
            f"{render(value.args[0])}{value.target}",
            Call(value.target, value.args[1:], value.kwargs),
        )
    return bracketed(f"{space}{prefix}{head}(", _arguments(inner), f"){suffix}")


def bracketed(opening: str, items: list[tuple[str, Any]], closing: str) -> list[str]:
    """Lines of ``opening items closing``: items, with their prefixes, on one indented line where they fit, or apart."""
    indent = len(opening) - len(opening.lstrip()) + 4
    space = " " * indent
    together = space + ", ".join(prefix + render(value) for prefix, value in items)
    if len(together) <= WIDTH:
        return [opening, together, f"{space[4:]}{closing}"]
    lines = [line for prefix, value in items for line in layout(prefix, value, indent, ",")]
    return [opening, *lines, f"{space[4:]}{closing}"]


def _arguments(value: Call) -> list[tuple[str, Any]]:
    """Prefix and value of every argument that is shown."""
    named = ((f"{key}=", item.value if isinstance(item, Optional) else item) for key, item in shown(value))
    return [*(("", arg) for arg in value.args), *named]


def _can_explode(value: Any) -> bool:
    return (
        isinstance(value, Call)
        and (value.target[0].isalpha() or value.target[0] in "_.")
        and any(True for _ in value.values())
    )
