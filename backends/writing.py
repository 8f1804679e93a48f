"""What frameworks write: whole or absent, and whatever they raise where they cannot is an OSError that says why.

Some end the process where a disk is full: HDF5 does, within Keras. They write in a process of their own.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spinec.backends.neutral import packed, unpacked
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.dump import dump
from spinec.spec.errors import SpinecError, first_line
from spinec.spec.files import whole
from spinec.spec.load import loads

if TYPE_CHECKING:
    from spinec.backends.weights import Array

    Write = Callable[[Path, Program, Mapping[str, Array] | None], None]

ROOM = 1 << 20  # bytes for which there is no room where a disk is full


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A place for a framework to write a file or folder to, which then takes the name `path`.

    Raises:
        OSError: when it cannot be written, whatever the framework raised.
    """
    with whole(path) as made:
        try:
            yield made
        except SpinecError:
            raise
        except Exception as error:
            raise (_no_room(made.parent) or _as_os_error(error)) from error


def apart(write: Write, path: Path, program: Program, weights: Mapping[str, Array] | None) -> None:
    """Have a function of a module write a program, with some weights or fresh ones, in a process of its own.

    Raises:
        OSError: with what it raised there, or with how the process ended.
    """
    header = {
        "write": [write.__module__, write.__qualname__],
        "spec": dump(program.spec),
        "size": program.size,
        "path": str(path),
        "fresh": weights is None,
    }
    run = subprocess.run(
        [sys.executable, "-P", "-c", f"from {__name__} import _child; _child()"],
        input=json.dumps(header).encode() + b"\n" + (packed(weights) if weights else b""),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    if run.returncode:
        raise _ended(run)


def _child() -> None:
    """What that process does: read what to write, write it, and say what went wrong on the last line."""
    from importlib import import_module

    header = json.loads(sys.stdin.buffer.readline())
    weights = None if header["fresh"] else unpacked(sys.stdin.buffer.read())
    module, name = header["write"]
    program = lower(loads(header["spec"]), tuple(header["size"]))
    code = 0
    try:
        getattr(import_module(module), name)(Path(header["path"]), program, weights)
    except Exception as error:
        code, found = 1, _as_os_error(error)
        print("\n" + json.dumps([found.errno, found.strerror]), flush=True)
    os._exit(code)  # at a usual exit HDF5 writes what is left of the file once more, which ends the process


def _ended(run: subprocess.CompletedProcess[bytes]) -> OSError:
    """How a process ended that did not write what it was to write."""
    if run.returncode < 0:
        return OSError(errno.EIO, f"what writes it ended by {signal.Signals(-run.returncode).name}")
    try:
        return OSError(*json.loads(run.stdout.splitlines()[-1]))
    except (IndexError, TypeError, ValueError):
        return OSError(
            errno.EIO, f"what writes it ended with {run.returncode}: {first_line(run.stderr.decode()[-600:])}"
        )


def _no_room(folder: Path) -> OSError | None:
    """Why a folder takes no more: few frameworks say so in words."""
    try:
        (folder / "room").write_bytes(bytes(ROOM))
    except OSError as error:
        return OSError(error.errno, error.strerror)
    return None


def _as_os_error(error: Exception) -> OSError:
    """The system's own words where it refused, or else the first line of what was raised."""
    if isinstance(error, OSError) and error.errno:
        known = error.errno != errno.EIO  # which stands for all that has no number
        return OSError(error.errno, os.strerror(error.errno) if known else first_line(error.strerror or ""))
    return OSError(errno.EIO, first_line(str(error)) or type(error).__name__)
