"""The cost of a spec as an exact quadratic form of its dims, found by counting and checked by counting.

Blocks are counted one by one, for a few dims each, and so are endpoints and head. Only where dims that meet are equal
is there less to do: there is nothing to match, and a shortcut is as it is. What that saves is a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, repeat
from math import lcm, prod
from random import Random

from spinec.compiler.cost.report import cost
from spinec.compiler.cost_model.quadratic_form import (
    Costs,
    Form,
    TooFewError,
    Width,
    costs_of,
    denominator,
    evaluate,
    follows,
    form_of,
    no_form,
    of_dim,
    plus,
    plus_form,
    renamed,
    scaled,
)
from spinec.compiler.graph.hierarchy import GraphBuilder, ModelInput, flatten
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.fuse import lower_block
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.lowering.resample import Features
from spinec.spec.blocks import Block, Input
from spinec.spec.errors import ShapeError, SpecError
from spinec.spec.fields import MAX_DIM
from spinec.spec.kinds.arithmetic import settled
from spinec.spec.kinds.formula import Node
from spinec.spec.kinds.library import KINDS
from spinec.spec.kinds.plan import field_values, inner_node, node_of
from spinec.spec.kinds.widths import DIM, decides, whole, widths
from spinec.spec.model import ModelSpec, with_dims

SAMPLES = 8  # dims that a block is counted for: an op has four unknown factors, seldom more
RANGES = 6  # from which samples are taken
MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # of dims: groups must divide them
MORE = 18  # samples on top, for blocks with an op of several different channel numbers
CHECKS = 6  # whole candidates on which a form is compared with `cost`


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
    joined: Mapping[str, tuple[str, ...]]
    """The channels that a block takes, where several sources are joined: a name for them, and the sources."""
    times: int = 1
    """How many times as large as a cost a value is: groups of convolutions make fractions of factors."""

    def costs(self, dims: Mapping[str, int], repeats: Mapping[str, int]) -> Costs:
        """The cost of one candidate."""
        known = self.known(dims)
        total = evaluate(self.base, known)
        for block, form in self.again.items():
            total = plus(total, evaluate(form, known), repeats[block] - 1)
        for (source, block), form in self.saved.items():
            if known[source] == known[block]:
                total = plus(total, evaluate(form, known), -1)
        return tuple([each // self.times for each in total])

    def known(self, dims: Mapping[str, int]) -> dict[str, int]:
        """The dims of blocks, of the image and of what is joined."""
        return _known({**dims, "image": self.spec.input.channels}, self.joined)


def cost_form(spec: ModelSpec, size: tuple[int, int]) -> CostForm:
    """The form of a spec at an input size.

    Raises:
        SpecError: naming the block that has no such form; `cost` counts it nevertheless.
    """
    random = Random(0)  # the same samples every time
    tied = tuple(spec.outputs.values()) if spec.head and spec.head.one_dim and not spec.endpoints else ()
    joined = {taken: sources for name in spec.blocks for taken, sources in _joined(spec, name).items()}
    base = _top_form(spec, size, tied, random)
    again: dict[str, Form] = {}
    saved: dict[tuple[str, str], Form] = {}
    for name in spec.blocks:
        once, again[name], equal = _block_forms(spec, size, name, random)
        base = plus_form(base, once)
        saved |= {(source, name): form for source, form in equal.items()}
    times = denominator([base, *again.values(), *saved.values()])
    form = CostForm(
        spec,
        scaled(base, times),
        {name: scaled(more, times) for name, more in again.items()},
        {pair: scaled(form, times) for pair, form in saved.items() if form},
        tied,
        joined,
        times,
    )
    _check(form, size, random)
    return form


def _block_forms(
    spec: ModelSpec, size: tuple[int, int], name: str, random: Random
) -> tuple[Form, Form, dict[str, Form]]:
    """The forms of a block run once, of a further repeat, and of what each source saves that has the block's dim."""
    block = spec.blocks[name]
    if any(decides(block.definition, field_values(block), stride) for stride in (1, 2)):
        raise no_form(name)
    sources = [given.block for given in block.inputs]
    found = [width for origin in (name, *(_joined(spec, name) or sources)) for width in _widths(block, origin)]
    found += [*map(Width, sources)]
    found += [width for given in block.inputs for width in _narrowed(spec, given)]
    choices = [_valid(spec, size, name, dims) for dims in _choices([name, *sources], found, random)]
    for dims in _choices([name, *sources], found, random):
        if _told_apart(found, choices):
            break
        choices.append(_valid(spec, size, name, dims))
    try:
        return _fitted(spec, size, name, found, choices)
    except (TooFewError, SpecError):  # more factors than samples, or samples that leave some of them open
        more = [_valid(spec, size, name, dims) for dims in _choices([name, *sources], found, random, MORE)]
        return _fitted(spec, size, name, found, [*choices, *more])


def _joined(spec: ModelSpec, name: str) -> dict[str, tuple[str, ...]]:
    """A name for the channels that a block takes, and the sources that have them, where it joins several."""
    block = spec.blocks[name]
    several = len(block.inputs) > 1 and spec.joins(block)
    return {f"{name} (joined)": tuple([given.block for given in block.inputs])} if several else {}


def _known(dims: Mapping[str, int], joined: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Dims, and those of what is joined."""
    return {**dims, **{taken: sum(dims[source] for source in sources) for taken, sources in joined.items()}}


def _equal(spec: ModelSpec, size: tuple[int, int], name: str, taken: str, dims: Mapping[str, int]) -> dict[str, int]:
    """Dims with which a block gives as many channels as it takes of a source, or of what is joined."""
    if not (joined := _joined(spec, name)):
        return {**dims, taken: dims[name]}
    total, last = sum(dims[source] for source in joined[taken]), joined[taken][-1]
    if _exists(spec, size, name, equal := {**dims, name: total}):
        return equal
    more = -total % dims[name]  # a multiple of a dim that the block can have is one that it can have, too
    return {**dims, name: total + more, last: dims[last] + more}


def _valid(spec: ModelSpec, size: tuple[int, int], name: str, dims: Mapping[str, int]) -> dict[str, int]:
    """Dims that a block can have, a few times as large where it needs multiples.

    Raises:
        SpecError: when no multiple fits.
    """
    random = Random(sum(dims.values()))
    for times in _multiples(spec):
        for most in (times - 1, times - 1, times - 1, 0):  # a little more than a multiple shows what is rounded down
            larger = {block: dim * times + random.randint(0, most) for block, dim in dims.items()}
            if max(larger.values()) <= MAX_DIM and _exists(spec, size, name, larger):
                return larger
    raise no_form(name)


def _multiples(spec: ModelSpec) -> tuple[int, ...]:
    """Of which dims may have to be multiples: groups of norms divide them, too, those of the spec and of blocks."""
    norms = [spec.norm, *(spec.norm_of(block) for block in spec.blocks.values() if block.own_norm)]
    groups = lcm(*(norm.groups for norm in norms if norm.kind == "group"))
    return MULTIPLES if groups in MULTIPLES else (*MULTIPLES, groups, 2 * groups, 4 * groups)


def _exists(spec: ModelSpec, size: tuple[int, int], name: str, dims: Mapping[str, int]) -> bool:
    try:
        _alone(spec, size, name, dims, 2)
    except (SpecError, ShapeError):
        return False
    return True


def _fitted(
    spec: ModelSpec, size: tuple[int, int], name: str, found: Sequence[Width], choices: Sequence[Mapping[str, int]]
) -> tuple[Form, Form, dict[str, Form]]:
    """The forms of a block that samples give."""
    joined = _joined(spec, name)

    def form(choices: Sequence[Mapping[str, int]], repeats: int = 1) -> Form:
        samples = [(_known(dims, joined), _alone(spec, size, name, dims, repeats)) for dims in choices]
        return form_of(name, samples, found)

    once = form(choices)
    saved = {}
    for source in joined or [given.block for given in spec.blocks[name].inputs]:
        equal = [_equal(spec, size, name, source, dims) for dims in choices]
        costs = [costs_of(cost(_alone(spec, size, name, dims, 1))) for dims in equal[:2]]
        if [evaluate(once, _known(dims, joined)) for dims in equal[:2]] != costs:
            saved[source] = plus_form(renamed(once, source, name), form(equal), -1)
    return once, plus_form(form(choices, 2), once, -1), saved


def _top_form(spec: ModelSpec, size: tuple[int, int], tied: tuple[str, ...], random: Random) -> Form:
    """The form of endpoints and head."""
    outputs = list(tied[:1] or spec.outputs.values())
    widths = [Width(name) for name in outputs]
    samples = [
        (dims, _only_top(spec, size, dict.fromkeys(tied, dims[outputs[0]]) or dims))
        for dims in _choices(outputs, widths, random)
    ]
    return form_of("endpoints and head", samples, widths, skip=tuple(spec.blocks))


def _widths(block: Block, name: str) -> list[Width]:
    """The channel numbers within a block that come from one dim: the dim, and what formulas make of it."""
    strides = {1, 2}
    nodes = [node for stride in strides for node in widths(block.definition, field_values(block), stride)]
    return list(dict.fromkeys([Width(name), *(Width(name, one) for node in nodes if (one := _of_one(node)))]))


def _of_one(node: Node) -> Node | None:
    """A formula of the one dim that it names, in ``dim``; None for one of both, and for a number."""
    names = {name.value for name in node.names}
    one = settled(node, {"in_dim": DIM})
    return None if len(names) != 1 or one == DIM else one


def _narrowed(spec: ModelSpec, given: Input) -> list[Width]:
    """The channel number at which a source is resampled, where that is a share of what it works at."""
    alpha, source = spec.resample_of(given).alpha, spec.blocks.get(given.block)
    if not alpha:
        return []
    inner = inner_node(source.definition, field_values(source)) if source else DIM
    return [Width(given.block, whole(Node("*", None, (settled(inner, {"in_dim": DIM}), node_of(alpha)))))]


def _finest(node: Node) -> int:
    """How far dims go until a formula has taken several values."""
    if node.op == "number":
        return int(node.value.denominator)
    parts = prod(map(_finest, node.parts))
    if node.op in ("/", "//", "round_to") and node.parts[1].op == "number":
        return parts * max(1, int(node.parts[1].value))
    return parts


def _told_apart(widths: Sequence[Width], choices: Sequence[Mapping[str, int]]) -> bool:
    """Whether no two numbers that one dim makes look alike in samples by chance: one and half of another, rounded."""
    for block in dict.fromkeys(width.block for width in widths if width.block in choices[0]):
        formulas = [width.formula for width in widths if width.block == block]
        every = range(1, 32 + 2 * max(map(_finest, formulas)))
        taken = [each[block] for each in choices]
        for one, other in combinations(formulas, 2):
            alike = (
                follows(*(tuple([of_dim(node, dim) for dim in dims]) for node in (other, one)))
                for dims in (taken, every)
            )
            if next(alike) and not next(alike):
                return False
    return True


def _choices(
    names: Sequence[str], widths: Sequence[Width], random: Random, turns: int = RANGES
) -> list[dict[str, int]]:
    """Dims of which no two are equal: all small, where shares come to one; then every block once in each of six ranges.

    The last range ends where the finest share comes to several, so that no share looks like a constant or like another.
    """
    finest = max((_finest(width.formula) for width in widths), default=1)
    step = min(MAX_DIM, 64 + 8 * (finest + len(names))) // RANGES
    small = [random.sample(range(1, len(names) + 3), len(names)) for _ in range(SAMPLES - RANGES)]
    choices = [dict(zip(names, dims, strict=True)) for dims in small]
    for turn in range(turns):
        ranges = [random.sample(range(i * step + 1, (i + 1) * step), step - 1) for i in range(RANGES)]
        ranges[-1] = list(range(1, RANGES * step + 1))  # from its end: the largest dim is among the samples
        choices.append({name: ranges[(i + turn) % RANGES].pop() for i, name in enumerate(names)})
    return choices


def _alone(spec: ModelSpec, size: tuple[int, int], name: str, dims: Mapping[str, int], repeats: int) -> Program:
    """A program of one block, with any dims."""

    def features(block: str) -> Features:
        level = spec.level_of(block)
        height, width = (-(-side // 2**level) for side in size)
        made_by = spec.blocks.get(block)
        inner = made_by.model_copy(update={"dim": dims[block]}).inner_dim if made_by else 0
        return Features(block, level, dims[block], height, width, inner)

    block = spec.blocks[name].model_copy(update={"dim": dims[name], "repeats": repeats})
    given = {source.block: features(source.block) for source in block.inputs}
    inputs = {source: ModelInput((f.dim, f.height, f.width)) for source, f in given.items()}
    model = GraphBuilder(name, "", tuple(given))
    graph = lower_block(block, list(given.values()), features(name), spec, repeat(0.0))
    whole = model.build(model.add(name, graph, *given))
    steps, shapes, values = flatten(whole, inputs)
    return Program(spec, size, whole, inputs, tuple(steps), shapes, values)


def _only_top(spec: ModelSpec, size: tuple[int, int], dims: Mapping[str, int]) -> Program:
    """The model's program, but with blocks that are only there to be read."""
    image = (Input.model_validate({"from": "image"}),)
    blocks = {
        name: KINDS["conv"].model_validate(
            {"level": spec.blocks[name].level, "dim": dim, "inputs": image, "kernel": 1, "norm": False}
        )
        for name, dim in dims.items()
    }
    return lower(spec.model_copy(update={"blocks": blocks}), size)


def _check(form: CostForm, size: tuple[int, int], random: Random) -> None:
    """Compare a form with `cost` on the spec itself and on random candidates, many of whose dims are equal."""
    spec = form.spec
    dims = {name: block.dim for name, block in spec.blocks.items()}
    repeats = {name: block.repeats for name, block in spec.blocks.items()}
    for _ in range(CHECKS):
        if dims and form.costs(dims, repeats) != costs_of(cost(lower(with_dims(spec, dims, repeats), size))):
            raise no_form("some candidate")
        dims, repeats = _candidate(form, size, random)


def _candidate(form: CostForm, size: tuple[int, int], random: Random) -> tuple[dict[str, int], dict[str, int]]:
    """Random dims and repeats, many of them equal; no dims where none are found that all blocks can have."""
    spec = form.spec
    most = random.choice((8, 64))  # formulas may have another branch for few; no block's weights are too large
    few = [random.randint(1, most) for _ in range(3)]
    repeats = {name: random.randint(1, 3) for name in spec.blocks}
    chosen = {name: random.choice(few) for name in spec.blocks} | dict.fromkeys(form.tied, few[0])
    for times in _multiples(spec):
        dims = {name: times * dim for name, dim in chosen.items()}
        try:
            lower(with_dims(spec, dims, repeats), size)
            return dims, repeats
        except (SpecError, ShapeError):
            continue
    return {}, repeats
