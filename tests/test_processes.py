"""Several processes: they learn what one does of the same batch, tell and write as one, and stop together."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sharing
from patience import HUNG, wait_for
from taught import DIGITS

from spinec import BackendError
from spinec.backends.backend import backend
from spinec.backends.processes import ALONE, Place

pytest.importorskip("torch")

PATIENCE = HUNG
OUTSIDE = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "TF_CONFIG")


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def environments(name):
    """What torchrun, or who starts TensorFlow's workers, says to each of two processes."""
    ports = free_ports(2)
    for rank in (0, 1):
        if name == "pytorch":
            own = {
                "RANK": rank,
                "LOCAL_RANK": rank,
                "WORLD_SIZE": 2,
                "MASTER_ADDR": "localhost",
                "MASTER_PORT": ports[0],
            }
        else:
            cluster, task = {"worker": [f"localhost:{port}" for port in ports]}, {"type": "worker", "index": rank}
            own = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        yield {**os.environ, "OMP_NUM_THREADS": "1", **{key: str(value) for key, value in own.items()}}


@pytest.fixture
def started():
    """Starts processes, two or one, that none outlives the test."""
    running = []

    def start(name, *words):
        two = environments(name) if name else [dict(os.environ)]
        found = [
            subprocess.Popen(words, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for own in two
        ]
        running.extend(found)
        return found

    yield start
    for each in running:
        each.kill()
        each.communicate()


def ends(processes):
    """What each ended with: its code and what it wrote."""
    return [(*each.communicate(timeout=PATIENCE), each.returncode) for each in processes]


def shared(started, folder, name, across, heads, launcher=None):
    words = [sys.executable, str(Path(sharing.__file__)), name, str(folder), across, *heads]
    for _, err, code in ends(started(launcher, *words)):
        assert code == 0, err
    return {
        path.stem: (dict(np.load(path)), *json.loads(path.with_suffix(".json").read_text()))
        for path in folder.glob("*.npz")
    }


def check(found, name, heads):
    """Two replicas of 2 images give what one of 4 does; by themselves, what the mean of two of 2 images is."""
    for head in heads:
        state, told, asked = found[f"{head}-global"]
        alone, expected, _ = sharing.learn(name, head, "global")
        assert asked in ([True, False], [True, False])
        for line, whole in zip(told, expected, strict=True):
            assert line == pytest.approx(whole, rel=1e-9), head
        for key, array in alone.items():
            np.testing.assert_allclose(state[key], array, rtol=1e-6, atol=1e-9, err_msg=f"{head} {key}")
    state, told, _ = found[f"{heads[0]}-replica"]
    halves = [sharing.learn(name, heads[0], "replica", ALONE, range(1), own) for own in (slice(0, 2), slice(2, 4))]
    for key in ("loss", "class", "box"):
        assert told[0][key] == pytest.approx(np.mean([half[1][0][key] for half in halves]), rel=1e-9)
    for key in state:
        if key.startswith("momentum"):
            mean = np.mean([half[0][key] for half in halves], 0)
            np.testing.assert_allclose(state[key], mean, rtol=1e-6, atol=1e-9, err_msg=key)
    whole = sharing.learn(name, heads[0], "global", ALONE, range(1))[1][0]
    assert told[0]["loss"] != pytest.approx(whole["loss"], rel=1e-3)  # the halves have not as many positives


def test_two_processes_learn_what_one_does(started, tmp_path):
    heads = ["retinanet", "mask_rcnn"]
    check(shared(started, tmp_path, "pytorch", "processes", heads, "pytorch"), "pytorch", heads)


def test_two_workers_of_tensorflow_learn_what_one_does(started, tmp_path):
    pytest.importorskip("tensorflow")
    heads = ["retinanet", "classification"]
    check(shared(started, tmp_path, "tensorflow", "processes", heads, "tensorflow"), "tensorflow", heads)


def test_two_devices_of_one_process_learn_what_one_does(started, tmp_path):
    pytest.importorskip("tensorflow")
    check(shared(started, tmp_path, "tensorflow", "devices", ["retinanet"]), "tensorflow", ["retinanet"])


@pytest.mark.parametrize("head", sharing.HEADS)
@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_losses_of_parts_add_up_to_those_of_the_whole(name, head, monkeypatch):
    """Where what they are over is that of the whole: whatever else the batch is counted for would show."""
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    loss, source = sharing.loss_of(name, head)
    counted, own = [], source.in_all

    def count(some):
        counted.append(own(some))
        return counted[-1]

    monkeypatch.setitem(vars(source), "in_all", count)
    whole = loss(slice(None))
    parts = []
    for part in (slice(0, 2), slice(2, 4)):
        numbers = iter(counted)
        monkeypatch.setitem(vars(source), "in_all", lambda some, numbers=numbers: next(numbers))
        parts.append(loss(part))
        assert next(numbers, None) is None
    assert counted
    for key, value in whole.items():
        assert sum(part[key] for part in parts) == pytest.approx(value, rel=1e-5), key


TRAIN = [sys.executable, "-m", "spinec", "train"]
SHORT = "--recipe small-detection --set batch=4 --set evaluate.every=1 --workers 0".split()


@pytest.fixture
def here(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("faster_coco_eval")
    from spinec.train.sets.made import make_set

    make_set("digits", tmp_path / "digits", size=64, train=12, val=4)
    (tmp_path / "tiny.yaml").write_text(DIGITS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def learning(processes, run):
    """Wait until some steps are taken."""
    done = lambda: (run / "metrics.jsonl").exists() and len(told(run)) > 2  # noqa: E731
    wait_for(lambda: done() or processes[0].poll() is not None)
    assert processes[0].poll() is None, processes[0].communicate()


def test_a_signal_to_one_stops_all_after_the_same_step_and_one_goes_on(here, started, spinec):
    line = [*TRAIN, "tiny.yaml", "--data", "digits", *SHORT, "--set", "schedule.steps=400", "--run", "run"]
    line += ["--set", "evaluate.every=1000"]
    two = started("pytorch", *line)
    learning(two, here / "run")
    two[1].send_signal(signal.SIGTERM)
    (out, err, code), (other_out, other_err, other_code) = ends(two)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "stopped: spinec train --resume run goes on from here"
    assert "2 processes share each batch" in err
    assert (other_code, other_out, other_err) == (0, "", "")
    from spinec.train.folder import RunFolder

    steps = [line["step"] for line in told(here / "run")]
    assert steps == [*range(1, steps[-1] + 1)]
    assert RunFolder(here / "run").kept()[1] == steps[-1]
    recipe = (here / "run" / "recipe.yaml").read_text()
    (here / "run" / "recipe.yaml").write_text(recipe.replace("400", str(steps[-1] + 2)))
    assert spinec("train", "--resume", "run", "--workers", "0")[0] == 0  # one process, of the whole batch
    assert [line["step"] for line in told(here / "run") if "loss" in line] == [*range(1, steps[-1] + 3)]


def test_where_one_is_killed_the_other_says_so(here, started):
    line = [*TRAIN, "tiny.yaml", "--data", "digits", *SHORT, "--set", "schedule.steps=400", "--run", "run"]
    two = started("pytorch", *line, "--set", "evaluate.every=1000")
    learning(two, here / "run")
    two[1].kill()
    _, err, code = ends(two)[0]
    assert code == 1
    assert "another process of this run is gone" in err
    assert "Traceback" not in err


def test_torchrun_starts_the_command(here):
    words = (
        "-m torch.distributed.run --standalone --nproc-per-node 2 -m -- spinec train tiny.yaml --data digits".split()
    )
    own = {key: value for key, value in os.environ.items() if key not in OUTSIDE} | {"OMP_NUM_THREADS": "1"}
    line = [sys.executable, *words, *SHORT, "--set", "schedule.steps=2", "--run", "run"]
    made = subprocess.run(line, env=own, capture_output=True, text=True, timeout=PATIENCE)
    assert made.returncode == 0, made.stderr
    assert made.stdout == "run/best.safetensors: the weights of the best evaluation; see run/metrics.jsonl\n"
    assert [line["step"] for line in told(here / "run")] == [1, 2, 2]


def test_a_batch_that_cannot_be_shared_is_refused(here, spinec, monkeypatch):
    monkeypatch.setattr("spinec.backends.pytorch.join", lambda across: Place(0, 3))
    code, _, err = spinec("train", "tiny.yaml", "--data", "digits", *SHORT, "--run", "run")
    assert code == 1
    assert err == "batch: 4 images cannot be shared by 3 processes: expected a multiple of 3\n"
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("name", "across", "own", "said"),
    [
        ("pytorch", "devices", {}, "PyTorch has a process for every device, so there is no --across devices"),
        ("tensorflow", "processes", {"WORLD_SIZE": "2"}, "torchrun starts processes of PyTorch"),
        ("tensorflow", "processes", {"TF_CONFIG": "{"}, "TF_CONFIG: expected"),
        (
            "tensorflow",
            "processes",
            {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}'},
            "TF_CONFIG: expected",
        ),
        ("tensorflow", "tpu", {}, "--across tpu: no TPU is found"),
    ],
)
def test_what_cannot_be_joined_is_said(monkeypatch, name, across, own, said):
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    for key in OUTSIDE:
        monkeypatch.delenv(key, raising=False)
    for key, value in own.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(BackendError, match="^" + said.replace(".", r"\.")):
        backend(name).join(across)


def test_one_process_is_alone(monkeypatch):
    for key in OUTSIDE:
        monkeypatch.delenv(key, raising=False)
    assert backend("pytorch").join("processes") == backend("tensorflow").join("processes") == ALONE
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert backend("pytorch").join("processes") == ALONE
