"""Resource distribution: sharing a model's work out anew. How it was shared: `compiler/resources/explain.py`.

Attention betas share the total work F_t out: alpha_i = F_t beta_i / sum_k(beta_k F_k) (arXiv 2010.11426, Equation 4). A
block's new dim is sqrt(alpha_i) c_i, rounded, so that sum_i(alpha_i F_i) = F_t (Equation 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isfinite, sqrt
from typing import TypeAlias

from spinec.compiler.resources.scaling import revise
from spinec.compiler.resources.work import Unit, distribution_fault, total_work, units
from spinec.spec.errors import did_you_mean
from spinec.spec.fields import MAX_DIM
from spinec.spec.model import ModelSpec
from spinec.spec.rounding import round_dim

Number: TypeAlias = int | float | Fraction
Shares: TypeAlias = Mapping[str, Number] | Sequence[Number]
"""A value for every unit: by the name of a block, or in the order of the blocks."""


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
    """A spec of the same blocks, its work shared out by attention `betas`, or by the factors `alphas` themselves.

    Blocks of the kinds in `compiler.resources.WORK` take part: stems do not. Blocks of a group have one dim and get one
    share; `frozen` blocks keep their dims. `target` is F_t, the work of all blocks that take part, frozen ones too; the
    spec's own if not given. Without `exact`, F_i is C_i c_i^2, its first term. New dims are the nearest `multiple`,
    at least `keep` of the unrounded dim.

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
        raise distribution_fault("expected betas, with a target if need be, or alphas, which fix the target themselves")
    if alphas is not None:
        factors = values_of(shared, alphas, "alphas")
    else:
        factors = attention(shared, values_of(shared, betas or (), "betas"), budget_of(spec, shared, target, exact))
    dims = zip(shared, new_dims(shared, factors, multiple, keep), strict=True)
    return revise(spec, {block: dim for unit, dim in dims for block in unit.blocks}, {}, name=name)


def attention(shared: Sequence[Unit], betas: Sequence[Fraction], budget: Fraction) -> list[Fraction]:
    """alpha_i of every unit (Equation 4), exactly: no common factor of the betas and no order can change a dim."""
    total = sum((beta * unit.work for beta, unit in zip(betas, shared, strict=True)), Fraction(0))
    return [budget * beta / total for beta in betas]


def budget_of(spec: ModelSpec, shared: Sequence[Unit], target: Number | None, exact: bool) -> Fraction:
    """The work that is shared out: the target less what frozen blocks do."""
    own = sum((unit.work for unit in shared), Fraction(0))
    if target is None:
        return own
    held = total_work(spec, exact=exact) - own
    budget = positive(target, "target") - held
    if budget <= 0:
        raise distribution_fault(
            f"the target, {float(target):.4g}, is no more than frozen blocks do, {float(held):.4g}"
        )
    return budget


def check_rounding(multiple: int, keep: float) -> None:
    """Dims can be rounded so."""
    if not (multiple > 0 and 0 <= keep <= 1):
        raise distribution_fault(f"expected a positive multiple and a keep of 0 to 1, got {multiple} and {keep}")


def new_dims(shared: Sequence[Unit], alphas: Sequence[Fraction], multiple: int, keep: float) -> list[int]:
    """sqrt(alpha_i) c_i of every unit, rounded."""
    check_rounding(multiple, keep)
    for unit, alpha in zip(shared, alphas, strict=True):
        if alpha * unit.dim**2 > MAX_DIM**2:
            raise distribution_fault(f"{unit.blocks[0]} would have more than {MAX_DIM:,} channels")
    return [round_dim(sqrt(alpha) * unit.dim, multiple, keep) for unit, alpha in zip(shared, alphas, strict=True)]


def values_of(shared: Sequence[Unit], given: Shares, what: str) -> list[Fraction]:
    """The value of every unit, from values by block or in order."""
    if not isinstance(given, Mapping):
        if len(given) != len(shared):
            order = ", ".join(unit.blocks[0] for unit in shared)
            raise distribution_fault(
                f"{what}: expected {len(shared)} values, got {len(given)}", f"one each for {order}"
            )
        return [positive(value, f"{what}: {unit.blocks[0]}") for unit, value in zip(shared, given, strict=True)]
    unit_of = {block: unit for unit in shared for block in unit.blocks}
    found: dict[Unit, Fraction] = {}
    for block, value in given.items():
        if block not in unit_of:
            raise distribution_fault(f"{what}: no block {block!r} gets a share", did_you_mean(block, unit_of))
        share = positive(value, f"{what}: {block}")
        if found.setdefault(unit_of[block], share) != share:
            raise distribution_fault(f"{what}: {block} is of a group, and the group was given another value")
    if missing := [unit.blocks[0] for unit in shared if unit not in found]:
        raise distribution_fault(f"{what}: no value for {', '.join(missing)}")
    return [found[unit] for unit in shared]


def positive(value: Number, what: str) -> Fraction:
    """A number that may be a share, exactly."""
    known = isinstance(value, int | float | Fraction) and not isinstance(value, bool)
    if not known or (isinstance(value, float) and not isfinite(value)) or value <= 0:
        raise distribution_fault(f"{what}: expected a positive number, got {value!r}")
    return Fraction(value)
