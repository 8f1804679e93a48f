"""The same spec gives the same bytes in every run: source, pictures, reports, tables, faults."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import HUNG

SCRIPT = Path(__file__).with_name("outputs.py")
SEEDS = ("0", "1", "random")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Everything that is written, by file, in a process for every hash seed: at other places, in other time zones."""
    written = {}
    for number, seed in enumerate(SEEDS):
        folder = tmp_path_factory.mktemp(f"seed-{seed}")
        environment = {
            "PATH": "",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "PYTHONHASHSEED": seed,
            "HOME": str(folder.parent),
            "TZ": f"UTC-{5 * number}",
            "LC_ALL": ("C", "C.UTF-8", "POSIX")[number],
        }
        subprocess.run([sys.executable, str(SCRIPT)], cwd=folder, env=environment, check=True, timeout=HUNG)
        written[seed] = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return written


def test_every_output_is_the_same_under_every_hash_seed(runs):
    first = runs[SEEDS[0]]
    for seed in SEEDS[1:]:
        assert runs[seed].keys() == first.keys()
        assert [name for name in first if runs[seed][name] != first[name]] == [], seed


def test_every_sort_of_output_was_written(runs):
    """What a failing command says is the same in every run, too: it must not pass for output."""
    written = runs[SEEDS[0]]
    suffixes = {Path(name).suffix for name in written}
    assert suffixes >= {".py", ".svg", ".tex", ".mmd", ".dot", ".yaml", ".txt"}
    failed = [text.splitlines()[0] for name, text in written.items() if b"\nexit 1" in text or b"\nexit 2" in text]
    assert all(line.startswith(b"validate ") for line in failed), failed
    assert len(failed) == 4
