"""What generated source says once, at its top: the head's own numbers, and the norm that a network has everywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import log
from typing import Any

from spinec.backends.expressions import Call, Name, Optional, Rule, layout
from spinec.backends.holes import RATE
from spinec.compiler.graph.hierarchy import Step
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.regularize import StochasticDepth
from spinec.spec.detection import Anchors
from spinec.spec.heads import Head
from spinec.spec.model import ModelSpec

ARGUMENTS = ("classes",)
"""Numbers of the head that users change without another spec: the model takes them, by default the constants."""
PREDICTIONS = "predictions"
"""What nodes say of channels that whoever uses their graph tells it: an argument, even if all uses agree."""
MOMENTUM = "norm_momentum"
CONSTANTS = frozenset(
    name.upper() for name in (RATE, MOMENTUM, *(name for head in Head.kinds.values() for name in head.model_fields))
)
"""What no class may be called."""
LEAST = 2  # how often a norm is made before it has a name of its own


def counted(build: Any, formula: str) -> Any:
    """What makes a prediction layer, with its channels as the formula of a node says: ``ANCHORS * classes``."""
    if not formula or not isinstance(build, Call):
        return build
    if any(key == PREDICTIONS for key, _ in build.kwargs):
        kwargs = tuple((key, _said(value, formula) if key == PREDICTIONS else value) for key, value in build.kwargs)
        return Call(build.target, build.args, kwargs)
    numbers = [i for i, value in enumerate(build.args) if isinstance(value, int)]
    return Call(
        build.target,
        tuple(_said(value, formula) if i in numbers[-1:] else value for i, value in enumerate(build.args)),
        build.kwargs,
    )


def _said(value: Any, formula: str) -> Any:
    return Name(in_source(formula)) if isinstance(value, int) else value


def in_source(formula: str) -> str:
    """A formula in the head's fields as source says it.

    >>> in_source("anchors[0] * classes")
    'ANCHORS[0] * classes'
    """
    return re.sub(r"[a-z_]+", lambda word: word[0] if word[0] in ARGUMENTS else word[0].upper(), formula)


def arguments(formulas: Iterable[str]) -> list[str]:
    """Which arguments some formulas need."""
    words = {word for formula in formulas for word in re.findall(r"[a-z_]+", formula)}
    return [name for name in ARGUMENTS if name in words]


def prior_of(head: Head | None) -> float | None:
    """The bias that a prediction starts at where the head has a prior."""
    prior = getattr(head, "prior", None)
    return -log((1 - prior) / prior) if prior else None


@dataclass(frozen=True)
class Said:
    """Numbers of a spec that follow from few: the prior's bias, and the rates of stochastic depth."""

    prior: float | None
    rates: Mapping[float, Name]

    @property
    def arguments(self) -> list[str]:
        """What it makes the constructor take."""
        return [f"{RATE}: float = {RATE.upper()}"] if self.rates else []

    @classmethod
    def of(cls, program: Program, makers: Iterable[Any]) -> Said:
        """What a model's source says in its head's prior and in its rate of stochastic depth.

        The rate only where all that leave a branch out are told by the model how often: a class of its own may have a
        rate within.
        """
        depth = program.spec.stochastic_depth
        total = sum(block.repeats for block in program.spec.blocks.values() if block.has_branch)
        rates = {depth.rate: Name(RATE)}
        if depth.schedule == "linear":
            rates = {depth.rate * i / total: Name(f"{RATE} * {i} / {total}") for i in range(1, total)}
        told = sum(count for made in makers for count in _rates_in(made))
        dropped = sum(1 for step in program.steps if isinstance(step.op, StochasticDepth) and step.op.rate)
        return cls(prior_of(program.spec.head), rates if dropped and told == dropped else {})

    def __call__(self, value: Any, key: str = "") -> Any:
        """An expression in which they are said so: ``logit(PRIOR)``, ``drop_rate * 2 / 18``."""
        match value:
            case float() if value == self.prior:
                return Call("logit", (Name("PRIOR"),))
            case float() if key == RATE and value in self.rates:
                return self.rates[value]
            case Optional(inner, default):
                return Optional(self(inner, key), default)
            case Call(target, args, kwargs):
                return Call(target, tuple(map(self, args)), tuple((key, self(inner, key)) for key, inner in kwargs))
        return value


def _rates_in(value: Any, key: str = "") -> Iterator[int]:
    match value:
        case float() if key == RATE and value:
            yield 1
        case Call(_, args, kwargs):
            yield from (count for inner in args for count in _rates_in(inner))
            yield from (count for key, inner in kwargs for count in _rates_in(inner, key))


def constants(spec: ModelSpec, norms: Norms, used: Collection[str]) -> list[str]:
    """The lines that define the numbers of a spec which source uses, each with what it means."""
    lines: list[str] = []
    if RATE.upper() in used:
        lines.append(f"{RATE.upper()} = {spec.stochastic_depth.rate}  # of stochastic depth")
    if norms.momentum is not None:
        lines.append(f"{MOMENTUM.upper()} = {norms.momentum}  # {norms.meaning}")
    head = spec.head
    for name, field in type(head).model_fields.items() if head else ():
        if name.upper() in used:
            value, meaning = getattr(head, name), field.description or ""
            if isinstance(value, Anchors):
                scales = f"{value.scales} scales x " if value.scales > 1 else ""
                meaning = f"anchors per cell: {scales}{len(value.ratios)} ratios"
                value = value.per_cell
            lines += definition(name.upper(), value, meaning)
    return lines


def definition(name: str, value: Any, meaning: str) -> list[str]:
    """The lines that define a constant, with what it means where that fits."""
    return layout(f"{name} = ", value, 0, comment=f"  # {meaning}" if meaning else "")


@dataclass(frozen=True)
class Norms:
    """The norms that a network makes again and again, under a name of their own that has their settings."""

    named: Mapping[str, Call]
    """Name -> what it is short for, without the arguments that differ."""
    momentum: float | None
    """That all batch norms have."""
    batch: tuple[str, ...]
    """What makes the batch norms."""
    meaning: str
    """Of a momentum, which differs between frameworks."""

    @classmethod
    def of(cls, steps: Iterable[Step], rule_of: Any, short: Mapping[str, str], meaning: str) -> Norms:
        """The commonest norm of each name; `short` says what backends' norms are called."""
        builds = [rule_of(step.op)(step.op, *step.input_shapes).build for step in steps if step.op.category == "norm"]
        seen: dict[str, Counter[Call]] = {}
        for build in builds:
            if build.target in short:
                seen.setdefault(short[build.target], Counter())[_settings(build)] += 1
        common = {name: counts.most_common(1)[0] for name, counts in seen.items()}
        named = {name: call for name, (call, times) in common.items() if times >= LEAST}
        batch = [(build.target, value) for build in builds for key, value in build.kwargs if key == "momentum"]
        momenta = {momentum for _, momentum in batch}
        kinds = tuple(dict.fromkeys(target for target, _ in batch))
        return cls(named, momenta.pop() if len(momenta) == 1 else None, kinds, meaning)

    @property
    def arguments(self) -> list[str]:
        """What they make the model take."""
        return [] if self.momentum is None else [f"{MOMENTUM}: float = {MOMENTUM.upper()}"]

    def told(self, layers: str, layer: str, indent: int) -> list[str]:
        """The lines that tell all batch norms among `layers` the momentum that the model was given."""
        if self.momentum is None:
            return []
        kinds = f"({', '.join(self.batch)})" if len(self.batch) > 1 else self.batch[0]
        space = " " * indent
        return [
            f"{space}for {layer} in {layers}:",
            f"{space}    if isinstance({layer}, {kinds}):",
            f"{space}        {layer}.momentum = {MOMENTUM}",
        ]

    def rule_of(self, rule_of: Any) -> Any:
        """The rules of a backend, with short norms."""

        def found(op: Op) -> Rule:
            rule: Rule = rule_of(op)
            if op.category != "norm" or not self.named:
                return rule
            return lambda op, *shapes: self._short(rule(op, *shapes))

        return found

    def _short(self, layer: Any) -> Any:
        for name, call in self.named.items():
            if _settings(layer.build) == call:
                kept = tuple((key, value) for key, value in layer.build.kwargs if isinstance(value, Optional))
                return replace(layer, build=Call(name, layer.build.args, kept))
        return layer

    def lines(self) -> list[str]:
        """What defines them."""
        said = {"momentum": Name(MOMENTUM.upper())} if self.momentum is not None else {}
        return [
            line
            for name, call in self.named.items()
            for kwargs in [tuple((key, said.get(key, value)) for key, value in call.kwargs)]
            for line in layout(f"{name} = ", Call("partial", (Name(call.target),), kwargs), 0)
        ]


def _settings(build: Call) -> Call:
    """A call without what differs from layer to layer."""
    return Call(build.target, (), tuple((key, value) for key, value in build.kwargs if not isinstance(value, Optional)))
