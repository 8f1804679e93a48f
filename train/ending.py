"""How a run is asked to end: after the step that it is at."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in dir(signal)]


@contextmanager
def asked_to_end() -> Iterator[Callable[[], bool]]:
    """Gives whether Ctrl-C was pressed, or a signal came that ends processes; a second one ends at once."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt(number)
        came.append(number)

    before = {each: signal.getsignal(each) for each in ASKING if signal.getsignal(each) is not signal.SIG_IGN}
    for each in before:
        signal.signal(each, ask)
    try:
        yield lambda: bool(came)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
