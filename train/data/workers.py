"""Worker processes that make things in order: the same, in the same order, whatever their number."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from spinec.spec.errors import DataError, SpinecError
from spinec.train.data.shared import Inbox, Outbox

Made = TypeVar("Made")
CALM = 5.0  # seconds that a worker gets to end by itself


def in_order(make: Callable[[int], Made], numbers: Iterable[int], workers: int = 0, ahead: int = 2) -> Iterator[Made]:
    """What is made of each number, made `ahead` of its time by every worker; with no workers, in this process.

    Raises:
        DataError: when a worker ended, or what it met.
    """
    if not workers:
        yield from map(make, numbers)
        return
    team: list[_Worker] = []
    try:
        team += (_Worker(make, ahead) for _ in range(workers))
        yield from _collected(team, iter(numbers), ahead)
    finally:
        for each in team:
            each.dismiss()
        for each in team:
            each.end()


def _collected(team: list[_Worker], numbers: Iterator[int], ahead: int) -> Iterator[Any]:
    """Each number goes to the next worker in turn, and the results are fetched in the same turn."""
    asked = 0
    for number in islice(numbers, len(team) * ahead):
        team[asked % len(team)].ask(number)
        asked += 1
    given = 0
    while given < asked:
        made = team[given % len(team)].answer()
        for number in islice(numbers, 1):
            team[asked % len(team)].ask(number)
            asked += 1
        given += 1
        yield made


class _Worker:
    """A process that makes things, and the pipe to it."""

    def __init__(self, make: Callable[[int], Any], ahead: int) -> None:
        context = get_context("spawn")  # a fork of a process in which a framework has threads may hang
        self.pipe, end = context.Pipe()
        self.process = context.Process(target=_serve, args=(end, pickle.dumps(make), ahead), daemon=True)
        self.inbox = Inbox()
        with _unheard():
            self.process.start()
        end.close()

    def ask(self, number: int) -> None:
        try:
            self.pipe.send(number)
        except OSError:
            raise self._ended() from None

    def answer(self) -> Any:
        try:
            made, error = self.inbox.unpack(self.pipe.recv())
        except (EOFError, OSError):
            raise self._ended() from None
        if error is not None:
            raise error
        return made

    def dismiss(self) -> None:
        self.pipe.close()

    def end(self) -> None:
        """Wait for the process to end; it does as soon as it sees that nobody listens."""
        self.process.join(CALM)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _ended(self) -> DataError:
        self.process.join(CALM)
        code = self.process.exitcode
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit code {code}"
        hint = {
            -signal.SIGKILL: "; was memory short? fewer workers need less of it",
            1: ", for the reason above; a script that starts workers does so under: if __name__ == '__main__'",
        }.get(code or 0, "")
        return DataError(f"a worker process that makes batches {how}{hint}")


@contextmanager
def _unheard() -> Iterator[None]:
    """Processes that are started do not get Ctrl-C before they leave it to this one, which gets it later."""
    if os.name != "posix":
        yield
        return
    resource_tracker.ensure_running()  # or the first worker starts it, and with it lets signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, pickled: bytes, ahead: int) -> None:
    """Make what is asked for until nobody listens."""
    for each in (signal.SIGINT, signal.SIGTERM):  # they go to all processes; the one that reads ends the others
        signal.signal(each, signal.SIG_IGN)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    make, outbox = pickle.loads(pickled), Outbox(ahead)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(outbox.pack(_outcome(make, pipe.recv())))


def _outcome(make: Callable[[int], Any], number: int) -> tuple[Any, Exception | None]:
    try:
        return make(number), None
    except SpinecError as error:
        return None, error
    except Exception:
        return None, DataError(f"a worker process that makes batches failed:\n{traceback.format_exc()}")
