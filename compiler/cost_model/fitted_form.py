"""The cost of a spec as an exact quadratic form of its dims, found by counting and checked by counting.

Blocks are counted one by one, for a few dims each (`compiler/cost_model/block_form.py`), and so are endpoints and head.
Only where dims that meet are equal is there less to do: there is nothing to match, and a shortcut is as it is. What
that saves is a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from spinec.compiler.cost.report import cost
from spinec.compiler.cost_model.block_form import block_forms, choices_of, joined_by, known_dims, multiples_of
from spinec.compiler.cost_model.quadratic_form import (
    Costs,
    Form,
    Width,
    costs_of,
    denominator,
    evaluate,
    no_form,
    plus,
    plus_form,
    scaled,
)
from spinec.compiler.cost_model.solve import Sample, form_of
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.blocks import Input
from spinec.spec.errors import ShapeError, SpecError
from spinec.spec.kinds.library import KINDS
from spinec.spec.model import ModelSpec, with_dims

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
        return known_dims({**dims, "image": self.spec.input.channels}, self.joined)


def cost_form(spec: ModelSpec, size: tuple[int, int]) -> CostForm:
    """The form of a spec at an input size.

    Raises:
        SpecError: naming the block that has no such form; `cost` counts it nevertheless.
    """
    random = Random(0)  # the same samples every time
    tied = tuple(spec.outputs.values()) if spec.head and spec.head.one_dim and not spec.endpoints else ()
    joined = {taken: sources for name in spec.blocks for taken, sources in joined_by(spec, name).items()}
    base = _top_form(spec, size, tied, random)
    again: dict[str, Form] = {}
    saved: dict[tuple[str, str], Form] = {}
    for name in spec.blocks:
        once, again[name], equal = block_forms(spec, size, name, random)
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


def _top_form(spec: ModelSpec, size: tuple[int, int], tied: tuple[str, ...], random: Random) -> Form:
    """The form of endpoints and head."""
    outputs = list(tied[:1] or spec.outputs.values())
    found = [Width(name) for name in outputs]
    samples = [
        Sample(dims, _only_top(spec, size, dict.fromkeys(tied, dims[outputs[0]]) or dims))
        for dims in choices_of(outputs, random)
    ]
    return form_of("endpoints and head", samples, found, skip=tuple(spec.blocks))


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
    for times in multiples_of(spec):
        dims = {name: times * dim for name, dim in chosen.items()}
        try:
            lower(with_dims(spec, dims, repeats), size)
            return dims, repeats
        except (SpecError, ShapeError):
            continue
    return {}, repeats
