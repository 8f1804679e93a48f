"""Files and folders written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from spinec.spec.exchange import exchange

SHOWN = 20  # characters of a name in the name of its workshop: a legal name has 255 bytes, and no more would fit


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` to write a file or folder to, which then takes the name and the mode of what is there.

    Whatever goes wrong before, `path` holds what it held. The name keeps its suffixes, since writers go by them.

    Raises:
        OSError: when nothing can be written there.
    """
    target = _target(path)
    _recover(target)
    workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=_prefix(target.name)))
    made = workshop / target.name
    try:
        yield made
        _flush(made)
        if made.is_dir() == target.is_dir() and target.exists():
            shutil.copymode(target, made)
        if made.is_dir() and target.is_dir():
            _swap(made, target, workshop)
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
    content = data.encode() if isinstance(data, str) else data
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    with whole(path) as made:
        made.write_bytes(content)


def sweep(folder: Path, names: Iterable[str]) -> None:
    """Remove from a folder what writers of files of these names left that were killed."""
    for name in names:
        for left in folder.glob(f"{escape(_prefix(name))}*"):
            shutil.rmtree(left, ignore_errors=True)


def _prefix(name: str) -> str:
    """How the name of the workshop begins in which a file or folder is made."""
    return f".{name[:SHOWN]}."


def _target(path: Path) -> Path:
    """What a path leads to, there or not."""
    with suppress(FileNotFoundError):
        path.stat()  # of links that lead to themselves, `resolve` says something else in every Python
    return path.resolve()


def _swap(made: Path, target: Path, workshop: Path) -> None:
    """Put a folder where another is, which it cannot replace as long as that holds something."""
    if exchange(made, target):
        return
    old = _parked(workshop, target)
    old.parent.mkdir()
    try:
        target.rename(old)
        made.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def _parked(workshop: Path, target: Path) -> Path:
    """Where a folder is while another takes its place, by a name from which it is known again."""
    return workshop / "old" / target.name


def _recover(target: Path) -> None:
    """Put back a folder whose replacement was killed between two steps."""
    if target.exists():
        return
    workshops = target.parent.glob(f"{escape(_prefix(target.name))}*")
    for old in (_parked(workshop, target) for workshop in workshops):
        if old.is_dir():
            old.rename(target)
            shutil.rmtree(old.parent.parent, ignore_errors=True)
            return


def _flush(made: Path) -> None:
    """Put what was written on the disk before it takes the old one's place."""
    files = [each for each in made.rglob("*") if each.is_file()] if made.is_dir() else [made]
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
