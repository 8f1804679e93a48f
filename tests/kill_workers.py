"""A search whose workers are killed at random, and what became of it.

PYTHONPATH=tests python tests/kill_workers.py --trials 2000 --kills 50
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import searched
from sessions import alive, workers

from spinec.compiler.resources.candidates import Space
from spinec.search.results import spec_of
from spinec.search.study import read
from spinec.spec.load import load

WORKERS = 2
LONGEST = 300  # seconds that processes may take to end
SPEC = "sp-efficientnet-b0"


@dataclass
class Story:
    """What happened."""

    seconds: float
    workers_killed: int = 0
    searches_killed: int = 0


class Search:
    """`spinec search` with several workers, in a session of its own."""

    def __init__(self, folder: Path, spec: str, trials: int) -> None:
        arguments = ["search", spec, "--evaluator", "searched:slow", "--storage", str(folder / "study.db")]
        numbers = ["--trials", str(trials), "--workers", str(WORKERS), "--seed", "0", "--resume"]
        self._command = [sys.executable, "-m", "spinec", *arguments, *numbers]
        self._environment = {
            **os.environ,
            searched.JOURNAL: str(folder / "journal"),
            "PYTHONPATH": str(Path(__file__).parent),
        }
        self.sessions: list[int] = []
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            cwd=Path(__file__).parent.parent,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def kill(self, victim: str, chance: random.Random) -> bool:
        """Kill one of the `workers`, or the `first` process or `all` at once and begin again; false if there is nobody."""
        if not (working := workers(self.process.pid)):
            return False
        victims = {"workers": [chance.choice(working)], "first": [self.process.pid]}.get(victim)
        for number in victims or alive(self.process.pid):
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(number, signal.SIGKILL)
        if victim == "workers":
            return True
        self.process.wait()  # its workers, if they live, end by themselves: meanwhile there are two searches
        self.sessions.append(self.process.pid)
        self.process = self._start()
        return True

    def left(self) -> list[int]:
        """What still runs of searches that were killed, or that have ended."""
        return [number for session in (*self.sessions, self.process.pid) for number in alive(session)]


def search_with_kills(folder: Path, trials: int, victims: Sequence[str], seed: int = 0, spec: str = SPEC) -> Story:
    """Run a search to its end, and kill these meanwhile, at random moments while it works."""
    chance, story, begun = random.Random(seed), Story(0.0), time.monotonic()
    search = Search(folder, spec, trials)
    moments = sorted(chance.uniform(0, 0.5) * trials for _ in victims)
    for moment, victim in zip(moments, victims, strict=True):
        while len(searched.noted("begun", folder / "journal")) < moment and search.process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.1))
        while not search.kill(victim, chance):  # it has just begun again
            assert search.process.poll() is None, "it ended early"
            time.sleep(0.05)
        story.workers_killed += victim == "workers"
        story.searches_killed += victim != "workers"
    _, told = search.process.communicate()
    assert search.process.returncode == 0, told.decode()
    end = time.monotonic() + LONGEST
    while search.left() and time.monotonic() < end:
        time.sleep(0.1)
    assert not search.left(), "a process outlived its search"
    story.seconds = time.monotonic() - begun
    return story


def check(folder: Path, trials: int, kills: int) -> dict[str, int]:
    """Whether the study is complete and consistent; how much was done more than once because of the kills."""
    study, plan = read(str(folder / "study.db"))
    everyone = study.get_trials()
    states = Counter(trial.state.name for trial in everyone)
    assert states["COMPLETE"] == trials, states
    assert not states["RUNNING"] + states["WAITING"] + states["PRUNED"], states
    assert [trial.number for trial in everyone] == list(range(len(everyone)))
    complete = [trial for trial in everyone if trial.state.name == "COMPLETE"]
    dims_of = {trial.number: ",".join(map(str, trial.user_attrs["dims"])) for trial in complete}
    for trial in complete:
        spec = spec_of(plan, trial)
        assert trial.user_attrs["dims"] == [block.dim for block in spec.blocks.values()]
        assert trial.value == searched.value(spec)
    first = [dims_of[trial.number] for trial in complete if "equal_to" not in trial.user_attrs]
    assert len(first) == len(set(first)), "a candidate was evaluated and told twice"
    begun, done = (searched.noted(word, folder / "journal") for word in ("begun", "done"))
    assert set(begun) == set(done) == set(first), "a candidate that was begun was lost"
    assert len(begun) - len(set(begun)) <= WORKERS * kills, "more was begun again than was killed"
    assert len(done) - len(set(done)) <= WORKERS * kills
    return {
        "trials": trials,
        "different candidates": len(first),
        "begun again after a kill": len(begun) - len(set(begun)),
        "finished, but killed before it was told": len(done) - len(set(done)),
        "set aside or failed": states["FAIL"],
    }


def main() -> None:
    """Kill, check and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=50)
    given = parser.parse_args()
    victims = ["all" if i % 5 == 1 else "workers" for i in range(given.kills)]
    with tempfile.TemporaryDirectory() as name:
        story = search_with_kills(Path(name), given.trials, victims)
        print(story, check(Path(name), given.trials, given.kills), sep="\n")
        assert Space(load(SPEC)) == read(f"{name}/study.db")[1].space
        assert story.workers_killed + story.searches_killed == given.kills


if __name__ == "__main__":
    main()
