"""Width, depth and input size of a whole spec (arXiv 2010.11426, Table 2)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, isfinite
from typing import TypeAlias

from pydantic import ValidationError

from spinec.spec.dump import dump
from spinec.spec.errors import Fault, SpecError, SpecWarning
from spinec.spec.fields import MAX_REPEATS, MAX_SIZE
from spinec.spec.load import loads
from spinec.spec.model import ModelSpec, Scale, scaled_dim, with_dims
from spinec.spec.rounding import round_dim
from spinec.spec.validate import expectation, show

MOST_EXACT = 100  # a power of depth that is computed exactly: of a far larger one the digits would have no end
LevelTotals: TypeAlias = Mapping[int, int] | Sequence[int]
"""How many repeats the blocks of a level have together: by level, or in order from level 1."""


def scale(
    spec: ModelSpec,
    *,
    width: float = 1,
    size: int | tuple[int, int] | None = None,
    depth: float | Fraction | None = None,
    level_totals: LevelTotals | None = None,
    multiple: int = 4,
    keep: float = 0.9,
    name: str | None = None,
) -> ModelSpec:
    """A spec wider, deeper or for another input size, by the rules of a document's `scale`; by 1 it is the same spec.

    `width` multiplies every block's dim, rounded to the nearest `multiple`, never below `keep` of the scaled dim.
    `depth` multiplies every level's total of repeats, rounded up; `level_totals` gives the totals themselves. Endpoints
    and head stay as they are; origin and published figures were the old spec's, so a changed one has none.

    Raises:
        SpecError: when a factor is out of range, or a scaled value is.

    >>> from spinec import load
    >>> d1 = scale(load("eff-spinenet-d0"), size=640, level_totals=(2, 4, 3, 6, 6, 2, 2), name="d1")
    >>> {name: block.repeats for name, block in d1.blocks.items() if block.repeats > 1}
    {'b1': 2, 'b2': 2, 'b5': 2, 'b6': 2, 'b7': 2, 'b10': 2, 'b12': 2}
    """
    rule = rule_of(width, size, multiple, keep)
    if depth is not None and level_totals is not None:
        raise SpecError([Fault("SPN-702", "scale: 'depth' and 'level_totals' both say how deep; give one of them")])
    totals = deeper_totals(spec, depth) if depth is not None else by_level(level_totals or {})
    return revise(spec, widened(spec, rule), spread(spec, totals), rule.size, name)


def compound(
    spec: ModelSpec,
    phi: float,
    *,
    depth: float = 1.2,
    width: float = 1.1,
    size: float = 1.15,
    multiple: int = 8,
    size_multiple: int | None = None,
    name: str | None = None,
) -> ModelSpec:
    """The member `phi` of a family in which depth, width and size grow by a factor each (arXiv 1905.11946, Equation 3).

    The sides of the input are rounded to the nearest `size_multiple`: the stride of the coarsest level if not given.

    >>> from spinec import load
    >>> [compound(load("efficientnet-b0"), phi).input.size[0] for phi in range(4)]
    [224, 256, 288, 352]
    """
    for key, value in {"depth": depth, "width": width, "size": size}.items():
        if not (isfinite(value) and value > 0 and isfinite(phi)):
            raise SpecError(
                [Fault("SPN-702", f"compound: expected a positive {key} and a finite phi, got {value} and {phi}")]
            )
    step = coarsest_stride(spec) if size_multiple is None else size_multiple
    if not 0 < step <= MAX_SIZE:
        raise SpecError([Fault("SPN-702", f"compound: size_multiple: expected 1 to {MAX_SIZE:,}, got {step}")])
    try:
        height, wide = (round_dim(side * size**phi, step, 0) if phi else side for side in spec.input.size)
        wider, deeper = width**phi, depth**phi
    except OverflowError:
        raise SpecError([Fault("SPN-702", f"compound: factors to the power of {phi:g} are out of range")]) from None
    exact = phi == int(phi) and abs(phi) <= MOST_EXACT  # so that 1.1 x 10 is not above 11
    total = Fraction(str(depth)) ** int(phi) if exact else deeper
    return scale(spec, width=wider, size=(height, wide), depth=total, multiple=multiple, name=name)


def rule_of(width: float, size: int | tuple[int, int] | None, multiple: int, keep: float) -> Scale:
    """What a document's `scale` would say, within the same limits."""
    try:
        return Scale.model_validate({"width": width, "size": size, "multiple": multiple, "keep": keep})
    except ValidationError as error:
        wrong = {fault["loc"][0]: fault for fault in error.errors()}  # once, though both sides of a size are at fault
        raise SpecError(
            [
                Fault("SPN-702", f"scale: {what}: {expectation(fault)}, got {show(fault['input'])}")
                for what, fault in wrong.items()
            ]
        ) from None


def widened(spec: ModelSpec, rule: Scale) -> dict[str, int]:
    """Block: its dim times the width, rounded; by 1 nothing is rounded either, as when loading."""
    if rule.width == 1:
        return {}
    return {name: scaled_dim(block.dim, rule) for name, block in spec.blocks.items()}


def deeper_totals(spec: ModelSpec, depth: float | Fraction) -> dict[int, int]:
    """Level: its total of repeats times `depth`, rounded up, every block at least once; only levels that change."""
    if not (isfinite(depth) and depth > 0):
        raise SpecError([Fault("SPN-702", f"scale: depth: expected a positive number, got {depth}")])
    totals = {}
    for level, blocks in repeated(spec).items():
        now = sum(spec.blocks[name].repeats for name in blocks)
        total = max(len(blocks), ceil(Fraction(str(depth)) * now))
        if total != now:
            totals[level] = total
    return totals


def by_level(totals: LevelTotals) -> dict[int, int]:
    """The totals as a mapping from level."""
    return dict(totals) if isinstance(totals, Mapping) else dict(enumerate(totals, 1))


def spread(spec: ModelSpec, totals: Mapping[int, int]) -> dict[str, int]:
    """Block: repeats, from totals of levels: spread evenly, the remainder one by one from the bottom (Table 2)."""
    repeats: dict[str, int] = {}
    levels = repeated(spec)
    for level, total in totals.items():
        blocks = levels.get(level, [])
        if not blocks:
            raise SpecError([Fault("SPN-702", f"scale: level {level} has no block with a branch to repeat")])
        if not len(blocks) <= total <= MAX_REPEATS * len(blocks):
            expected = f"expected {len(blocks)} to {MAX_REPEATS * len(blocks)} for its {len(blocks)} blocks"
            raise SpecError([Fault("SPN-702", f"scale: level {level}: a total of {total} repeats: {expected}")])
        each, more = divmod(total, len(blocks))
        repeats |= {name: each + (i < more) for i, name in enumerate(blocks)}
    return repeats


def repeated(spec: ModelSpec) -> dict[int, list[str]]:
    """Level: the blocks that depth repeats, which are those with a branch: neither stems nor nodes of a pyramid."""
    levels: dict[int, list[str]] = {}
    for name, block in spec.blocks.items():
        if block.has_branch:
            levels.setdefault(block.level, []).append(name)
    return levels


def coarsest_stride(spec: ModelSpec) -> int:
    """The stride of the coarsest level: inputs of a multiple of it are never padded."""
    return int(2 ** max(block.level for block in spec.blocks.values()))


def revise(
    spec: ModelSpec,
    dims: Mapping[str, int],
    repeats: Mapping[str, int],
    size: tuple[int, int] | None = None,
    name: str | None = None,
) -> ModelSpec:
    """The spec with other dims and repeats of some blocks, another size or name; checked as a document is."""
    revised = with_dims(spec, dims, repeats, size).model_copy(update={"name": name or spec.name})
    if revised == spec:
        return spec
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpecWarning)  # the old spec has warned of it
        text = dump(revised.model_copy(update={"origin": None, "published": None}))
        return loads(text, f"{revised.name} (made from {spec.name})")
