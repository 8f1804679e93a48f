"""The forms of one block, from programs of it alone with a few dims.

Which dims these are follows from the formulas of the block's kind: where some dims would take another branch of one,
there is a sample of such dims, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product, repeat
from math import lcm
from random import Random

from spinec.compiler.cost.report import cost
from spinec.compiler.cost_model.every_dim import independent, telling
from spinec.compiler.cost_model.quadratic_form import (
    Form,
    Term,
    Width,
    channels,
    costs_of,
    evaluate,
    no_form,
    plus_form,
    renamed,
)
from spinec.compiler.cost_model.solve import PRIME, OpenError, Relation, Sample, form_of
from spinec.compiler.graph.hierarchy import GraphBuilder, ModelInput, flatten
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.fuse import lower_block
from spinec.compiler.lowering.resample import Features
from spinec.spec.blocks import Input
from spinec.spec.errors import ShapeError, SpecError
from spinec.spec.fields import MAX_DIM
from spinec.spec.kinds.arithmetic import settled
from spinec.spec.kinds.formula import Node
from spinec.spec.kinds.plan import field_values, inner_node, node_of
from spinec.spec.kinds.widths import DIM, decides, summands, whole, widths
from spinec.spec.model import ModelSpec

SAMPLES = 8  # dims that a block is counted for at first: an op has four unknown factors, seldom more
RANGES = 6  # from which samples are taken
MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # of dims: groups must divide them
MOST_SOURCES = 8  # of a block, whose samples are looked for by every two of their dims
TRIES = 40  # dims of one multiple that are tried where some are looked for that a block can have


def block_forms(
    spec: ModelSpec, size: tuple[int, int], name: str, random: Random
) -> tuple[Form, Form, dict[str, Form]]:
    """The forms of a block run once, of a further repeat, and of what each source saves that has the block's dim."""
    sources = [given.block for given in spec.blocks[name].inputs]
    choices = [_valid(spec, size, name, dims) for dims in choices_of([name, *sources], random)]
    once = _Samples(spec, size, name, choices).form()
    saved = {}
    for taken in joined_by(spec, name) or sources:
        equal = _Samples(spec, size, name, choices, taken)
        if [evaluate(once, equal.place(dims)) for dims in choices[:2]] != [
            costs_of(cost(equal.program(dims))) for dims in choices[:2]
        ]:
            saved[taken] = plus_form(renamed(once, taken, name), equal.form(), -1)
    return once, plus_form(_Samples(spec, size, name, choices, repeats=2).form(), once, -1), saved


@dataclass(frozen=True)
class _Samples:
    """Programs of one block, of some dims and of those that turn out to be missing."""

    spec: ModelSpec
    size: tuple[int, int]
    name: str
    choices: Sequence[Mapping[str, int]]
    equal: str | None = None
    """The source, or what is joined, whose dim the block has."""
    repeats: int = 1

    def form(self) -> Form:
        """The form of all of them."""
        found = self.widths()
        samples = [Sample(self.place(dims), self.program(dims)) for dims in self.choices]
        while True:
            try:
                return form_of(self.name, samples, found, self.apart)
            except OpenError as error:
                samples.append(Sample(self.place(error.dims), self.program(error.dims)))

    def place(self, dims: Mapping[str, int]) -> dict[str, int]:
        """All dims that a block meets where blocks have these, or would have them if none had to be equal."""
        at = _equal(self.spec, self.size, self.name, self.equal, dims) if self.equal else dims
        return known_dims(at, joined_by(self.spec, self.name))

    def program(self, dims: Mapping[str, int]) -> Program:
        return _alone(self.spec, self.size, self.name, self.place(dims), self.repeats)

    def widths(self) -> list[Width]:
        """The channel numbers there are, none of them a sum of multiples of others of the same block."""
        by_block: dict[str, list[Node]] = {}
        for width in _widths(self.spec, self.name):
            by_block.setdefault(self.name if width.block == self.equal else width.block, []).append(width.formula)
        return [
            Width(block, formula)
            for block, formulas in by_block.items()
            for formula in independent(tuple(dict.fromkeys(formulas)), self.limit)
        ]

    @property
    def limit(self) -> int:
        """Above all dims, those that are joined included."""
        return MAX_DIM * (len(self.spec.blocks[self.name].inputs) if joined_by(self.spec, self.name) else 1) + 1

    def apart(self, terms: Sequence[Term], relation: Relation) -> Mapping[str, int] | None:
        """Dims that the block can have and with which terms do not add up to zero; None where there are none.

        Of very many sources nobody asks for the sums of every two: what samples leave open is left to the last check.
        """
        if len(self.spec.blocks[self.name].inputs) > MOST_SOURCES:
            return None
        for step in multiples_of(self.spec):
            for dims in islice(self._apart(terms, relation, step), TRIES):
                if self._may_have(dims):
                    return dims
        return None

    def _apart(self, terms: Sequence[Term], relation: Relation, step: int) -> Iterator[dict[str, int]]:
        """As a term is of two dims, it is enough to change two at a time, to values that tell every formula apart."""
        found = list(dict.fromkeys(width for term in terms for width in term))
        formulas = tuple(dict.fromkeys([DIM, *(width.formula for width in found)]))
        points = telling(independent(formulas, self.limit), self.limit, step)
        most = 2 if any(all(width.block for width in term) for term in terms) else 1
        met = [block for block in dict.fromkeys(width.block for width in found) if block]
        for base in self.choices:  # in one of them, no other block has the dim that this one is to have
            for changed in (change for several in range(most) for change in combinations(met, several + 1)):
                for values in product(points, repeat=len(changed)):
                    dims = self._changed(base, dict(zip(changed, values, strict=True)))
                    if max(dims.values()) > MAX_DIM or min(dims.values()) < 1:
                        continue
                    known = self.place(dims)
                    if (
                        sum(
                            factor * channels(first, known) * channels(second, known)
                            for factor, (first, second) in zip(relation, terms, strict=True)
                        )
                        % PRIME
                    ):
                        yield dims

    def _changed(self, base: Mapping[str, int], values: Mapping[str, int]) -> dict[str, int]:
        """Other dims of some blocks; another sum of what is joined is one of the last source."""
        dims = {**base, **{block: value for block, value in values.items() if block in base}}
        for taken, sources in joined_by(self.spec, self.name).items():
            if taken in values:
                dims[sources[-1]] += values[taken] - sum(dims[source] for source in sources)
        return dims

    def _may_have(self, dims: Mapping[str, int]) -> bool:
        known = self.place(dims)
        others = joined_by(self.spec, self.name) or [given.block for given in self.spec.blocks[self.name].inputs]
        if any(known[other] == known[self.name] for other in others if other != self.equal):
            return False
        return _exists(self.spec, self.size, self.name, known)


def joined_by(spec: ModelSpec, name: str) -> dict[str, tuple[str, ...]]:
    """A name for the channels that a block takes, and the sources that have them, where it joins several."""
    block = spec.blocks[name]
    several = len(block.inputs) > 1 and spec.joins(block)
    return {f"{name} (joined)": tuple([given.block for given in block.inputs])} if several else {}


def known_dims(dims: Mapping[str, int], joined: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Dims, and those of what is joined."""
    return {**dims, **{taken: sum(dims[source] for source in sources) for taken, sources in joined.items()}}


def _equal(spec: ModelSpec, size: tuple[int, int], name: str, taken: str, dims: Mapping[str, int]) -> dict[str, int]:
    """Dims with which a block gives as many channels as it takes of a source, or of what is joined."""
    if not (joined := joined_by(spec, name)):
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
    for times in multiples_of(spec):
        for most in (times - 1, times - 1, times - 1, 0):  # a little more than a multiple shows what is rounded down
            larger = {block: dim * times + random.randint(0, most) for block, dim in dims.items()}
            if max(larger.values()) <= MAX_DIM and _exists(spec, size, name, larger):
                return larger
    raise no_form(name)


def multiples_of(spec: ModelSpec) -> tuple[int, ...]:
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


def _widths(spec: ModelSpec, name: str) -> list[Width]:
    """The channel numbers within a block: the dims that it meets, and what formulas make of one of them.

    Raises:
        SpecError: when dims decide what is computed, or a formula makes of two dims what is no sum.
    """
    block, joined = spec.blocks[name], joined_by(spec, name)
    sources = [given.block for given in block.inputs]
    levels = [spec.level_of(source) for source in sources]
    as_is = block.takes_as_is(*levels)
    alone = as_is or (spec.joins(block) and not joined)
    taken = sources[0] if alone else next(iter(joined), name)
    found = [*map(Width, dict.fromkeys([name, *joined, *sources]))]
    found += [width for given in block.inputs for width in _narrowed(spec, given)]
    for stride, source in ((2 ** (block.level - levels[0]) if as_is else 1, taken), (1, name)):
        if decides(block.definition, field_values(block), stride):
            raise no_form(name)
        for node in widths(block.definition, field_values(block), stride):
            found.append(Width(name, settled(node, {"in_dim": DIM})))
            parts = summands(node) if source != name else []
            if parts is None:
                raise no_form(name)
            for part in parts:
                of_dim = any(each == DIM for each in part.names)
                found.append(Width(name if of_dim else source, settled(part, {"in_dim": DIM})))
    return [width for width in dict.fromkeys(found) if [*width.formula.names]]


def _narrowed(spec: ModelSpec, given: Input) -> list[Width]:
    """The channel number at which a source is resampled, where that is a share of what it works at."""
    alpha, source = spec.resample_of(given).alpha, spec.blocks.get(given.block)
    if not alpha:
        return []
    inner = inner_node(source.definition, field_values(source)) if source else DIM
    return [Width(given.block, whole(Node("*", None, (settled(inner, {"in_dim": DIM}), node_of(alpha)))))]


def choices_of(names: Sequence[str], random: Random) -> list[dict[str, int]]:
    """Dims of which no two are equal: all small, where shares come to one; then each block once in every range."""
    step = (64 + 8 * len(names)) // RANGES
    small = [random.sample(range(1, len(names) + 3), len(names)) for _ in range(SAMPLES - RANGES)]
    choices = [dict(zip(names, dims, strict=True)) for dims in small]
    for turn in range(max(RANGES, len(names) + 2)):
        ranges = [random.sample(range(i * step + 1, (i + 1) * step), step - 1) for i in range(RANGES)]
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
