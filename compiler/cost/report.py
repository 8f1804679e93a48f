"""What a program costs: multiply-adds, parameters and memory, exactly, without a framework.

Counts are integers; where a convention prices something at a half, a total may end in .5 and is still exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal, NamedTuple

from spinec.compiler.cost.parts import INITIALISED, PARTS
from spinec.compiler.cost.peak_memory import peak_elements
from spinec.compiler.graph.hierarchy import Step
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op
from spinec.spec.collection import paused_collection
from spinec.spec.conventions import CONVENTIONS, Convention
from spinec.spec.errors import ShapeError, did_you_mean
from spinec.spec.fields import CountedParams
from spinec.spec.model import ModelSpec
from spinec.spec.notebook import shown
from spinec.spec.quantities import Quantity, Work

By = Literal["model", "level", "block", "part", "op", "category"]
MAX_COUNT = 2**53  # the largest integer that every reader of the figures can hold, doubles included


@dataclass(frozen=True, slots=True)
class Count:
    """What one op, or some of them together, cost; what the work counts is worked out when it is asked for."""

    work: Work
    kernel_weights: int = 0
    """Weights whose initialisers some conventions count."""
    params: int = 0
    activations: int = 0
    """Elements that the ops give out."""

    def macs(self, convention: Convention = "conv") -> int | float:
        """Multiply-adds; ends in .5 where the convention counts halves and their number is odd."""
        halves = self.flops(convention)
        return halves // 2 if halves % 2 == 0 else halves / 2

    def flops(self, convention: Convention = "conv") -> int:
        """Floating point operations: twice the multiply-adds."""
        return CONVENTIONS.named(convention).halves(self.work, self.kernel_weights)

    def __repr__(self) -> str:
        return f"Count(macs={self.macs()}, params={self.params}, activations={self.activations})"

    @property
    def activation_bytes(self) -> int:
        """Bytes of what the ops give out, in float32."""
        return 4 * self.activations


class Row(NamedTuple):
    """One op of a program and its cost."""

    path: str
    op: Op
    work: Work
    kernel_weights: int
    params: int
    activations: int

    def flops(self, convention: Convention = "conv") -> int:
        """Floating point operations: twice the multiply-adds."""
        return CONVENTIONS.named(convention).halves(self.work, self.kernel_weights)


class Parts(dict[str, Count]):
    """What parts of a program cost, by name; notebooks show it as a table."""

    def __init__(self, report: Report, key: By, counts: Mapping[str, Count]) -> None:
        super().__init__(counts)
        self.report, self.key = report, key

    def _repr_html_(self) -> str | None:
        return shown("parts", self)


@dataclass(frozen=True)
class Report(Count):
    """The cost of a program: of the whole, and by any of its parts."""

    program: Program = field(kw_only=True)
    rows: tuple[Row, ...] = field(kw_only=True)

    def __repr__(self) -> str:
        height, width = self.program.size
        of = f"{self.program.name} at {height} x {width}"
        return f"<Report of {of}: {self.macs():,} multiply-adds, {self.params:,} parameters>"

    def by(self, key: By) -> Parts:
        """The cost of every level, block, part, op or category; the rows add up to the whole.

        >>> from spinec import load, lower, cost
        >>> report = cost(lower(load("eff-spinenet-d0")))
        >>> sum(part.params for part in report.by("block").values()) == report.params
        True
        """
        if key not in KEYS:
            raise ValueError(f"cannot report by {key!r}; {did_you_mean(key, KEYS)}")
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(KEYS[key](self.program.spec, row), []).append(row)
        return Parts(self, key, {name: total(rows) for name, rows in groups.items()})

    def params_by(self, counted: CountedParams) -> int:
        """Parameters as a publication may count them: a norm has two per channel that are trained.

        One of them is left when it is folded into the convolution before it, and two running statistics are further
        variables.
        """
        kept = sum(prod(shape) for shape in self.program.state.values())
        further = {"trained": 0, "folded": -kept // 2, "all": kept}
        if counted not in further:
            raise ValueError(f"cannot count parameters as {counted!r}; {did_you_mean(counted, further)}")
        return self.params + further[counted]

    @cached_property
    def peak_bytes(self) -> int:
        """The most bytes of activations alive at once at inference, in float32, batch 1 (weights not included).

        Every value lives from the op that makes it to the last op that reads it; an op's inputs and its result are
        alive together.
        """
        return 4 * peak_elements(self.program)

    @cached_property
    def receptive_fields(self) -> dict[str, tuple[int, int]]:
        """Block: height and width in pixels of what its centre cell sees of the image; gates are left out."""
        from spinec.compiler.cost.receptive_field import receptive_field

        return {name: receptive_field(self.program, name) for name in self.program.spec.blocks}

    def _repr_html_(self) -> str | None:
        return shown("html", self)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data: the whole, and by level, block, part and category."""
        parts: tuple[By, ...] = ("level", "block", "part", "category")
        return {
            "name": self.program.name,
            "input": list(self.program.input_shape),
            "outputs": {name: list(shape) for name, shape in self.program.outputs.items()},
            **plain(self),
            "peak_bytes": self.peak_bytes,
            **{f"by_{key}": {name: plain(count) for name, count in self.by(key).items()} for key in parts},
        }


@paused_collection()
def cost(program: Program) -> Report:
    """Count a program.

    >>> from spinec import load, lower
    >>> cost(lower(load("eff-spinenet-d0"))).macs()
    2453285888
    """
    rows = rows_of(program.steps)
    whole = total(rows)
    check_count(whole, program.name)
    return Report(whole.work, whole.kernel_weights, whole.params, whole.activations, program=program, rows=tuple(rows))


def check_count(count: Count, name: str) -> None:
    """Whether a count is exact in every convention, for every reader of it.

    Raises:
        ShapeError: where it is too large.
    """
    if max(map(count.flops, CONVENTIONS.own)) > 2 * MAX_COUNT:
        raise ShapeError(f"{name}: more than 2^53 multiply-adds, which no counter can hold exactly")


def rows_of(steps: Iterable[Step]) -> list[Row]:
    """What each op costs."""
    rows = []
    for step in steps:
        work = step.op.work(step.output, *step.input_shapes)
        if step.times > 1:
            work = {quantity: step.times * amount for quantity, amount in work.items()}
        params = kernels = 0
        for role, shape in step.weights.items():
            params += (size := prod(shape))
            kernels += size if role in INITIALISED else 0
        rows.append(Row(step.path, step.op, work, kernels, params, step.times * prod(step.output)))
    return rows


def plain(count: Count) -> dict[str, Any]:
    """A count as plain data."""
    macs = {name: count.macs(name) for name in CONVENTIONS}
    return {"macs": macs, "params": count.params, "activation_bytes": count.activation_bytes}


def total(parts: Iterable[Row | Count]) -> Count:
    """What some ops, or some parts, cost together."""
    work: dict[Quantity, int] = {}
    kernel_weights = params = activations = 0
    for part in parts:
        for quantity, amount in part.work.items():
            work[quantity] = work.get(quantity, 0) + amount
        kernel_weights += part.kernel_weights
        params += part.params
        activations += part.activations
    return Count(work, kernel_weights, params, activations)


def counted_parts(report: Report, convention: Convention) -> dict[str, int]:
    """Of what a convention's count is made up, in half multiply-adds."""
    prices, work = CONVENTIONS.named(convention), report.work
    parts = {
        part: prices.halves({each: work.get(each, 0) for each in quantities}, 0) for part, quantities in PARTS.items()
    }
    return {**parts, "initialisers": prices.halves({}, report.kernel_weights)}


def _part(spec: ModelSpec, row: Row) -> str:
    """What a model is made of: bodies of blocks, the resampling and fusion between them, endpoints, head."""
    first, _, rest = row.path.partition(".")
    if first in spec.outputs:
        return "endpoints"
    if first not in spec.blocks:
        return "head"
    inner = rest.partition(".")[0]
    if operand_of(inner) is not None:
        return "resample"
    return "fuse" if inner.startswith(("fuse", "concat")) and len(spec.blocks[first].inputs) > 1 else "blocks"


def _level(spec: ModelSpec, row: Row) -> str:
    """The level that an op's cost belongs to: its block's, its output's, or the head's finest."""
    first = row.path.partition(".")[0]
    output = max((name for name in spec.outputs if f"_{first}".endswith(f"_{name}")), key=len, default="")
    if first in spec.blocks:
        level = spec.level_of(first)
    elif output:
        level = spec.level_of(spec.outputs[output])
    else:
        level = min(spec.level_of(block) for block in spec.outputs.values())
    return f"level {level}"


KEYS: dict[str, Callable[[ModelSpec, Row], str]] = {
    "model": lambda spec, row: "model",
    "level": _level,
    "block": lambda spec, row: row.path.partition(".")[0],
    "part": _part,
    "op": lambda spec, row: row.path,
    "category": lambda spec, row: row.op.group,
}


def operand_of(inner: str) -> int | None:
    """Which input of a block an op at a path within the block resamples, from 0; None where it does something else."""
    first = inner.partition(".")[0]
    return int(first.removeprefix("resample") or 1) - 1 if first.startswith("resample") else None
