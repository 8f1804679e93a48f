"""Random kinds of blocks, valid by construction, and small specs of them, as the YAML text that a person would write.

A kind is made step by step. Of every value it is known, as a formula, how many channels it has, and whether it is of the
input's size, of the result's, or one pixel: so whatever dims, strides and fields blocks say, its steps fit each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from field_values import ACTIVATIONS
from hypothesis import strategies as st
from strategies import text_of

FIELD_NAMES = (
    *("kernel", "size", "expand", "ratio", "groups", "filters", "conv", "strides", "out_channels"),
    *("width", "depth", "epsilon", "position", "features", "shape", "units", "factor", "module", "drop_rate"),
)
STEP_NAMES = ("conv", "norm", "last", "depthwise", "expand", "body", "first", "part", "pool", "join", "kernel")
STRIDING = ("conv", "mbconv", "separable", "residual", "convnext")
KEEPING = ("squeeze_excite", "norm_act")
"""Kinds of the library that give as many channels as they take."""
LIBRARY = (*STRIDING, *KEEPING, "ghost_module")
TYPES = (
    "number",
    "integer",
    "ratio",
    "boolean",
    "activation",
    "one_of",
    "kernel",
    "sides",
    "kernels",
    "dilation",
    "dim",
)
VALUES: dict[str, tuple[Any, ...]] = {
    "number": (1, 2, 1.5, 3),
    "integer": (2, 1, 3),
    "ratio": (0.25, 0.5, 1, 0),
    "boolean": (True, False),
    "activation": ACTIVATIONS,
    "one_of": ("inner", "outer"),
    "kernel": (3, 1, 5),
    "sides": ([1, 5], 3, [3, 1], 1),
    "kernels": ([3], [1, 3], [3, 5]),
    "dilation": (1, 2),
    "dim": (4, 6, 9),
}
DIMS = (3, 4, 5, 8, 12)
MOST_STEPS = 12
MOST_GROWTH = 6  # of channels over the largest dim: networks stay small


class Value(NamedTuple):
    """What a step gives."""

    name: str
    channels: str
    """A formula of it; of equal formulas there are equal numbers."""
    size: str = "in"
    """``in``, ``half``, ``out``, or ``one`` for a single pixel."""
    whole: bool = True
    """Whether the formula is a whole number as it is, so that other formulas may use it."""
    growth: int = 1
    divisor: str = "1"
    """A number that divides the channels."""
    times: str = ""
    """How often its step runs, where that is at least once."""


@dataclass
class Made:
    """A kind: its document, and whether its costs are a quadratic form of the dims."""

    name: str
    document: dict[str, Any]
    plain: bool
    """No number of channels depends on two dims but as a sum of them, and no condition depends on dims."""

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        return self.document.get("fields", {})


def type_of(said: dict[str, Any]) -> str:
    """The type of a field, as `TYPES` calls it."""
    return "one_of" if "one_of" in said else str(said["type"])


@dataclass
class Maker:
    """One kind in the making."""

    draw: st.DrawFn
    parts: Sequence[Made]
    """Kinds that steps may name."""
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    lets: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: list[Value] = field(default_factory=lambda: [Value("x", "in_dim")])
    channels: list[tuple[str, int]] = field(default_factory=lambda: [("in_dim", 1), ("dim", 1)])
    """Whole numbers of channels that formulas may use, and by how much they exceed a dim."""
    plain: bool = True
    names: set[str] = field(default_factory=set)
    last: Value = field(default_factory=lambda: Value("x", "in_dim"))

    # ------------------------------------------------------------------ choices

    def pick(self, options: Sequence[Any]) -> Any:
        """One of some options; what can be called is called when it is chosen, as that makes a field."""
        option = self.draw(st.sampled_from(options))
        return option() if callable(option) else option

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == 1)

    def new_name(self, options: Sequence[str], taken: Sequence[str]) -> str:
        name = self.pick(options)
        return name if name not in taken else f"{name}_no{len(taken)}"

    # ------------------------------------------------------------------ fields

    def field(self, kind: str) -> str:
        """The name of a field of a type: one that is there, or a new one."""
        known = [name for name, said in self.fields.items() if type_of(said) == kind]
        if known and self.chance(2):
            return str(self.pick(known))
        name = self.new_name(FIELD_NAMES, [*self.fields, *self.lets])
        said: dict[str, Any] = {"one_of": list(VALUES["one_of"])} if kind == "one_of" else {"type": kind}
        if kind == "number":
            said |= {"min": 1, "max": 4}
        elif kind == "integer":
            said |= {"min": 1, "max": 3}
        if not self.chance(6):
            said["default"] = self.default(kind, known)
        if self.chance(3):
            said["says"] = "what it means"
        self.fields[name] = said
        return name

    def default(self, kind: str, known: Sequence[str]) -> Any:
        """A value, or a formula of earlier fields."""
        if known and self.chance(3):
            other = self.pick(known)
            return f"${other}" if kind in ("activation", "one_of", "kernels") else other
        flags = [name for name, said in self.fields.items() if type_of(said) == "boolean"]
        if flags and kind in ("kernel", "dilation", "number") and self.chance(3):
            return f"{VALUES[kind][0]} if {self.pick(flags)} else {VALUES[kind][1]}"
        if kind == "boolean" and self.chance(4):
            return "stride > 1"
        if kind == "activation" and self.chance(2):
            return "$activation"
        return self.pick(VALUES[kind])

    def word(self) -> str:
        """An activation as steps say it."""
        return str(self.pick([*ACTIVATIONS, *["$activation"] * 4, *[lambda: f"${self.field('activation')}"] * 4]))

    def kernel(self) -> Any:
        kernel = self.pick([1, 3, 3, 5, 2, None, None])
        return kernel or (self.field("kernel") if self.chance(2) else f"{self.field('kernel')} + 2")

    # ------------------------------------------------------------------ formulas

    def condition(self, deep: bool = True) -> str:
        sort = self.draw(st.integers(0, 10 if deep else 6))
        if sort == 0:
            return f"{self.field('number')} {self.pick(['!=', '==', '>', '>=', '<', '<='])} {self.pick([1, 2])}"
        if sort == 1:
            return f"{self.field('one_of')} {self.pick(['==', '!='])} 'inner'"
        if sort == 2:
            return str(self.pick(["stride > 1", "stride == 1", "stride < 4", "stride >= 2", "activation == 'relu'"]))
        if sort == 3 and self.chance(3):
            self.plain = False
            return str(self.pick(["in_dim == dim", "dim > 8", "in_dim >= dim"]))
        if sort == 4:
            return f"not {self.field('boolean')}"
        if sort in (7, 10):
            return f"{self.condition(False)} {self.pick(['and', 'or'])} {self.condition(False)}"
        if sort == 8:
            return f"not ({self.condition(False)})"
        if sort == 9:
            return self.let(self.condition(False), 0)
        return self.field("boolean")

    def let(self, formula: str, growth: int) -> str:
        """The name of a new formula; a number may be used as one of channels."""
        name = self.new_name(("hidden", "inner", "squeezed", "made", "wide"), [*self.fields, *self.lets])
        self.lets[name] = formula
        if growth:
            self.channels.append((name, growth))
        return name

    def base(self, most: int = MOST_GROWTH) -> tuple[str, int]:
        """A name that is a number of channels, and its growth."""
        if most >= 3 and self.chance(8):
            return self.field("dim"), 3
        return self.pick([(text, growth) for text, growth in self.channels if growth <= most])

    def number(self) -> tuple[str, bool, int]:
        """A formula for a number of channels, whether it is whole as it is, and its growth."""
        text, growth = self.base()
        sort = self.draw(st.integers(0, 13))
        if sort <= 2:
            return text, True, growth
        if sort == 3 and growth <= 2:
            return f"{text} * {self.pick([2, lambda: self.field('number'), self.factor])}", False, 4 * growth
        if sort == 4:
            return f"{text} // {self.pick([2, 3, lambda: self.field('integer')])}", False, growth  # it may come to zero
        if sort == 5:
            return f"{text} / {self.pick([2, lambda: self.field('number')])}", False, growth
        if sort == 6:
            return (
                f"round_to({text} * {self.pick([0.25, lambda: self.field('ratio')])}, {self.pick([1, 2, 4])})",
                True,
                growth + 1,
            )
        if sort in (7, 10):
            return f"{self.pick(['max', 'min'])}({text}, {self.pick([5, 6])})", True, growth + 1
        if sort == 8 and growth <= 2:
            other, more = self.base(2)
            return f"{text} + {other}", True, growth + more
        if sort == 9:
            return f"{text} - {text} // 3", True, growth
        if sort == 10:
            other, more = self.base()
            self.plain = self.plain and other == text
            return f"{text} if {self.condition(False)} else {other}", True, max(growth, more)
        if sort == 11:
            return f"{text} * {self.field('ratio')} ^ 2", False, growth
        if sort == 12 and growth <= 2:
            return f"({text} + 1) * 2", True, 4 * growth
        if sort == 13:
            return f"-(-{text} // 2)", True, growth
        return text, True, growth

    def factor(self) -> str:
        """The name of a formula that no dim is in: it is not rounded."""
        return self.let(f"{self.field('number')} / 2 + 1", 0)

    def width(self) -> tuple[str, bool, int]:
        """As `number`, maybe under a name of its own."""
        text, whole, growth = self.number()
        return (
            (self.let(text, growth), True, growth)
            if self.chance(2) and text not in ("in_dim", "dim")
            else (text, whole, growth)
        )

    def several(self) -> tuple[str, int]:
        """A number that a multiple of it divides, and how large that is."""
        number = self.pick([2, 3, lambda: self.field("integer")])
        return str(number), 3

    # ------------------------------------------------------------------ steps

    def step_name(self) -> str:
        name = self.new_name(STEP_NAMES, [*self.names])
        self.names.add(name)
        return name

    def source(self) -> tuple[Value, dict[str, Any]]:
        """What the next step takes, and how it says so."""
        same = [value for value in self.values if value.size == self.last.size]
        if self.chance(4):
            value = self.pick(same)
            return value, {"from": self.pick([value.name, [value.name]])}
        if self.chance(6):
            several = [self.last, self.pick(same)]
            if sum(value.growth for value in several) <= MOST_GROWTH and joined(several).channels:
                return joined(several), {"from": [value.name for value in several]}
        return self.last, {}

    def add(self, body: dict[str, Any], given: Value, made: Value, kept: bool | None = None) -> None:
        """Add a step: with a norm, an activation, a condition or repeats, where these do not change what fits."""
        name = self.step_name()
        made = made._replace(name=name, times="")
        if "norm" not in body and body.get("kind") != "conv" and self.chance(3):  # a field of that
            body["norm"] = self.pick([True, True, False, lambda: self.field("boolean")])
            if self.chance(4):
                body["zero_scale"] = self.pick([True, lambda: self.field("boolean")])
        if "act" not in body and self.chance(3):
            body["act"] = self.word()
        same = (made.channels, made.size) == (self.last.channels, self.last.size)
        first = given if "from" not in body else next(v for v in self.values if v.name == one(body["from"]))
        skipped_same = (made.channels, made.size) == (first.channels, first.size) and not any(
            key in body for key in ("add", "concat", "multiply", "spread")
        )
        if kept if kept is not None else (skipped_same if "from" in body else same):
            body |= {"when": self.condition()} if self.chance(3) else {}
        if (
            "when" not in body
            and same
            and made.size != "one"
            and not any(k in body for k in ("multiply", "spread", "slice", "concat"))
            and self.chance(2)
            and (given.channels, given.size) == (made.channels, made.size)
        ):
            times = self.pick([1, 2, 2, lambda: self.field("integer")])
            body["repeat"] = times
            made = made._replace(times=str(times))
        if self.chance(8):
            body["says"] = "something"
            body["present"] = self.pick(["with", "wide"])
        if "when" in body and self.chance(3):
            body["absent"] = self.pick(["plain", "lacking"])
        self.steps[name] = body
        self.values.append(made)
        self.last = made

    def conv(self) -> None:
        given, said = self.source()
        text, whole, growth = self.width()
        kernel = self.pick([self.kernel, self.kernel, lambda: self.field("sides")])
        body: dict[str, Any] = {"conv": text, "kernel": kernel, **said, **self.trimmings()}
        self.add(body, given, Value("", text, given.size, whole, growth))

    def trimmings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.chance(4):
            found["bias"] = self.pick([True, lambda: self.field("boolean")])
        if self.chance(8):
            found["bias_init"] = self.pick([0.5, "-1 / 2"])
        if self.chance(5):
            found["padding"] = self.pick(["same", "symmetric", "spec"])
        if self.chance(5):
            found["dilation"] = self.pick([2, lambda: self.field("dilation")])
        return found

    def same_conv(self) -> None:
        """A convolution that keeps the channels: depthwise, in groups, or full."""
        given, said = self.source()
        groups: Any = self.pick([*([given.channels] * 2 if given.whole else []), given.divisor, 1])
        body: dict[str, Any] = {"conv": given.channels, "kernel": self.kernel(), **said, **self.trimmings()}
        body |= {"groups": groups} if groups != 1 else {}
        self.add(body, given, given)

    def dense(self) -> None:
        """A convolution that runs several times, each on all that there is so far."""
        given, name, times = self.last, self.step_name(), self.pick([1, 2, lambda: self.field("integer")])
        text, whole, growth = self.width()
        body = {"conv": text, "kernel": self.kernel(), "repeat": times, "from": [given.name, f"{name}*"]}
        self.steps[name] = body
        self.last = Value(name, text, given.size, whole, growth, times=str(times))
        self.values.append(self.last)
        if whole and growth <= 2 and self.room(1):
            made = self.all_repeats(self.last)
            self.add({"concat": [f"{name}*"]}, self.last, made)

    def all_repeats(self, value: Value) -> Value:
        """What all repeats of a step give, one behind the other."""
        text = f"({value.channels}) * {value.times}" if value.whole else ""
        return Value("", text, value.size, value.whole, 3 * value.growth, value.times)

    def expansion(self) -> None:
        """A convolution that is left out where its factor is one."""
        if self.last.channels not in [text for text, growth in self.channels if growth <= 2]:
            self.conv()
            return
        factor = self.field("number")
        hidden = self.let(f"{self.last.channels} * {factor}", 4 * self.last.growth)
        made = Value("", hidden, self.last.size, True, 4 * self.last.growth)
        name = self.step_name()
        absent = {"absent": "unexpanded"} if self.chance(2) else {}
        self.steps[name] = {"conv": hidden, "norm": True, "act": self.word(), "when": f"{factor} != 1", **absent}
        self.last = made._replace(name=name)
        self.values.append(self.last)

    def grouped(self) -> None:
        """A convolution to channels that its groups divide, and one in groups."""
        if not self.room(2):
            return
        number, times = self.several()
        text, growth = self.base(2)
        name = self.let(f"({text} // {number} + 1) * {number}", growth + times)
        made = Value("", name, self.last.size, True, growth + times, number)
        self.add({"conv": name, "norm": True}, self.last, made)
        self.add({"conv": name, "groups": number, "kernel": self.kernel()}, self.last, made)

    def mixed_conv(self) -> None:
        if not self.room(2):
            return
        text, growth = self.base(3)
        name = self.let(f"{text} + 3", growth + 1)
        self.add({"conv": name, "act": self.word()}, self.last, Value("", name, self.last.size, True, growth + 1))
        kernels = {"kernels": f"${self.field('kernels')}"}
        if self.chance(2):
            self.add({"mixed_conv": name, "depthwise": True, **kernels}, self.last, self.last)
        else:
            self.add(
                {"mixed_conv": f"{name} * 2", **kernels},
                self.last,
                Value("", f"{name} * 2", self.last.size, True, growth + 2),
            )

    def pool(self) -> None:
        given, said = self.source()
        padding = {"padding": self.pick(["same", "symmetric", "spec"])} if self.chance(2) else {}
        self.add({"pool": self.pick(["max", "avg"]), "kernel": self.kernel(), **padding, **said}, given, given)

    def act(self) -> None:
        given, said = self.source()
        word = self.word()
        self.add({"act": word, **said} if self.chance(2) else {"act": word, "norm": True, **said}, given, given)

    def norm(self) -> None:
        given, said = self.source()
        self.add({"norm": True, **said}, given, given)

    def layer_norm(self) -> None:
        given, said = self.source()
        self.add({"layer_norm": self.pick([0.01, "1 / 8"]), **said}, given, given)

    def group_norm(self) -> None:
        given, said = self.source()
        body = {"group_norm": given.divisor, **({"epsilon": 0.05} if self.chance(2) else {}), **said}
        self.add(body, given, given)

    def layer_scale(self) -> None:
        given, said = self.source()
        self.add({"layer_scale": self.pick([0.5, "1e-2", lambda: f"1 / {self.field('number')}"]), **said}, given, given)

    def prelu(self) -> None:
        given, said = self.source()
        self.add({"prelu": self.pick([0.25, "1 / 3"]), **said}, given, given)

    def slice(self) -> None:
        """Some of the channels: from the first on, or up to the last."""
        given, said = self.source()
        whole = given.channels
        if not given.whole or len(whole) > 40:
            return
        at = f"({whole}) // {self.pick([2, 3])}"
        body = {"slice": at, **said} if self.chance(2) else {"slice": f"({whole}) - {at}", "start": at, **said}
        ends = body["slice"] != at  # what may come to zero is no whole number as it is
        self.add(body, given, Value("", str(body["slice"]), given.size, ends, given.growth))

    def shuffle(self) -> None:
        given, said = self.source()
        self.add({"shuffle": given.divisor, **said}, given, given)

    def concat(self) -> None:
        same = [value for value in self.values if value.size == self.last.size]
        several = [self.pick(same) for _ in range(self.draw(st.integers(1, 3)))]
        if sum(value.growth for value in several) > MOST_GROWTH:
            several = several[:1]
        starred = [value for value in same if value.times]
        names = [value.name for value in several]
        made = joined(several)
        if starred and self.chance(2):
            value = self.pick(starred)
            if value.growth <= 2:
                names = [f"{value.name}*"]
                made = self.all_repeats(value)
        if made.channels:
            self.add({"concat": names}, self.last, made)

    def sum(self) -> None:
        alike = [value for value in self.values if (value.channels, value.size) == (self.last.channels, self.last.size)]
        several = [self.pick(alike) for _ in range(self.draw(st.integers(1, 3)))]
        names = [value.name for value in several]
        starred = [value for value in alike if value.times]
        if starred and self.chance(2):
            names.append(f"{self.pick(starred).name}*")
        self.add({"add": names}, self.last, self.last)

    def gate(self) -> None:
        """One pixel that gates the map that it comes from."""
        if not self.room(4):
            return
        whole = self.last
        self.add({"global_pool": self.pick(["mean", "max"])}, whole, whole._replace(size="one"), kept=False)
        if self.chance(3):
            kernel = self.pick([1, 3, 5, lambda: self.field("kernel")])
            self.add({"channel_conv": kernel}, self.last, self.last, kept=False)
        elif self.chance(2):
            text, _, growth = self.width()
            self.add({"conv": text, "act": self.word()}, self.last, Value("", text, "one", False, growth), kept=False)
        self.add(
            {"conv": whole.channels, "bias": True, "act": "sigmoid"}, self.last, whole._replace(size="one"), kept=False
        )
        self.add({"multiply": [whole.name, self.last.name]}, self.last, whole, kept=False)

    def spread(self) -> None:
        """One pixel, spread over the map that it comes from, or over another of its size."""
        if not self.room(3):
            return
        maps = [value for value in self.values if value.size == self.last.size]
        whole = self.last
        self.add({"global_pool": self.pick(["mean", "max"])}, whole, whole._replace(size="one"), kept=False)
        if self.chance(2):
            text, is_whole, growth = self.width()
            self.add({"conv": text}, self.last, Value("", text, "one", is_whole, growth), kept=False)
        self.add(
            {"spread": [self.last.name, self.pick(maps).name]},
            self.last,
            self.last._replace(size=whole.size),
            kept=False,
        )

    def attention(self) -> None:
        """Queries, keys and values, and the attention of them, in heads that divide the channels."""
        if not self.room(2):
            return
        heads, times = self.several()
        text, growth = self.base(2)
        name = self.let(f"({text} // {heads} + 1) * {heads}", growth + times)
        made = Value("", name, self.last.size, True, growth + times, heads)
        three = made._replace(channels=f"3 * {name}", growth=3 * made.growth)
        self.add({"conv": f"3 * {name}", "bias": True}, self.last, three, kept=False)
        self.add({"attention": heads}, self.last, made, kept=False)

    def room(self, steps: int) -> bool:
        """Whether there may be so many steps more, and one that gives the result."""
        return len(self.steps) + steps < MOST_STEPS

    def kind(self) -> None:
        given, said = self.source()
        body, made = self.inner(given)
        self.add({**body, **said}, given, made)

    def inner(self, given: Value, stride: Any = None) -> tuple[dict[str, Any], Value]:
        """A step of another kind, and what it gives."""
        part = self.pick([*self.parts * 4, *(STRIDING if stride else LIBRARY)])
        made, body = given, {}
        if isinstance(part, Made):
            self.plain = self.plain and part.plain
            for name, said in part.fields.items():
                if "default" not in said or self.chance(2):
                    body[name] = self.given(said)
            part = part.name
        else:
            body = self.of_library(part)
        if stride:
            body["stride"] = stride
        if part not in KEEPING and self.chance(2):
            text, whole, growth = self.width()
            body["dim"] = text
            made = Value("", text, given.size, whole, growth)
        if self.chance(2):
            body["activation"] = self.word()
        return {"kind": part, **body}, made

    def of_library(self, name: str) -> dict[str, Any]:
        if name == "squeeze_excite":
            gate = {"gate": self.pick(["sigmoid", "hard_sigmoid"])} if self.chance(2) else {}
            return {"squeezed": self.base()[0], **gate}
        if name in ("conv", "residual", "separable") and self.chance(2):
            return {"kernel": self.pick([1, 5, lambda: self.field("kernel")])}
        if name == "mbconv":
            return {"expand": self.pick([1, 2]), **({"squeeze": 0} if self.chance(2) else {})}
        return {}

    def given(self, said: dict[str, Any]) -> Any:
        """What a step says of another kind's field: a value, or a field of one's own of the same type."""
        kind = type_of(said)
        if self.chance(2):
            return self.pick(VALUES[kind])
        own = self.field(kind)
        return f"${own}" if kind in ("activation", "one_of", "kernels") else own

    # ------------------------------------------------------------------ the stride, and the whole

    def strided(self) -> None:
        """What brings the input's size to the result's: at once, or in two steps."""
        if self.last.size == "in" and self.room(4) and self.chance(4):
            self.stride("half", "2 if stride > 2 else 1")
            self.stride("out", "stride / 2 if stride > 2 else stride")
        else:
            self.stride("out", "stride")

    def stride(self, size: str, formula: str) -> None:
        given = self.last
        sort = self.draw(st.integers(0, 4))
        if sort == 0:
            body: dict[str, Any] = {
                "pool": self.pick(["max", "avg"]),
                "kernel": self.pick([2, 3, "stride"]),
                "stride": formula,
            }
            made = given._replace(size=size)
            if formula == "stride" and self.chance(2):
                body["when"] = "stride > 1"
        elif sort == 1:
            groups = {"groups": given.channels} if given.whole else {}
            body = {"conv": given.channels, **groups, "kernel": self.kernel(), "stride": formula}
            made = given._replace(size=size)
        elif sort == 2 and given.growth <= 2:
            body, made = self.inner(given, formula)
            made = made._replace(size=size)
        elif sort == 3:
            name = self.let(f"{self.base(3)[0]} + 3", 4)
            self.add({"conv": name}, given, Value("", name, given.size, True, 4))
            kernels = f"${self.field('kernels')}"
            body, made = (
                {"mixed_conv": f"{name} + 1", "kernels": kernels, "stride": formula},
                Value("", f"{name} + 1", size, True, 4),
            )
        else:
            text, whole, growth = self.width()
            body = {"conv": text, "kernel": self.pick([1, 3, 5, "stride"]), "stride": formula, **self.trimmings()}
            made = Value("", text, size, whole, growth)
        self.add(body, given, made, kept=False)

    def random_step(self) -> None:
        OF_PRIMITIVE[self.pick([*OF_PRIMITIVE])](self)

    def finish(self) -> None:
        """Bring the channels to the block's dim."""
        sort = self.draw(st.integers(0, 3))
        sort = sort if self.room(2) else 2
        made = self.last._replace(channels="dim", whole=True, growth=1, divisor="1")
        if sort == 0:
            self.add({"kind": "conv", "dim": "dim", "kernel": self.kernel_of_kind()}, self.last, made, kept=False)
        elif sort == 1:
            name = self.let("dim + 3", 2)
            self.add({"conv": name}, self.last, made._replace(channels=name))
            kernels = f"${self.field('kernels')}"
            self.add({"mixed_conv": name, "kernels": kernels}, self.last, self.last)
            self.add({"conv": "dim"}, self.last, made, kept=False)
        else:
            self.add({"conv": "dim", "kernel": self.kernel()}, self.last, made, kept=False)

    def kernel_of_kind(self) -> Any:
        return self.pick([1, 3, lambda: self.field("kernel")])

    def shortcut(self) -> dict[str, Any]:
        """What is added to the result: the input, or what some steps make of it."""
        found: dict[str, Any] = {"when": self.condition()} if self.chance(3) else {}
        if self.chance(3):
            found["drop"] = False
        if self.chance(3):
            return found
        norm = {"norm": True} if self.chance(2) else {}
        steps: dict[str, Any] = {}
        if self.chance(2):
            steps["pool"] = {"pool": self.pick(["avg", "max"]), "kernel": self.pick([2, 3]), "stride": "stride"}
            if self.chance(2):
                steps["pool"]["when"] = "stride > 1"
            steps["conv"] = {"conv": "dim", **norm}
        elif self.chance(3):
            steps["conv"] = {"kind": "conv", "dim": "dim", "stride": "stride", "activation": "none"}
        else:
            steps["conv"] = {"conv": "dim", "stride": "stride", "kernel": self.pick([1, 3]), **norm}
        if self.chance(2):
            steps["conv"] |= {"present": "project", "says": "a projected shortcut"}
        if self.chance(3):
            steps["norm"] = {"layer_norm": 0.01, "from": "conv"}
        return {**found, "steps": steps}

    def then(self) -> dict[str, Any]:
        """Steps behind the shortcut."""
        ways = [
            lambda: {"act": self.word()},
            lambda: {"norm": True},
            lambda: {"conv": "dim", "groups": "dim", "kernel": 3},
            lambda: {"add": [self.last.name, self.last.name]},
            lambda: {"layer_scale": 0.5},
        ]
        found = {}
        for _ in range(self.draw(st.integers(1, 2))):
            found[self.step_name()] = self.pick(ways)
        return found

    def trimmed(self, document: dict[str, Any]) -> dict[str, Any]:
        """What says nothing of the network, sometimes."""
        numbers = [name for name, formula in self.lets.items() if name in dict(self.channels)]
        if numbers and self.chance(4):
            document["inner"] = self.pick(numbers)
        if self.chance(4):
            document |= {"class": self.pick(["Own", "OwnBlock"]), "title": "A block of its own", "source": "nowhere"}
        if self.chance(3):
            document["work"] = self.pick([0, "dim ^ 2", "2 * dim ^ 2 + 9 * dim"])
        if self.chance(4):
            document["look"] = self.draw(st.integers(0, 27))
        return document


def make_kind(draw: st.DrawFn, name: str, parts: Sequence[Made], most_steps: int = 11, part: bool = False) -> Made:
    """A kind of a name."""
    maker = Maker(draw, parts)
    node = not part and maker.chance(12)
    target = draw(st.integers(1, most_steps))
    stride_at = draw(st.integers(0, max(0, target - 4)))
    while len(maker.steps) < stride_at:
        maker.random_step()
    if not node:
        maker.strided()
    while len(maker.steps) < target:
        maker.random_step()
    if maker.last.channels != "dim" or len(maker.steps) < 2 or maker.chance(2):
        maker.finish()
    document: dict[str, Any] = {"says": f"A random block: {name}"}
    shortcut = maker.shortcut() if maker.chance(2) and not node else None
    then = maker.then() if maker.chance(3) else None
    own = {"fields": maker.fields, "let": maker.lets, "steps": maker.steps, "shortcut": shortcut, "then": then}
    document |= {key: value for key, value in own.items() if value is not None and (value or key == "shortcut")}
    if node:
        document["node"] = True
    if part and maker.chance(2):
        document["part"] = True
    return Made(name, maker.trimmed(document), maker.plain)


class Drawn(NamedTuple):
    """A spec of random kinds."""

    text: str
    plain: bool
    """Whether the cost of its blocks is a quadratic form of the dims."""


@st.composite
def kind_specs(draw: st.DrawFn) -> Drawn:
    """A spec of two to four blocks of random kinds."""
    parts: list[Made] = []
    for i in range(draw(st.sampled_from([0, 0, 1, 2]))):
        parts.append(make_kind(draw, f"part{i + 1}", parts, 3, part=True))
    kinds = [make_kind(draw, f"own{i + 1}", parts) for i in range(draw(st.sampled_from([1, 1, 2])))]
    dims = st.sampled_from(DIMS)
    blocks: dict[str, dict[str, Any]] = {"stem": {"kind": "conv", "level": 1, "dim": draw(dims), "inputs": ["image"]}}
    for i in range(draw(st.integers(1, 3))):
        sources = list(blocks)[-draw(st.sampled_from([1, 1, 1, 2])) :]
        level = min(5, blocks[sources[-1]]["level"] + draw(st.integers(0, 2)))
        kind = draw(st.sampled_from(kinds))
        block = {"kind": kind.name, "level": level, "dim": draw(dims), "inputs": sources}
        for name, said in kind.fields.items():
            if "default" not in said or draw(st.booleans()):
                block[name] = draw(st.sampled_from(VALUES[type_of(said)]))
        if draw(st.booleans()) and not kind.document.get("node"):
            block["repeats"] = draw(st.integers(2, 3))
        if draw(st.booleans()):
            block["activation"] = draw(st.sampled_from(ACTIVATIONS))
        blocks[f"b{i + 1}"] = block
    read = {source for block in blocks.values() for source in block["inputs"]}
    document = {
        "name": "random-kinds",
        "input": {"size": draw(st.sampled_from([16, [12, 20], [17, 9]]))},
        "padding": draw(st.sampled_from(["symmetric", "same"])),
        "stochastic_depth": {"rate": draw(st.sampled_from([0, 0.2]))},
        "kinds": {made.name: made.document for made in (*parts, *kinds)},
        "blocks": blocks,
        "outputs": {f"out_{name}": name for name in blocks if name not in read},
    }
    return Drawn(text_of(document), all(made.plain for made in kinds))


def one(given: str | list[str]) -> str:
    return given if isinstance(given, str) else given[0]


def joined(several: Sequence[Value]) -> Value:
    """Several values, one behind the other in the channels."""
    if len(several) == 1:
        return several[0]
    whole = all(value.whole and value.channels for value in several)
    text = " + ".join(value.channels for value in several)
    alike = len({value.channels for value in several}) == 1 and bool(several[0].channels)
    text = text if whole and len(text) < 60 else ""
    growth = sum(value.growth for value in several)
    return Value("", text, several[0].size, bool(text), growth, str(len(several)) if alike else "1")


OF_PRIMITIVE: dict[str, Callable[[Maker], None]] = {
    "kind": Maker.kind,
    "conv": Maker.conv,
    "mixed_conv": Maker.mixed_conv,
    "pool": Maker.pool,
    "global_pool": Maker.gate,
    "add": Maker.sum,
    "multiply": Maker.gate,
    "spread": Maker.spread,
    "concat": Maker.concat,
    "layer_norm": Maker.layer_norm,
    "group_norm": Maker.group_norm,
    "layer_scale": Maker.layer_scale,
    "prelu": Maker.prelu,
    "slice": Maker.slice,
    "channel_conv": Maker.gate,
    "attention": Maker.attention,
    "shuffle": Maker.shuffle,
    "norm": Maker.norm,
    "act": Maker.act,
    "same": Maker.same_conv,
    "expansion": Maker.expansion,
    "grouped": Maker.grouped,
    "dense": Maker.dense,
}
"""What makes steps of a primitive; the last six are of a norm, of an activation, and of convolutions of their own."""
