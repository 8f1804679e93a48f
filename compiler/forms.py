"""The cost of a spec as an exact quadratic form of its dims, found by counting and checked by counting.

A channel number within a block is a dim, or a share of one rounded down, and a cost is a sum of products of at most two
of them. So once a block has been counted for a few dims, its cost is known for all: the factors of the products solve a
linear system. Only where two dims that meet are equal is there less to do (no convolution to match them, a shortcut as
it is): what is saved is a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, product, repeat
from random import Random
from typing import NamedTuple, TypeAlias

from spinec.compiler.blocks.layers import Style
from spinec.compiler.conventions import CONVENTIONS
from spinec.compiler.cost import Count, cost
from spinec.compiler.fuse import lower_block
from spinec.compiler.graph import GraphBuilder, flatten
from spinec.compiler.pipeline import lower
from spinec.compiler.program import Program
from spinec.compiler.resample import Features
from spinec.compiler.scaling import with_dims
from spinec.spec.blocks import Block, Bottleneck, Conv, FusedMBConv, Input, MBConv
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fields import MAX_DIM
from spinec.spec.model import ModelSpec

PRIME = 2**61 - 1  # far above any factor, so a solution modulo the prime is the solution
SPARE = 3  # samples beyond what a system needs: a wrong form does not fit them
ONE_BY_ONE = "count candidates one by one: cost(lower(spec))"
CHECKS = 4  # whole candidates on which a form is compared with `cost`

Costs: TypeAlias = tuple[int, ...]
"""Half multiply-adds in every convention, in the order of `CONVENTIONS`, and parameters."""


class Width(NamedTuple):
    """A channel number: a block's dim, or shares of it one after the other, each rounded down and at least one."""

    block: str
    shares: tuple[Fraction, ...] = ()


ONE = Width("")  # the number one, so that every term is a product of two
Product: TypeAlias = tuple[Width, Width]
Form: TypeAlias = dict[Product, Costs]
Sample: TypeAlias = tuple[Mapping[str, int], Costs]


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
        SpecError: naming what has no such form; `cost` counts it nevertheless.
    """
    random = Random(0)  # the same samples every time
    tied = tuple(spec.outputs.values()) if spec.head and not spec.endpoints else ()
    base = _top_form(spec, size, tied, random)
    again: dict[str, Form] = {}
    saved: dict[tuple[str, str], Form] = {}
    for name in spec.blocks:
        once, again[name], equal = _block_forms(spec, size, name, random)
        base |= {term: _plus(factors, base.get(term, NOTHING)) for term, factors in once.items()}
        saved |= {(source, name): form for source, form in equal.items() if form}
    form = CostForm(spec, base, again, saved, tied)
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


NOTHING: Costs = (0,) * (len(CONVENTIONS) + 1)


def _plus(total: Costs, more: Costs, times: int = 1) -> Costs:
    return tuple([a + times * b for a, b in zip(total, more, strict=True)])


def _block_forms(
    spec: ModelSpec, size: tuple[int, int], name: str, random: Random
) -> tuple[Form, Form, dict[str, Form]]:
    """The forms of a block run once, of a further repeat, and of what is saved by each source of the block's dim."""
    block = spec.blocks[name]
    sources = [given.block for given in block.inputs]
    own = [ONE, *_widths(block, name)]
    inner = list(combinations_with_replacement(own, 2))
    terms = list(inner)
    for source in sources:
        theirs = (
            _widths(block, source) if len(sources) == 1 else [Width(source)]
        )  # a body of several inputs sees its own dim
        terms += [*product(theirs, own), *combinations_with_replacement(theirs, 2)]
    reach = min(MAX_DIM, 64 + 8 * max((share.denominator for width in own for share in width.shares), default=1))

    def sample(number: int) -> list[dict[str, int]]:
        """Dims of which no two are equal: many at random, the smallest, the largest."""
        names = [name, *sources]
        spread = [random.sample(range(1, reach + 1), len(names)) for _ in range(number + SPARE - 2)]
        ends = [[*range(1, len(names) + 1)], [*range(reach, reach - len(names), -1)]]
        return [dict(zip(names, dims, strict=True)) for dims in (*spread, *ends)]

    def counted(dims: Mapping[str, int], repeats: int = 1) -> Costs:
        return _count_block(spec, size, name, dims, repeats)

    once = _fit(name, terms, [(dims, counted(dims)) for dims in sample(len(terms))])
    more = [(dims, _plus(counted(dims, 2), evaluate(once, dims), -1)) for dims in sample(len(inner))]
    saved = {}
    for source in sources:
        equal = [{**dims, source: dims[name]} for dims in sample(len(inner))]
        saved[source] = _fit(name, inner, [(dims, _plus(evaluate(once, dims), counted(dims), -1)) for dims in equal])
    return once, _fit(name, inner, more), saved


def _top_form(spec: ModelSpec, size: tuple[int, int], tied: tuple[str, ...], random: Random) -> Form:
    """The form of endpoints and head."""
    outputs = tied[:1] or tuple(spec.outputs.values())
    terms: list[Product] = [(ONE, ONE)]
    for name in outputs:
        terms += [(ONE, Width(name)), (Width(name), Width(name))]
    samples = []
    for _ in range(len(terms) + SPARE):
        dims = {name: random.randint(1, 64) for name in outputs}
        samples.append((dims, _count_top(spec, size, dict.fromkeys(tied, dims[outputs[0]]) or dims)))
    return _fit("endpoints and head", terms, samples)


def _widths(block: Block, name: str) -> list[Width]:
    """The channel numbers within a block that come from one dim and are not simply multiples of it."""
    chains: list[tuple[Fraction, ...]] = []
    match block:
        case MBConv() | FusedMBConv():
            expand, squeeze = Fraction(str(block.expand)), Fraction(str(block.squeeze))
            chains = [(expand,), (squeeze,) if block.squeeze_base == "input" else (expand, squeeze)]
        case Bottleneck():
            chains = [(Fraction(1, block.expand),)]
    rounded = [chain for chain in chains if all(chain) and any(share.denominator > 1 for share in chain)]
    return [Width(name), *(Width(name, chain) for chain in rounded)]


def _count_block(spec: ModelSpec, size: tuple[int, int], name: str, dims: Mapping[str, int], repeats: int) -> Costs:
    """The cost of one block alone, with any dims."""

    def features(block: str) -> Features:
        level = spec.level_of(block)
        return Features(block, level, dims[block], -(-size[0] // 2**level), -(-size[1] // 2**level))

    block = spec.blocks[name].model_copy(update={"dim": dims[name], "repeats": repeats})
    given = {source.block: features(source.block) for source in block.inputs}
    model = GraphBuilder(name, "", tuple(given))
    graph = lower_block(block, list(given.values()), features(name), Style(spec), repeat(0.0))
    whole = model.build(model.add(name, graph, *given))
    steps, shapes, values = flatten(whole, {source: (f.dim, f.height, f.width) for source, f in given.items()})
    return _costs(cost(Program(spec, size, whole, tuple(steps), shapes, values)))


def _count_top(spec: ModelSpec, size: tuple[int, int], dims: Mapping[str, int]) -> Costs:
    """The cost of endpoints and head alone: the model's, on blocks that are only there to be read."""
    image = (Input.model_validate({"from": "image"}),)
    blocks = {name: Conv(level=spec.blocks[name].level, dim=dim, inputs=image, kernel=1) for name, dim in dims.items()}
    parts = cost(lower(spec.model_copy(update={"blocks": blocks}), size)).by("part")
    total = NOTHING
    for part in ("endpoints", "head"):
        total = _plus(total, _costs(parts[part])) if part in parts else total
    return total


def _costs(count: Count) -> Costs:
    return (*(count.halves[convention] for convention in CONVENTIONS), count.params)


def _fit(what: str, terms: Sequence[Product], samples: Sequence[Sample]) -> Form:
    """The factors with which the terms give every sample, exactly.

    A half rounded down makes terms depend on each other: c - 2 floor(c / 2) is its own square. Then the terms that come
    last are left out, and integers may do it in one order alone.
    """
    for order in (terms, terms[::-1]):
        rows = [[channels(first, dims) * channels(second, dims) for first, second in order] for dims, _ in samples]
        factors = _solve(rows, [costs for _, costs in samples])
        form = {term: found for term, found in zip(order, factors, strict=True) if any(found)}
        if all(evaluate(form, dims) == costs for dims, costs in samples):
            return form
    message = f"{what}: the cost is no quadratic form of the dims, so many candidates cannot be counted at once"
    raise SpecError([Fault(message, None, ONE_BY_ONE)])


def _solve(rows: Sequence[Sequence[int]], values: Sequence[Costs]) -> list[Costs]:
    """x with rows x = values modulo a prime, by elimination; what the rows leave free is zero."""
    unknowns, table = len(rows[0]), [[*row, *value] for row, value in zip(rows, values, strict=True)]
    found: list[Costs] = [NOTHING] * unknowns
    pivots: list[int] = []
    for column in range(unknowns):
        rank = len(pivots)
        at = next((i for i in range(rank, len(table)) if table[i][column] % PRIME), None)
        if at is None:
            continue
        table[rank], table[at] = table[at], table[rank]
        inverse = pow(table[rank][column], -1, PRIME)
        pivot = table[rank] = [entry * inverse % PRIME for entry in table[rank]]
        for i, row in enumerate(table):
            if i != rank and row[column]:
                factor = row[column]
                table[i] = [(entry - factor * by) % PRIME for entry, by in zip(row, pivot, strict=True)]
        pivots.append(column)
    for rank, column in enumerate(pivots):
        found[column] = tuple([(x + PRIME // 2) % PRIME - PRIME // 2 for x in table[rank][unknowns:]])
    return found


def _check(form: CostForm, size: tuple[int, int], random: Random) -> None:
    """Compare a form with `cost` on the spec itself and on random candidates, many of whose dims are equal."""
    spec = form.spec
    dims = {name: block.dim for name, block in spec.blocks.items()}
    repeats = {name: block.repeats for name, block in spec.blocks.items()}
    for _ in range(CHECKS):
        if form.costs(dims, repeats) != _costs(cost(lower(with_dims(spec, dims, repeats), size))):
            message = f"{spec.name}: the quadratic form of its cost is not what a whole candidate costs"
            raise SpecError([Fault(message, None, ONE_BY_ONE)])
        few = random.sample(range(1, 256), 3)
        dims = {name: random.choice(few) for name in dims}
        dims |= dict.fromkeys(form.tied, few[0])
        repeats = {name: random.randint(1, 3) for name in repeats}
