"""The equality test finds what it should: every seeded fault moves some value further than the bar."""

from importlib import import_module

import pytest
from seeded_faults import OTHER_ORDER, SEEDS, SPECS

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from spinec import loads, lower
from spinec.backends.verify import BARS, differences, observed, sample

SPREAD = 3.0  # of the norms' scales: values above six show whether a ReLU6 is one


@pytest.fixture(scope="module")
def references():
    programs = {name: lower(loads(text)) for name, text in SPECS.items()}
    samples = {name: sample(program, spread=SPREAD) for name, program in programs.items()}
    return {
        name: (program, samples[name], observed("pytorch", program, samples[name]))
        for name, program in programs.items()
    }


def faulty_errors(seed, references, monkeypatch):
    """The differences between the right PyTorch model and a backend whose source is changed."""
    program, given, right = references[seed.spec]
    live = import_module(f"spinec.backends.{seed.backend}.live")
    source = live.emit(program)
    assert seed.old in source, f"the source has no {seed.old!r} to change"
    changed = source.replace(seed.old, seed.new)
    monkeypatch.setattr(live, "emit", lambda _: changed + (OTHER_ORDER if "SpaceToDepthOther" in seed.new else ""))
    return differences(right, observed(seed.backend, program, given))


@pytest.mark.parametrize("spec", SPECS)
def test_without_a_fault_everything_is_equal(references, spec):
    program, given, right = references[spec]
    for each in differences(right, observed("tensorflow", program, given)):
        assert each.error <= BARS["float32"], each


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.backend}: {seed.what.strip()}")
def test_a_seeded_fault_is_caught(seed, references, monkeypatch):
    errors = faulty_errors(seed, references, monkeypatch)
    assert max(each.error for each in errors) > BARS["float32"]


def test_there_are_enough_seeds():
    assert len(SEEDS) >= 30
    assert len({(seed.what, seed.backend) for seed in SEEDS}) == len(SEEDS)
