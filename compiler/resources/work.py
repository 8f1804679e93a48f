"""How much work each block does, by the paper's Equation 2: what a resource distribution shares out.

A block of dim c, kernel k and expand ratio r on features of H x W does F = H W (2 c^2 r + k^2 c r) of work, once for
every repeat (arXiv 2010.11426, Section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

from spinec.compiler.graph.hierarchy import ModelInput, flatten
from spinec.compiler.lowering.kinds import graph_of
from spinec.compiler.lowering.layers import style_of
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.kinds.arithmetic import evaluate, settled
from spinec.spec.kinds.expand import expand
from spinec.spec.kinds.formula import FormulaError
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.plan import Fields, KindError, field_values, in_dims, plan
from spinec.spec.model import ModelSpec

DIMS = (20160, 40320, 60480)  # of which usual shares are whole, and usual multiples
STATED = "state it: work: 2 * dim^2 (0: its blocks take no part)"


@dataclass(frozen=True, slots=True)
class Unit:
    """What gets one share: a block, or a group of blocks of one dim. Its work is square x dim^2 + linear x dim."""

    blocks: tuple[str, ...]
    dim: int
    square: Fraction
    linear: Fraction

    @property
    def work(self) -> Fraction:
        """F_i, in multiply-adds."""
        return self.square * self.dim**2 + self.linear * self.dim


def units(
    spec: ModelSpec, *, exact: bool = True, groups: Sequence[Sequence[str]] = (), frozen: Sequence[str] = ()
) -> list[Unit]:
    """What gets a share, in the order of the blocks; a group stands where its first block does.

    Blocks take part unless they are `frozen` or their kind says otherwise. Without `exact`, the work is its first term.

    Raises:
        SpecError: when a name is unknown or listed twice, a group has several dims, or no block takes part.
    """
    taking_part = [name for name, block in spec.blocks.items() if block.definition.takes_part]
    grouped = [block for group in groups for block in group]
    for block in (*frozen, *grouped):
        if block not in taking_part:
            raise distribution_fault(f"no block {block!r} takes part", did_you_mean(block, taking_part))
    if len(set(grouped)) < len(grouped) or set(grouped) & set(frozen):
        raise distribution_fault("groups: a block is listed twice, or is frozen")
    group_of = {block: tuple(group) for group in groups for block in group}
    shared = dict.fromkeys(group_of.get(name, (name,)) for name in taking_part if name not in frozen)
    if not shared:
        hint = "expected one of a kind that computes, such as mbconv, that is not frozen"
        raise distribution_fault(f"{spec.name}: no block takes part", hint)
    return [_unit(spec, blocks, exact) for blocks in shared]


def total_work(spec: ModelSpec, *, exact: bool = True) -> Fraction:
    """F_t: the work of all blocks that take part.

    >>> from spinec import load
    >>> round(total_work(load("sp-efficientnet-b0")) / 10**6)
    1649
    """
    return sum((unit.work for unit in units(spec, exact=exact)), Fraction(0))


def distribution_fault(message: str, hint: str = "") -> SpecError:
    """What is wrong with a distribution that was asked for."""
    return SpecError([Fault("SPN-701", f"resource distribution: {message}", None, hint)])


def _unit(spec: ModelSpec, blocks: tuple[str, ...], exact: bool) -> Unit:
    dims = {name: spec.blocks[name].dim for name in blocks}
    if len(set(dims.values())) > 1:
        shown = ", ".join(f"{name}: {dim}" for name, dim in dims.items())
        raise distribution_fault(f"groups: blocks of a group have one dim, not {shown}")
    square = linear = Fraction(0)
    for name in blocks:
        block = spec.blocks[name]
        height, width = (-(-side // 2**block.level) for side in spec.input.size)
        factors = _factors(block.definition, field_values(block))
        square += factors[0] * height * width * block.repeats
        linear += factors[1] * height * width * block.repeats if exact else 0
    return Unit(blocks, dims[blocks[0]], square, linear)


@lru_cache(4096)
def _factors(kind: Kind, fields: Fields) -> tuple[Fraction, Fraction]:
    """The factors of c^2 and c in the work of one cell: as the kind states it, or counted from its steps."""
    try:
        works = _works(kind, fields)
    except (FormulaError, KindError) as error:
        raise distribution_fault(f"kind {kind.name}: its work cannot be computed: {error}", STATED) from None
    first, second, third = (work / dim for work, dim in zip(works, DIMS, strict=True))
    square = (second - first) / (DIMS[1] - DIMS[0])
    linear = first - square * DIMS[0]
    if square * DIMS[2] + linear != third:
        message = f"kind {kind.name}: its work is no sum of a square and a multiple of its dim"
        raise distribution_fault(message, STATED)
    return square, linear


def _works(kind: Kind, fields: Fields) -> list[Fraction]:
    """The work of one cell at each of `DIMS`."""
    if not kind.document.work:
        return [Fraction(_counted(kind, fields, dim)) for dim in DIMS]
    known = in_dims(plan(kind, fields, 1), rounded=False)  # Equation 2 rounds nothing
    node = settled(kind.document.work.node, known)
    return [_number(evaluate(node, {"in_dim": Fraction(dim), "dim": Fraction(dim)})) for dim in DIMS]


def _counted(kind: Kind, fields: Fields, dim: int) -> int:
    """Multiply-adds of one cell, of a block that keeps its dim and does not stride."""
    graph = graph_of(expand(kind, fields, dim, dim, 1), style_of(_plain()))
    steps, _, _ = flatten(graph, {"x": ModelInput((dim, 1, 1))})
    return sum(step.op.work(step.output, *step.input_shapes).get("macs", 0) for step in steps)


@cache
def _plain() -> ModelSpec:
    """A spec for what no setting of a spec changes."""
    return ModelSpec(name="cell", blocks={}, outputs={"out": "x"})


def _number(value: object) -> Fraction:
    assert isinstance(value, Fraction)
    return value
