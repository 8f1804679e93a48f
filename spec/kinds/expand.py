"""A kind at a place: which primitives run there, on what, with which numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from spinec.spec.errors import ShapeError
from spinec.spec.kinds.arithmetic import evaluate, plain_number
from spinec.spec.kinds.formula import Formula, FormulaError, Node, Value
from spinec.spec.kinds.kind import Kind, camel
from spinec.spec.kinds.model import may_be
from spinec.spec.kinds.plan import Fields, KindError, Plan, PlannedStep, default_fields, plan, step_fields
from spinec.spec.kinds.spelling import floor, in_code
from spinec.spec.kinds.steps import LISTS, PAIRS, Step
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.validate import show

Path = tuple[str, ...]
PIXEL = 0  # stands for the stride of what has become one pixel
MAX_PARTS = 4_096  # primitives of one block, those of the kinds within it included


class Part(NamedTuple):
    """One use of a primitive or of another kind: the name of its value, what it takes, and its numbers and words."""

    name: str
    main: str
    inputs: tuple[str, ...]
    settings: Mapping[str, Any]
    dim: int
    """How many channels come out."""
    inner: Parts | None = None


@dataclass(frozen=True, eq=False)
class Parts:
    """What a kind consists of at a place; the input is ``x``."""

    name: str
    """What it is, in small letters."""
    class_name: str
    doc: str
    settings: Mapping[str, Any]
    """What generated source calls by name: numbers, and ``(number, formula)`` for what follows from others."""
    parts: tuple[Part, ...]
    result: str
    dim: int
    stride: int
    """Pixels of the input to one of the result, on a side; 0: the result is one pixel."""
    count: int
    """How many primitives there are, those of the kinds within it included."""
    drops: bool = False
    """Whether stochastic depth may leave out a part of it."""

    @property
    def windows(self) -> Iterator[tuple[int, int]]:
        """Kernel and stride of everything that moves a window over a map."""
        for part in self.parts:
            if part.inner:
                yield from part.inner.windows
            elif "stride" in part.settings:
                kernel = part.settings.get("kernels") or part.settings["kernel"]
                yield max(kernel) if isinstance(kernel, tuple) else kernel, part.settings["stride"]

    @property
    def normed(self) -> Iterator[tuple[str, int]]:
        """The norms of the spec's sort, and how many channels each has."""
        for part in self.parts:
            if part.inner:
                yield from ((f"{part.name}.{name}", dim) for name, dim in part.inner.normed)
            elif part.main == "norm":
                yield part.name, part.dim


def expand_block(kind: Kind, fields: Fields, in_dim: int, dim: int, stride: int) -> Parts:
    """What a block of a kind consists of, which brings its input to its level.

    Raises:
        KindError: when dims do not fit a step, or the steps do not stride so far.
    """
    parts = expand(kind, fields, in_dim, dim, stride)
    if parts.stride != stride:
        given = f"strides by {parts.stride}" if parts.stride else "gives one pixel"
        site = _Site(plan(kind, fields, stride), in_dim, dim)
        where = site.cause(site.parts().result, site.strides, ("steps",), "stride")
        raise KindError(kind, where, f"{given}, not by {stride}, from the level of its input to its own")
    return parts


@lru_cache(4_096)
def expand(kind: Kind, fields: Fields, in_dim: int, dim: int, stride: int) -> Parts:
    """What a kind consists of at a place.

    Raises:
        KindError: when dims do not fit a step.
    """
    return _Site(plan(kind, fields, stride), in_dim, dim).parts()


class _Site:
    """A plan at given dims: collects the parts."""

    def __init__(self, planned: Plan, in_dim: int, dim: int) -> None:
        self.plan, self.kind = planned, planned.kind
        self.values: dict[str, Value] = {"in_dim": Fraction(in_dim), "dim": Fraction(dim)}
        self.in_dim, self.dim = in_dim, dim
        self.channels: dict[str, int] = {"x": in_dim}
        self.strides: dict[str, int] = {"x": 1}  # of a value: pixels of the input from one of its pixels to the next
        self.names: dict[str, str] = {"x": "x"}  # of a step: the value that it gives
        self.path: tuple[str, ...] = ("steps",)  # of the step that is run
        self.paths: dict[str, tuple[str, ...]] = {}  # of a value: that of what says its channels
        self.given: dict[str, tuple[str, ...]] = {}  # of a value: those that may say its channels, or its stride
        self.repeats: dict[str, list[str]] = {}
        self.made: list[Part] = []
        self.used: set[str] = set()
        self.direct: set[str] = set()
        self.words: list[str] = []
        self.adjectives: list[str] = []
        self.said: list[str] = []
        self.drops = False
        self.count = 0
        for name, node in planned.lets.items():
            value = self._value(("let", name), node)
            self.values[name] = Fraction(floor(value)) if isinstance(value, Fraction) else value
        for name in self.kind.defaults:
            if planned.fields.get(name) is None:
                self._checked(("fields", name, "default"), self.kind, name, planned.known[name])

    def parts(self) -> Parts:
        x = self._run(self.plan.steps, "x", "")
        phrase, change = "", ""
        if self.kind.document.shortcut:
            x, phrase, change = self._shortcut(x)
        x = self._run(self.plan.then, x, "")
        if (dim := self.channels[x]) != self.dim:
            message = f"gives {dim} channels, not the {self.dim} of its 'dim'"
            raise KindError(self.kind, self.cause(x, self.channels, ("steps",)), message)
        words = [*self.words, *([change] if change else [])]
        name = "_".join([self.kind.name, *words])
        class_name = self.kind.class_name + "".join(map(camel, words))
        doc = ", ".join([self._title(), *self.said]) + f"{phrase}."
        return Parts(
            name, class_name, doc, self._settings(), self._taken(x), x, dim, self.strides[x], self.count, self.drops
        )

    def _taken(self, result: str) -> tuple[Part, ...]:
        """The parts on which the result depends: what nobody takes is not computed."""
        taken = {result}
        for part in reversed(self.made):
            taken |= {*part.inputs} if part.name in taken else set()
        return tuple([part for part in self.made if part.name in taken])

    def cause(self, value: str, of: Mapping[str, int], otherwise: Path, key: str = "") -> Path:
        """Where the channels, or the stride, of a value are said: steps behind that hand on what they are given.

        `key` is the setting that says it, if it is not the step's own; `otherwise` is meant if it is the input's own.
        """
        while handed := next((given for given in self.given.get(value, ()) if of[given] == of[value]), None):
            value = handed
        path = self.paths.get(value)
        return otherwise if path is None else (*path[:-1], key) if key else path

    # ------------------------------------------------------------------ steps

    def _run(self, steps: Sequence[PlannedStep], x: str, prefix: str) -> str:
        """Run steps from a value on; the last value."""
        for planned in steps:
            self._note(planned, present := self._holds(planned))
            if present:
                x = self._step(planned, x, prefix)
            elif planned.step.given:  # what is left out gives what it would have taken
                x = self._named(planned.step.given[0])[-1]
            self.names[planned.name] = x
        return x

    def _note(self, planned: PlannedStep, present: bool) -> None:
        step = planned.step
        act = planned.act == "none" and step.norm is None and not step.main
        if present and step.present and not act:
            self.words.append(step.present)
            if step.says:
                self.said.append(step.says)
        if not present and step.absent:
            self.words.append(step.absent)
            self.adjectives.append(step.absent)

    def _holds(self, planned: PlannedStep) -> bool:
        return bool(self._value((*planned.path, "when"), planned.when))

    def _step(self, planned: PlannedStep, x: str, prefix: str) -> str:
        if planned.repeat is None:
            return self._once(planned, x, f"{prefix}{planned.name}")
        path = (*planned.path, "repeat")
        times = self._number(planned.step, path, self._value(path, planned.repeat))
        self.repeats[planned.name] = []
        for i in range(1, int(times) + 1):
            self.names[planned.name] = x
            x = self._once(planned, x, f"{prefix}{planned.name}_{i}")
            self.repeats[planned.name].append(x)
        return x

    def _once(self, planned: PlannedStep, x: str, name: str) -> str:
        """One run of a step: its primitive, then norm and activation."""
        step, self.path = planned.step, planned.path
        alone = sum(each is not None for each in (step.main or None, step.norm, step.act)) == 1
        given = self._given(planned, x)
        if step.main:
            x = self._primitive(planned, given, name if alone else f"{name}_{step.main}")
        else:
            x = self._one(planned, given, name)
        if planned.norm is not None and self._value((*planned.path, "norm"), planned.norm):
            zero = planned.zero_scale
            settings = {"zero_init": bool(zero is not None and self._value((*planned.path, "zero_scale"), zero))}
            x = self._add(name if alone else f"{name}_norm", "norm", (x,), settings, self.channels[x])
        if planned.act is not None and planned.act != "none":
            x = self._add(name if alone else f"{name}_act", "act", (x,), {"kind": planned.act}, self.channels[x])
        return x

    def _given(self, planned: PlannedStep, x: str) -> list[str]:
        step = planned.step
        listed = getattr(step, step.main) if step.main in LISTS else step.given
        given = [x] if listed is None else [value for each in listed for value in self._named(each)]
        if not given:
            raise KindError(self.kind, planned.path, "takes nothing: what it takes repeats no times")
        return given

    def _named(self, value: str) -> list[str]:
        return self.repeats.get(value[:-1], []) if value.endswith("*") else [self.names[value]]

    def _one(self, planned: PlannedStep, given: list[str], name: str) -> str:
        """The one value that a step takes: several are concatenated."""
        if len(given) == 1:
            return given[0]
        return self._add(f"{name}_concat", "concat", tuple(given), {}, sum(self.channels[each] for each in given))

    def _primitive(self, planned: PlannedStep, given: list[str], name: str) -> str:
        step = planned.step
        if step.main not in LISTS:
            given = [self._one(planned, given, name)]
        elif step.main in PAIRS:
            if len(given) != 2:
                raise KindError(self.kind, (*planned.path, step.main), f"expected two values, got {len(given)}")
        elif len(given) == 1:
            return given[0]  # there is nothing to add or to concatenate
        settings = self._numbers(planned)
        if isinstance(step, KindStep):
            return self._inner(planned, step, given[0], name.removesuffix("_kind"), settings)
        dims = [self.channels[each] for each in given]
        if step.sees_input:
            settings["in_dim"] = dims[0]
        try:
            channels = step.channels(settings, dims)
        except ShapeError as error:
            raise KindError(self.kind, (*planned.path, step.divides or step.main), str(error)) from None
        return self._add(name, step.main, tuple(given), settings, channels)

    def _inner(self, planned: PlannedStep, step: KindStep, x: str, name: str, settings: dict[str, Any]) -> str:
        inner = self.kind.used[step.kind]
        fields = default_fields(inner)
        for key, node in planned.inner_fields.items():
            fields[key] = self._checked((*planned.path, key), inner, key, node)
        fields["activation"] = settings["activation"]
        parts = expand(
            inner, tuple(fields.items()), self.channels[x], settings.get("dim", self.channels[x]), settings["stride"]
        )
        return self._add(name, "kind", (x,), {}, parts.dim, parts)

    def _checked(self, path: tuple[str, ...], kind: Kind, name: str, node: Any) -> Any:
        """What a formula says of a field of this kind or of one within it, which is a value that the field may have."""
        value, field = self._plain(path, node), kind.document.fields[name]
        if field.type == "dim":
            value = max(1, int(value))
        if not may_be(field, value):
            raise KindError(self.kind, path, f"{show(value)} is no value of the field {name!r} of {kind.name}")
        return value

    def _plain(self, path: tuple[str, ...], node: Any) -> Any:
        if not isinstance(node, Node):  # a word, or a list of kernels
            return node
        return plain_number(self._value(path, node))

    def _numbers(self, planned: PlannedStep) -> dict[str, Any]:
        """A step's settings as numbers and words."""
        found: dict[str, Any] = dict(planned.words)
        for key, node in planned.settings.items():
            path = (*planned.path, key)
            value = self._value(path, node)
            found[key] = value if isinstance(value, bool | tuple) else self._number(planned.step, path, value)
        if found.get("kernel") == 1 and "dilation" in found:
            found["dilation"] = 1  # one pixel has no gaps
        self._note_use(planned, ("dilation",) if found.get("kernel") == 1 else ())
        return found

    def _number(self, step: Step, path: tuple[str, ...], value: Value) -> int | float:
        assert isinstance(value, Fraction)
        try:
            return step.number(path[-1], value)
        except ShapeError as error:
            raise KindError(self.kind, path, str(error)) from None

    def _value(self, path: tuple[str, ...], node: Node) -> Value:
        try:
            return evaluate(node, self.values)
        except FormulaError as error:
            raise KindError(self.kind, path, str(error)) from None

    def _add(
        self,
        name: str,
        main: str,
        inputs: tuple[str, ...],
        settings: Mapping[str, Any],
        channels: int,
        inner: Parts | None = None,
    ) -> str:
        self.count += inner.count if inner else 1
        if self.count > MAX_PARTS:
            raise KindError(self.kind, self.path, f"more than {MAX_PARTS:,} parts")
        if name in self.channels:
            raise KindError(self.kind, self.path, f"two parts are called {name!r}: rename a step")
        self.made.append(Part(name, main, inputs, settings, channels, inner))
        self.channels[name] = channels
        self.strides[name] = self._stride(main, inputs, settings, inner)
        self.paths[name] = *self.path, "dim" if inner else main
        self.given[name] = inputs if main in PAIRS else inputs[:1]
        return name

    def _stride(self, main: str, inputs: tuple[str, ...], settings: Mapping[str, Any], inner: Parts | None) -> int:
        """The stride of a new value: maps that meet have one, but for a gate, which is one pixel."""
        strides = [self.strides[name] for name in inputs]
        if main in PAIRS:
            which, what = (1, "the gate") if main == "multiply" else (0, "what is spread")
            if strides[which] != PIXEL:
                message = f"{what} is a map: expected one pixel, as global_pool gives it"
                raise KindError(self.kind, self.path, message)
            return strides[1 - which]
        if len(set(strides)) > 1:
            shown = " and ".join(str(each) if each else "the whole image" for each in sorted(set(strides)))
            wrong = next((name for name in inputs if self.strides[name] != self.plan.stride), "x")
            path = self.cause(wrong, self.strides, self.path, "stride")
            raise KindError(self.kind, path, f"cannot join maps that stride by {shown}")
        if main == "global_pool":
            return PIXEL
        return strides[0] * (inner.stride if inner else int(settings.get("stride", 1)))

    # ------------------------------------------------------------------ shortcut

    def _shortcut(self, x: str) -> tuple[str, str, str]:
        """The shortcut added: the value, what the docstring says of it, and the word of the class's name."""
        same = self.plan.stride == 1 and self.in_dim == self.dim
        wanted = bool(self._value(("shortcut", "when"), self.plan.adds))
        if not wanted or not (same or self.plan.shortcut):
            why = "" if same else ": the shape changes"
            return x, f" without a shortcut{why}", self._change(same)
        shortcut, phrase = "x", " with a shortcut"
        if not same:
            words, said = self.words, self.said
            self.words, self.said = [], []
            shortcut = self._run(self.plan.shortcut, "x", "shortcut_")
            phrase = f" with {self.said[0]}" if self.said else phrase
            change = "_".join(self.words)
            self.words, self.said = words, said
        else:
            change = ""
        if self.channels[shortcut] != self.channels[x]:
            wrong = x if self.channels[shortcut] == self.dim else shortcut
            message = f"the steps give {self.channels[x]} channels, the shortcut {self.channels[shortcut]}"
            raise KindError(self.kind, self.cause(wrong, self.channels, ("shortcut",)), message)
        wrong = x if self.strides[shortcut] == self.plan.stride else shortcut
        self.path = self.cause(wrong, self.strides, ("shortcut",), "stride")
        if self.kind.has_branch:
            x = self._add("drop", "drop", (x,), {}, self.channels[x])
            self.drops = True
        return self._add("add", "add", (shortcut, x), {}, self.channels[x]), phrase, change

    def _change(self, same: bool) -> str:
        if self.plan.stride > 1:
            return "down"
        return "plain" if same else "widen" if self.dim > self.in_dim else "narrow"

    # ------------------------------------------------------------------ names

    def _title(self) -> str:
        title = self.kind.title
        if self.adjectives:
            title = f"{', '.join(self.adjectives)} {title[:1].lower()}{title[1:]}"
        return title[:1].upper() + title[1:]

    def _note_use(self, planned: PlannedStep, idle: Collection[str]) -> None:
        """Note the names that a step's settings are made of, but for idle ones."""
        for key in planned.settings.keys() - set(idle):
            self._use(getattr(planned.step, key).node)
        if isinstance(planned.step, KindStep):
            for _, value in step_fields(self.kind, planned.step):
                if isinstance(value, Formula):
                    self._use(value.node)

    def _use(self, node: Node) -> None:
        if node.op == "name":
            self.direct.add(node.value)
        for name in node.names:
            if name.value not in self.used:
                self.used.add(name.value)
                if name.value in self.plan.lets:
                    self._use(self.plan.lets[name.value])

    def _settings(self) -> dict[str, Any]:
        """Dims, the numbers that steps take as they are, the stride, and formulas, in the order of the document."""
        found: dict[str, Any] = {"in_dim": self.in_dim, "dim": self.dim}
        for name, field in self.kind.document.fields.items():
            value = self.plan.fields.get(name)
            if name in self.direct and isinstance(value, int | float) and field.type != "boolean":
                found[name] = value
        if "stride" in self.used:
            found["stride"] = self.plan.stride
        for name, node in self.plan.lets.items():
            value = self.values[name]
            if name in self.used and isinstance(value, Fraction):
                found[name] = (int(value), in_code(node, self.values))
        return found
