"""Signals that end a search: the first process ends its workers, and a worker gives back what it was at.

A worker leads a process group of its own, so that what it started ends with it where it has to be killed. Both take
signals as Ctrl-C is taken, as a KeyboardInterrupt whose argument is the signal.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from types import FrameType

GRACE = 10.0  # seconds that a worker has to end in order
HELD = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in dir(signal)]
UNHEARD = (signal.SIG_DFL, signal.default_int_handler)


@contextmanager
def interrupting() -> Iterator[Callable[[], None]]:
    """Let what would end this process interrupt the block instead, where nobody else listens to it.

    Gives a function for the block to call again and again: Python drops an interrupt that comes while it runs what an
    object left behind (a `__del__`, the callback of a weak reference), and that function raises it anew.
    """
    here = threading.current_thread() is threading.main_thread()
    taken = {each: signal.getsignal(each) for each in HELD if here and signal.getsignal(each) in UNHEARD}
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        _interrupt(number, frame)

    def interrupted() -> None:
        if came:
            raise KeyboardInterrupt(came[0])

    for each in taken:
        signal.signal(each, interrupt)
    try:
        yield interrupted
    finally:
        for each, handler in taken.items():
            signal.signal(each, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Let signals wait for the end of the block; processes that it starts do not get them until they `follow`."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {each: signal.getsignal(each) for each in HELD}
    for each in before:
        signal.signal(each, lambda number, _: came.append(number))  # another thread may be given them
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)  # inherited, as handlers are not
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in came:
            os.kill(os.getpid(), number)


def follow(parent: BaseProcess | None) -> Callable[[], bool]:
    """Be a worker: end when its first process says so or ends, and leave Ctrl-C to that. Gives whether to go on."""
    ending = threading.Event()
    own = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()
        if os.getpid() != own:  # a child that an evaluator forked
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        _interrupt(number, frame)

    for each in HELD:
        if signal.getsignal(each) is not signal.SIG_IGN:  # by nohup
            signal.signal(each, end if each is signal.SIGTERM else _leave_to_parent)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if os.name == "posix":
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
    return lambda: not ending.is_set()


def kill(worker: BaseProcess) -> None:
    """End a worker at once, and with it what it started."""
    if os.name == "posix" and worker.pid and worker.is_alive():
        with suppress(ProcessLookupError):  # it has not come to `follow` yet
            os.killpg(worker.pid, signal.SIGKILL)
    worker.kill()
    worker.join()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    if os.name == "posix":
        os.killpg(0, signal.SIGKILL)
    os._exit(128 + signal.SIGTERM)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)


def _leave_to_parent(number: int, frame: FrameType | None) -> None:
    """Do nothing: a handler, and not SIG_IGN, since programs that an evaluator runs would inherit that."""
