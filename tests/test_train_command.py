"""`spinec train`: from a spec and a data set to weights, killed and gone on with, and what it refuses."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from kill_training import begin, differences, prepare, steps_of, train_with_kills
from patience import wait_for
from taught import DIGITS

from spinec import load, loads, lower
from spinec.backends.checkpoints import read_checkpoint, write_checkpoint
from spinec.backends.sample import sample
from spinec.spec.recipes.load import load_recipe
from spinec.train.beginning import with_classes

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("faster_coco_eval")

SHORT = ["--recipe", "small-detection", "--set", "batch=3", "--set", "schedule.steps=6", "--set", "evaluate.every=1"]
SHORT += ["--set", "evaluate.statistics=2", "--workers", "0"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from spinec.train.sets.made import make_set

    folder = tmp_path_factory.mktemp("place")
    make_set("digits", folder / "digits", size=64, train=12, val=4)
    (folder / "tiny.yaml").write_text(DIGITS)
    (folder / "other.yaml").write_text(DIGITS[: DIGITS.index("classes:")] + "classes: coco-91}\n")
    (folder / "twice.txt").write_text("0\n1\n0\n")
    (folder / "few.txt").write_text("0\n1\n")
    wide = lower(loads(DIGITS.replace("dim: 8, kernel", "dim: 16, kernel")))
    write_checkpoint(folder / "wide.safetensors", wide, sample(wide).weights)
    (folder / "headless.yaml").write_text(DIGITS[: DIGITS.index("head:")])
    return folder


@pytest.fixture
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    return place


def started(*words):
    return subprocess.Popen([sys.executable, "-m", "spinec", "train", *words], stderr=subprocess.PIPE, text=True)


def test_what_it_tells(here, spinec):
    code, out, err = spinec("train", "tiny.yaml", "--data", "digits", *SHORT, "--run", "whole")
    assert (code, out.split(":")[0]) == (0, "whole/best.safetensors")
    assert "step 4: AP 0." in err
    assert "step 6: AP 0." in err
    lines = (here / "whole" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 4, 5, 6, 6]


def test_killed_three_times_it_goes_on_to_the_same_weights(tmp_path, spinec, monkeypatch):
    """`tests/kill_training.py` kills thirty times."""
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    assert len(train_with_kills(tmp_path, 3, workers=[0])) == 3
    assert spinec(*begin("whole", steps_of(3)), "--workers", "0")[0] == 0
    assert differences(tmp_path / "whole", tmp_path / "killed") == []


def test_what_is_written_is_what_detect_takes(here, spinec):
    assert spinec("train", "tiny.yaml", "--data", "digits", *SHORT, "--run", "taken")[0] == 0
    pictures = sorted((here / "digits" / "val").iterdir())
    code, _, err = spinec("detect", "taken/spec.yaml", str(pictures[0]), "--weights", "taken/best.safetensors")
    assert code == 0
    assert "noise" not in err
    assert spinec("validate", "taken/spec.yaml")[0] == 0


def test_ctrl_c_stops_it_after_a_step_with_a_line_that_goes_on(here, spinec):
    run = started("tiny.yaml", "--data", "digits", *SHORT[:4], "--set", "schedule.steps=5000", "--run", "stopped")
    wait_for(lambda: (here / "stopped" / "metrics.jsonl").exists() or run.poll() is not None)
    wait_for(lambda: (here / "stopped" / "metrics.jsonl").read_text().count("\n") > 2 or run.poll() is not None)
    os.kill(run.pid, signal.SIGINT)
    _, err = run.communicate()
    assert run.returncode == 130
    assert err.splitlines()[-1] == "stopped: spinec train --resume stopped goes on from here"
    steps = [json.loads(line)["step"] for line in (here / "stopped" / "metrics.jsonl").read_text().splitlines()]
    from spinec.train.folder import RunFolder

    assert RunFolder(here / "stopped").kept()[1] == steps[-1]


def test_the_heads_classes_become_those_of_the_data(here, spinec):
    line = ["train", "other.yaml", "--data", "digits", *SHORT, "--set", "schedule.steps=1"]
    code, _, err = spinec(*line, "--run", "refused")
    assert code == 1
    assert "'0'" in err
    assert not (here / "refused").exists()
    code, _, err = spinec(*line, "--run", "classes", "--classes", "data")
    assert code == 0
    assert "tiny: the head has 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, ..." in err


def test_it_starts_from_weights(here, spinec):
    start = ["train", "tiny.yaml", "--data", "digits", *SHORT, "--set", "schedule={steps: 1}"]
    still = ["--set", "evaluate.statistics=0", "--set", "optimizer={rate: 1e-12, decay: 0}"]
    assert spinec(*start, "--run", "first")[0] == 0
    assert spinec(*start, *still, "--run", "second", "--weights", "first/weights.safetensors")[0] == 0
    program = lower(load(here / "tiny.yaml"))
    first, second = (read_checkpoint(here / run / "weights.safetensors", program) for run in ("first", "second"))
    assert all(np.allclose(first[name], second[name], atol=1e-9) for name in program.weights)


def test_weights_of_other_classes_are_tuned(here, spinec):
    """What is new and what is frozen is said; killed before it kept anything, it starts from the same."""
    other = lower(load(here / "other.yaml"))
    weights = sample(other).weights
    write_checkpoint(here / "coco.safetensors", other, weights)
    line = ["train", "other.yaml", "--data", "digits", *SHORT, "--classes", "data", "--weights", "coco.safetensors"]
    line += [
        "--set",
        "optimizer.frozen=[stem, b1]",
        "--set",
        "optimizer.parts={head: 10}",
        "--set",
        "schedule={steps: 2, warmup: null}",
    ]
    code, _, err = spinec(*line, "--run", "tuned")
    assert code == 0
    new = "class_subnet.predict.pointwise.kernel, class_subnet.predict.pointwise.bias"
    said = [
        "tiny: the head has 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, ...",
        f"coco.safetensors: has 91 classes, so 2 of 41 weights start anew: {new}",
        "rate: 0.01 for 16 images a step, so 0.001875 for 3",
        "weights: 12 are frozen, 9 learn at 0.001875, 20 learn at 0.01875",
    ]
    assert err.splitlines()[: len(said)] == said
    end = read_checkpoint(here / "tuned" / "weights.safetensors", lower(load(here / "tuned" / "spec.yaml")))
    for name, array in end.items():
        if name.split(".")[0] in ("stem", "b1"):
            assert (array == weights[name]).all(), name
    assert not (end["box_subnet.predict.pointwise.bias"] == weights["box_subnet.predict.pointwise.bias"]).all()
    (here / "tuned" / "state.safetensors").unlink()
    assert spinec("train", "--resume", "tuned")[0] == 0
    again = read_checkpoint(here / "tuned" / "weights.safetensors", lower(load(here / "tuned" / "spec.yaml")))
    assert all((array == end[name]).all() for name, array in again.items())
    (here / "coco.safetensors").unlink()  # of which nothing is needed any more
    assert spinec("train", "--resume", "tuned")[0] == 0
    code, _, err = spinec(*line[:-8], "--weights", "tuned/best.safetensors", "--run", "tuned-on")
    assert code == 0
    assert "tuned/best.safetensors: has as many classes, and the layers for them are taken, too" in err


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("{kind: retinanet, dim: 8, layers: 1}", ("cat", "dog")),
        ("{kind: mask_rcnn, dim: 8}", ("background", "cat", "dog")),
        ("{kind: ssd, anchors: [3, 6], loss: {kind: softmax}}", ("background", "cat", "dog")),
        ("{kind: fcos, dim: 32, layers: 1}", ("cat", "dog")),
    ],
)
def test_names_are_of_what_is_found(tmp_path, head, names):
    """A head that has a background has it beside them."""
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    spec = loads(DIGITS[: DIGITS.index("head:")] + f"head: {head}\n")
    recipe = load_recipe("small-detection")
    changed = with_classes(spec, str(tmp_path / "names.txt"), tmp_path, recipe).head
    assert (changed.labels, changed.classes) == (names, len(names))
    listed = with_classes(spec, "voc-21", tmp_path, recipe).head
    assert (listed.labels, listed.classes) == ("voc-21", 21)
    few = with_classes(spec, "voc-20", tmp_path, recipe).head
    assert few.classes == (20 if names[0] == "cat" else 21)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("", 2, "expected a spec and --data DIR, or --resume RUN"),
        ("tiny.yaml", 2, "expected a spec and --data DIR, or --resume RUN"),
        ("--resume none", 1, "none: no run to go on with"),
        ("--resume none --set batch=2 tiny.yaml", 2, "NAME|FILE and --set do nothing with --resume: a run goes on"),
        ("--resume none --backend pytorch", 2, "-b does nothing with --resume: a run goes on as it was begun"),
        ("tiny.yaml --data none", 1, "none: no such file or folder"),
        ("tiny.yaml --data digits --recipe smal-detection", 1, "did you mean 'small-detection'?"),
        ("tiny.yaml --data digits --set batch=x", 1, "--set batch=x:1:1: batch: expected a whole number, got 'x'"),
        (
            "tiny.yaml --data digits",
            1,
            "has no split 'train2017', which the recipe learns from: --set data.train=NAME takes another, of train, val",
        ),
        ("tiny.yaml --data digits --recipe small-detection --weights none.safetensors", 1, "none.safetensors"),
        ("headless.yaml --data digits", 1, "tiny: has no head, and nothing says what is to be learned"),
        ("tiny.yaml --data digits --recipe small-detection --run digits", 1, "digits: is there already"),
        ("tiny.yaml --data digits --recipe small-detection --backend jax", 1, "no backend 'jax'"),
        ("tiny.yaml --data digits --recipe small-detection --classes voc-22", 1, "voc-22"),
        ("tiny.yaml --data digits --recipe small-detection --classes none.txt", 1, "none.txt"),
        ("tiny.yaml --data digits --recipe small-detection --classes twice.txt", 1, "line 3: '0' is in line 1 already"),
        ("tiny.yaml --data digits --recipe small-detection --classes few.txt", 1, "the class '2' (and "),
        ("tiny.yaml --data digits --recipe small-detection --set optimizer.frozen=[stm]", 1, "did you mean 'stem'?"),
        ("tiny.yaml --data digits --recipe small-detection --set optimizer.frozen=b1", 1, "frozen: expected a list"),
        ("tiny.yaml --data digits --recipe small-detection --set optimizer.parts={b1:0}", 1, "optimizer.parts"),
        (
            "tiny.yaml --data digits --recipe small-detection --weights wide.safetensors",
            1,
            "stem.conv.kernel: expected",
        ),
    ],
)
def test_what_it_refuses_is_said_in_a_line_and_nothing_is_written(here, spinec, line, code, said):
    before = sorted(path.name for path in here.iterdir())
    found, out, err = spinec("train", *line.split())
    assert (found, out) == (code, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert sorted(path.name for path in here.iterdir()) == before
