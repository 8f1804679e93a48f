"""Advice: what is said, where, and how it is switched off; the library's own specs have none."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from strategies import specs, text_of

from spinec import Program, cost, loads, lower, names
from spinec.compiler.advice.lint import lint
from spinec.compiler.advice.remark import Linted
from spinec.compiler.advice.without_effect import IDLE
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.conv import Conv
from spinec.compiler.ops.pool import Pool
from spinec.spec.format import format_text
from spinec.spec.load import Loaded, read, reads

GOLDEN = Path(__file__).parent / "golden" / "lint"
CLEAN = """\
name: demo
input: {size: 256}
defaults: {kind: mbconv}
blocks:
  stem: {level: 1, kind: conv, dim: 16, inputs: [image]}
  b1:   {level: 2, dim: 24, inputs: [stem]}
  b2:   {level: 3, dim: 40, inputs: [b1]}
  b3:   {level: 4, dim: 96, inputs: [b2]}
  b4:   {level: 3, dim: 40, inputs: [b2, b3]}
outputs: {P3: b4, P4: b3}
"""


def advice(loaded: Loaded, multiple: int = 8) -> list[str]:
    """Line and code of every remark."""
    faults = lint(loaded, cost(lower(loaded.spec)), multiple)
    return [f"{fault.place.line} {fault.code}" for fault in faults]


def of(*changes: tuple[str, str]) -> list[str]:
    text = CLEAN
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return advice(reads(text))


@pytest.mark.parametrize("name", names())
def test_the_library_has_no_advice_that_is_not_ignored(name):
    assert advice(read(name)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], []),
        ([("  b4:   {level: 3, dim: 40, inputs: [b2, b3]}", "  b4:   {level: 3, dim: 40, inputs: [b2]}")], []),
        ([("b1:   {level: 2", "b1:   {level: 4")], ["6 SPN-901"]),  # a stride of 8
        ([("b1:   {level: 2", "b1:   {level: 4, kernel: 7")], []),  # of which a kernel of 7 reads enough
        ([("b3:   {level: 4, dim: 96, inputs: [b2]}", "b3:   {level: 4, dim: 8, inputs: [b2, stem]}")], ["8 SPN-901"]),
        ([("b3:   {level: 4, dim: 96, inputs: [b2]}", "b3:   {level: 4, dim: 16, inputs: [b2, stem]}")], []),
        ([("{P3: b4, P4: b3}", "{P2: b1, P4: b3, x: b4}")], []),
        ([("{P3: b4, P4: b3}", "{P2: b1, P4: b3}")], ["9 SPN-311", "10 SPN-902"]),
        ([("{P3: b4, P4: b3}", "{P3: b4}")], []),
        ([("dim: 24", "dim: 20")], ["6 SPN-903"]),
        ([("outputs:", "endpoints: {dim: 20}\noutputs:")], ["10 SPN-903"]),
        ([("b2:   {level: 3, dim: 40", "b2:   {level: 3, dim: 40, expand: 2.3")], ["7 SPN-903"]),
        ([("b2:   {level: 3, dim: 40", "b2:   {level: 3, dim: 40, expand: 2.3, hidden_multiple: 8")], []),
        ([("[stem]", "[stem], kind: ghost, hidden: 72"), ("input:", "scale: {width: 2}\ninput:")], ["2 SPN-909"]),
        ([("[stem]", "[stem], kind: ghost, hidden: 72"), ("input:", "scale: {size: 64}\ninput:")], []),
        ([("b1:   {level: 2, dim: 24", "b1:   {level: 1, dim: 128")], ["7 SPN-904"]),
        ([("size: 256", "size: 248")], ["2 SPN-905"]),
        ([("size: 256", "size: [240, 248]")], ["2 SPN-905"]),
        ([("size: 256", "size: 250")], []),  # 32 and 16: nothing is cropped
        ([("inputs: [b1]", "inputs: [{from: b1, down: conv}]")], ["7 SPN-906"]),
        ([("[b2, b3]", "[b2, {from: b3, down: conv}]")], ["9 SPN-906"]),
        ([("[b2, b3]", "[b2, {from: b3, up: nearest}]")], []),
        ([("[b2, b3]", "[{from: b2, up: nearest}, b3]")], ["9 SPN-906"]),
        ([("[b1]", "[b1], fuse: {kind: sum}")], ["7 SPN-906"]),
        ([("[b2, b3]", "[b2, b3], fuse: {kind: sum}")], []),
        ([("[b2, b3]", "[b3], fuse: {kind: sum}")], ["9 SPN-906"]),
        ([("[b2, b3]", "[b3], fuse: {activation: relu}")], []),
        ([("[b2, b3]", "[b3], kind: conv, fuse: {kind: join}")], []),  # which keeps the dim
        (
            [("[b2, b3]", "[b3], kind: conv, fuse: {}"), ("input:", "fuse: {kind: join}\ninput:")],
            [],
        ),  # which matches it
        ([("[b2, b3]", "[b2, b3], kind: conv, fuse: {kind: join, epsilon: 0.1}")], ["9 SPN-906"]),
        ([("[b2, b3]", "[b2, {from: b3, match: always}], expand: 1, fuse: {kind: join}")], []),
        ([("{level: 4, dim: 96, inputs: [b2]}", "{level: 4, dim: 8, inputs: [b2, stem], fuse: {kind: join}}")], []),
        ([("outputs: {P3: b4, P4: b3}", "outputs: {P4: b3}")], ["9 SPN-311"]),
        ([("[b2, b3]", "[b2, {from: b3, match: always}]")], ["9 SPN-906"]),  # as dims differ
        ([("[b2, b3]", "[{from: b2, match: always}, b3]")], []),
        ([("[b2, b3]", "[b2, b3], fuse: {kind: sum, epsilon: 0.1}")], ["9 SPN-906"]),
        ([("[b2, b3]", "[b2, b3], fuse: {epsilon: 0.1}")], []),
        ([("[b1]}", "[b1], squeeze: 0, gate: hard_sigmoid, squeeze_base: hidden}")], ["7 SPN-906", "7 SPN-906"]),
        ([("[b1]}", "[b1], squeeze: 0.1, gate: hard_sigmoid, squeeze_base: hidden}")], []),
        ([("[b1]}", "[b1], kind: fused_mbconv, squeeze_multiple: 8}")], ["7 SPN-906"]),
        ([("[b1]}", "[b1], fuse: {}}")], ["7 SPN-906"]),
        ([("[b1]}", "[b1], fuse: {}}"), ("{kind: mbconv}", "{kind: mbconv, fuse: {activation: relu}}")], []),
        ([("[b2, b3]", "[b2, b3], kernel: 1, dilation: 2")], ["9 SPN-906"]),
        ([("[b2, b3]", "[b2, b3], kernel: 3, dilation: 2")], []),
        ([("[b2, b3]", "[b2, b3], kind: identity, repeats: 3")], ["9 SPN-906"]),
        ([("[b2, b3]", "[b2, b3], kind: conv, repeats: 3")], []),
        ([("{kind: mbconv}", "{kind: mbconv, norm_between: true}")], ["3 SPN-906"]),
        ([("{kind: mbconv}", "{kind: mbconv, expand: 4}")], []),
        ([("{kind: mbconv}", "{kind: mbconv, bias: true}")], []),  # of the stem
        ([("{kind: mbconv}", "{kind: mbconv, squeeze: 0, gate: sigmoid}")], ["3 SPN-906"]),
        ([("{kind: mbconv}", "{kind: mbconv, dim: 8}")], ["3 SPN-906"]),
        ([("{kind: mbconv}", "{kind: mbconv, activation: relu}")], []),
        ([("outputs:", "scale: {}\noutputs:")], ["10 SPN-906"]),
        ([("outputs:", "scale: {width: 1.0, multiple: 8}\noutputs:")], ["10 SPN-906"]),
        ([("outputs:", "scale: {size: 512, multiple: 16}\noutputs:")], ["10 SPN-906"]),
        ([("outputs:", "scale: {size: 512}\noutputs:")], []),
        ([("outputs:", "scale: {width: 2, multiple: 8}\noutputs:")], []),
        ([("outputs:", "scale: {repeats: {b3: 2}}\noutputs:")], []),
        ([("outputs:", "resample: {channel_order: block_major}\noutputs:")], ["10 SPN-906"]),
        ([("outputs:", "resample: {channel_order: block_major}\noutputs:"), ("[b2]}", "[b2, b1]}")], []),
        ([("[b2]}", "[{from: b2, channel_order: block_major}, b1]}")], []),
        ([("[b2]}", "[{from: b2, down: conv, channel_order: block_major}, b1]}")], ["8 SPN-906"]),
        ([("[b2]}", "[{from: b2, activation: relu}, b1]}")], ["8 SPN-906"]),  # one step: nothing is between steps
        ([("[b2]}", "[b2, {from: b1, activation: relu}]}"), ("dim: 96", "dim: 104")], []),
        ([("blocks:", "norm: {momentum: 0.01}\nblocks:")], ["4 SPN-920"]),
        ([("blocks:", "norm: {momentum: 0.49}\nblocks:")], ["4 SPN-920"]),
        ([("blocks:", "norm: {momentum: 0.5}\nblocks:")], []),
        ([("blocks:", "norm: {momentum: 0.01}  # spinec: ignore[SPN-920]\nblocks:")], []),
    ],
)
def test_what_is_said(changes, said):
    assert of(*changes) == said


@pytest.mark.parametrize("way", ["down: max_pool", "up: bilinear"])
@pytest.mark.parametrize("others", ["", ", b3"])
def test_a_way_to_another_level_is_none_at_the_same_level(way, others):
    loaded = reads(CLEAN.replace("[b2, b3]", f"[{{from: b2, {way}}}{others}]").replace("P4: b3", "P4: b3, C3: b2"))
    (fault,) = lint(loaded, cost(lower(loaded.spec)))
    assert (fault.code, fault.advice) == ("SPN-906", "b2 is at the block's own level, 3: nothing is resampled")
    assert loaded.document.place.source.lines[fault.place.line - 1][fault.place.column - 1 :].startswith(
        way[:4].strip(":")
    )


@pytest.mark.parametrize(
    ("neck", "said"),
    [
        ("C3: b2, C4: b3, C5: b5", []),
        ("C3: b2, C4: b5, C5: b3", ["11 SPN-908", "11 SPN-908"]),
        ("C3: b2, C4: b3, C5: b4", ["11 SPN-908"]),
    ],
)
def test_features_of_a_neck_are_of_the_levels_that_their_names_say(neck, said):
    blocks = CLEAN.partition("outputs")[0] + "  b5:   {level: 5, dim: 96, inputs: [b4]}\n"
    loaded = reads(f"{blocks}neck: {{fragment: fpn, {neck}}}\n")
    assert [each for each in advice(loaded) if "SPN-908" in each] == said


def test_what_scale_says_of_an_identity_and_what_a_child_says_without_effect(tmp_path):
    (tmp_path / "parent.yaml").write_text(CLEAN.replace("[b2, b3]", "[b2, b3], kind: identity"))
    child = tmp_path / "child.yaml"
    for line, said in {
        "scale: {repeats: {b4: 2}}": ["3 SPN-906"],
        "defaults: {expand: 4}": [],
        "defaults: {norm_between: true}": ["3 SPN-906"],
        "blocks: {b4: {repeats: 2}}": ["3 SPN-906"],
    }.items():
        child.write_text(f"name: child\nextends: parent.yaml\n{line}\n")
        assert advice(read(child)) == said


@given(text=specs(most_blocks=12))
@settings(max_examples=60, phases=[Phase.generate])
def test_what_has_no_effect_can_be_removed(text):
    """Whatever is said to have no effect: the network without it is the same."""
    loaded = reads(text)
    linted = Linted(loaded, cost(lower(loaded.spec)), 8)
    for remark in (remark for rule in IDLE for remark in rule(linted)):
        if loaded.document.find(remark.path):
            less = loaded.document.plain()
            reduce(lambda part, key: part[key], remark.path[:-1], less).pop(remark.path[-1])
            program = lower(loads(text_of(less)))
            if remark.path[-1] == "padding":
                assert windows(program) == windows(linted.report.program)
            else:
                assert repr(program.graph) == repr(linted.report.program.graph)


def windows(program: Program) -> list[Op]:
    """The ops of a program; windows of one pixel, and those that do not stride, lie in the same places however padded."""
    return [
        replace(step.op, padding="same")
        if isinstance(step.op, Conv | Pool) and (step.op.stride == 1 or step.op.kernel == 1)
        else step.op
        for step in program.steps
    ]


def test_a_default_that_fits_only_some_blocks_is_no_mistake():
    assert of(("defaults: {", "defaults: {fuse: {kind: sum}, ")) == []


def test_another_multiple():
    loaded = reads(CLEAN)
    assert advice(loaded, 16) == ["6 SPN-903", "7 SPN-903", "9 SPN-903"]
    assert advice(loaded, 1) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[stem]}", "[stem]}  # spinec: ignore[SPN-903]", []),
        ("[stem]}", "[stem]}  # so it is: spinec: ignore[SPN-903] as published", []),
        ("blocks:", "blocks:  # spinec: ignore[SPN-903]", []),
        ("name: demo", "name: demo  # spinec: ignore[SPN-903]", ["1 SPN-907", "6 SPN-903"]),
        ("[b1]}", "[b1]}  # spinec: ignore[SPN-903]", ["6 SPN-903", "7 SPN-907"]),
        ("[stem]}", "[stem]}  # spinec: ignore[SPN-903, SPN-904]", ["6 SPN-907"]),
        ("[stem]}", "[stem]}  # spinec: ignore[SPN-904]", ["6 SPN-903", "6 SPN-907"]),
        ("name: demo", "name: demo\nsource: 'no comment, spinec: ignore[SPN-903]'", ["7 SPN-903"]),
    ],
)
def test_an_ignore_holds_for_its_line_and_below_its_key(old, new, said):
    assert sorted(of(("dim: 24", "dim: 20"), (old, new))) == said


def test_what_is_inherited_is_said_where_it_is_inherited(tmp_path):
    (tmp_path / "parent.yaml").write_text(CLEAN.replace("dim: 24", "dim: 20"))
    child = tmp_path / "child.yaml"
    for line, said in {
        "extends: parent.yaml": ["2 SPN-903"],
        "extends: parent.yaml  # spinec: ignore[SPN-903]": [],
        "scale: {width: 1.2}\nextends: parent.yaml": ["2 SPN-903"],
        "scale: {size: 512}\nextends: parent.yaml": ["3 SPN-903"],
        "extends: parent.yaml\nblocks: {b1: {dim: 24}}": [],
    }.items():
        child.write_text(f"name: child\n{line}\n")
        assert advice(read(child)) == said
    (tmp_path / "necked.yaml").write_text(
        CLEAN.partition("outputs")[0]
        + "  b5:   {level: 5, dim: 96, inputs: [b4]}\nneck: {fragment: fpn, C3: b2, C4: b3, C5: b5, dim: 20}\n"
    )
    assert advice(read(tmp_path / "necked.yaml")) == ["11 SPN-903"]


@given(text=specs(most_blocks=12))
@settings(max_examples=60)
def test_any_legal_spec_can_be_advised_on_and_every_remark_be_ignored(text):
    """Whatever is said can be switched off where it is said, and formatting changes nothing of what is said."""
    text = format_text(text)
    loaded = reads(text)
    said = advice(loaded)
    lines = text.splitlines()
    for number, codes in {
        line.split()[0]: [each.split()[1] for each in said if each.split()[0] == line.split()[0]] for line in said
    }.items():
        lines[int(number) - 1] += f"  # spinec: ignore[{', '.join(dict.fromkeys(codes))}]"
    assert advice(reads("\n".join(lines))) == []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("clean.yaml").write_text(CLEAN)
    Path("odd.yaml").write_text(
        CLEAN.replace("dim: 24", "dim: 20")
        .replace("size: 256", "size: 248")
        .replace("40, inputs: [b1]", "42, inputs: [{from: b1, up: nearest}]")
    )
    Path("part.yaml").write_text("takes: [C3]\nblocks: {}\ngives: {P3: $C3}\n")
    return tmp_path


def test_how_it_looks(spinec, golden, folder):
    code, out, err = spinec("lint")
    assert (code, err) == (1, "2 specs, 4 remarks\n")
    golden(GOLDEN / "odd.txt", out)
    assert spinec("lint", "clean.yaml", "eff-spinenet-d0") == (0, "", "2 specs, no remarks\n")


def test_exit_codes(spinec, folder):
    assert spinec("lint", "odd.yaml", "--exit-zero")[0] == 0
    assert spinec("lint", "odd.yaml", "--multiple", "2", "--size", "256")[1].count("SPN-") == 1
    Path("faulty.yaml").write_text(CLEAN.replace("mbconv", "mbcov"))
    code, out, _ = spinec("lint", "faulty.yaml", "--exit-zero")
    assert code == 1
    assert "did you mean 'mbconv'?" in out
    assert spinec("lint", "absent.yaml")[0] == 1


def test_forms_for_machines(spinec, folder):
    code, out, _ = spinec("lint", "odd.yaml", "clean.yaml", "--format", "json")
    found = json.loads(out)
    assert code == 1
    assert [row["checked"] for row in found["rows"]] == ["odd.yaml"] * 4
    assert (found["passed"], [each["file"] for each in found["about"]["files"]]) == (False, ["odd.yaml", "clean.yaml"])
    log = json.loads(spinec("lint", "odd.yaml", "--format", "sarif")[1])
    assert {result["level"] for result in log["runs"][0]["results"]} == {"warning"}
    assert "::warning file=odd.yaml,line=6,col=" in spinec("lint", "odd.yaml", "--format", "github")[1]
