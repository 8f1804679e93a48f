"""The equality test finds what it should: every seeded fault moves something further than its bar."""

import json
import sys

import pytest
from seeded_faults import CLASSIFIER, SEEDS, SPECS, find

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from spinec import loads, lower
from spinec.backends import verify
from spinec.backends.verify import BARS, compare, compare_training
from spinec.cli import main


@pytest.mark.parametrize("spec", SPECS)
def test_without_a_fault_everything_is_equal(spec):
    program = lower(loads(SPECS[spec]))
    for each in compare(program):
        assert each.error <= BARS["float32"], each
    for each, bar in compare_training(program, steps=1, batch=4).worst("float64").values():
        assert each.error <= bar, each


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.backend}: {seed.what}")
def test_a_seeded_fault_is_caught(seed):
    found = find(seed)
    assert found.error > found.bar


def test_there_are_enough_seeds():
    assert len(SEEDS) >= 30
    assert len({(seed.what, seed.backend) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize(("bar", "code"), [(BARS["float64"], 0), (1e-30, 1)])
@pytest.mark.parametrize("mode", [[], ["--training"]])
def test_the_command_says_what_is_above_its_bar(bar, code, mode, tmp_path, monkeypatch, capsys):
    (path := tmp_path / "small.yaml").write_text(CLASSIFIER)
    monkeypatch.setitem(verify.BARS, "float64", bar)
    arguments = ["verify", str(path), "--precision", "float64", "--format", "json", *mode]
    monkeypatch.setattr(sys, "argv", ["spinec", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert (stop.value.code or 0) == code
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows
    assert any("above the bar" in row.values() for row in rows) == bool(code)
