"""A disk that is full while a framework writes: one line says so, and nothing is left, whatever the framework does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from exported import RUNTIMES
from seeded_faults import CLASSIFIER
from test_whole import largest_file

from spinec import loads, lower
from spinec.backends import export, writing
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.export import export_model

ROOT = Path(__file__).parent.parent
PROGRAM = lower(loads(CLASSIFIER))
FULL = 2_000  # bytes that a file may have: a write goes wrong in the middle


@pytest.fixture
def weights():
    np = pytest.importorskip("numpy")
    pytest.importorskip("safetensors")
    return {name: np.ones(shape, "float32") for name, shape in (PROGRAM.weights | PROGRAM.state).items()}


def is_full(folder, write):
    """Writing fails as a full disk has it, and the old file is all there is."""
    (folder / "old").write_text("old")
    with largest_file(FULL), pytest.raises(OSError, match=r".") as raised:
        write()
    assert raised.value.errno
    assert "\n" not in raised.value.strerror
    assert [path.name for path in folder.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.weights.h5", "a.keras"])
def test_no_file_of_weights_is_written_in_part(tmp_path, weights, name):
    pytest.importorskip("tensorflow" if name.endswith(("h5", "keras")) else "torch")
    is_full(tmp_path, lambda: write_checkpoint(tmp_path / name, PROGRAM, weights))


@pytest.mark.parametrize("form", RUNTIMES)
def test_no_model_is_exported_in_part(tmp_path, form):
    owner, ending, needs, _ = RUNTIMES[form]
    for module in ("torch" if owner == "pytorch" else "tensorflow", *needs):
        pytest.importorskip(module)
    is_full(tmp_path, lambda: export_model(PROGRAM, form, tmp_path / f"model{ending}"))


class OddError(Exception):
    """What no framework has raised so far."""


def test_whatever_is_raised_while_writing_is_one_line_and_leaves_nothing(tmp_path, spinec, monkeypatch):
    def fail(made, program, weights, part):
        made.write_text("half")
        raise OddError("no more\nand pages of it")

    monkeypatch.setattr(export, "backend", lambda name: SimpleNamespace(EXPORTS={"onnx": fail}))
    code, out, err = spinec("export", "resnet-18", "--to", "onnx", "-o", tmp_path / "model.onnx")
    assert (code, out, err) == (1, "", f"{tmp_path / 'model.onnx'}: cannot be written: no more\n")
    assert not list(tmp_path.iterdir())


def crash(path, program, weights):
    """Stands for a writer that ends its process."""
    path.write_bytes(b"half")
    os.abort()


def refuse(path, program, weights):
    """Stands for one that raises."""
    raise OddError(f"{program.name} with {len(weights)} arrays\nand pages of it")


@pytest.mark.parametrize(
    ("write", "says"), [(crash, "what writes it ended by SIGABRT"), (refuse, "seeded-classifier with {} arrays")]
)
def test_what_ends_its_process_ends_not_this_one(tmp_path, monkeypatch, weights, write, says):
    monkeypatch.setattr(sys, "path", [str(ROOT / "tests"), str(ROOT), *sys.path])
    with pytest.raises(OSError, match="^.* " + says.format(len(weights))), writing.written(tmp_path / "a") as made:
        writing.apart(write, made, PROGRAM, weights)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", [["--version"], ["schema"], ["show", "resnet-18"], ["fmt", "-"]])
def test_a_full_standard_output_is_one_line(command):
    with open("/dev/full", "w") as full, (ROOT / "specs" / "resnet-18.yaml").open() as given:
        run = subprocess.run(
            [sys.executable, "-m", "spinec", *command],
            cwd=ROOT, stdin=given, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr == f"standard output: cannot be written: {os.strerror(28)}\n"
