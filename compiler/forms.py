"""The cost of a spec as an exact quadratic form of its dims, found by counting and checked by counting.

A block is counted for a few dims. Every channel number within it turns out to be a multiple of a dim, or of a share of a
dim that is rounded down; what an op costs is a sum of these numbers and products of two of them, whose factors solve a
small linear system. So the cost is known for all dims. Only where dims that meet are equal is there less to do (nothing
to match them, a shortcut as it is): what that saves is a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import NamedTuple, TypeAlias

from spinec.compiler.conventions import CONVENTIONS
from spinec.compiler.cost import cost
from spinec.compiler.program import Program
from spinec.spec.model import ModelSpec

PRIME = 2**61 - 1  # far above any factor, so a solution modulo the prime is the solution
SAMPLES = 8  # dims that a block is counted for; an op's system has four unknowns at most
CHECKS = 4  # whole candidates on which a form is compared with `cost`

Costs: TypeAlias = tuple[int, ...]
"""Half multiply-adds in every convention, in the order of `CONVENTIONS`, and parameters."""


class Width(NamedTuple):
    """A channel number: a block's dim, or shares of it one after the other, each rounded down and at least one."""

    block: str
    shares: tuple[Fraction, ...] = ()


ONE = Width("")  # the number one, so that every term is a product of two
NOTHING: Costs = (0,) * (len(CONVENTIONS) + 1)
Term: TypeAlias = tuple[Width, Width]
Form: TypeAlias = dict[Term, Costs]


class Sample(NamedTuple):
    """A program, and the dims that it was lowered with."""

    dims: Mapping[str, int]
    program: Program


@dataclass(frozen=True)
class CostForm:
    """What a spec costs at one input size, for any dims and repeats of its blocks."""

    spec: ModelSpec
    base: Form
    """With every block run once, and no dims equal that meet."""
    again: Mapping[str, Form]
    """Block: what each further repeat adds."""
    saved: Mapping[tuple[str, str], Form]
    """Source and block: what is saved where their dims are equal."""
    tied: tuple[str, ...]
    """Blocks that must have one dim, because a head reads them without endpoints between."""

    def costs(self, dims: Mapping[str, int], repeats: Mapping[str, int]) -> Costs:
        """The cost of one candidate."""
        known = {**dims, "image": self.spec.input.channels}
        total = evaluate(self.base, known)
        for block, form in self.again.items():
            total = _plus(total, evaluate(form, known), repeats[block] - 1)
        for (source, block), form in self.saved.items():
            if known[source] == known[block]:
                total = _plus(total, evaluate(form, known), -1)
        return total


def cost_form(spec: ModelSpec, size: tuple[int, int]) -> CostForm:
    """The form of a spec at an input size.

    Raises:
        SpecError: naming the block that has no such form; `cost` counts it nevertheless.
    """
    random = Random(0)  # the same samples every time
    tied = tuple(spec.outputs.values()) if spec.head and not spec.endpoints else ()
    base = _top_form(spec, size, tied, random)
    again: dict[str, Form] = {}
    saved: dict[tuple[str, str], Form] = {}
    for name in spec.blocks:
        once, again[name], equal = _block_forms(spec, size, name, random)
        base = _add(base, once)
        saved |= {(source, name): form for source, form in equal.items()}
    form = CostForm(spec, base, again, {pair: form for pair, form in saved.items() if form}, tied)
    _check(form, size, random)
    return form


def evaluate(form: Form, dims: Mapping[str, int]) -> Costs:
    """The value of a form, in exact integers."""
    total = NOTHING
    for (first, second), factors in form.items():
        total = _plus(total, factors, channels(first, dims) * channels(second, dims))
    return total


def channels(width: Width, dims: Mapping[str, int]) -> int:
    """A channel number, from the dims of the blocks."""
    number = dims[width.block] if width.block else 1
    for share in width.shares:
        number = max(1, number * share.numerator // share.denominator)
    return number


def _block_forms(
    spec: ModelSpec, size: tuple[int, int], name: str, random: Random
) -> tuple[Form, Form, dict[str, Form]]:
    """The forms of a block run once, of a further repeat, and of what every source saves that has the block's dim."""
    block = spec.blocks[name]
    sources = [given.block for given in block.inputs]
    widths = [width for origin in (name, *sources) for width in _widths(block, origin)]
    choices = _choices([name, *sources], widths, random)

    def form(choices: list[dict[str, int]], repeats: int) -> Form:
        return _form(name, [Sample(dims, _alone(spec, size, name, dims, repeats)) for dims in choices], widths)

    once = form(choices, 1)
    saved = {}
    for source in sources:
        equal = [{**dims, source: dims[name]} for dims in choices]
        if any(evaluate(once, dims) != _costs(cost(_alone(spec, size, name, dims, 1))) for dims in equal[:2]):
            merged = {_renamed(term, source, name): NOTHING for term in once}
            for term, factors in once.items():
                merged[_renamed(term, source, name)] = _plus(merged[_renamed(term, source, name)], factors)
            saved[source] = _add(merged, form(equal, 1), -1)
    return once, _add(form(choices, 2), once, -1), saved
