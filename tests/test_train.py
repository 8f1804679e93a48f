"""Runs: stopped anywhere they go on to the same weights, and they keep what they promise."""

import os
import signal

import numpy as np
import pytest
from taught import DIGITS

from spinec import TrainError, loads, lower
from spinec.spec.recipes.load import load_recipe
from spinec.train.data.forms import open_data
from spinec.train.folder import RunFolder
from spinec.train.run import Run, train

pytest.importorskip("torch")
pytest.importorskip("sklearn")

STEPS = 9
RECIPE = ["batch=3", f"schedule={{steps: {STEPS}, kind: cosine}}", "evaluate.every=1", "average={decay: 0.9}"]


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    from spinec.train.sets.made import make_set

    folder = tmp_path_factory.mktemp("digits") / "set"
    make_set("digits", folder, size=64, train=12, val=4)
    return folder


def begun(digits, folder, *settings):
    program = lower(loads(DIGITS))
    recipe = load_recipe("small-detection", [*RECIPE, *settings])
    run = Run(program, recipe, open_data(digits, "train", head=program.spec.head), RunFolder(folder))
    run.folder.begin(program, recipe, {})
    return run


def judged(weights):
    """Figures that a run can be judged by: something that every weight has a share in."""
    return weights, {"figure": float(sum(np.abs(array).sum() for array in weights.values()))}


def results(run):
    lines = [{key: value for key, value in line.items() if key != "seconds"} for line in run.folder.told()]
    return lines, run.folder.state.read_bytes(), run.folder.weights.read_bytes(), run.folder.best.read_bytes()


def test_a_run_that_is_killed_goes_on_to_the_same_weights(digits, tmp_path):
    whole = begun(digits, tmp_path / "whole")
    assert train(whole, judged)
    lines, *_ = results(whole)
    assert [line["step"] for line in lines if "loss" in line] == [*range(1, STEPS + 1)]
    assert [line["step"] for line in lines if "figure" in line] == [4, 8, 9]
    broken = begun(digits, tmp_path / "broken")
    for last in (2, 5, 8, 8):  # twice at the same step

        def killed(line, last=last):
            if line["step"] == last:
                raise Killed

        with pytest.raises(Killed):
            train(broken, judged, killed)
        assert not list(broken.folder.path.glob(".*"))
    with broken.folder.metrics.open("a") as file:
        file.write('{"step": 9, "lo')  # cut off
    assert train(broken, judged)
    assert results(broken) == results(whole)


def test_a_signal_stops_a_run_after_its_step(digits, tmp_path):
    run, before = begun(digits, tmp_path / "run"), signal.getsignal(signal.SIGTERM)
    told = []

    def stopped(line):
        told.append(line["step"])
        if line["step"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    assert not train(run, judged, stopped)
    assert told == [1, 2]
    assert run.folder.kept()[1] == 2
    assert signal.getsignal(signal.SIGTERM) is before
    assert train(run, judged)
    assert [line["step"] for line in run.folder.told() if "loss" in line] == [*range(1, STEPS + 1)]


def test_losses_that_are_no_numbers_stop_it_and_the_last_state_stays(digits, tmp_path):
    run = begun(digits, tmp_path / "run", "optimizer={kind: sgd, rate: 1e5, per: 1, clip: 0}", "schedule.warmup=null")
    with pytest.raises(TrainError, match=r"step \d: .* is no number any more; .*: try a lower rate"):
        train(run, judged)
    state, step = run.folder.kept()
    assert all(np.isfinite(array).all() for array in state.values())
    assert step in (0, 4, 8)


def test_a_folder_that_is_taken_is_refused(digits, tmp_path):
    begun(digits, tmp_path / "run")
    with pytest.raises(TrainError, match="is there already; --resume"):
        begun(digits, tmp_path / "run")
    with pytest.raises(TrainError, match="no run to go on with"):
        RunFolder(tmp_path / "none").asked()


def test_the_loss_falls(digits, tmp_path):
    changes = ["optimizer.rate=0.01", "schedule.steps=150", "schedule.warmup=null", "augment.scale=[1, 1]"]
    run = begun(digits, tmp_path / "run", *changes, "evaluate.every=100", "average=null")
    train(run, judged)
    losses = [line["loss"] for line in run.folder.told() if "loss" in line]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
