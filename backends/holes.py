"""What differs between the instances of a class: an argument, by the block's own name for it where there is one."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from spinec.backends.expressions import Call, Half, Hole, Optional, Place
from spinec.compiler.graph.hierarchy import Derived, Setting

DIMS = ("in_dim", "dim")
RATE = "drop_rate"
POSITION = "position"  # the hint of an argument without a keyword
DIM_PLACES = (POSITION, "groups")  # where an argument that equals a dim is that dim
TAKEN = frozenset({*keyword.kwlist, *dir(builtins), "self", "name", "level", "x"})
"""Variables that Python or the surrounding code has: no field and no formula is called so in source."""


@dataclass(frozen=True)
class Param:
    """A constructor argument."""

    name: str
    annotation: str


class Holes:
    """What differs between the instances of a class, and how it is called."""

    def __init__(
        self, settings: list[Mapping[str, Setting]], module: str, places: list[str], reserved: Collection[str] = ()
    ) -> None:
        self.module, self.places = module, places
        bearable = {name: f"{name}_" if name in TAKEN or name in reserved else name for name in settings[0]}
        settings = [{bearable[name]: each[name] for name in settings[0] if name in each} for each in settings]
        names = [name for name in settings[0] if all(name in each for each in settings)]
        self.settings = {name: tuple(_plain(each[name]) for each in settings) for name in names}
        self.formulas = {name: _formula([each[name] for each in settings], bearable) for name in names}
        if "in_dim" in self.settings and self.settings["in_dim"] == self.settings.get("dim"):  # one argument does
            del self.settings["in_dim"]
            self.formulas = {name: re.sub(r"\bin_dim\b", "dim", formula) for name, formula in self.formulas.items()}
        self.values: dict[str, tuple[Any, ...]] = {}

    def unify(self, values: tuple[Any, ...], hint: str) -> Any:
        """One expression for all instances: what they share is literal, what differs is a hole."""
        first = values[0]
        if isinstance(first, Place):
            return Place(first.path.removeprefix(f"{self.places[0]}."), within=bool(self.places[0]))
        if isinstance(first, Call) and all(isinstance(value, Call) and value.outer == first.outer for value in values):
            place = RATE if first.target == "StochasticDepth" else POSITION
            args = tuple(self.unify(column, place) for column in zip(*(value.args for value in values), strict=True))
            columns = zip(*(value.kwargs for value in values), strict=True)
            kwargs = tuple((column[0][0], self.unify(tuple(v for _, v in column), column[0][0])) for column in columns)
            return Call(first.target, args, kwargs)
        if all(isinstance(value, Optional) for value in values):
            if all(value.value == value.default for value in values):
                return first  # left out, even where some dim happens to be the same number
            inner = self.unify(tuple(value.value for value in values), hint)
            return Optional(inner, first.default) if inner == first.value else inner
        if isinstance(first, int) and (name := self._dim(values, hint)):
            return self.hole(values, name)
        if hint == RATE and self.settings.get(RATE) == values:
            return self.hole(values, RATE)  # even where all instances agree: the model is told it
        if all(value == first and type(value) is type(first) for value in values):
            return first
        if all(isinstance(value, Half) for value in values):
            return Half(self.unify(tuple(value.value for value in values), "kernel"))
        return self.hole(values, hint)

    def argument(self, calls: tuple[Call, ...], name: str) -> Call:
        """One call for all instances, whose last number is a constructor argument, even where all instances agree."""
        at = [i for i, value in enumerate(calls[0].args) if isinstance(value, int)][-1]
        hole = self.hole(tuple(call.args[at] for call in calls), name)
        call = self.unify(calls, name)
        return Call(call.target, (*call.args[:at], hole, *call.args[at + 1 :]), call.kwargs)

    def _dim(self, values: tuple[Any, ...], hint: str) -> str:
        """The dim of the block that has these values: dims are arguments even where all instances agree."""
        known = ("dim", "in_dim", *self.formulas) if hint in DIM_PLACES else (hint,)
        dims = [name for name in known if name in DIMS or self.formulas.get(name)]
        return next((name for name in dims if self.settings.get(name) == values), "")

    def hole(self, values: tuple[Any, ...], hint: str) -> Hole:
        """The constructor argument that has these values, by the block's own name for it where there is one."""
        hint = {"kernel_size": "kernel", "strides": "stride", POSITION: "dim"}.get(hint, hint)
        known = [hint, *self.settings]
        name = next((name for name in known if self.settings.get(name) == values), hint)
        while any(taken.get(name, values) != values for taken in (self.values, self.settings)):
            name += "_"
        self._use(name, values)
        return Hole(name)

    def _use(self, name: str, values: tuple[Any, ...]) -> None:
        self.values[name] = values
        for base in re.findall(r"[a-z_][a-z0-9_]*", self.formulas.get(name, "")):
            if base in self.settings and base not in self.values:
                self._use(base, self.settings[base])

    def params(self) -> tuple[Param, ...]:
        """The constructor's arguments: dims, which calls give by position, the other fields of the block, the rest."""
        names = [name for name in (*DIMS, *self.settings, *self.values) if name in self.values]
        return tuple(
            Param(name, self._annotation(name)) for name in dict.fromkeys(names) if not self.formulas.get(name)
        )

    def locals(self) -> tuple[tuple[str, str], ...]:
        """What follows from the arguments."""
        return tuple((name, formula) for name, formula in self.formulas.items() if formula and name in self.values)

    def instantiate(self, target: str, params: tuple[Param, ...], k: int, *place: Place) -> Call:
        """The call that makes the k-th instance; its place and dims come first, by position."""
        leading = [p.name for p in params if p.name in DIMS]
        args = tuple(self.values[name][k] for name in leading)
        kwargs = tuple((p.name, self.values[p.name][k]) for p in params if p.name not in leading)
        return Call(target, (*place, *args), kwargs)

    def _annotation(self, name: str) -> str:
        value = self.values[name][0]
        return self.module if isinstance(value, Call) else _type_of(value)


def _type_of(value: Any) -> str:
    return f"tuple[{', '.join(map(_type_of, value))}]" if isinstance(value, tuple) else type(value).__name__


def _plain(setting: Setting) -> Any:
    return setting.value if isinstance(setting, Derived) else setting


def _formula(settings: list[Setting], bearable: Mapping[str, str]) -> str:
    formulas = {setting.formula if isinstance(setting, Derived) else "" for setting in settings}
    formula = formulas.pop() if len(formulas) == 1 else ""
    return re.sub(r"\b[a-z]\w*\b(?!\()", lambda word: bearable.get(word[0], word[0]), formula)
