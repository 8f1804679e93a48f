"""A training run that is killed at random moments, gone on with each time, and held to one that nothing disturbs.

PYTHONPATH=tests python tests/kill_training.py --kills 30
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from patience import HUNG, wait_for
from sessions import alive
from taught import DIGITS

EVERY = 3  # steps from one evaluation to the next
LIVES = 2  # evaluations that a process may get to before it is killed
LONGEST = 0.2  # seconds from what is told to a kill
FILES = ("state.safetensors", "weights.safetensors", "best.safetensors")


class Killed(NamedTuple):
    """What a kill met."""

    at: str
    """`learning`, `judging` from the end of a step that is judged to its figures, or `keeping` the state after that."""
    half_written: int
    """Files that were being written."""
    again: int
    """Steps that are to be computed once more."""


def prepare(folder: Path) -> None:
    """A network and a data set that it is taught in a moment."""
    from spinec.train.sets.made import make_set

    make_set("digits", folder / "digits", size=64, train=12, val=4)
    (folder / "tiny.yaml").write_text(DIGITS)


def steps_of(kills: int) -> int:
    """How long a run must be to be killed that often."""
    return EVERY * LIVES * (kills + 1)


def begin(run: str, steps: int) -> list[str]:
    """The line that begins a run."""
    settings = ["batch=3", f"schedule.steps={steps}", f"evaluate={{steps: {EVERY}, statistics: 2}}"]
    changes = [word for setting in (*settings, "average={decay: 0.9}") for word in ("--set", setting)]
    return ["train", "tiny.yaml", "--data", "digits", "--recipe", "small-detection", *changes, "--run", run]


class Process:
    """A run in a process, and in as many as it asks for, as a session of their own."""

    def __init__(self, folder: Path, words: list[str], *, workers: int) -> None:
        line = [sys.executable, "-m", "spinec", *words, "--workers", str(workers)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            line, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def wait_until(self, run: Path, before: int, lines: int) -> None:
        """Wait until so many lines are told in metrics that are not the file from before, or it has ended."""
        wait_for(lambda: (_number(run) != before and len(told(run)) >= lines) or self.process.poll() is not None)

    def kill(self) -> None:
        """Kill it, and see its workers end by themselves."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        wait_for(lambda: not alive(self.process.pid))

    def end(self) -> None:
        """Wait until it has ended, well."""
        _, said = self.process.communicate(timeout=HUNG)
        assert self.process.returncode == 0, said.decode()


def told(run: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's metrics."""
    file = run / "metrics.jsonl"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


def results(run: Path) -> dict[str, Any]:
    """All that must be the same, whatever happened."""
    lines = [{name: value for name, value in line.items() if name != "seconds"} for line in told(run)]
    return {"metrics": lines, **{name: (run / name).read_bytes() for name in FILES}}


def kept(run: Path) -> int:
    """The step that a run goes on from."""
    from safetensors.numpy import load_file

    file = run / "state.safetensors"
    return int(load_file(file)["run/step"].item()) if file.exists() else 0


def train_with_kills(folder: Path, kills: int, workers: Sequence[int] = (0, 1), seed: int = 0) -> list[Killed]:
    """Train, kill and go on as often as asked for, then to the end; each process has as many workers as comes next."""
    chance, run, met = random.Random(seed), folder / "killed", []
    for number in range(kills):
        words = ["train", "--resume", run.name] if (run / "run.json").exists() else begin(run.name, steps_of(kills))
        before = _number(run)
        lines = sum(line["step"] <= kept(run) for line in told(run)) + chance.randint(1, LIVES * (EVERY + 1) - 1)
        process = Process(folder, words, workers=workers[number % len(workers)])
        process.wait_until(run, before, lines)
        time.sleep(chance.uniform(0, LONGEST))
        assert process.process.poll() is None, "it ended early"
        process.kill()
        met.append(_met(run))
    Process(folder, ["train", "--resume", run.name], workers=0).end()
    return met


def _number(run: Path) -> int:
    """Which file the metrics are: they are written anew when a run goes on."""
    file = run / "metrics.jsonl"
    return file.stat().st_ino if file.exists() else 0


def _met(run: Path) -> Killed:
    last, losses = told(run)[-1], [line["step"] for line in told(run) if "loss" in line]
    at = "keeping" if "loss" not in last else "judging" if last["step"] % EVERY == 0 else "learning"
    return Killed(at, len(list(run.glob(".*"))), sum(step > kept(run) for step in losses))


def differences(whole: Path, killed: Path) -> list[str]:
    """What of a run is not as in another, to the bit, and what is left that nobody needs."""
    one, other = results(whole), results(killed)
    there, expected = ([path.name.partition(".tfevents")[0] for path in run.iterdir()] for run in (killed, whole))
    left = Counter(there) - Counter(expected)
    return [*(name for name in one if one[name] != other[name]), *left]


def main() -> None:
    """Train once undisturbed and once killed, compare and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, begun = Path(name), time.monotonic()
        prepare(folder)
        met = train_with_kills(folder, given.kills, seed=given.seed)
        Process(folder, begin("whole", steps_of(given.kills)), workers=0).end()
        found = differences(folder / "whole", folder / "killed")
    at = Counter(each.at for each in met)
    print(
        "| kills | while learning | while judging | while keeping the state | files half written | steps | steps computed again | differences | seconds |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    figures = [len(met), at["learning"], at["judging"], at["keeping"], sum(each.half_written for each in met)]
    figures += [steps_of(given.kills), sum(each.again for each in met), len(found), round(time.monotonic() - begun)]
    print(f"| {' | '.join(map(str, figures))} |", *found, sep="\n")
    assert not found, found


if __name__ == "__main__":
    main()
