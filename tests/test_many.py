"""The cost of many candidates at once is, for each of them, what `cost` counts: to the integer.

What is compared: every spec of the library with `cost(lower(candidate))` for a few hundred candidates in all, in every
convention and in parameters, with and without other repeats; 10,000 candidates of every family with a second count,
written here from the paper's words and independent of ops and lowering; random specs of every kind of block with `cost`.
"""

import os
from fractions import Fraction
from functools import cache
from random import Random

import numpy as np
import pytest
from field_values import UNCOUNTED
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from strategies import specs

from spinec import ShapeError, SpecError, cost, load, loads, lower, names
from spinec.compiler.cost_model import block_form, every_dim, fitted_form, quadratic_form
from spinec.compiler.cost_model.model import CostModel
from spinec.compiler.cost_model.solve import solve
from spinec.compiler.ops.norm import BatchNorm
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.heads import Classification, RetinaNet, Segmentation
from spinec.spec.kinds.formula import Node, number
from spinec.spec.kinds.widths import DIM, whole
from spinec.spec.model import with_dims

SCALAR = 12  # candidates of every spec that are lowered and counted one by one, with repeats and without
THOROUGH = int(os.environ.get("SPINEC_CANDIDATES", "0"))  # so many of every family instead: minutes for some thousands
PER_FAMILY = 10_000
FAMILIES = {name.partition("-")[0] for name in names()}
NOT_BY_HAND = {
    "efficientdet",
    "mnasnet",
    "mobilenet",
    "resnet",
    "spinenet",
    "convnext",
    "cspdarknet",
    "densenet",
    "dla",
    "efficientnetv2",
    "ese",
    "ghostnet",
    "hrnet",
    "hybrid",
    "mixnet",
    "mobilenetv4",
    "regnetx",
    "regnety",
    "resnext",
    "se",
    "shufflenet",
}  # of other kinds of blocks than the formulas know
EXAMPLES = settings(  # the same in every run, and no search for smaller ones
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@cache
def model_of(name):
    return CostModel(load(name))


def candidates(model, number, seed=0):
    """Dims and repeats: half of the rows have dims of a few values, so that many that meet are equal."""
    random = np.random.default_rng(seed)
    dims = random.integers(1, 400, (number, len(model.blocks)))
    few = random.integers(1, 30, (number, 3)) * 8
    choice = random.integers(0, 3, (number // 2, len(model.blocks)))
    dims[: number // 2] = np.take_along_axis(few[: number // 2], choice, 1)
    if times := MULTIPLES.get(model.spec.name):
        dims = (dims % 40 + 1) * times
    if model.spec.head and not model.spec.endpoints:
        outputs = [model.blocks.index(block) for block in model.spec.outputs.values()]
        dims[:, outputs] = dims[:, outputs[:1]]
    return dims, random.integers(1, 4, dims.shape)


def counted(spec, dims, repeats, size=None):
    named = [dict(zip(spec.blocks, row.tolist(), strict=True)) for row in (dims, repeats)]
    return cost(lower(with_dims(spec, *named), size))


def assert_counts(model, dims, repeats):
    """Every row is what `cost` counts, with the spec's own repeats and with others."""
    own = np.array([[block.repeats for block in model.spec.blocks.values()]] * len(dims))
    for times, passed in ((own, None), (repeats, repeats)):
        found = [*(model.macs(dims, passed, name) for name in CONVENTIONS), model.params(dims, passed)]
        for row in range(len(dims)):
            report = counted(model.spec, dims[row], times[row], model.size)
            wanted = [*map(report.macs, CONVENTIONS), report.params]
            assert [counts[row] for counts in found] == wanted, f"{dims[row].tolist()} {times[row].tolist()}"


MULTIPLES = {"mixnet-s": 12, "regnetx-400mf": 16, "regnety-400mf": 8, "resnext-50-32x4d": 64, "shufflenet-v2": 2}
"""Spec: what groups of channels divide."""
ONE_BY_ONE = (
    "cspdarknet-53",
    "densenet-121",
    "ese-vovnet-19b-dw",
    "hybrid-tiny",
)  # whose dims follow from others, or decide on steps


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_what_is_no_form_of_the_dims_is_refused(name):
    with pytest.raises(SpecError, match="count candidates one by one"):
        CostModel(load(name))


@pytest.mark.parametrize("name", [name for name in names() if name not in ONE_BY_ONE])
def test_every_spec_of_the_library_is_counted_as_one_by_one(name):
    model, family = model_of(name), [each for each in names() if each.partition("-")[0] == name.partition("-")[0]]
    assert_counts(model, *candidates(model, max(SCALAR, -(-THOROUGH // len(family)))))


@pytest.mark.parametrize("family", sorted(FAMILIES - NOT_BY_HAND))
def test_ten_thousand_candidates_of_a_family_are_counted_as_by_hand(family):
    members = [name for name in names() if name.startswith(family) and by_hand_knows(load(name))]
    assert members, "a family that the formulas do not know is one of NOT_BY_HAND"
    for seed, name in enumerate(members, 1):
        model = model_of(name)
        dims, repeats = candidates(model, -(-PER_FAMILY // len(members)), seed)
        macs, params = model.macs(dims, repeats), model.params(dims, repeats)
        for row, (widths, times) in enumerate(zip(dims.tolist(), repeats.tolist(), strict=True)):
            assert by_hand(model.spec, widths, times) == (macs[row], params[row]), f"{name}: {widths} {times}"


def by_hand_knows(spec):
    plain = all(block.kind in ("conv", "mbconv") and block.norm in (None, True) for block in spec.blocks.values())
    squeezed = all(
        block.squeeze and block.squeeze_base == "input" and block.expand % 1 == 0
        for block in spec.blocks.values()
        if block.kind == "mbconv"
    )
    ways = spec.resample.down in ("space_to_depth", "depthwise") and spec.resample.match == "when_different"
    heads = isinstance(spec.head, RetinaNet | Classification | Segmentation) and spec.endpoints
    return plain and squeezed and ways and heads and spec.fuse.kind in ("fast_normalized", "sum")


def by_hand(spec, dims, repeats):
    """Multiply-adds of convolutions and linear layers, and parameters, from the paper's text."""
    width = {"image": spec.input.channels, **dict(zip(spec.blocks, dims, strict=True))}
    height, wide = spec.input.size
    macs = params = 0

    def area(level):
        return -(-height // 2**level) * -(-wide // 2**level)

    def conv(at, before, after, kernel=1, norm=True, bias=False):
        nonlocal macs, params
        macs += at * before * after * kernel**2
        params += before * after * kernel**2 + 2 * after * norm + after * bias

    def depthwise(at, dim, kernel=3, norm=True):
        nonlocal macs, params
        macs += at * dim * kernel**2
        params += dim * kernel**2 + 2 * dim * norm

    def mbconv(block, before, after, at, to):
        hidden = before * block.expand
        assert hidden == int(hidden)
        hidden = int(hidden)
        if block.expand != 1:
            conv(at, before, hidden)
        depthwise(to, hidden, block.kernel)
        squeezed = max(1, int(before * Fraction(str(block.squeeze))))
        conv(1, hidden, squeezed, norm=False, bias=True)
        conv(1, squeezed, hidden, norm=False, bias=True)
        conv(to, hidden, after)

    def resample(source, level, target, dim):
        if level < target:
            if spec.resample.down == "space_to_depth":
                level, dim_now = level + 1, 4 * width[source]
            else:
                dim_now = width[source]
            for step in range(level + 1, target + 1):
                depthwise(area(step), dim_now)
            conv(area(target), dim_now, dim)
        elif level > target or width[source] != dim:
            conv(area(level), width[source], dim)

    for (name, block), times in zip(spec.blocks.items(), repeats, strict=True):
        sources = [given.block for given in block.inputs]
        before, level = width[sources[0]], spec.level_of(sources[0])
        if len(sources) > 1:
            for source in sources:
                resample(source, spec.level_of(source), block.level, width[name])
            params += len(sources) if spec.fuse.kind == "fast_normalized" else 0
            before, level = width[name], block.level
        for _ in range(times):
            if block.kind == "conv":
                conv(area(block.level), before, width[name], block.kernel)
            else:
                mbconv(block, before, width[name], area(level), area(block.level))
            before, level = width[name], block.level

    dim, head = spec.endpoints.dim, spec.head
    areas = [area(spec.level_of(block)) for block in spec.outputs.values()]
    for at, block in zip(areas, spec.outputs.values(), strict=True):
        conv(at, width[block], dim)
    match head:
        case Classification():
            conv(1, dim, head.classes, norm=False, bias=True)
        case Segmentation():
            for i in range(head.layers):
                depthwise(max(areas), head.dim if i else dim, norm=False)
                conv(max(areas), head.dim if i else dim, head.dim, bias=True)
            conv(max(areas), head.dim, head.classes, norm=False, bias=True)
        case RetinaNet():
            for predictions in (head.classes * head.anchors.per_cell, 4 * head.anchors.per_cell):
                for i in range(head.layers + 1):
                    before, after = head.dim if i else dim, head.dim if i < head.layers else predictions
                    depthwise(sum(areas), before, norm=False)
                    conv(sum(areas), before, after, norm=False, bias=True)
                    params += 2 * after * len(areas) if i < head.layers else 0
    return macs, params


@settings(EXAMPLES, max_examples=40)
@given(specs(most_blocks=10, most_dim=24), st.integers(0, 10**6))
def test_random_specs_are_counted_as_one_by_one(text, seed):
    spec = loads(text)
    assume(all(block.kind not in UNCOUNTED for block in spec.blocks.values()))
    try:
        model = CostModel(spec)
    except SpecError as error:  # an identity has as many channels as it reads: its dim cannot be varied by itself
        assume(error.faults[0].code != "SPN-704" or all(block.kind != "identity" for block in spec.blocks.values()))
        raise
    assert_counts(model, *candidates(model, 4, seed))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("mbconv", "expand: 4.35, squeeze: 0.3, squeeze_base: hidden"),
        ("mbconv", "expand: 1.5, squeeze: 0.05"),
        ("mbconv", "expand: 1, squeeze: 0.05, squeeze_multiple: 8"),
        ("mbconv", "expand: 4, squeeze: 0.25, squeeze_multiple: 3"),
        ("mbconv", "expand: 2.3, hidden_multiple: 8"),
        ("mbconv", "expand: 1, hidden_multiple: 8, squeeze: 0"),
        ("fused_mbconv", "expand: 2.5, squeeze: 0.25"),
        ("fused_mbconv", "expand: 1.5, hidden_multiple: 3"),
        ("fused_mbconv", "expand: 1, squeeze: 0.3, squeeze_base: hidden"),
        ("residual", "kernel: 5"),
        ("bottleneck", "expand: 3"),
        ("separable_conv", "norm: false"),
        ("conv", "norm: false"),
        ("identity", "activation: relu"),
    ],
)
@pytest.mark.parametrize("inputs", ["[b1]", "[b0]", "[b1, b0, image]", "[b2]"])
def test_every_kind_of_block_is_counted_for_every_small_dim(kind, body, inputs):
    """Rounded shares of a dim, and shortcuts where dims are equal, over all pairs of small dims and a few large ones."""
    text = (
        "name: kinds\ninput: {size: [20, 12], channels: 4}\nresample: {down: max_pool}\nblocks:\n"
        "  b0: {kind: conv, level: 0, dim: 4, inputs: [image]}\n  b1: {kind: conv, level: 1, dim: 4, inputs: [b0]}\n"
        "  b2: {kind: conv, level: 2, dim: 4, inputs: [b1]}\n"
        f"  last: {{kind: {kind}, level: 1, dim: 4, repeats: 2, {body}, inputs: {inputs}}}\noutputs: {{a: last, b: b2}}\n"
    )
    model = CostModel(loads(text))
    pairs = np.array([[3, first, first, last] for first in (1, 2, 3, 7, 16, 200) for last in (1, 3, 4, 7, 15, 21, 480)])
    assert_counts(model, pairs, np.ones_like(pairs) * 3)


def test_another_size_is_counted():
    model = CostModel(load("eff-spinenet-d0"), (300, 500))
    assert_counts(model, *candidates(model, 2))
    assert CostModel(load("eff-spinenet-d0"), 256).size == (256, 256)


def test_many_inputs_are_counted():
    blocks = "".join(f"  b{i}: {{kind: conv, level: {i % 4}, dim: 4, inputs: [image]}}\n" for i in range(24))
    last = f"  last: {{kind: mbconv, level: 2, dim: 8, inputs: [{', '.join(f'b{i}' for i in range(24))}]}}\n"
    model = CostModel(loads(f"name: wide\ninput: {{size: 32}}\nblocks:\n{blocks}{last}outputs: {{out: last}}\n"))
    assert_counts(model, *candidates(model, 3))


@pytest.mark.parametrize("chunk", [1, 7, 100, 4096])
def test_chunks_change_nothing(chunk):
    model = model_of("eff-spinenet-d0")
    dims, repeats = candidates(model, 100)
    assert (model.macs(dims, repeats, chunk=chunk) == model.macs(dims, repeats)).all()
    assert (model.params(dims, chunk=chunk) == model.params(dims)).all()


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.int32, np.uint64, np.int64])
def test_integers_of_any_kind_are_counted(kind):
    model = model_of("eff-spinenet-d0")
    dims = (candidates(model, 20)[0] % 200 + 1).astype(kind)
    for layout in (dims, np.asfortranarray(dims), dims[::-1][::-1]):
        assert (model.macs(layout) == model.macs(dims.tolist())).all()


def test_types_and_shapes_of_counts():
    model = model_of("eff-spinenet-d0")
    dims = candidates(model, 5)[0]
    assert model.macs(dims).dtype == model.params(dims).dtype == model.flops(dims).dtype == np.int64
    assert model.macs(dims, convention="profiler").dtype == np.float64
    assert (model.flops(dims, convention="profiler") == 2 * model.macs(dims, convention="profiler")).all()
    assert model.macs(dims[:0]).shape == (0,)
    assert model.macs(dims).shape == (5,)


def test_what_does_not_fit_the_spec_is_refused():
    model = model_of("eff-spinenet-d0")
    dims = np.full((3, 19), 8)
    for wrong, message in (
        (dims[:, :18], r"expected integers, \(N, 19\)"),
        (dims[0], r"\(19,\)"),
        (dims * 1.0, "float64"),
        (dims > 3, "bool"),
        (dims * 0, "expected 1 to 65,536, got 0 to 0"),
        (dims * 8193, "got 65,544 to 65,544"),
        (np.where(np.eye(3, 19), -8, dims), "got -8 to 8"),
        (np.full((1, 19), 2**64 - 1, np.uint64), "expected 1 to 65,536"),
    ):
        with pytest.raises(ShapeError, match=message):
            model.macs(wrong)
        with pytest.raises(ShapeError):
            model.params(wrong)
    with pytest.raises(ShapeError, match="repeats: expected 1 to 64, got 65 to 65"):
        model.macs(dims, dims * 0 + 65)
    with pytest.raises(ShapeError, match="3 rows of dims, but 2 rows of repeats"):
        model.macs(dims, dims[:2])
    with pytest.raises(ValueError, match="unknown convention"):
        model.macs(dims, convention="con")


def test_dims_that_a_head_ties_are_one():
    text = (
        "name: tied\ninput: {size: 64}\nblocks:\n  b1: {kind: mbconv, level: 3, dim: 16, inputs: [image]}\n"
        "  b2: {kind: mbconv, level: 4, dim: 16, inputs: [b1]}\noutputs: {P3: b1, P4: b2}\nhead: {kind: retinanet, dim: 8}\n"
    )
    model = CostModel(loads(text))
    assert_counts(model, np.array([[8, 8], [24, 24]]), np.array([[1, 2], [2, 1]]))
    with pytest.raises(ShapeError, match="row 2: the head reads b1, b2"):
        model.macs([[8, 8], [24, 24], [8, 24]], chunk=1)


def big(dim):
    text = "name: big\ninput: {size: 4096}\nblocks:\n  b1: {kind: conv, level: 0, dim: 8, inputs: [image]}\n"
    return loads(f"{text}  b2: {{kind: conv, level: 0, dim: {dim}, inputs: [b1]}}\noutputs: {{out: b2}}\n")


def test_counts_are_exact_up_to_the_bound_and_refused_beyond():
    """Near 2^53 half multiply-adds a sum in float64 is still exact; above, it would be rounded, and it is refused."""
    model = CostModel(big(8))
    half = 2 * 9 * 2**24  # halves per product of dims
    widest = (2**53 - 1) // half
    for dims in ([3000, 9000], [5455, 5460], [5400, 5511]):
        total = half * dims[0] * (dims[1] + 3)
        assert total < 2**53
        assert model.flops([dims]).tolist() == [total]
        assert model.macs([dims]).tolist() == [counted(model.spec, np.array(dims), np.array([1, 1])).macs()]
    with pytest.raises(ShapeError, match=r"2\^53"):
        model.macs([[6000, widest // 6000 + 1]])
    with pytest.raises(ShapeError, match=r"2\^53"):
        model.macs([[8, 8], [6000, 6000]], chunk=1)
    with pytest.raises(ShapeError, match=r"2\^53"):
        model.macs([[3000, 3000]], [[1, 64]])
    assert model.params([[6000, 6000]]).tolist() == [9 * 6000 * 6003 + 4 * 6000]


def test_the_bound_knows_the_repeats_of_the_spec():
    """A table holds the usual repeats; fewer are counted down from there, so the usual ones must be exact too."""
    spec = big(8)
    model = CostModel(with_dims(spec, {}, {"b2": 60}))
    with pytest.raises(ShapeError, match=r"2\^53"):
        model.macs([[3000, 3000]], [[1, 1]])
    assert model.macs([[300, 300]], [[1, 1]]).tolist() == [CostModel(spec).macs([[300, 300]]).item()]


def test_a_rounding_that_nobody_told_of_is_refused(monkeypatch):
    """A kind whose channel numbers are not known shares of dims is refused by name, never counted wrongly."""
    spec = loads("name: x\nextends: efficientnet-b0\nblocks: {b3: {squeeze: 0}, b4: {squeeze: 0, expand: 2.5}}\n")
    known = block_form._widths
    monkeypatch.setattr(block_form, "_widths", lambda *place: [w for w in known(*place) if w.formula == DIM])
    with pytest.raises(SpecError, match=r"b1: the cost is no quadratic form(.|\n)*count candidates one by one"):
        CostModel(spec)


def test_work_that_is_no_product_of_two_is_refused(monkeypatch):
    monkeypatch.setattr(BatchNorm, "work", lambda op, output, *inputs: {"macs": output[0] ** 3})
    with pytest.raises(SpecError, match="the cost is no quadratic form"):
        CostModel(load("efficientnet-b0"))


def test_a_form_is_compared_with_whole_candidates(monkeypatch):
    """Should the parts not add up to the whole, for whatever reason, there is no model."""
    lower_all = block_form.lower_block
    monkeypatch.setattr(
        block_form, "lower_block", lambda block, *rest: lower_all(block.model_copy(update={"kernel": 7}), *rest)
    )
    with pytest.raises(SpecError, match="some candidate: the cost is no quadratic form"):
        CostModel(load("efficientnet-b0"))


@settings(EXAMPLES, max_examples=200)
@given(st.integers(1, 12), st.integers(0, 4), st.integers(0, 10**6))
def test_linear_systems_are_solved_exactly(unknowns, spare, seed):
    random = Random(seed)
    wanted = [tuple(random.randint(-(2**59), 2**59) for _ in quadratic_form.nothing()) for _ in range(unknowns)]
    rows = [[random.randint(0, 10**6) for _ in range(unknowns)] for _ in range(unknowns + spare)]
    values = [
        tuple(sum(a * x[i] for a, x in zip(row, wanted, strict=True)) for i in range(len(quadratic_form.nothing())))
        for row in rows
    ]
    assert solve(rows, values) == (wanted, [])


@settings(EXAMPLES, max_examples=200)
@given(st.lists(st.fractions("1/100", 6), min_size=1, max_size=2), st.integers(1, 500))
def test_shares_of_a_dim_are_rounded_alike(shares, dim):
    formula, wanted = DIM, dim
    for share in shares:
        formula = whole(Node("*", None, (formula, number(share))))
        wanted = max(1, wanted * share.numerator // share.denominator)
    assert quadratic_form.channels(quadratic_form.Width("b", formula), {"b": dim}) == wanted
    assert every_dim.numbers(formula, 512)[dim] == wanted


def test_the_scalar_form_is_exact_where_arrays_refuse():
    form = fitted_form.cost_form(big(8), (4096, 4096))
    halves, *_, params = form.costs({"b1": 60_001, "b2": 60_001}, {"b1": 1, "b2": 1})
    assert halves == 2 * 9 * 2**24 * 60_001 * 60_004 > 2**53
    assert params == 9 * 60_001 * 60_004 + 4 * 60_001
