"""How far a run is: lines of a log every minute, a bar at a terminal, and lines that stay above it."""

import os
import re
import sys

import pytest

from spinec.progress import Progress, lasting


def line(step, seconds=0.5):
    return {"step": step, "rate": 0.1, "loss": 2.5, "class": 2.0, "gradient": 9.0, "seconds": seconds}


class Clock:
    """Half a second passes for every step."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


def shown(steps, first=1, last=None):
    """A run of four images a step, judged after the steps of a hundred, which takes ten seconds."""
    clock = Clock()
    with Progress(steps, 4, clock) as progress:
        for step in range(first, (last or steps) + 1):
            clock.time += 0.5
            progress.show(line(step))
            if step % 100 == 0:
                with progress.judging():
                    clock.time += 10
                progress.show({"step": step, "AP": 0.25, "AP50": None, "AP75": 0.125, "APs": 0.5, "APm": 0.5})


def test_a_log_has_a_line_every_minute(capsys):
    shown(1_300, last=260)
    assert capsys.readouterr().err.splitlines() == [
        "step 100: AP 0.250, AP75 0.125, APs 0.500",
        # 100 steps since the first and an evaluation took a minute
        "step 101 of 1,300, 11 min 59 s to go, 8 images/s, loss 2.5 (class 2)",
        "step 200: AP 0.250, AP75 0.125, APs 0.500",
        "step 201 of 1,300, 10 min 59 s to go, 8 images/s, loss 2.5 (class 2)",
    ]


def test_a_run_that_goes_on_is_as_fast_as_it_is_now(capsys):
    shown(1_300, first=1_001, last=1_121)
    assert capsys.readouterr().err.splitlines()[-1].startswith("step 1,101 of 1,300, 1 min 59 s to go, 8 images/s")


def test_a_short_run_has_no_line_but_those_of_evaluations(capsys):
    shown(100)
    assert capsys.readouterr().err == "step 100: AP 0.250, AP75 0.125, APs 0.500\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_has_a_bar_below_the_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    parent, child = os.openpty()
    with os.fdopen(child, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        shown(200)
        terminal.flush()
        os.set_blocking(parent, False)
        told = os.read(parent, 1_000_000).decode()
    os.close(parent)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told).replace("\r", "\n").splitlines()
    assert "step 100: AP 0.250, AP75 0.125, APs 0.500" in lines, "by itself, no part of the bar's line"
    assert any("━" in each and "judging" in each for each in lines)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min"), (3_600, "1 h"), (3_725, "1 h 2 min"), (86_405, "1 d"), (900_000, "10 d 10 h")],
)
def test_durations_are_told_in_two_units(seconds, said):
    assert lasting(seconds) == said
