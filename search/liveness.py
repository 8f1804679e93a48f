"""Who works on a study, and who has died: told by process, or by a beat that stops; no two clocks are compared."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna import Study

PERIOD = 10.0  # seconds between the beats of a worker
PATIENCE = 120.0  # seconds without a beat after which a worker of another machine is dead
BIRTH = 5.0  # seconds that a trial may be of no worker: it is between two writes
_TOKEN = uuid.uuid4().hex[:8]


def machine() -> str:
    """A name for the place where process numbers mean the same: a machine, or a container on it."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{os.readlink(namespace) if namespace.exists() else os.name}"


def own_name() -> str:
    """What this process is called in a study: never as one before it, though process numbers come again."""
    return f"{machine()}/{os.getpid()}/{_TOKEN}"


@contextmanager
def beating(study: Study, period: float = PERIOD) -> Iterator[None]:
    """Let the others see, while the block runs, that this process is alive."""
    stop, name = threading.Event(), own_name()

    def beat() -> None:
        count = 0
        while not stop.wait(period if count else 0):
            count += 1
            with suppress(Exception):  # a database that is busy, or away for a moment: the next beat may reach it
                study.set_user_attr(_beat_of(name), count)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Watch:
    """What one process has seen of the others."""

    def __init__(self, patience: float = PATIENCE, birth: float = BIRTH) -> None:
        self._patience, self._birth = patience, birth
        self._seen: dict[str, tuple[Any, float]] = {}

    def is_dead(self, worker: str, beats: Mapping[str, Any]) -> bool:
        """Whether a worker died: its process is gone, or its beat has not changed for long."""
        place, process, _ = worker.rsplit("/", 2)
        if place == machine() and (int(process) == os.getpid() or not _runs(int(process))):
            return worker != own_name()
        return self._unchanged(worker, beats.get(_beat_of(worker))) > self._patience

    def is_orphan(self, trial: int) -> bool:
        """Whether a trial that is of no worker has been so for too long."""
        return self._unchanged(f"trial {trial}", None) > self._birth

    def _unchanged(self, what: str, now: Any) -> float:
        """For how many seconds this process has seen the same."""
        before, since = self._seen.get(what, (object(), 0.0))
        if before != now:
            self._seen[what] = (now, time.monotonic())
            return 0.0
        return time.monotonic() - since


def _beat_of(worker: str) -> str:
    return f"beat of {worker}"


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere, asking would end it; its beat tells
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
