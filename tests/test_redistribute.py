"""Resource distribution: the paper's own example to the last dim, and what holds for every spec and every attention."""

import re
import sys
from fractions import Fraction
from itertools import product
from math import sqrt

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from strategies import specs

from spinec import SpecError, cost, load, loads, lower
from spinec.cli import main
from spinec.compiler.resources.explain import explain
from spinec.compiler.resources.redistribute import attention, new_dims, redistribute
from spinec.compiler.resources.work import total_work, units
from spinec.spec.kinds.library import KINDS

LEARNED = (10, 10, 5, 5, 15, 20, 20, 1, 20, 15, 5, 20, 10, 15, 15, 10, 10, 1)
TABLE_1 = (16, 24, 16, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 136, 136, 40)
EXAMPLES = settings(  # the same in every run, and no search for smaller ones
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def dims_of(spec):
    return {name: block.dim for name, block in spec.blocks.items()}


def parallel(dims, order=None, size=64):
    """Blocks that all read the stem, so that they can stand in any order."""
    order = order or range(len(dims))
    blocks = [f"  b{i}: {{kind: mbconv, level: {1 + i % 3}, dim: {dims[i]}, inputs: [stem]}}\n" for i in order]
    outputs = ", ".join(f"o{i}: b{i}" for i in order)
    stem = "  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}\n"
    return loads(f"name: parallel\ninput: {{size: {size}}}\nblocks:\n{stem}{''.join(blocks)}outputs: {{{outputs}}}\n")


def test_the_learned_attention_turns_sp_efficientnet_b0_into_eff_spinenet_d0():
    made, d0 = redistribute(load("sp-efficientnet-b0"), LEARNED), load("eff-spinenet-d0")
    assert tuple(dims_of(made).values()) == (16, *TABLE_1)
    assert made.blocks == d0.blocks
    assert made.name == "sp-efficientnet-b0"
    assert made.published is None
    assert cost(lower(made)).macs() == cost(lower(d0)).macs()


def test_attention_may_be_given_by_name():
    spec = load("sp-efficientnet-b0")
    betas = {f"b{i}": beta for i, beta in reversed(list(enumerate(LEARNED, 1)))}
    assert redistribute(spec, betas, name="named") == redistribute(spec, LEARNED, name="named")


@pytest.mark.parametrize(("expand", "exact", "number"), [(6, True, 3), (1, True, 4), (6, False, 5), (1, False, 0)])
def test_how_many_attentions_explain_the_paper(expand, exact, number):
    names = "sp-efficientnet-b0", "eff-spinenet-d0"
    before, after = (loads(f"name: x\nextends: {name}\nblocks: {{b1: {{expand: {expand}}}}}\n") for name in names)
    found = explain(before, after, exact=exact)
    assert len(found) == len(set(found)) == number
    assert found == sorted(found)
    assert (LEARNED in found) == (expand == 6)
    for betas in found:
        assert dims_of(redistribute(before, betas, exact=exact)) == dims_of(after)


@settings(EXAMPLES, max_examples=300)
@given(st.data())
def test_explanations_are_those_that_trying_everything_finds(data):
    number = data.draw(st.integers(1, 4))
    before = parallel(data.draw(st.lists(st.integers(1, 80), min_size=number, max_size=number)))
    values = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=4, unique=True))
    exact, target = data.draw(st.booleans()), total_work(before) * data.draw(st.fractions("1/5", 4))
    rounding = {"multiple": data.draw(st.sampled_from((1, 4, 8))), "keep": data.draw(st.sampled_from((0, 0.5, 0.9, 1)))}
    betas = data.draw(st.tuples(*[st.sampled_from(values)] * number))
    after = redistribute(before, betas, exact=exact, target=target, **rounding)

    shared = units(before, exact=exact)
    dims = [after.blocks[unit.blocks[0]].dim for unit in shared]
    every = product(values, repeat=number)
    wanted = [
        v for v in every if new_dims(shared, attention(shared, list(map(Fraction, v)), target), **rounding) == dims
    ]
    assert explain(before, after, values, exact=exact, target=target, **rounding) == sorted(wanted)
    assert betas in wanted


@pytest.mark.parametrize("number", [18, 40])
def test_many_blocks_are_explained_without_trying_everything(number):
    before = parallel([64 + 8 * (i % 5) for i in range(number)], size=512)
    betas = tuple((1, 5, 10, 15, 20)[i * i % 5] for i in range(number))
    assert betas in explain(before, redistribute(before, betas))


def test_ratios_are_not_vectors():
    before = parallel([64, 64])
    assert explain(before, before, (1, 2, 3)) == [(1, 1), (2, 2), (3, 3)]


def test_too_many_explanations_are_refused():
    before = parallel([1] * 12)
    with pytest.raises(SpecError, match="more than 50 vectors"):
        explain(before, redistribute(before, [1] * 12), most=50)


def drawn(data, spec):
    """Attention for a spec, and the units that it is for."""
    assume(any(block.definition.takes_part for block in spec.blocks.values()))
    assume(spec.endpoints or not spec.head)  # else the outputs must keep one dim
    # What an identity gives that joins its inputs follows from their dims.
    assume(
        not any(block.kind == "identity" and (block.fuse or spec.fuse).kind == "join" for block in spec.blocks.values())
    )
    shared = units(spec)
    numbers = st.one_of(st.sampled_from((1, 5, 10, 15, 20)), st.integers(1, 1000), st.fractions("1/50", 50))
    return shared, data.draw(st.lists(numbers, min_size=len(shared), max_size=len(shared)))


@settings(EXAMPLES, max_examples=100)
@given(specs(most_blocks=16), st.data())
def test_the_budget_holds_within_what_rounding_does(text, data):
    """Before rounding it holds exactly, Equation 3; a dim then moves by less than one multiple.

    With v = sqrt(alpha) c unrounded and |c' - v| <= m, a unit's work a c'^2 + b c' is within a (2 v m + m^2) + b m of that
    of v, and that of v is b c |sqrt(alpha) - alpha| from alpha F: the second term of F does not grow with alpha.
    """
    spec = loads(text)
    shared, betas = drawn(data, spec)
    multiple = data.draw(st.sampled_from((1, 4, 8, 16)))
    keep = data.draw(st.sampled_from((0, 0.5, 0.9, 1)))
    target = data.draw(st.one_of(st.none(), st.fractions("1/10", 10))) or 1
    budget = target * sum(unit.work for unit in shared)

    alphas = attention(shared, [Fraction(beta) for beta in betas], budget)
    assert sum(alpha * unit.work for alpha, unit in zip(alphas, shared, strict=True)) == budget

    made = redistribute(spec, betas, target=budget, multiple=multiple, keep=keep)
    after, bound = Fraction(0), Fraction(0)
    for unit, alpha in zip(shared, alphas, strict=True):
        wanted, dim = sqrt(alpha) * unit.dim, made.blocks[unit.blocks[0]].dim
        assert dim % multiple == 0
        assert keep * wanted <= dim + 1e-9
        assert abs(dim - wanted) <= multiple + 1e-9
        after += unit.square * dim**2 + unit.linear * dim
        bound += unit.square * Fraction(2 * wanted * multiple + multiple**2) + unit.linear * multiple
        bound += unit.linear * unit.dim * abs(Fraction(sqrt(alpha)) - alpha)
    assert abs(after - budget) <= bound * (1 + Fraction(1, 10**9))


@settings(EXAMPLES, max_examples=40)
@given(specs(most_blocks=12), st.data())
def test_only_the_ratios_of_attention_count(text, data):
    spec = loads(text)
    _, betas = drawn(data, spec)
    factor = data.draw(st.fractions("1/1000", 1000).filter(bool))
    made = redistribute(spec, betas)
    assert redistribute(spec, [beta * factor for beta in betas]) == made
    assert [
        name for name, block in made.blocks.items() if not block.definition.takes_part and block != spec.blocks[name]
    ] == []


@settings(EXAMPLES, max_examples=60)
@given(st.data())
def test_the_order_of_blocks_does_not_count(data):
    dims = data.draw(st.lists(st.integers(1, 100), min_size=2, max_size=6))
    betas = data.draw(st.lists(st.integers(1, 20), min_size=len(dims), max_size=len(dims)))
    order = data.draw(st.permutations(range(len(dims))))
    there = redistribute(parallel(dims), betas)
    here = redistribute(parallel(dims, order), [betas[i] for i in order])
    assert dims_of(there) == dims_of(here)


def test_equal_attention_shares_work_as_it_was():
    spec = parallel([16, 24, 40, 64])
    assert redistribute(spec, [7] * 4) == spec
    assert redistribute(spec, [0.1] * 4) == spec


def test_alphas_are_factors_of_the_work():
    spec = parallel([16, 24, 40])
    made = redistribute(spec, alphas=(4, 1, Fraction(1, 4)))
    assert list(dims_of(made).values()) == [8, 32, 24, 24]  # half of 40, and no less than 9/10 of it


def test_a_target_is_another_budget():
    spec = parallel([16, 24, 40])
    assert list(dims_of(redistribute(spec, [1, 1, 1], target=4 * total_work(spec))).values()) == [8, 32, 48, 80]
    half = redistribute(spec, [1, 1, 1], target=total_work(spec) / 4, multiple=1, exact=True)
    assert list(dims_of(half).values()) == [8, 8, 12, 20]


def test_frozen_blocks_keep_their_dims_and_their_work():
    spec = load("sp-efficientnet-b0")
    made = redistribute(spec, [1] * 16, frozen=("b5", "b9"), target=2 * total_work(spec), multiple=1)
    assert made.blocks["b5"] == spec.blocks["b5"]
    assert made.blocks["b9"] == spec.blocks["b9"]
    held = sum(unit.work for unit in units(spec) if unit.blocks[0] in ("b5", "b9"))
    alpha = (2 * total_work(spec) - held) / (total_work(spec) - held)
    assert made.blocks["b12"].dim == round(sqrt(alpha) * 152)


def test_blocks_of_a_group_keep_one_dim():
    spec = load("sp-efficientnet-b0")
    groups = [["b5", "b7", "b9", "b14"], ["b3", "b4"]]
    assert [unit.blocks for unit in units(spec, groups=groups)][2:4] == [("b3", "b4"), ("b5", "b7", "b9", "b14")]
    betas = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    made = redistribute(spec, betas, groups=groups)
    assert len({made.blocks[name].dim for name in groups[0]}) == 1
    named = {"b14": 4, "b4": 3} | {
        unit.blocks[0]: beta for unit, beta in zip(units(spec, groups=groups), betas, strict=True)
    }
    del named["b5"], named["b3"]
    assert redistribute(spec, named, groups=groups) == made


def test_groups_are_explained_as_one():
    spec, groups = load("sp-efficientnet-b0"), [["b5", "b7", "b9", "b14"], ["b3", "b4"]]
    betas = (1, 5, 10, 20, 15, 10, 5, 1, 20, 5, 10, 15, 20, 1)
    assert betas in explain(spec, redistribute(spec, betas, groups=groups), groups=groups)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("mbconv", "expand: 6, squeeze: 0, kernel: 5"),
        ("mbconv", "expand: 2.5, squeeze: 0"),
        ("fused_mbconv", "expand: 4, kernel: 3"),
        ("fused_mbconv", "expand: 1"),
        ("residual", "kernel: 3"),
        ("bottleneck", "expand: 4, kernel: 3"),
    ],
)
def test_the_work_of_a_block_is_that_of_its_convolutions(kind, body):
    """With its own dim as input and nothing but convolutions, a block's work is what is counted, repeats and all."""
    text = (
        "name: one\ninput: {size: [60, 36]}\nblocks:\n  stem: {kind: conv, level: 2, dim: 24, inputs: [image]}\n"
        f"  b1: {{kind: {kind}, level: 2, dim: 24, repeats: 3, {body}, inputs: [stem]}}\noutputs: {{out: b1}}\n"
    )
    (unit,) = units(spec := loads(text))
    assert unit.work == cost(lower(spec)).by("block")["b1"].macs()
    assert unit.work == total_work(spec)


def test_equation_2_is_taken_at_its_word():
    """Also where the ratio is 1, for which no expansion is computed."""
    (unit,) = units(loads("name: a\nextends: efficientnet-b0\n"), frozen=[f"b{i}" for i in range(2, 17)])
    assert unit.work == 112 * 112 * (2 * 16**2 * 1 + 3**2 * 16 * 1)
    assert total_work(loads("name: a\nextends: efficientnet-b0\n"), exact=False) == sum(
        (224 // 2**block.level) ** 2 * 2 * block.dim**2 * int(block.expand)
        for name, block in load("efficientnet-b0").blocks.items()
        if name != "stem"
    )


def test_stems_and_nodes_take_no_part():
    takes = {name for name, kind in KINDS.items() if kind.definition.takes_part}
    assert takes >= {"mbconv", "fused_mbconv", "residual", "bottleneck", "convnext", "regnet", "transformer"}
    assert not takes & {"conv", "separable_conv", "identity", "patch", "transition", "dense", "norm_act"}
    assert [unit.blocks for unit in units(load("sp-efficientnet-b0"))] == [(f"b{i}",) for i in range(1, 19)]


FAULTS = {
    "expected 18 values, got 2": {"betas": (1, 2)},
    "no block 'b55' gets a share": {"betas": {"b55": 1}},
    "did you mean 'b5'": {"betas": {"b55": 1}},
    "no block 'stem' takes part": {"betas": (1,) * 18, "frozen": ("stem",)},
    "no value for b2, b3": {"betas": {f"b{i}": 1 for i in range(4, 19)} | {"b1": 1}},
    "b3: expected a positive number, got 0": {"betas": (1, 1, 0, *LEARNED[3:])},
    "got -1": {"betas": (1, 1, -1, *LEARNED[3:])},
    "got nan": {"betas": (1, 1, float("nan"), *LEARNED[3:])},
    "got inf": {"betas": (1, 1, float("inf"), *LEARNED[3:])},
    "got True": {"betas": (1, 1, True, *LEARNED[3:])},
    "got '5'": {"betas": (1, 1, "5", *LEARNED[3:])},
    "target: expected a positive number": {"betas": LEARNED, "target": 0},
    "no more than frozen blocks do": {"betas": LEARNED[1:], "target": 1, "frozen": ("b1",)},
    "expected betas": {},
    "or alphas": {"betas": LEARNED, "alphas": LEARNED},
    "which fix the target": {"alphas": LEARNED, "target": 1e9},
    "more than 65,536 channels": {"alphas": (10**9, *LEARNED[1:])},
    "positive multiple": {"betas": LEARNED, "multiple": 0},
    "a keep of 0 to 1": {"betas": LEARNED, "keep": 1.5},
    "is listed twice": {"betas": LEARNED, "groups": [["b3", "b4"], ["b4", "b2"]]},
    "or is frozen": {"betas": LEARNED, "groups": [["b3", "b4"]], "frozen": ["b4"]},
    "one dim, not b4: 24, b5: 96": {"betas": LEARNED, "groups": [["b4", "b5"]]},
    "given another value": {"betas": {"b3": 1, "b4": 2}, "groups": [["b3", "b4"]]},
    "no block takes part": {"betas": (), "frozen": [f"b{i}" for i in range(1, 19)]},
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_cannot_be_shared_out_is_said(message):
    with pytest.raises(SpecError, match=re.escape(message)):
        redistribute(load("sp-efficientnet-b0"), **FAULTS[message])


def test_specs_that_no_attention_turns_into_each_other():
    sp, d0 = load("sp-efficientnet-b0"), load("eff-spinenet-d0")
    with pytest.raises(SpecError, match="differ in what gets no share: stem"):
        explain(sp, load("eff-spinenet-m0"))
    with pytest.raises(SpecError, match="differ in what gets no share"):
        explain(sp, load("efficientnet-b0"))
    with pytest.raises(SpecError, match="b3, b4 have different dims"):
        explain(sp, loads("name: x\nextends: eff-spinenet-d0\nblocks: {b3: {dim: 24}}\n"), groups=[["b3", "b4"]])
    assert explain(sp, d0, multiple=16) == []


def test_heads_that_need_one_dim_are_not_given_several():
    text = (
        "name: tied\nblocks:\n  b1: {kind: mbconv, level: 3, dim: 16, inputs: [image]}\n"
        "  b2: {kind: mbconv, level: 4, dim: 16, inputs: [b1]}\noutputs: {P3: b1, P4: b2}\nhead: {kind: retinanet, dim: 8}\n"
    )
    with pytest.raises(SpecError, match="outputs of different dims"):
        redistribute(loads(text), (1, 20))
    assert redistribute(loads(text), [1], groups=[["b1", "b2"]], target=10**8)


def test_warnings_are_not_repeated(recwarn):
    text = "name: w\nblocks:\n  b1: {kind: mbconv, level: 1, dim: 8, inputs: [image]}\n  b2: {kind: mbconv, level: 1, dim: 8, inputs: [b1]}\noutputs: {out: b1}\n"
    with pytest.warns(match="nobody reads"):
        spec = loads(text)
    redistribute(spec, (1, 20), target=10**8)
    assert not recwarn.list


@pytest.fixture
def run(capsys, monkeypatch):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["spinec", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return command


def test_command_redistribute_writes_a_spec(run, tmp_path):
    file = tmp_path / "learned.yaml"
    code, out, _ = run("redistribute", "sp-efficientnet-b0", "--betas", ",".join(map(str, LEARNED)), "-o", file)
    assert code == 0
    assert "2,453,285,888" in out
    assert "learned, 19 blocks" in out
    made = load(file)
    assert made.name == "learned"
    assert made.blocks == load("eff-spinenet-d0").blocks
    code, shown, _ = run("redistribute", "sp-efficientnet-b0", "--betas", ",".join(map(str, LEARNED)), "-o", "-")
    assert code == 0
    assert loads(shown).blocks == made.blocks
    assert loads(shown).name == "sp-efficientnet-b0-redistributed"


def test_command_redistribute_takes_names_groups_and_a_target(run):
    arguments = [
        "--betas",
        ",".join(f"b{i}=1" for i in range(3, 19)),
        "--frozen",
        "b1,b2",
        "--target",
        "4G",
        "--multiple",
        4,
    ]
    code, out, _ = run("redistribute", "sp-efficientnet-b0", *arguments, "-o", "-")
    assert code == 0
    wanted = redistribute(load("sp-efficientnet-b0"), [1] * 16, frozen=["b1", "b2"], target=4e9, multiple=4)
    assert loads(out).blocks == wanted.blocks
    code, out, _ = run(
        "redistribute", "sp-efficientnet-b0", "--betas", ",".join("1" * 17), "--group", "b3,b4", "-o", "-"
    )
    assert loads(out).blocks == redistribute(load("sp-efficientnet-b0"), [1] * 17, groups=[["b3", "b4"]]).blocks


def test_command_betas_lists_explanations(run):
    code, out, _ = run("betas", "sp-efficientnet-b0", "eff-spinenet-d0", "--format", "csv")
    assert code == 0
    assert out.count("\n") == 4
    assert ",".join(map(str, LEARNED)) in out
    _, out, _ = run("betas", "sp-efficientnet-b0", "eff-spinenet-d0", "--approximate")
    assert "5 vectors of betas do it" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--betas", "1,2"), "expected 18 values"),
        (("--betas", "1,x"), "expected numbers"),
        (("--betas", "b99=1"), "no block 'b99'"),
    ],
)
def test_commands_say_what_is_wrong_and_write_nothing(run, tmp_path, arguments, message):
    code, out, err = run("redistribute", "sp-efficientnet-b0", *arguments, "-o", tmp_path / "x.yaml")
    assert code in (1, 2)
    assert message in err
    assert not out
    assert not list(tmp_path.iterdir())
