"""Commands without the framework that they need say what to install; those that take long say what they do."""

from __future__ import annotations

import sys

import pytest
from seeded_faults import CLASSIFIER

from spinec import loads, lower
from spinec.backends.neutral import packed
from spinec.options import working

PROGRAM = lower(loads(CLASSIFIER))
WITHOUT = {
    "torch": (
        "verify SPEC",
        "verify SPEC --training",
        "export SPEC --to onnx -o a.onnx",
        "export SPEC --to torch-export -o a.pt2",
        "weights convert WEIGHTS b.pt --spec SPEC",
        "weights convert OTHER.pt b.safetensors --spec SPEC",
    ),
    "keras": (
        "export SPEC --to keras -o a.keras",
        "export SPEC --to savedmodel -o a",
        "export SPEC --to tflite -o a.tflite",
        "weights convert WEIGHTS b.weights.h5 --spec SPEC",
        "weights convert OTHER.keras b.safetensors --spec SPEC",
    ),
    "safetensors": ("weights convert WEIGHTS b.pt --spec SPEC", "weights convert OTHER.safetensors b.pt --spec SPEC"),
}
CASES = [(absent, command) for absent, commands in WITHOUT.items() for command in commands]


@pytest.mark.parametrize(("absent", "command"), CASES)
def test_what_is_not_installed_is_one_line(tmp_path, monkeypatch, spinec, absent, command):
    np = pytest.importorskip("numpy")
    pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "SPEC").write_text(CLASSIFIER)
    weights = {name: np.ones(shape, "float32") for name, shape in (PROGRAM.weights | PROGRAM.state).items()}
    for name in ("WEIGHTS.safetensors", "OTHER.pt", "OTHER.keras", "OTHER.safetensors"):
        (tmp_path / name).write_bytes(packed(weights, PROGRAM.name))
    before = sorted(tmp_path.iterdir())
    monkeypatch.setitem(sys.modules, absent, None)
    code, out, err = spinec(*command.replace("WEIGHTS", "WEIGHTS.safetensors").split())
    assert (code, out) == (1, "")
    assert "is not installed: pip install 'spinec[" in err
    assert len(err.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("terminal", [True, False])
def test_what_takes_long_says_what_it_does_at_a_terminal_alone(monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    with working("exporting [a] model"):
        pass
    out, err = capsys.readouterr()
    assert out == ""
    assert ("exporting [a] model" in err) == terminal == bool(err)
