"""How far a run of training is: a bar for a person at a terminal, a line every minute for the log of a job."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import typer

MINUTE = 60.0  # seconds from one line of a log to the next
RECENT = 50  # steps that images per second are the mean of
PARTS = 3  # figures of an evaluation that are told
WITHOUT = ("step", "rate", "loss", "gradient", "seconds")
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Progress:
    """What is told of the lines of the metrics as they come."""

    def __init__(self, steps: int, batch: int, now: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        text = TextColumn("{task.description}", markup=False)
        self._bar = Bar(BarColumn(20), text, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("the first step", total=steps)
        self._steps, self._batch, self._now = steps, batch, now
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._said = self._begun = now()
        self._first: int | None = None
        """The step that this process began with."""

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, line: Mapping[str, Any]) -> None:
        """Show a line of the metrics."""
        if "loss" not in line:
            self._recent.clear()  # what is judged is not what is learned
            self._say(f"step {line['step']:,}: {_figures(line)}")
            return
        now = self._now()
        if self._first is None:
            self._first, self._begun = line["step"], now
            self._bar.reset(self._task, completed=line["step"])
        self._recent.append(now)
        self._bar.update(self._task, completed=line["step"], description=self._told(line))
        if self._bar.disable and now - self._said >= MINUTE:
            self._said = now
            self._say(f"step {self._told(line)}")

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Say that the network is judged now."""
        self._bar.update(self._task, description="judging")
        yield

    def _say(self, text: str) -> None:
        """A line that stays, above the bar where there is one."""
        if self._bar.disable:
            typer.echo(text, err=True)
        else:
            self._bar.console.print(text, markup=False, highlight=False)

    def _told(self, line: Mapping[str, Any]) -> str:
        parts = [f"{name} {value:.3g}" for name, value in line.items() if name not in WITHOUT]
        loss = f"loss {line['loss']:.4g}" + (f" ({', '.join(parts)})" if parts else "")
        return f"{line['step']:,} of {self._steps:,}, {self._left(line['step'])} to go, {self._speed(line)}, {loss}"

    def _speed(self, line: Mapping[str, Any]) -> str:
        """Images per second, all that the steps wait for counted in."""
        steps, seconds = len(self._recent) - 1, self._recent[-1] - self._recent[0]
        if not steps or not seconds:
            steps, seconds = 1, max(line["seconds"], 1e-9)
        return f"{self._batch * steps / seconds:.3g} images/s"

    def _left(self, step: int) -> str:
        """The time that is left, if all goes on as in this process, evaluations counted in."""
        assert self._first is not None
        done = step - self._first
        return lasting((self._steps - step) * (self._now() - self._begun) / done) if done else "?"


def lasting(seconds: float) -> str:
    """How long something takes, in the two units that matter.

    >>> lasting(7.6), lasting(200), lasting(100_000)
    ('8 s', '3 min 20 s', '1 d 3 h')
    """
    left, found = round(seconds), list[tuple[int, str]]()
    for size, unit in UNITS:
        number, left = divmod(left, size)
        if number or found:
            found.append((number, unit))
    return " ".join(f"{number} {unit}" for number, unit in found[:2] if number) or "0 s"


def _figures(line: Mapping[str, Any]) -> str:
    figures = [f"{name} {value:.3f}" for name, value in line.items() if name != "step" and value is not None]
    return ", ".join(figures[:PARTS])
