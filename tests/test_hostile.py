"""Hostile documents: each is refused for what it is, runs no code, reads nothing outside its folder, writes nothing.

What refusing takes in time and memory is measured by tools/make_hostile.py, not here.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from hostile import HOSTILE, ROOT

from spinec.compiler.lowering.pipeline import lower
from spinec.spec.errors import SpecError
from spinec.spec.load import read

# Reads every folder's document and prints what of the world outside was touched meanwhile.
WATCHED = """
import sys, sysconfig
from pathlib import Path
import spinec.compiler.lowering.pipeline, spinec.spec.load, spinec.spec.suggestions, networkx
from spinec.spec.kinds.library import KINDS
from spinec.spec.library import fragments, library
from spinec.spec.plugins import PARTS, load_part
assert list(KINDS.values()) and not any(map(load_part, PARTS[:3]))
own = [Path(spinec.__path__[-1]).resolve(), *map(Path, {*sysconfig.get_paths().values()})]
folders = sorted(Path(sys.argv[1]).iterdir())
touched = []
def watch(event, arguments):
    if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "os.remove", "os.rename", "os.mkdir"):
        touched.append((event, str(arguments)))
    if event == "open" and isinstance(arguments[0], str):
        path = Path(arguments[0]).resolve()
        writes = any(letter in (arguments[1] or "r") for letter in "wax+")
        if writes or not any(path.is_relative_to(root) for root in (*own, here)):
            touched.append((event, str(arguments)))
sys.addaudithook(watch)
for folder in folders:
    here = folder.resolve()
    try:
        spinec.compiler.lowering.pipeline.lower(spinec.spec.load.read(folder / "hostile.yaml").spec)
        touched.append(("accepted", folder.name))
    except spinec.spec.errors.SpecError as error:
        str(error)
print(touched)
"""


def write(hostile, folder):
    made = hostile.make(folder)
    (folder / "hostile.yaml").write_bytes(made if isinstance(made, bytes) else made.encode())


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_document_is_refused_for_what_it_is(tmp_path, monkeypatch, hostile):
    monkeypatch.chdir(tmp_path)
    write(hostile, tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(SpecError) as caught:
        lower(read("hostile.yaml").spec)
    assert hostile.code in {fault.code for fault in caught.value.faults}
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 100_000
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_no_hostile_document_touches_anything_outside_its_folder(tmp_path):
    for number, hostile in enumerate(HOSTILE):
        folder = tmp_path / f"{number:02}"
        folder.mkdir()
        write(hostile, folder)
    command = [sys.executable, "-c", WATCHED, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
