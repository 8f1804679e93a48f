"""Kinds whose formulas take another branch from some dim on: candidates are counted as one by one on both sides."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spinec import CostModel, SpecError, cost, loads, lower
from spinec.compiler.cost_model import every_dim
from spinec.spec.fields import MAX_DIM
from spinec.spec.kinds.arithmetic import evaluate
from spinec.spec.kinds.formula import FormulaError, parse
from spinec.spec.kinds.spelling import floor
from spinec.spec.model import with_dims

SPEC = """
name: thresholds
input: {{size: 16}}
kinds:
  own: {{says: A kind with thresholds, {body}}}
blocks:
  a: {{kind: conv, level: 1, dim: 12, inputs: [image]}}
  b: {{kind: own, level: 1, dim: 16, repeats: {repeats}, inputs: [{source}]}}
outputs: {{P1: b}}
"""
CONV = "steps: {{wide: {{conv: '{}', norm: true}}, last: {{conv: dim}}}}"
COUNTED = {
    "max": CONV.format("max(dim, 500)"),
    "min": CONV.format("min(dim, 300)"),
    "max of the input": CONV.format("max(in_dim, 700) + 3"),
    "both of one dim": CONV.format("min(max(dim, 200), 400)"),
    "far away": CONV.format("max(dim, 30000)"),
    "one dim": CONV.format("dim if dim == 777 else 2 * dim"),
    "if": CONV.format("2 * dim if dim > 400 and dim < 900 else dim + 5"),
    "rounded": CONV.format("round_to(dim * 0.25, 128)"),
    "less than one": CONV.format("dim // 600"),
    "difference": CONV.format("max(1, in_dim - 350)"),
    "sum of both dims": CONV.format("min(in_dim, 700) + max(dim, 90) * 2"),
    "share of a let": "let: {hidden: 'max(dim, 640)'}, " + CONV.format("hidden * 0.3"),
    "depthwise": "let: {hidden: 'max(in_dim, 310)'}, steps: {wide: {conv: hidden}, deep: {conv: hidden, groups: hidden,"
    " kernel: 3}, last: {conv: dim}}",
    "within another kind": "steps: {gate: {kind: squeeze_excite, squeezed: 'max(in_dim // 4, 100)'}, last: {conv: dim}}",
    "squares": "let: {hidden: 'max(dim, 420)'}, steps: {wide: {conv: hidden}, more: {conv: hidden, kernel: 3},"
    " both: {concat: [wide, more]}, last: {conv: hidden}, end: {conv: dim}}",
    "one dim of two thresholds": "steps: {few: {conv: 'min(dim, 5)'}, less: {conv: dim // 2}, last: {conv: dim}}",
    "large on the way": CONV.format("min(dim ^ 4, 80)"),
    "many digits": CONV.format("dim * 0.123456789012345678"),
    "behind a shortcut": "shortcut: {}, " + CONV.format("max(dim, 520)"),
}
"""Kinds whose cost is a quadratic form of channel numbers that have thresholds."""
REFUSED = {
    "kernel": "steps: {last: {conv: dim, kernel: 3 if dim > 800 else 1}}",
    "bias": "steps: {last: {conv: dim, bias: dim > 900}}",
    "norm": "steps: {last: {conv: dim, norm: in_dim < 5000}}",
    "repeat": "steps: {first: {conv: dim}, more: {conv: dim, repeat: dim // 1000 + 1}}",
    "groups": "steps: {first: {conv: dim}, last: {conv: dim, groups: 'max(1, dim // 640)'}}",
    "condition": "steps: {first: {conv: dim}, more: {conv: dim, when: dim > 2000}}",
    "shortcut": "shortcut: {when: dim > 900}, steps: {last: {conv: dim}}",
    "larger of both dims": CONV.format("max(in_dim - 3000, dim)"),
    "choice of both dims": CONV.format("in_dim if in_dim > 4000 else dim"),
    "rounded sum of both dims": CONV.format("(in_dim + dim) // 2"),
    "within another kind": "steps: {last: {kind: conv, dim: dim, kernel: 5 if dim > 3000 else 3}}",
}
"""Kinds whose dims decide on more than that, be it for dims that nobody has."""


def spec_of(body: str, source: str = "a", repeats: int = 2):
    return loads(SPEC.format(body=body, source=source, repeats=repeats))


def thresholds(body: str) -> list[int]:
    """Dims on both sides of every number that a kind names, and of what may be a threshold for that."""
    named = {int(number) for number in re.findall(r"\d{1,5}", body)}
    near = {number * times + more for number in named for times in (1, 2, 3, 4, 5) for more in (-1, 0, 1)}
    return sorted(dim for dim in {*near, 1, 2, 5, 16, 1023} if 1 <= dim <= 2**15)


def outcomes(spec, pairs):
    reports = [cost(lower(with_dims(spec, {"a": a, "b": b}, {}))) for a, b in pairs]
    return [[report.macs() for report in reports], [report.params for report in reports]]


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize("source", ["a", "a, image"])
def test_both_sides_of_every_threshold_are_counted_as_one_by_one(kind, source):
    spec = spec_of(COUNTED[kind], source)
    dims, dice = thresholds(COUNTED[kind]), np.random.default_rng(0)
    pairs = [[dim, dim] for dim in dims[::3]]
    pairs += [pair for dim in dims for pair in ([dim, int(dice.choice(dims))], [int(dice.choice(dims)), dim])]
    model = CostModel(spec)
    assert [model.macs(pairs).tolist(), model.params(pairs).tolist()] == outcomes(spec, pairs)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_dims_decide_on_is_refused_however_large_these_are(kind):
    with pytest.raises(SpecError, match=r"b: the cost is no quadratic form(.|\n)*count candidates one by one"):
        CostModel(spec_of(REFUSED[kind], repeats=1))


FORMULAS = st.recursive(
    st.sampled_from(["dim", "3", "0.5", "7", "600", "dim // 3", "0.1"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "//"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("round_to({}, {})".format, inner, st.sampled_from([1, 4, 32])),
        st.builds("({} if {} {} {} else {})".format, inner, inner, st.sampled_from(["<", "==", ">="]), inner, inner),
        st.builds("({} if not ({} > {} and true) or {} != 3 else 2)".format, inner, inner, inner, inner),
        st.builds("{} ^ 2".format, st.just("(dim - 40)")),
    ),
    max_leaves=5,
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(FORMULAS, st.lists(st.integers(1, MAX_DIM), min_size=8, max_size=8))
def test_formulas_of_arrays_are_those_of_numbers(text, dims):
    node = parse(text).node
    for dim in [1, 2, 3, 40, 599, 600, 601, *dims]:
        try:
            wanted = floor(evaluate(node, {"dim": parse(str(dim)).node.value}))
        except FormulaError:  # it divides by zero
            continue
        assert every_dim.numbers(node, MAX_DIM + 1)[dim] == wanted, (text, dim)


def test_few_dims_tell_formulas_apart():
    dim, larger, smaller = (parse(text).node for text in ("dim", "max(dim, 500)", "min(dim, 500)"))
    assert every_dim.independent((dim, larger, smaller), MAX_DIM + 1) == (dim, larger)
    assert every_dim.telling((dim,), MAX_DIM + 1) == (1, 2, 3)
    points = every_dim.telling((dim, larger), MAX_DIM + 1)
    assert min(points) <= 500 < max(points)
    assert all(point % 64 == 0 for point in every_dim.telling((dim, larger), MAX_DIM + 1, 64))


def test_a_sample_is_found_whatever_dims_the_others_have():
    """Only four channels tell these formulas apart, and a block of as many as its source is no sample."""
    blocks = "".join(
        f"  b{i}: {{kind: own, level: 1, dim: 20, repeats: 2, inputs: [{f'b{i - 1}' if i else 'a'}]}}\n"
        for i in range(16)
    )
    text = SPEC.format(body=COUNTED["one dim of two thresholds"], source="a", repeats=2)
    spec = loads(re.sub(r"  b: .*\n", blocks, text).replace("P1: b", "P1: b15"))
    rows = np.full((17, 17), 30) + np.arange(17)
    np.fill_diagonal(rows, 4)
    wanted = [cost(lower(with_dims(spec, dict(zip(spec.blocks, row, strict=True)), {}))) for row in rows.tolist()]
    assert CostModel(spec).params(rows).tolist() == [report.params for report in wanted]
