"""What backends are compared on, and what the command makes of it."""

import json

import numpy as np
import pytest
from seeded_faults import CLASSIFIER

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from spinec import load, loads, lower
from spinec.backends import verify
from spinec.backends.verify import BARS, RATE, VALUES, Course, bar_of, compare, observed, sample, worst_of


@pytest.mark.parametrize("size", [64, 128, 256, (75, 91), (75, 131)])
@pytest.mark.parametrize(("name", "level"), [("eff-spinenet-m0", 7), ("efficientnet-b0", 5), ("resnet-50-fpn", 7)])
def test_running_statistics_are_of_enough_values(name, level, size, monkeypatch):
    program, taken_of = lower(load(name), size), []
    monkeypatch.setattr(verify, "_statistics", lambda program, weights, inputs: taken_of.append(inputs) or {})
    given = sample(program, "float64").inputs["image"]
    images = taken_of[0]["image"]
    height, width = (-(-side // 2**level) for side in program.size)
    assert len(images) == max(8, -(-VALUES // (height * width)))
    assert np.array_equal(images[:2], given)
    assert len(np.unique(images[:, 0, 0, 0])) == len(images)


def test_float32_may_do_what_rounding_does_and_float64_may_not(monkeypatch):
    program = lower(loads(CLASSIFIER))
    found, precise = compare(program), compare(program, precision="float64")
    assert bar_of(found, program) == BARS["float32"]
    monkeypatch.setattr(verify, "BARS", {"float32": 1e-9, "float64": 1e-30})
    given = sample(program, "float64"), sample(program, "float32")
    exact, rounded = (observed("pytorch", program, *each) for each in zip(given, ("float64", "float32"), strict=True))
    rounding = max(np.abs(rounded[name] - exact[name]).max() / np.abs(exact[name]).max() for name in exact)
    assert bar_of(found, program) == pytest.approx(3 * rounding)
    assert worst_of(found).error <= bar_of(found, program) < 1e-5
    assert bar_of(precise, program, "float64") == 1e-30
    image = sample(program).inputs["image"][0]
    on_picture = compare(program, image=image)
    assert worst_of(on_picture).error <= bar_of(on_picture, program, image=image) < 1e-5


def test_losses_stay_at_a_rate_of_nothing_and_fall_at_another():
    still, moving = (Course(lower(loads(CLASSIFIER)), steps=3, rate=rate).exact.losses for rate in (0.0, RATE))
    assert still == [still[0]] * 3
    assert moving == sorted(moving, reverse=True)
    assert moving[-1] < still[0]


@pytest.fixture
def small(tmp_path):
    (path := tmp_path / "small.yaml").write_text(CLASSIFIER)
    return path


@pytest.fixture
def run(spinec):
    """What `spinec verify` exits with, and the rows that it prints."""

    def run(*arguments):
        code, out, _ = spinec("verify", *arguments, "--format", "json")
        return code, json.loads(out)["rows"]

    return run


@pytest.mark.parametrize(("bar", "code"), [(BARS["float64"], 0), (1e-30, 1)])
@pytest.mark.parametrize("mode", [[], ["--training"]])
def test_the_command_says_what_is_above_its_bar(bar, code, mode, small, run, monkeypatch):
    monkeypatch.setitem(verify.BARS, "float64", bar)
    found, rows = run(small, "--precision", "float64", *mode)
    assert found == code
    assert rows
    assert any("above the bar" in row.values() for row in rows) == bool(code)


@pytest.mark.parametrize(("given", "rate"), [([], RATE), (["--rate", "0.001"], 0.001)])
def test_the_command_trains_at_the_rate_given(given, rate, small, run, monkeypatch):
    taken = []
    compare = verify.compare_training

    def compare_training(*arguments, rate):
        taken.append(rate)
        return compare(*arguments, rate=rate, steps=1)

    monkeypatch.setattr(verify, "compare_training", compare_training)
    run(small, "--training", *given)
    assert taken == [rate]
