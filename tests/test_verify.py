"""What backends are compared on, and what the command makes of it."""

import json

import numpy as np
import pytest
from seeded_faults import CLASSIFIER

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from spinec import load, loads, lower
from spinec.backends import sample as samples
from spinec.backends import verify
from spinec.backends.sample import VALUES, sample
from spinec.backends.verify import BARS, RATE, Course, Difference, Training, compare, observed, worst_of


@pytest.mark.parametrize("size", [64, 128, 256, (75, 91), (75, 131)])
@pytest.mark.parametrize(("name", "level"), [("eff-spinenet-m0", 7), ("efficientnet-b0", 5), ("resnet-50-fpn", 7)])
def test_running_statistics_are_of_enough_values(name, level, size, monkeypatch):
    program, taken_of = lower(load(name), size), []
    monkeypatch.setattr(samples, "_statistics", lambda program, weights, inputs: taken_of.append(inputs) or {})
    given = sample(program, "float64").inputs["image"]
    images = taken_of[0]["image"]
    height, width = (-(-side // 2**level) for side in program.size)
    assert len(images) == max(8, -(-VALUES // (height * width)))
    assert np.array_equal(images[:2], given)
    assert len(np.unique(images[:, 0, 0, 0])) == len(images)


def test_float32_may_do_what_rounding_does_and_float64_may_not(monkeypatch):
    program = lower(loads(CLASSIFIER))
    assert compare(program).bar == BARS["float32"]
    monkeypatch.setattr(verify, "BARS", {"float32": 1e-9, "float64": 1e-30})
    given = sample(program, "float64"), sample(program, "float32")
    exact, rounded = (observed("pytorch", program, *each) for each in zip(given, ("float64", "float32"), strict=True))
    rounding = max(np.abs(rounded[name] - exact[name]).max() / np.abs(exact[name]).max() for name in exact)
    assert compare(program).bar == pytest.approx(3 * rounding)
    assert compare(program, "float64").bar == 1e-30
    pytest.importorskip("torch").manual_seed(0)  # a picture is compared on fresh weights
    for compared in (compare(program), compare(program, image=sample(program).inputs["image"][0])):
        assert compared.worst.error <= compared.bar < 1e-5


def test_what_is_not_a_number_is_worse_than_any():
    fine, lost, far = (Difference(name, (), error) for name, error in (("a", 0.0), ("b", float("nan")), ("c", 9.0)))
    for found in ([fine, lost, far], [lost, far, fine], [far, fine, lost]):
        assert worst_of(found) is lost
        (each, bar), *_ = Training(found, [fine], [fine], [fine], 0.0, "float64").worst.values()
        assert not each.error <= bar


def test_losses_stay_at_a_rate_of_nothing_and_fall_at_another():
    still, moving = (Course(lower(loads(CLASSIFIER)), steps=3, rate=rate).exact.losses for rate in (0.0, RATE))
    assert still == [still[0]] * 3
    assert moving == sorted(moving, reverse=True)
    assert moving[-1] < still[0]


def test_norms_without_running_statistics_are_compared_in_training():
    blocks = (
        "stem: {level: 2, kind: patch, dim: 6, inputs: [image]}, b1: {level: 2, kind: convnext, dim: 6, inputs: [stem]}"
    )
    program = lower(loads(f"name: a\ninput: {{size: 16}}\npadding: same\nblocks: {{{blocks}}}\noutputs: {{P2: b1}}\n"))
    worst = Course(program, steps=2).compare().worst
    assert list(worst) == ["values", "gradients", "losses"]
    assert all(each.error <= bar for each, bar in worst.values())


@pytest.fixture
def small(tmp_path):
    (path := tmp_path / "small.yaml").write_text(CLASSIFIER)
    return path


@pytest.fixture
def run(spinec):
    """What `spinec verify` exits with, and the rows that it prints; the verdict is the exit code's."""

    def run(*arguments):
        code, out, _ = spinec("verify", *arguments, "--format", "json")
        said = json.loads(out)
        assert said["passed"] == (code == 0)
        return code, said["rows"]

    return run


@pytest.mark.parametrize(("bar", "code"), [(BARS["float64"], 0), (1e-30, 1)])
@pytest.mark.parametrize("mode", [[], ["--training"]])
def test_the_command_says_what_is_above_its_bar(bar, code, mode, small, run, monkeypatch):
    monkeypatch.setitem(verify.BARS, "float64", bar)
    found, rows = run(small, "--precision", "float64", *mode)
    assert found == code
    assert rows
    assert all(row["passed"] for row in rows) == (code == 0)


def test_the_command_names_what_is_not_a_number_first(small, run, monkeypatch):
    found = [Difference(name, (1,), error) for name, error in (("a", 1e-15), ("b", float("nan")), ("c", 9.0))]
    monkeypatch.setattr(verify, "differences", lambda *_: found)
    code, rows = run(small, "--precision", "float64")
    assert code == 1
    assert [(row["value"], row["error"], row["passed"]) for row in rows] == [
        ("b", None, False),
        ("c", 9.0, False),
        ("a", 1e-15, True),
    ]


def test_the_command_says_where_training_ran_away(small, run):
    code, rows = run(small, "--training", "--precision", "float64", "--rate", "1e30")
    assert code == 1
    assert [row["what"] for row in rows if not row["passed"]] == ["losses"]


@pytest.mark.parametrize(("given", "rate"), [([], RATE), (["--rate", "0.001"], 0.001)])
def test_the_command_trains_at_the_rate_given(given, rate, small, run, monkeypatch):
    taken = []

    class OneStep(Course):
        def __init__(self, *arguments, rate):
            taken.append(rate)
            super().__init__(*arguments, rate=rate, steps=1)

    monkeypatch.setattr(verify, "Course", OneStep)
    run(small, "--training", *given)
    assert taken == [rate]
