"""Fitting: never over the budget, nothing nearer left out, and every candidate's cost the one that is counted."""

import contextlib
import re
import sys
from itertools import pairwise

import pytest
from field_values import UNCOUNTED
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from strategies import specs

from spinec import SpecError, cost, load, loads, lower
from spinec.cli import main
from spinec.compiler.resources.fit import fit
from spinec.compiler.resources.scaling import scale

EXAMPLES = settings(  # the same in every run, and no search for smaller ones
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MATCHED = """
name: matched
input: {size: 32}
blocks:
  b1: {kind: conv, level: 2, dim: 22, inputs: [image]}
  b2: {kind: conv, level: 2, dim: 26, inputs: [image]}
  b3: {kind: identity, level: 2, dim: 24, inputs: [b1, b2]}
outputs: {out: b3}
"""


def used(report, macs=None, params=None, convention="conv"):
    """The larger share of a budget that is used."""
    return max(report.macs(convention) / macs if macs else 0, report.params / params if params else 0)


def of_identity(spec) -> bool:
    return any(block.kind == "identity" for block in spec.blocks.values())


@settings(EXAMPLES, max_examples=40)
@given(specs(most_blocks=8), st.data())
def test_what_fits_is_within_the_budget_and_nothing_nearer_is(text, data):
    """Compared with a grid of widths that are counted one by one."""
    spec = loads(text)
    assume(all(block.kind not in UNCOUNTED for block in spec.blocks.values()))
    own = cost(lower(spec))
    share, convention = data.draw(st.floats(0.05, 6)), data.draw(st.sampled_from(("conv", "profiler")))
    limits = {"macs": own.macs(convention) * share} if own.macs(convention) else {}
    if data.draw(st.booleans()) and own.params:
        limits["params"] = own.params * data.draw(st.floats(0.05, 6))
    assume(limits)
    multiple, keep = data.draw(st.sampled_from((1, 4, 8))), data.draw(st.sampled_from((0, 0.9, 1)))
    try:
        grid = [scale(spec, width=i / 8, multiple=multiple, keep=keep) for i in range(1, 25)]
    except SpecError as error:  # an identity keeps the channels of the image, which no width changes
        assume({fault.code for fault in error.faults} != {"SPN-316"} or not of_identity(spec))
        raise
    shares = [used(cost(lower(each)), **limits, convention=convention) for each in (spec, *grid)]
    settings = {**limits, "convention": convention, "multiple": multiple, "keep": keep}
    if min(shares) > 1:
        with contextlib.suppress(SpecError):  # what is still smaller may fit
            assert used(fit(spec, **settings).report, **limits, convention=convention) <= 1
        return
    found = fit(spec, **settings)
    assert found.report.macs(convention) <= limits.get("macs", float("inf"))
    assert found.report.params <= limits.get("params", float("inf"))
    assert used(found.report, **limits, convention=convention) >= max(
        [share for share in shares if share <= 1], default=0
    )
    assert found.spec == scale(spec, width=found.factor, multiple=multiple, keep=keep)
    assert found.report.macs(convention) == cost(lower(found.spec)).macs(convention)
    nearest = fit(spec, **settings, over=True)
    distances = [abs(share - 1) for share in shares]
    assert abs(used(nearest.report, **limits, convention=convention) - 1) <= min(distances)


@pytest.mark.parametrize("macs", [0.7e9, 1e9, 2.45e9, 2.5e9, 4e9])
def test_widths_of_d0_are_searched_to_the_last(macs):
    d0 = load("eff-spinenet-d0")
    found = fit(d0, macs=macs)
    steps = [scale(d0, width=i / 50) for i in range(5, 70)]
    counts = [cost(lower(each)).macs() for each in (d0, *steps)]
    assert max(count for count in counts if count <= macs) <= found.report.macs() <= macs


def test_a_budget_that_is_met_exactly_is_met():
    d0 = load("eff-spinenet-d0")
    own = cost(lower(d0))
    found = fit(d0, macs=own.macs(), params=own.params)
    assert (found.spec, found.factor) == (d0, 1)
    assert fit(d0, macs=own.macs("profiler"), convention="profiler").spec == d0
    assert fit(d0, macs=own.macs() - 1).report.macs() < own.macs()
    assert fit(d0, params=own.params, name="same").spec.name == "same"


def test_m0_is_found_again():
    """Width 0.4 at 256 gives M0's dims; a budget of what that costs finds them."""
    small = scale(load("eff-spinenet-d0"), size=256)
    wanted = scale(small, width=0.4)
    found = fit(small, macs=cost(lower(wanted)).macs())
    assert found.spec.blocks == load("eff-spinenet-m0").blocks == wanted.blocks
    assert len(str(found.factor)) <= 5


def test_wider_can_be_cheaper_and_the_widest_that_fits_is_found():
    """Where dims round to the same, nothing has to match them: cost falls as width grows."""
    spec = loads(MATCHED)
    macs = {width: cost(lower(scale(spec, width=width, multiple=8))).macs() for width in (0.9, 1.0001, 1.09)}
    dims = {width: [b.dim for b in scale(spec, width=width, multiple=8).blocks.values()] for width in macs}
    assert dims == {0.9: [24, 24, 24], 1.0001: [24, 24, 24], 1.09: [24, 32, 24]}
    assert macs[0.9] < macs[1.09]
    every = [cost(lower(scale(spec, width=i / 500, multiple=8))).macs() for i in range(100, 1000)]
    falls = [(a, b) for a, b in pairwise(every) if b < a]
    assert falls
    for before, after in falls:
        for budget in (before, after, before - 1):
            assert fit(spec, macs=budget, multiple=8).report.macs() == max(count for count in every if count <= budget)


@settings(EXAMPLES, max_examples=40)
@given(specs(most_blocks=8, most_pixels=100), st.integers(17, 200), st.integers(17, 200))
def test_cost_never_falls_where_the_size_grows(text, first, second):
    """What the bisection of sizes rests on."""
    spec = loads(text)
    small, large = sorted((first, second))
    for convention in ("conv", "profiler"):
        for before, after in (((small, 50), (large, 50)), ((50, small), (50, large)), ((small, small), (large, large))):
            assert cost(lower(spec, before)).macs(convention) <= cost(lower(spec, after)).macs(convention)


@pytest.mark.parametrize("step", [None, 1, 16, 100])
@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("macs", [110e6, 300e6, 0.39e9, 1.1e9])
def test_sizes_are_searched_to_the_last(step, over, macs):
    spec = load("efficientnet-b0")
    found = fit(spec, macs=macs, by="size", size_multiple=step, over=over)
    height, width = found.spec.input.size
    assert height == width
    assert height % (step or 32) == 0
    assert found.spec.blocks == spec.blocks
    assert found.report.macs() == cost(lower(spec, height)).macs()

    def distance(size):
        count = cost(lower(spec, size)).macs()
        return abs(count / macs - 1) if over or count <= macs else float("inf")

    near = range(max(step or 32, height - 3 * (step or 32)), height + 3 * (step or 32) + 1, step or 32)
    assert distance(height) == min(map(distance, near))


def test_sizes_keep_their_proportions():
    spec = loads("name: wide\nextends: efficientnet-b0\ninput: {size: [200, 400]}\n")
    found = fit(spec, macs=2e9, by="size")
    height, width = found.spec.input.size
    assert found.report.macs() <= 2e9 < cost(lower(spec, (height + 32, width + 64))).macs()
    assert height % 32 == width % 32 == 0
    assert abs(width - 2 * height) <= 32


@pytest.mark.parametrize("macs", [2.6e9, 4e9, 9e9])
def test_depths_are_searched_to_the_last(macs):
    d0 = load("eff-spinenet-d0")
    found = fit(d0, macs=macs, by="depth")
    every = [cost(lower(scale(d0, depth=i / 12))).macs() for i in range(12, 72)]
    assert max(count for count in every if count <= macs) <= found.report.macs() <= macs
    assert found.spec.blocks == scale(d0, depth=found.factor).blocks
    assert {block.dim for block in found.spec.blocks.values()} == {block.dim for block in d0.blocks.values()}


def test_both_limits_hold_and_one_decides():
    d0 = load("eff-spinenet-d0")
    by_macs, by_params = fit(d0, macs=1e9), fit(d0, params=2e6)
    both = fit(d0, macs=1e9, params=2e6)
    assert both.report.macs() == min(by_macs.report.macs(), by_params.report.macs())
    assert both.factor == min(by_macs.factor, by_params.factor)
    size = fit(d0, macs=1e9, params=4e6, by="size")
    assert size.report.macs() <= 1e9
    assert fit(d0, params=5e6, by="depth").report.params <= 5e6


def test_over_is_the_nearest_on_either_side():
    d0 = load("eff-spinenet-d0")
    under, nearest = fit(d0, macs=2.5e9), fit(d0, macs=2.5e9, over=True)
    assert under.report.macs() < 2.5e9 < nearest.report.macs()
    assert nearest.report.macs() - 2.5e9 < 2.5e9 - under.report.macs()
    assert fit(d0, macs=1, over=True).report.macs() > 1


def test_the_widest_that_a_document_may_ask_for_is_the_most():
    found = fit(loads(MATCHED), macs=1e18)
    assert 63.9 < found.factor <= 64


FAULTS = {
    "expected a budget": {},
    "macs: expected a positive number, got 0": {"macs": 0},
    "params: expected a positive number, got nan": {"params": float("nan")},
    "cannot fit by 'length'": {"macs": 1e9, "by": "length"},
    "parameters are the same at every size": {"params": 1e6, "by": "size"},
    "no eff-spinenet-d0 fits: the smallest has 525,418,080 multiply-adds": {"macs": 1},
    "no eff-spinenet-d0 fits: the smallest has 153,748,688 multiply-adds and 3,720,200 parameters": {
        "params": 1e6,
        "macs": 1e9,
        "by": "size",
    },
    "no eff-spinenet-d0 fits: the smallest has 2,453,285,888 multiply-adds": {"macs": 1e9, "by": "depth"},
    "multiple: expected a number above 0, got 0": {"macs": 1e9, "multiple": 0},
    "size_multiple: expected 1 to 16,384, got -1": {"macs": 1e9, "by": "size", "size_multiple": -1},
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_cannot_be_fitted_is_said(message):
    with pytest.raises(SpecError, match=re.escape(message)):
        fit(load("eff-spinenet-d0"), **FAULTS[message])


def test_a_network_without_branches_has_no_depth():
    with pytest.raises(SpecError, match="no block with a branch"):
        fit(loads(MATCHED), macs=1e9, by="depth")


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


def test_command_fit_writes_a_spec_within_the_budget(run, tmp_path):
    file = tmp_path / "small.yaml"
    code, out, _ = run("fit", "eff-spinenet-d0", "--macs", "1.2G", "--params", "2M", "-o", file)
    assert code == 0
    assert "fitted: width 0." in out
    report = cost(lower(load(file)))
    assert report.macs() <= 1.2e9
    assert report.params <= 2e6
    assert load(file).name == "small"
    assert load(file).blocks == fit(load("eff-spinenet-d0"), macs=1.2e9, params=2e6).spec.blocks


def test_command_fit_takes_every_way(run):
    for by, more in (
        ("size", ("--size-multiple", 16)),
        ("depth", ()),
        ("width", ("--over", "--convention", "profiler")),
    ):
        code, out, err = run("fit", "eff-spinenet-d0", "--macs", "3B", "--by", by, *more, "-o", "-")
        assert (code, err) == (0, "")
        settings = {"over": True, "convention": "profiler"} if by == "width" else {}
        wanted = fit(load("eff-spinenet-d0"), macs=3e9, by=by, size_multiple=16, **settings).spec
        assert (loads(out).blocks, loads(out).input) == (wanted.blocks, wanted.input)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--macs", "1"), 1, "no eff-spinenet-d0 fits"),
        ((), 1, "expected a budget"),
        (("--macs", "2.5Q"), 2, "expected a figure"),
        (("--params", "1M", "--by", "size"), 1, "same at every size"),
    ],
)
def test_command_fit_says_what_is_wrong_and_writes_nothing(run, tmp_path, arguments, code, message):
    found, out, err = run("fit", "eff-spinenet-d0", *arguments, "-o", tmp_path / "x.yaml")
    assert (found, out) == (code, "")
    assert message in err
    assert not list(tmp_path.iterdir())
