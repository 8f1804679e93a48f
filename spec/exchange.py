"""Two names exchanged in one step, where the system can."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

HERE = -100  # AT_FDCWD of Linux: paths are as the process sees them
EXCHANGE = 2  # RENAME_EXCHANGE of Linux's renameat2, and RENAME_SWAP of macOS' renamex_np


def exchange(first: Path, second: Path) -> bool:
    """Whether two files or folders have taken each other's name; nothing happens where the system cannot do it."""
    import ctypes

    paths = os.fsencode(first), os.fsencode(second)
    try:
        system = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such thing
        return False
    with suppress(AttributeError):
        return bool(system.renameat2(HERE, paths[0], HERE, paths[1], EXCHANGE) == 0)
    with suppress(AttributeError):
        return bool(system.renamex_np(*paths, EXCHANGE) == 0)
    return False
