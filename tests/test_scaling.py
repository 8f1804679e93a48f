"""Scaling: Table 2 from D0, the same rules as a document's `scale`, and nothing at all where the factor is one."""

import re
import sys
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from strategies import specs

from spinec import SpecError, cost, diff, dump, load, loads, lower, names
from spinec.cli import main
from spinec.compiler.resources.scaling import compound, scale
from spinec.spec.model import Origin

TOTALS = (2, 4, 3, 6, 6, 2, 2)
TABLE_2 = {  # width, size, whether the bottom levels' blocks are repeated
    "eff-spinenet-m0": (0.4, 256, False),
    "eff-spinenet-m1": (0.5, 384, False),
    "eff-spinenet-m2": (0.8, 384, False),
    "eff-spinenet-d0": (1.0, 512, False),
    "eff-spinenet-d1": (1.0, 640, True),
    "eff-spinenet-d2": (1.1, 768, True),
}
REPEATS_OF_D1 = (2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1)
EXAMPLES = settings(  # the same in every run, and no search for smaller ones
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def blocks_of(spec):
    return {name: (block.dim, block.repeats) for name, block in spec.blocks.items()}


def chain(*levels, repeats=None, dim=16):
    """Blocks one after the other, each at a level."""
    repeats = repeats or [1] * len(levels)
    lines = ["name: chain\ninput: {size: 128}\nblocks:\n  b0: {kind: conv, level: 1, dim: 16, inputs: [image]}\n"]
    for i, (level, times) in enumerate(zip(levels, repeats, strict=True), 1):
        lines.append(f"  b{i}: {{kind: mbconv, level: {level}, dim: {dim}, repeats: {times}, inputs: [b{i - 1}]}}\n")
    return loads(f"{''.join(lines)}outputs: {{out: b{len(levels)}}}\n")


@pytest.mark.parametrize("name", TABLE_2)
def test_table_2_comes_from_d0(name):
    width, size, deeper = TABLE_2[name]
    made = scale(load("eff-spinenet-d0"), width=width, size=size, level_totals=TOTALS if deeper else None)
    assert blocks_of(made) == blocks_of(load(name))
    assert made.input.size == load(name).input.size == (size, size)


def test_level_totals_give_the_repeats_that_table_2_prints():
    d0 = load("eff-spinenet-d0")
    for totals in (
        TOTALS,
        dict(enumerate(TOTALS, 1)),
        {level: total for level, total in enumerate(TOTALS, 1) if level < 6},
    ):
        made = scale(d0, level_totals=totals)
        assert tuple(made.blocks[f"b{i}"].repeats for i in range(1, 19)) == REPEATS_OF_D1
        assert made.blocks["stem"] == d0.blocks["stem"]


@pytest.mark.parametrize("name", names())
def test_by_one_a_spec_stays_as_it_is(name):
    spec = load(name)
    for same in (
        scale(spec),
        scale(spec, width=1.0, depth=1, size=spec.input.size, multiple=64, keep=0),
        compound(spec, 0),
    ):
        assert same == spec
        assert same.published == spec.published


@settings(EXAMPLES, max_examples=80)
@given(specs(most_blocks=12), st.data())
def test_scaling_is_what_a_document_asks_for(text, data):
    """The same dims, size and repeats, or a fault in both."""
    width = data.draw(st.one_of(st.sampled_from((0.25, 0.4, 0.5, 1, 1.1, 2, 64)), st.floats(0.01, 8)))
    multiple = data.draw(st.sampled_from((1, 2, 4, 8, 12, 1024)))
    keep = data.draw(st.sampled_from((0, 0.5, 0.9, 1)))
    size = data.draw(st.one_of(st.integers(1, 300), st.tuples(st.integers(1, 300), st.integers(1, 300)).map(list)))
    asked = f"scale: {{width: {width}, multiple: {multiple}, keep: {keep}, size: {size}}}\n"
    spec = loads(text)
    size = size if isinstance(size, int) else tuple(size)
    try:
        made = scale(spec, width=width, multiple=multiple, keep=keep, size=size)
    except SpecError:  # such as an identity of the image, whose channels no scale changes
        with pytest.raises(SpecError):
            loads(text + asked)
        return
    unpublished = {"origin": None, "published": None}  # of the spec as it was
    assert made.model_copy(update=unpublished) == loads(text + asked).model_copy(update=unpublished)
    assert loads(dump(made)) == made


@settings(EXAMPLES, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=12), st.fractions("1/10", 4))
def test_depth_multiplies_totals_and_spreads_them(blocks, depth):
    blocks.sort()
    spec = chain(*[level for level, _ in blocks], repeats=[repeats for _, repeats in blocks])
    made = scale(spec, depth=depth)
    for level in {level for level, _ in blocks}:
        before = [block.repeats for block in list(spec.blocks.values())[1:] if block.level == level]
        after = [block.repeats for block in list(made.blocks.values())[1:] if block.level == level]
        wanted = max(len(before), -(-sum(before) * depth.numerator // depth.denominator))
        assert sum(after) == wanted
        if wanted != sum(before):
            assert after == sorted(after, reverse=True)
            assert max(after) - min(after) <= 1
        else:
            assert after == before


def test_what_a_child_writes_itself_is_not_scaled():
    child = (
        "name: child\nextends: efficientnet-b0\nscale: {width: 0.5, multiple: 8}\n"
        "blocks:\n  b12: {dim: 192}\n  b16: {repeats: 2}\n  own: {level: 5, kind: conv, dim: 528, inputs: [b16]}\noutputs: {P5: own}\n"
    )
    dims = {name: block.dim for name, block in loads(child).blocks.items()}
    assert (dims["b11"], dims["b12"], dims["b16"], dims["own"]) == (56, 192, 160, 528)
    alone = (
        "name: alone\nscale: {width: 0.5}\ndefaults: {kind: conv, dim: 16}\nblocks:\n"
        "  a: {level: 1, inputs: [image]}\n  b: {level: 1, dim: 40, inputs: [a]}\noutputs: {out: b}\n"
    )
    assert [block.dim for block in loads(alone).blocks.values()] == [8, 20]  # beside its own blocks: all of them


def test_depth_is_taken_as_written():
    """1.1 times 10 is 11, though 1.1 * 10 in floating point is more."""
    spec = chain(*[2] * 10)
    assert [block.repeats for block in scale(spec, depth=1.1).blocks.values()] == [1, 2, *[1] * 9]
    assert [block.repeats for block in scale(spec, depth=Fraction(101, 100)).blocks.values()] == [1, 2, *[1] * 9]
    assert sum(block.repeats for block in scale(spec, depth=1.101).blocks.values()) == 1 + 12


def test_only_blocks_with_a_branch_are_repeated():
    made = scale(load("efficientnet-b0"), depth=3)
    assert made.blocks["stem"].repeats == 1
    assert {block.repeats for name, block in made.blocks.items() if name != "stem"} == {3}
    with pytest.raises(SpecError, match="level 2 has no block"):
        scale(chain(1, 3), level_totals={2: 2})


def test_a_changed_spec_claims_no_published_figures():
    d0 = load("eff-spinenet-d0")
    made = scale(d0, width=1.5, name="wider")
    assert made.published is None
    assert (made.name, made.source, made.head, made.endpoints) == ("wider", d0.source, d0.head, d0.endpoints)
    assert scale(d0).published == d0.published
    with pytest.raises(TypeError):
        made.blocks["b1"] = d0.blocks["b1"]


def test_a_compound_family_grows_by_its_factors():
    family = [compound(load("efficientnet-b0"), phi, size_multiple=1) for phi in range(5)]
    assert [member.input.size[0] for member in family] == [224, 258, 296, 341, 392]
    assert [member.blocks["b12"].dim for member in family] == [192, 208, 232, 256, 280]
    repeats = [sum(block.repeats for block in member.blocks.values()) - 1 for member in family]
    assert repeats == [16, 2 + 3 + 3 + 8 + 6, 2 + 3 + 3 + 9 + 8, 2 + 4 + 4 + 11 + 9, 3 + 5 + 5 + 13 + 11]
    macs = [cost(lower(member)).macs() for member in family]
    assert all(1.6 < after / before < 2.4 for before, after in pairwise(macs))  # about twice as many, Equation 3
    small = compound(load("efficientnet-b0"), -1)
    assert small.input.size == (192, 192)
    assert small.blocks["b12"].dim == 176


FAULTS = {
    "width: expected a number above 0, got 0": {"width": 0},
    "width: expected at most 64, got 65": {"width": 65},
    "size: expected at most 16384, got 20000": {"size": (64, 20_000)},
    "multiple: expected a number above 0, got 0": {"multiple": 0},
    "keep: expected at most 1, got 2": {"keep": 2},
    "depth: expected a positive number, got 0": {"depth": 0},
    "got nan": {"depth": float("nan")},
    "give one of them": {"depth": 2, "level_totals": TOTALS},
    "level 2: a total of 2 repeats: expected 3 to 192 for its 3 blocks": {"level_totals": (2, 2)},
    "level 1: a total of 65 repeats": {"depth": 65},
    "level 8 has no block": {"level_totals": {8: 3}},
    "got 'Bad Name'": {"name": "Bad Name"},
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_cannot_be_scaled_is_said(message):
    with pytest.raises(SpecError, match=re.escape(message)):
        scale(load("eff-spinenet-d0"), **FAULTS[message])


def test_dims_beyond_the_limit_are_said_with_the_block():
    with pytest.raises(SpecError, match=r"chain \(made from chain\):5:.*\n.*b1: .*dim: 120000"):
        scale(chain(1, dim=60_000), width=2)


@pytest.mark.parametrize("factors", [{"depth": 0}, {"width": -1}, {"size": float("inf")}])
def test_a_compound_factor_is_positive(factors):
    with pytest.raises(SpecError, match=f"positive {next(iter(factors))}"):
        compound(load("eff-spinenet-d0"), 1, **factors)


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


def test_command_scale_writes_a_spec(run, tmp_path):
    file = tmp_path / "small.yaml"
    code, out, _ = run("scale", "eff-spinenet-d0", "--width", 0.4, "--size", 256, "-o", file)
    assert code == 0
    assert "512 x 512 to 256 x 256" in out
    assert blocks_of(load(file)) == blocks_of(load("eff-spinenet-m0"))
    assert load(file).name == "small"
    code, out, _ = run(
        "scale", "eff-spinenet-d0", "--totals", "2,4,3,6,6,2,2", "--size", "640", "--name", "d1", "-o", "-"
    )
    assert code == 0
    assert blocks_of(loads(out)) == blocks_of(load("eff-spinenet-d1"))
    assert loads(out).name == "d1"


def test_command_scale_shows_what_changes(run):
    code, out, _ = run("scale", "eff-spinenet-d0", "--depth", 2, "--format", "markdown")
    assert code == 0
    assert "new repeats" in out
    assert "| b5 | 4 | 104 | 104 | 1 | 2 |" in out
    code, out, _ = run("scale", "eff-spinenet-d0", "--width", 2)
    assert "new repeats" not in out


def test_command_scale_says_what_is_wrong_and_writes_nothing(run, tmp_path):
    code, out, err = run("scale", "eff-spinenet-d0", "--width", 0, "-o", tmp_path / "x.yaml")
    assert (code, out) == (1, "")
    assert "width" in err
    assert not list(tmp_path.iterdir())


def test_command_compound_writes_a_member_of_a_family(run, tmp_path):
    file = tmp_path / "b2.yaml"
    code, out, _ = run("compound", "efficientnet-b0", 2, "--size-multiple", 4, "-o", file)
    assert code == 0
    assert "to the power of 2" in out
    assert load(file) == compound(load("efficientnet-b0"), 2, size_multiple=4, name="b2")
    code, out, _ = run("compound", "efficientnet-b0", 1, "--depth", 1, "--width", 1, "--size", 2, "-o", "-")
    assert loads(out) == scale(load("efficientnet-b0"), size=448, name="efficientnet-b0-phi1")
    assert run("compound", "efficientnet-b0", "--", -1)[0] == 0
    assert run("compound", "efficientnet-b0", 99)[0] == 1


def test_what_is_made_of_a_found_spec_was_not_found(tmp_path):
    found = load("eff-spinenet-d0").model_copy(update={"origin": Origin(study="mine", trial=7, scores=(0.5,))})
    assert scale(found) == found
    assert scale(found, width=2).origin is None
    (tmp_path / "found.yaml").write_text(dump(found.model_copy(update={"name": "found"})))
    assert load(tmp_path / "found.yaml").origin == found.origin
    (tmp_path / "child.yaml").write_text("extends: found.yaml\nname: child\n")
    assert load(tmp_path / "child.yaml").origin is None
    assert diff(load(tmp_path / "found.yaml"), load(tmp_path / "child.yaml")).is_empty
