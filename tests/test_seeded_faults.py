"""The equality test finds what it should: every seeded fault moves something further than its bar."""

import pytest
from seeded_faults import SEEDS, SPECS, find

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from spinec import loads, lower
from spinec.backends.verify import BARS, Course, compare


@pytest.mark.parametrize("spec", SPECS)
def test_without_a_fault_everything_is_equal(spec):
    program = lower(loads(SPECS[spec]))
    for each in compare(program).found:
        assert each.error <= BARS["float32"], each
    for each, bar in Course(program, steps=1, batch=4).compare().worst.values():
        assert each.error <= bar, each


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.backend}: {seed.what}")
def test_a_seeded_fault_is_caught(seed):
    found = find(seed)
    assert found.error > found.bar


def test_there_are_enough_seeds():
    assert len(SEEDS) >= 30
    assert len({(seed.what, seed.backend) for seed in SEEDS}) == len(SEEDS)
