"""The cost of a spec as an exact quadratic form of its dims, found by counting and checked by counting.

A block is counted for a few dims. Every channel number within it turns out to be a multiple of a dim, or of a share of
a dim that is rounded down; what an op costs is a sum of these numbers and products of two of them, whose factors solve
a small linear system. So the cost is known for all dims. Only where dims that meet are equal is there less to do (there
is nothing to match, a shortcut is as it is): what that saves is a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, repeat
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
SAMPLES = 8  # dims that a block is counted for; an op's system has four unknowns, seldom more
RANGES = 6  # from which samples are taken
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


Sample: TypeAlias = tuple[Mapping[str, int], Program]
"""A program, and the dims that it was lowered with."""


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
        base = _plus_form(base, once)
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
    """The forms of a block run once, of a further repeat, and of what each source saves that has the block's dim."""
    block = spec.blocks[name]
    sources = [given.block for given in block.inputs]
    widths = [width for origin in (name, *sources) for width in _widths(block, origin)]
    choices = _choices([name, *sources], widths, random)

    def form(choices: Sequence[Mapping[str, int]], repeats: int = 1) -> Form:
        return _form(name, [(dims, _alone(spec, size, name, dims, repeats)) for dims in choices], widths)

    once = form(choices)
    saved = {}
    for source in sources:
        equal = [{**dims, source: dims[name]} for dims in choices]
        if any(evaluate(once, dims) != _costs(cost(_alone(spec, size, name, dims, 1))) for dims in equal[:2]):
            saved[source] = _plus_form(_renamed(once, source, name), form(equal), -1)
    return once, _plus_form(form(choices, 2), once, -1), saved


def _top_form(spec: ModelSpec, size: tuple[int, int], tied: tuple[str, ...], random: Random) -> Form:
    """The form of endpoints and head."""
    outputs = list(tied[:1] or spec.outputs.values())
    widths = [Width(name) for name in outputs]
    samples = [
        (dims, _only_top(spec, size, dict.fromkeys(tied, dims[outputs[0]]) or dims))
        for dims in _choices(outputs, widths, random)
    ]
    return _form("endpoints and head", samples, widths, skip=tuple(spec.blocks))


def _widths(block: Block, name: str) -> list[Width]:
    """The channel numbers within a block that come from one dim: the dim, and shares that are no multiples of it."""
    chains: list[tuple[Fraction, ...]] = []
    match block:
        case MBConv() | FusedMBConv():
            expand, squeeze = Fraction(str(block.expand)), Fraction(str(block.squeeze))
            chains = [(expand,), (squeeze,) if block.squeeze_base == "input" else (expand, squeeze)]
        case Bottleneck():
            chains = [(Fraction(1, block.expand),)]
    rounded = [chain for chain in chains if all(chain) and any(share.denominator > 1 for share in chain)]
    return [Width(name), *(Width(name, chain) for chain in rounded)]


def _choices(names: Sequence[str], widths: Sequence[Width], random: Random) -> list[dict[str, int]]:
    """Dims of which no two are equal: all small, where shares come to one; then every block once in each of six ranges.

    The last range ends where the finest share comes to several, so that no share looks like a constant or like another.
    """
    finest = max((share.denominator for width in widths for share in width.shares), default=1)
    step = min(MAX_DIM, 64 + 8 * (finest + len(names))) // RANGES
    small = [random.sample(range(1, len(names) + 3), len(names)) for _ in range(SAMPLES - RANGES)]
    choices = [dict(zip(names, dims, strict=True)) for dims in small]
    for turn in range(RANGES):
        ranges = [random.sample(range(i * step + 1, (i + 1) * step), step - 1) for i in range(RANGES)]
        ranges[-1] = list(range(1, RANGES * step + 1))  # from its end: the largest dim is among the samples
        choices.append({name: ranges[(i + turn) % RANGES].pop() for i, name in enumerate(names)})
    return choices


def _alone(spec: ModelSpec, size: tuple[int, int], name: str, dims: Mapping[str, int], repeats: int) -> Program:
    """A program of one block, with any dims."""

    def features(block: str) -> Features:
        level = spec.level_of(block)
        return Features(block, level, dims[block], -(-size[0] // 2**level), -(-size[1] // 2**level))

    block = spec.blocks[name].model_copy(update={"dim": dims[name], "repeats": repeats})
    given = {source.block: features(source.block) for source in block.inputs}
    model = GraphBuilder(name, "", tuple(given))
    graph = lower_block(block, list(given.values()), features(name), Style(spec), repeat(0.0))
    whole = model.build(model.add(name, graph, *given))
    steps, shapes, values = flatten(whole, {source: (f.dim, f.height, f.width) for source, f in given.items()})
    return Program(spec, size, whole, tuple(steps), shapes, values)


def _only_top(spec: ModelSpec, size: tuple[int, int], dims: Mapping[str, int]) -> Program:
    """The model's program, but with blocks that are only there to be read."""
    image = (Input.model_validate({"from": "image"}),)
    blocks = {name: Conv(level=spec.blocks[name].level, dim=dim, inputs=image, kernel=1) for name, dim in dims.items()}
    return lower(spec.model_copy(update={"blocks": blocks}), size)


def _form(what: str, samples: Sequence[Sample], widths: Sequence[Width], skip: Sequence[str] = ()) -> Form:
    """What programs of one structure cost together, but for what is under the names to skip."""
    dims = [each for each, _ in samples]
    known: dict[tuple[int, ...], Width] = {}
    for width in (ONE, *widths):  # in order of preference: a dim before its shares
        known.setdefault(tuple([channels(width, each) for each in dims]), width)
    costs: dict[frozenset[Width], list[Costs]] = {}
    rows = zip(*[cost(program).rows for _, program in samples], strict=True)
    for steps, counts in zip(zip(*[program.steps for _, program in samples], strict=True), rows, strict=True):
        if steps[0].path.partition(".")[0] in skip:
            continue
        operands = zip(*[(step.output, *step.input_shapes) for step in steps], strict=True)
        numbers = {tuple([shape[0] for shape in shapes]) for shapes in operands}
        met = frozenset(_width(what, number, known) for number in numbers) - {ONE}
        so_far = costs.setdefault(met, [NOTHING] * len(samples))
        costs[met] = [_plus(total, (*row.halves, row.params)) for total, row in zip(so_far, counts, strict=True)]
    form: Form = {}
    for met, totals in costs.items():
        form = _plus_form(form, _fit(what, sorted(met), dims, totals))
    return form


def _width(what: str, number: tuple[int, ...], known: Mapping[tuple[int, ...], Width]) -> Width:
    """Of which channel number the numbers of all samples are a multiple."""
    for values, width in known.items():
        times = number[0] // values[0]
        if times and number == tuple([times * value for value in values]):
            return width
    raise _no_form(what)


def _fit(what: str, widths: Sequence[Width], dims: Sequence[Mapping[str, int]], costs: Sequence[Costs]) -> Form:
    """The factors of the channel numbers, and of their products, that give every cost exactly."""
    products = combinations(widths, 2) if len(widths) > 1 else ((width, width) for width in widths)
    terms = [(ONE, ONE), *((ONE, width) for width in widths), *products]
    rows = [[channels(first, each) * channels(second, each) for first, second in terms] for each in dims]
    form = {term: factors for term, factors in zip(terms, _solve(rows, costs), strict=True) if any(factors)}
    if any(evaluate(form, each) != total for each, total in zip(dims, costs, strict=True)):
        raise _no_form(what)
    return form


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
    largest = max(dims.values())  # what is larger, a weight might not hold
    for _ in range(CHECKS):
        if form.costs(dims, repeats) != _costs(cost(lower(with_dims(spec, dims, repeats), size))):
            raise _no_form("some candidate")
        few = [random.randint(1, largest) for _ in range(3)]
        dims = {name: random.choice(few) for name in dims}
        dims |= dict.fromkeys(form.tied, few[0])
        repeats = {name: random.randint(1, 3) for name in repeats}


def _no_form(what: str) -> SpecError:
    message = f"{what}: the cost is no quadratic form of the dims, so many candidates cannot be counted at once"
    return SpecError([Fault(message, None, "count candidates one by one: cost(lower(spec))")])


def _costs(count: Count) -> Costs:
    return (*(count.halves[convention] for convention in CONVENTIONS), count.params)


def _plus(total: Costs, more: Costs, times: int = 1) -> Costs:
    return tuple([a + times * b for a, b in zip(total, more, strict=True)])


def _plus_form(form: Form, more: Form, times: int = 1) -> Form:
    added = dict(form)
    for term, factors in more.items():
        added[term] = _plus(added.get(term, NOTHING), factors, times)
    return {term: factors for term, factors in added.items() if any(factors)}


def _renamed(form: Form, old: str, new: str) -> Form:
    """The form where the dims of two blocks are equal."""
    renamed: Form = {}
    for (first, second), factors in form.items():
        a, b = sorted(w._replace(block=new) if w.block == old else w for w in (first, second))
        renamed = _plus_form(renamed, {(a, b): factors})
    return renamed
