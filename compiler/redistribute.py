"""Resource distribution: each block's share of a model's work (arXiv 2010.11426, Section 3.3; method.md).

A block of dim c, kernel k and expand ratio r on features of H x W does F = H W (2 c^2 r + k^2 c r) of work, Equation 2.
Attention betas share the total F_t out: alpha_i = F_t beta_i / sum_k(beta_k F_k), Equation 4, and the new dim of a block
is sqrt(alpha_i) c_i, rounded, so that sum_i(alpha_i F_i) = F_t, Equation 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, sqrt
from typing import Any, TypeAlias

from spinec.compiler.scaling import revise
from spinec.spec.blocks import Block, Bottleneck, FusedMBConv, MBConv, Residual
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.model import ModelSpec, round_dim

Number: TypeAlias = "int | float | Fraction"
Shares: TypeAlias = "Mapping[str, Number] | Sequence[Number]"
"""A value for each unit: by the name of a block, or in the order of the blocks."""


def _mbconv(block: MBConv) -> tuple[Fraction, Fraction]:
    expand = Fraction(str(block.expand))
    return 2 * expand, block.kernel**2 * expand


def _fused_mbconv(block: FusedMBConv) -> tuple[Fraction, Fraction]:
    expand = Fraction(str(block.expand))
    return block.kernel**2 * expand + (expand if expand != 1 else 0), Fraction(0)


def _residual(block: Residual) -> tuple[Fraction, Fraction]:
    return Fraction(2 * block.kernel**2), Fraction(0)


def _bottleneck(block: Bottleneck) -> tuple[Fraction, Fraction]:
    return Fraction(2, block.expand) + Fraction(block.kernel**2, block.expand**2), Fraction(0)


WORK: dict[type[Block], Callable[[Any], tuple[Fraction, Fraction]]] = {
    MBConv: _mbconv,
    FusedMBConv: _fused_mbconv,
    Residual: _residual,
    Bottleneck: _bottleneck,
}
"""Kind: factors of c^2 and of c in the work of one cell. Blocks of these kinds take part; a stem or a pyramid's node does not.
Equation 2 is of MBConv, whatever its expand ratio; the others are the same count of their own convolutions."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What gets one share: a block, or blocks of one dim. Its work is `square` dim^2 + `linear` dim."""

    blocks: tuple[str, ...]
    dim: int
    square: Fraction
    linear: Fraction

    @property
    def work(self) -> Fraction:
        """F_i, Equation 2."""
        return self.square * self.dim**2 + self.linear * self.dim


def redistribute(
    spec: ModelSpec,
    betas: Shares | None = None,
    *,
    alphas: Shares | None = None,
    target: Number | None = None,
    exact: bool = True,
    multiple: int = 8,
    keep: float = 0.9,
    groups: Sequence[Sequence[str]] = (),
    frozen: Sequence[str] = (),
    name: str | None = None,
) -> ModelSpec:
    """A spec of the same blocks whose work is shared out anew, by attention `betas` or by the factors `alphas` themselves.

    Blocks of the kinds in `WORK` take part. The blocks of a group have one dim and get one share; `frozen` blocks keep
    their dims. `target` is F_t, the work of all blocks that take part, frozen ones included: the spec's own if not given.
    Without `exact`, F_i is its first term alone, C_i c_i^2. New dims are the nearest `multiple`, at least `keep` of the
    unrounded dim.

    Raises:
        SpecError: when a name is unknown, a value is missing or not positive, or the target leaves nothing to share.

    >>> from spinec import load
    >>> betas = 10, 10, 5, 5, 15, 20, 20, 1, 20, 15, 5, 20, 10, 15, 15, 10, 10, 1
    >>> d0 = redistribute(load("sp-efficientnet-b0"), betas)
    >>> d0.blocks["b5"].dim, d0.blocks["b12"].dim, d0.blocks["b18"].dim
    (104, 192, 40)
    """
    shared = units(spec, exact=exact, groups=groups, frozen=frozen)
    if (betas is None) == (alphas is None) or (alphas is not None and target is not None):
        raise _fault("expected 'betas', with a 'target' if need be, or 'alphas', which fix the target themselves")
    if alphas is not None:
        factors = values_of(shared, alphas, "alphas")
    else:
        budget = budget_of(spec, shared, target, exact)
        factors = attention(shared, values_of(shared, betas or (), "betas"), budget)
    dims = new_dims(shared, factors, multiple, keep)
    return revise(spec, {block: dim for unit, dim in zip(shared, dims, strict=True) for block in unit.blocks}, {}, name=name)


def units(
    spec: ModelSpec, *, exact: bool = True, groups: Sequence[Sequence[str]] = (), frozen: Sequence[str] = ()
) -> list[Unit]:
    """What gets a share, in the order of the blocks; a group stands where its first block does."""
    taking_part = [name for name, block in spec.blocks.items() if type(block) in WORK]
    for block in (*frozen, *(block for group in groups for block in group)):
        if block not in taking_part:
            raise _fault(f"no block {block!r} takes part", did_you_mean(block, taking_part))
    group_of = {block: tuple(group) for group in groups for block in group}
    if len(group_of) < sum(map(len, groups)) or set(group_of) & set(frozen):
        raise _fault("groups: a block is listed twice, or frozen as well")
    members = dict.fromkeys(group_of.get(name, (name,)) for name in taking_part if name not in frozen)
    if not members:
        raise _fault(f"{spec.name}: no block takes part; expected blocks of kind " + ", ".join(_kinds()))
    return [_unit(spec, blocks, exact) for blocks in members]


def total_work(spec: ModelSpec, *, exact: bool = True) -> Fraction:
    """F_t: the work of all blocks that take part, in multiply-adds by Equation 2."""
    return sum((unit.work for unit in units(spec, exact=exact)), Fraction(0))


def attention(shared: Sequence[Unit], betas: Sequence[Fraction], budget: Fraction) -> list[Fraction]:
    """alpha_i of every unit (Equation 4), exact: a common factor of the betas or another order changes nothing."""
    total = sum((beta * unit.work for beta, unit in zip(betas, shared, strict=True)), Fraction(0))
    return [budget * beta / total for beta in betas]


def budget_of(spec: ModelSpec, shared: Sequence[Unit], target: Number | None, exact: bool) -> Fraction:
    """The work that is shared out: the target less what frozen blocks take."""
    own = sum((unit.work for unit in shared), Fraction(0))
    if target is None:
        return own
    held = total_work(spec, exact=exact) - own
    budget = _positive(target, "target") - held
    if budget <= 0:
        raise _fault(f"target: {float(target):.4g} leaves nothing to share: frozen blocks take {float(held):.4g}")
    return budget


def new_dims(shared: Sequence[Unit], alphas: Sequence[Fraction], multiple: int, keep: float) -> list[int]:
    """sqrt(alpha_i) c_i of every unit, rounded."""
    if not (multiple > 0 and 0 <= keep <= 1):
        raise _fault(f"expected a positive multiple and a keep of 0 to 1, got {multiple} and {keep}")
    return [round_dim(sqrt(alpha) * unit.dim, multiple, keep) for unit, alpha in zip(shared, alphas, strict=True)]


def values_of(shared: Sequence[Unit], given: Shares, what: str) -> list[Fraction]:
    """The value of every unit, from values by block or in order."""
    if not isinstance(given, Mapping):
        if len(given) != len(shared):
            order = ", ".join(unit.blocks[0] for unit in shared)
            raise _fault(f"{what}: expected {len(shared)} values, got {len(given)}", f"one for each of {order}")
        return [_positive(value, f"{what}: {unit.blocks[0]}") for unit, value in zip(shared, given, strict=True)]
    unit_of = {block: unit for unit in shared for block in unit.blocks}
    found: dict[Unit, Fraction] = {}
    for block, value in given.items():
        if block not in unit_of:
            raise _fault(f"{what}: no block {block!r} takes part", did_you_mean(block, unit_of))
        share = _positive(value, f"{what}: {block}")
        if found.setdefault(unit_of[block], share) != share:
            raise _fault(f"{what}: {block} is of a group that has another value, {float(found[unit_of[block]]):g}")
    if missing := [unit.blocks[0] for unit in shared if unit not in found]:
        raise _fault(f"{what}: no value for {', '.join(missing)}")
    return [found[unit] for unit in shared]


def _unit(spec: ModelSpec, blocks: tuple[str, ...], exact: bool) -> Unit:
    dims = {spec.blocks[name].dim for name in blocks}
    if len(dims) > 1:
        shown = ", ".join(f"{name}: {spec.blocks[name].dim}" for name in blocks)
        raise _fault(f"groups: blocks of a group have one dim, not {shown}")
    square = linear = Fraction(0)
    for name in blocks:
        block = spec.blocks[name]
        height, width = (-(-side // 2**block.level) for side in spec.input.size)
        factors = WORK[type(block)](block)
        square += factors[0] * height * width * block.repeats
        linear += factors[1] * height * width * block.repeats * exact
    return Unit(blocks, dims.pop(), square, linear)


def _positive(value: Number, what: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction) or not isfinite(value) or value <= 0:
        raise _fault(f"{what}: expected a positive number, got {value!r}")
    return Fraction(value)


def _kinds() -> list[str]:
    return [kind.model_fields["kind"].default for kind in WORK]


def _fault(message: str, hint: str = "") -> SpecError:
    return SpecError([Fault(f"redistribute: {message}", None, hint)])
