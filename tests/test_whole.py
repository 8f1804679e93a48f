"""Outputs are whole or absent: a full disk, no permission, and an interruption at every call that touches the folder."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spinec.spec.exchange import exchange
from spinec.spec.files import whole, write_whole

OLD, NEW = b"old\n", b"new\n" * 1000
ROOT = Path(__file__).parent.parent
TOUCHES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "shutil.copymode", "tempfile.mkdtemp")
WRITE = """
import os, signal, sys
from pathlib import Path
from spinec.spec.files import write_whole
write_whole(Path("warm"), b"")  # everything imported
left = int(sys.argv[1])
def watch(event, arguments):
    global left
    if event in sys.argv[2].split(","):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
write_whole(Path("out"), b"new\\n" * 1000)
print("done")
"""


class Saboteur:
    """Lets so many calls that touch a folder through, then raises at the next; hooks cannot be removed, so one for all."""

    def __init__(self) -> None:
        self.folder, self.left, self.error = "", -1, None
        sys.addaudithook(self.watch)

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.error is None or event not in TOUCHES or self.folder not in str(arguments[0]):
            return
        self.left -= 1
        if self.left < 0:
            error, self.error = self.error, None  # once: what cleans up afterwards can do so
            raise error

    @contextmanager
    def after(self, calls: int, folder: Path, error: BaseException) -> Iterator[None]:
        self.folder, self.left, self.error = str(folder), calls, error
        try:
            yield
        finally:
            self.error = None


SABOTEUR = Saboteur()
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
ERRORS = {"full": FULL, "denied": PermissionError(errno.EACCES, "denied"), "interrupted": KeyboardInterrupt()}


def contents(folder: Path) -> dict[str, bytes]:
    """What a person finds in a folder; workshops are hidden."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(".")}


def every_point(folder: Path, after: dict[str, bytes], error: BaseException, write) -> int:
    """Fail at the first call, the second, and so on until none is left; the number of failures."""
    before = contents(folder)
    for calls in range(100):
        try:
            with SABOTEUR.after(calls, folder, error):
                write()
        except type(error):
            if contents(folder) != before:  # interrupted in cleaning up
                assert contents(folder) == after
                return calls
            assert not [path for path in folder.iterdir() if path.name.startswith(".")], "a workshop is left"
            continue
        assert contents(folder) == after
        return calls
    raise AssertionError("it never comes to an end")


@pytest.mark.parametrize("error", ERRORS)
def test_a_failure_at_any_call_leaves_the_old_file(tmp_path, error):
    (tmp_path / "out").write_bytes(OLD)
    failures = every_point(tmp_path, {"out": NEW}, ERRORS[error], lambda: write_whole(tmp_path / "out", NEW))
    assert failures >= 4  # made, opened, moved


@pytest.mark.parametrize("error", ERRORS)
def test_a_failure_at_any_call_leaves_no_new_file(tmp_path, error):
    assert every_point(tmp_path, {"out": NEW}, ERRORS[error], lambda: write_whole(tmp_path / "out", NEW)) >= 4


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_a_failure_at_any_call_leaves_the_old_folder(tmp_path, error):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model").write_bytes(OLD)

    def write():
        with whole(tmp_path / "out") as made:
            made.mkdir()
            (made / "model").write_bytes(NEW)

    assert every_point(tmp_path, {"out/model": NEW}, error, write) >= 4


def test_a_kill_at_any_call_leaves_the_old_file_or_the_new_one(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    seen = []
    for calls in range(40):
        (tmp_path / "out").write_bytes(OLD)
        command = [sys.executable, "-c", WRITE, str(calls), ",".join(TOUCHES)]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        seen.append((tmp_path / "out").read_bytes())
        assert seen[-1] in (OLD, NEW)
        if run.returncode != -signal.SIGKILL:
            assert run.stdout == "done\n", run.stderr
            break
    assert (seen[0], seen[-1]) == (OLD, NEW)
    assert len(seen) > 5


FOLDER = """
import os, signal, sys
from pathlib import Path
from spinec.spec import files
files.exchange = lambda *_: False  # as where a system cannot
left = int(sys.argv[1])
def watch(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
with files.whole(Path("out")) as made:
    made.mkdir()
    (made / "model").write_bytes(b"new")
"""


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_folder_that_was_lost_between_two_steps_is_put_back(tmp_path, calls):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model").write_bytes(OLD)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    subprocess.run([sys.executable, "-c", FOLDER, str(calls)], cwd=tmp_path, env=environment, check=False)
    assert (tmp_path / "out").exists() == (calls != 1)
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "out"):
        raise KeyboardInterrupt
    assert (tmp_path / "out" / "model").read_bytes() == (b"new" if calls == 2 else OLD)


def test_a_folder_takes_the_place_of_another_in_one_step(tmp_path, monkeypatch):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    if not exchange(tmp_path / "first", tmp_path / "second"):
        pytest.skip("this system cannot exchange two names")
    monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("the folder was away for a moment"))
    (tmp_path / "out").mkdir(0o700)
    (tmp_path / "out" / "model").write_bytes(OLD)
    with whole(tmp_path / "out") as made:
        made.mkdir()
        (made / "model").write_bytes(NEW)
    assert contents(tmp_path) == {"out/model": NEW}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["n" * 250, "ü" * 125, "n" * 247 + ".yaml"])
def test_a_name_as_long_as_any(tmp_path, name):
    for data in (OLD, NEW):
        write_whole(tmp_path / name, data)
        assert contents(tmp_path) == {name: data}


@pytest.mark.parametrize("command", ["compile eff-spinenet-m0 -o", "draw eff-spinenet-m0 -o", "schema -o", "new"])
def test_links_that_lead_to_themselves(tmp_path, spinec, command):
    target, other = tmp_path / "a.svg", tmp_path / "b.svg"
    target.symlink_to(other)
    other.symlink_to(target)
    code, _, err = spinec(*command.split(), target)
    assert code in (1, 2)
    assert "Traceback" not in err
    assert (target.readlink(), other.readlink()) == (other, target)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        write_whole(target, NEW)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As on a full disk, a write ends in the middle: the kernel refuses what goes beyond."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [0, 1, len(NEW) - 1])
def test_a_write_that_the_kernel_ends_in_the_middle(tmp_path, size):
    (tmp_path / "out").write_bytes(OLD)
    with largest_file(size), pytest.raises(OSError):  # noqa: PT011  (which one depends on the system)
        write_whole(tmp_path / "out", NEW)
    assert contents(tmp_path) == {"out": OLD}


def test_a_full_disk(tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk: run as root")
    try:
        (tmp_path / "out").write_bytes(OLD)
        with pytest.raises(OSError, match="No space left"):
            write_whole(tmp_path / "out", bytes(100_000))
        assert contents(tmp_path) == {"out": OLD}
        write_whole(tmp_path / "out", NEW)  # nothing is left behind that would take its room
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    "command",
    ["compile eff-spinenet-m0 -o", "scale eff-spinenet-m0 --width 2 -o", "fit eff-spinenet-m0 --macs 1G -o"],
)
def test_commands_say_why_and_leave_the_old_file(tmp_path, monkeypatch, capsys, command):
    from spinec.cli import main

    target = tmp_path / ("out.py" if command.startswith("compile") else "out.yaml")
    target.write_bytes(OLD)
    monkeypatch.setattr("sys.argv", ["spinec", *command.split(), str(target)])
    with SABOTEUR.after(1, tmp_path, FULL), pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert f"{target}: cannot be written: No space left on device" in capsys.readouterr().err
    assert contents(tmp_path) == {target.name: OLD}
