"""Runs: stopped anywhere they go on to the same weights, and they keep what they promise."""

import errno
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from taught import DIGITS

from spinec import TrainError, loads, lower
from spinec.spec.recipes.load import load_recipe
from spinec.train.data.forms import open_data
from spinec.train.folder import Needs, RunFolder
from spinec.train.run import Run, train

pytest.importorskip("torch")
pytest.importorskip("sklearn")

STEPS = 9
RECIPE = ["batch=3", f"schedule={{steps: {STEPS}, kind: cosine}}", "evaluate.every=1", "average={decay: 0.9}"]


class Begun(NamedTuple):
    """A run and where it is written."""

    run: Run
    folder: RunFolder


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
    run = Begun(Run(program, recipe, open_data(digits, "train", head=program.spec.head)), RunFolder(folder))
    run.folder.begin(program, recipe, Needs(str(digits)))
    return run


def judged(weights):
    """Figures that a run can be judged by: something that every weight has a share in."""
    return weights, {"figure": float(sum(np.abs(array).sum() for array in weights.values()))}


def results(run):
    lines = [{key: value for key, value in line.items() if key != "seconds"} for line in run.folder.told()]
    return lines, run.folder.state.read_bytes(), run.folder.weights.read_bytes(), run.folder.best.read_bytes()


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """The results of a run that nothing disturbs."""
    run = begun(digits, tmp_path_factory.mktemp("whole") / "run")
    assert train(*run, judged)
    return results(run)


def test_a_run_that_is_killed_goes_on_to_the_same_weights(whole, digits, tmp_path):
    lines, *_ = whole
    assert [line["step"] for line in lines if "loss" in line] == [*range(1, STEPS + 1)]
    assert [line["step"] for line in lines if "figure" in line] == [4, 8, 9]
    broken = begun(digits, tmp_path / "broken")
    for last in (2, 5, 8, 8):  # twice at the same step

        def killed(line, last=last):
            if line["step"] == last:
                raise Killed

        with pytest.raises(Killed):
            train(*broken, judged, killed)
        assert not list(broken.folder.path.glob(".*"))
    with broken.folder.metrics.open("a") as file:
        file.write('{"step": 9, "lo')  # cut off
    assert train(*broken, judged)
    assert results(broken) == whole


def test_a_signal_stops_a_run_after_its_step(digits, tmp_path):
    run, before = begun(digits, tmp_path / "run"), signal.getsignal(signal.SIGTERM)
    told = []

    def stopped(line):
        told.append(line["step"])
        if line["step"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    assert not train(*run, judged, stopped)
    assert told == [1, 2]
    assert run.folder.kept()[1] == 2
    assert signal.getsignal(signal.SIGTERM) is before
    assert train(*run, judged)
    assert [line["step"] for line in run.folder.told() if "loss" in line] == [*range(1, STEPS + 1)]


def test_losses_that_are_no_numbers_stop_it_and_the_last_state_stays(digits, tmp_path):
    run = begun(digits, tmp_path / "run", "optimizer={kind: sgd, rate: 1e5, per: 1, clip: 0}", "schedule.warmup=null")
    with pytest.raises(TrainError, match=r"step \d: .* is no number any more, first .*; .*: try a lower rate"):
        train(*run, judged)
    state, step = run.folder.kept()
    assert all(np.isfinite(array).all() for array in state.values())
    assert step in (0, 4, 8)


@contextmanager
def full_disk(name, time):
    """The disk is full when a file of a name is written for that many times, of which half is written."""
    write, opened, left = Path.write_bytes, Path.open, [time]

    def is_full(path):
        left[0] -= path.name.startswith(name)
        return path.name.startswith(name) and not left[0]

    def half(path, data):
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def write_bytes(path, data):
        return half(path, data) if is_full(path) else write(path, data)

    def open_(path, mode="r", *given, **options):
        file = opened(path, mode, *given, **options)
        if mode in ("a", "ab") and is_full(path):
            whole, told = file.write, path

            def written(text):
                whole(text[: len(text) // 2])
                file.flush()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(told))

            file.write = written
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        patch.setattr(Path, "open", open_)
        yield


@pytest.mark.parametrize("name", ["spec.yaml", "recipe.yaml", "metrics.jsonl", "run.json"])
@pytest.mark.parametrize("there", [False, True])
def test_where_the_disk_is_full_no_run_begins(digits, tmp_path, name, there):
    folder = tmp_path / "run"
    if there:
        folder.mkdir()
    with full_disk(name, 1), pytest.raises(TrainError) as error:
        begun(digits, folder)
    assert str(error.value) == f"{folder}: cannot be written: {os.strerror(errno.ENOSPC)}"
    assert [*tmp_path.rglob("*")] == ([folder] if there else [])
    begun(digits, folder)


@pytest.mark.parametrize(
    ("name", "time"),
    [
        *(("metrics.jsonl", time) for time in (2, 6)),  # as it begins, and after a step
        *((f"{name}.safetensors", 2) for name in ("state", "weights", "best")),
    ],
)
def test_a_full_disk_is_told_in_a_line_and_the_run_goes_on_to_the_same_weights(whole, digits, tmp_path, name, time):
    run = begun(digits, tmp_path / "run")
    with full_disk(name, time), pytest.raises(TrainError) as error:
        train(*run, judged)
    folder = run.folder.path
    told = f"{folder / name}: cannot be written: {os.strerror(errno.ENOSPC)}; --resume {folder} goes on with the run"
    assert str(error.value) == told
    assert not list(folder.glob(".*"))
    assert train(*run, judged)
    assert results(run) == whole


def test_event_files_say_what_the_metrics_say_and_no_step_twice(whole, digits, tmp_path):
    pytest.importorskip("tensorboard")
    from spinec.train.events import read_events

    run = begun(digits, tmp_path / "run")
    for last in (6, 6, 8):

        def killed(line, last=last):
            if line["step"] == last:
                raise Killed

        with pytest.raises(Killed):
            train(*run, judged, killed)
        (path,) = run.folder.path.glob("*tfevents*")
        with path.open("ab") as file:
            file.write(b"\x20\0\0\0\0\0\0\0cut off")
    with full_disk("events", 2), pytest.raises(TrainError, match=r"tfevents.*: cannot be written: .*; --resume"):
        train(*run, judged)  # the first time is when the file is begun
    assert train(*run, judged)
    assert results(run) == whole
    (path,) = run.folder.path.glob("*tfevents*")
    first, *events = read_events(path)
    assert first.file_version == "brain.Event:2"
    told = [(event.step, {value.tag: value.simple_value for value in event.summary.value}) for event in events]
    assert [step for step, values in told if "train/loss" in values] == [*range(1, STEPS + 1)]
    for (step, values), line in zip(told, run.folder.told(), strict=True):
        assert step == line.pop("step")
        assert values == {
            f"{'train' if 'loss' in line else 'evaluate'}/{name}": np.float32(line[name]) for name in line
        }


def test_what_a_killed_writer_left_is_removed(whole, digits, tmp_path):
    run = begun(digits, tmp_path / "run")
    (run.folder.path / ".state.safetensors.abc" / "half").mkdir(parents=True)
    (run.folder.path / ".mine").mkdir()
    assert train(*run, judged)
    assert [path.name for path in run.folder.path.glob(".*")] == [".mine"]
    assert results(run) == whole


def test_a_folder_that_is_taken_is_refused(digits, tmp_path):
    begun(digits, tmp_path / "run")
    with pytest.raises(TrainError, match="is there already; --resume"):
        begun(digits, tmp_path / "run")
    with pytest.raises(TrainError, match="no run to go on with"):
        RunFolder(tmp_path / "none").needs()


def test_the_loss_falls(digits, tmp_path):
    changes = ["optimizer.rate=0.01", "schedule.steps=150", "schedule.warmup=null", "augment.scale=[1, 1]"]
    run = begun(digits, tmp_path / "run", *changes, "evaluate.every=100", "average=null")
    train(*run, judged)
    losses = [line["loss"] for line in run.folder.told() if "loss" in line]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
