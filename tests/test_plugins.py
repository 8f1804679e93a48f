"""Packages that add to spinec: one is installed for real, then parts of it are taken away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

PLUGIN = Path(__file__).parent / "plugin"
SPEC = """name: signed
input: {size: 32}
blocks:
  b1: {level: 1, kind: signed_conv, dim: 8, inputs: [image]}
  b2: {level: 2, kind: signed_conv, dim: 16, steepness: 2, inputs: [b1]}
outputs: {out: b2}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the plug-in installed."""
    folder = tmp_path_factory.mktemp("plugin")
    copytree(PLUGIN, folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", folder / "site", folder / "source"], check=True)
    (folder / "signed.yaml").write_text(SPEC, encoding="utf-8")
    return folder


def run(site: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of the command line with the plug-in installed."""
    paths = os.pathsep.join(filter(None, [str(site / "site"), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-m", "spinec", *arguments],
        cwd=site,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_installed_is_listed(site):
    code, said = run(site, "plugins")
    assert code == 0
    assert "softsign 0.1: package spinec_softsign" in said
    assert "kinds: signed_conv" in said
    assert "modules: primitives, ops, pytorch, tensorflow" in said


def test_a_kind_of_a_plug_in_is_counted_and_compiled(site):
    assert run(site, "validate", "signed.yaml") == (0, "signed.yaml: valid, 2 blocks\n")
    code, said = run(site, "cost", "signed.yaml")
    assert code == 0
    assert "129,024" in said  # 3 * 8 * 9 * 16^2 + 8 * 16 * 9 * 8^2
    code, source = run(site, "compile", "signed.yaml", "--backend", "pytorch")
    assert code == 0
    assert "F.softsign(" in source
    code, said = run(site, "schema")
    assert code == 0
    assert "signed_conv" in said


def test_both_backends_compute_the_same(site):
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    code, said = run(site, "verify", "signed.yaml")
    assert code == 0, said
    assert "all within the bar" in said


@pytest.mark.parametrize(
    ("module", "command", "said"),
    [
        ("pytorch", ["compile", "signed.yaml", "--backend", "pytorch"], "must have it in spinec_softsign/pytorch.py"),
        ("ops", ["cost", "signed.yaml"], "must have it in spinec_softsign/ops.py"),
        ("primitives", ["cost", "signed.yaml"], "no primitive is named"),
    ],
)
def test_what_is_missing_is_said(site, module, command, said):
    path = site / "site" / "spinec_softsign" / f"{module}.py"
    kept = path.read_text()
    path.unlink()
    try:
        code, output = run(site, *command)
    finally:
        path.write_text(kept)
    assert code == 1
    assert said in output
    assert "Traceback" not in output


def test_a_broken_module_is_named(site):
    path = site / "site" / "spinec_softsign" / "ops.py"
    kept = path.read_text()
    path.write_text("raise RuntimeError('no luck')\n")
    try:
        code, output = run(site, "cost", "signed.yaml")
    finally:
        path.write_text(kept)
    assert code == 1
    assert "plug-in 'softsign': spinec_softsign.ops cannot be imported: RuntimeError: no luck" in output
    assert "Traceback" not in output
