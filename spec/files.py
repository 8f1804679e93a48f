"""Files written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` to write a file or folder to, which then takes the name `path`.

    Whatever goes wrong before, `path` holds what it held. The name keeps its suffixes, since writers go by them.

    Raises:
        OSError: when nothing can be written there.
    """
    target = path.resolve()
    workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    made = workshop / target.name
    try:
        yield made
        _flush(made)
        if made.is_dir() and target.is_dir():
            _swap(made, target, workshop / "old")
        else:
            os.replace(made, target)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file so that it holds all of `data` or, whatever goes wrong, what it held before.

    What is there and no file, such as /dev/stdout, is written to and never replaced.

    Raises:
        OSError: when the file cannot be written; the old one is untouched.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return
    with whole(path) as made:
        made.write_bytes(data.encode() if isinstance(data, str) else data)
        if path.exists():
            shutil.copymode(path, made)


def _swap(made: Path, target: Path, old: Path) -> None:
    """Put a folder where another is, which it cannot replace as long as that holds something."""
    try:
        target.rename(old)
        made.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def _flush(made: Path) -> None:
    """Put what was written on the disk before it takes the old one's place."""
    files = [each for each in made.rglob("*") if each.is_file()] if made.is_dir() else [made]
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
