"""How much work each block does, by the paper's Equation 2: what a resource distribution shares out.

A block of dim c, kernel k and expand ratio r on features of H x W does F = H W (2 c^2 r + k^2 c r) of work, once for
every repeat (arXiv 2010.11426, Section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from spinec.spec.blocks import Block, Bottleneck, FusedMBConv, MBConv, Residual
from spinec.spec.errors import Fault, SpecError, did_you_mean
from spinec.spec.model import ModelSpec


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

    Blocks of the kinds in `WORK` take part, unless `frozen`. Without `exact`, the work is its first term alone.

    Raises:
        SpecError: when a name is unknown or listed twice, a group has several dims, or no block takes part.
    """
    taking_part = [name for name, block in spec.blocks.items() if type(block) in WORK]
    grouped = [block for group in groups for block in group]
    for block in (*frozen, *grouped):
        if block not in taking_part:
            raise distribution_fault(f"no block {block!r} takes part", did_you_mean(block, taking_part))
    if len(set(grouped)) < len(grouped) or set(grouped) & set(frozen):
        raise distribution_fault("groups: a block is listed twice, or is frozen")
    group_of = {block: tuple(group) for group in groups for block in group}
    shared = dict.fromkeys(group_of.get(name, (name,)) for name in taking_part if name not in frozen)
    if not shared:
        kinds = " or ".join(kind.model_fields["kind"].default for kind in WORK)
        raise distribution_fault(f"{spec.name}: no block takes part", f"expected a {kinds} that is not frozen")
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
        factors = WORK[type(block)](block)
        square += factors[0] * height * width * block.repeats
        linear += factors[1] * height * width * block.repeats if exact else 0
    return Unit(blocks, dims[blocks[0]], square, linear)


def _mbconv(block: MBConv) -> tuple[Fraction, Fraction]:
    expand = Fraction(str(block.expand))
    return 2 * expand, block.kernel**2 * expand  # Equation 2 as printed, also where the ratio is 1


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
"""Kind: the factors of c^2 and c in the work of one cell. Other kinds take no part: stems, nodes of a pyramid.

Equation 2 is that of MBConv; the others count their own convolutions in the same way.
"""
