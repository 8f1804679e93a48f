"""What is fuzzed, in short: the inputs that fuzzing starts from, random ones, and a run of each target with atheris."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import deque
from pathlib import Path
from random import Random

import pytest
from patience import HUNG

from fuzz import targets
from fuzz.seeds import LONGEST, choices, dictionary, texts
from spinec import loads
from spinec.spec.errors import SpecError
from spinec.spec.kinds.library import KINDS

ROOT = Path(__file__).parent.parent
RUNS = {"loader": 4_000, "emitter": 400}


class Chance:
    """Choices from bytes, without atheris."""

    def __init__(self, data: bytes) -> None:
        self.random = Random(data)

    def ConsumeIntInRange(self, least: int, most: int) -> int:  # noqa: N802
        return self.random.randint(least, most)

    def ConsumeBool(self) -> bool:  # noqa: N802
        return self.random.random() < 0.5


def test_what_loader_starts_from_is_loaded_or_refused():
    found = list(dict.fromkeys(texts()))
    assert len(found) > 300
    for text in found:
        targets.loader(text[:LONGEST])


def test_what_emitter_starts_from_is_emitted_or_refused():
    for data in list(choices())[:60]:
        targets.emitter(data, Chance)


def test_of_the_specs_that_are_made_up_many_are_legal_and_every_kind_occurs():
    legal, seen = 0, ""
    for data in choices():
        text = targets.Author(Chance(data)).document()
        seen += text
        try:
            loads(text)
            legal += 1
        except SpecError:
            pass
    assert legal > 50
    assert all(f"kind: {kind}" in seen for kind in (*KINDS, *targets.Head.kinds))


def test_the_dictionary_has_the_words_of_the_language():
    words = dictionary().splitlines()
    assert {'"blocks"', '"mbconv"', '"space_to_depth"', '"retinanet"', '"efficientnet-b0"', '"\\x7b"'} <= {*words}
    assert all(len(word) > 2 and word[0] == word[-1] == '"' for word in words)


@pytest.mark.parametrize("name", ["format_text", "reads", "dump"])
def test_loader_lets_no_other_error_pass(monkeypatch, name):
    def broken(*arguments):
        raise KeyError(name)

    monkeypatch.setattr(targets, name, broken)
    with pytest.raises(KeyError):
        targets.loader(b"name: x\nblocks: {b: {kind: conv, level: 1, dim: 8, inputs: [image]}}\noutputs: {x: b}\n")


def test_loader_notices_what_formatting_changes(monkeypatch):
    monkeypatch.setattr(targets, "format_text", lambda text, name="": "name: y\n")
    with pytest.raises(AssertionError):
        targets.loader(b"name: x\n")


def test_emitter_notices_source_that_does_not_compile(monkeypatch):
    monkeypatch.setattr(targets, "emit", lambda program, backend: "def")
    with pytest.raises(SyntaxError):
        deque(targets.emitter(data, Chance) for data in choices())


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="no atheris: it has wheels for Linux alone")
@pytest.mark.parametrize("target", RUNS)
def test_a_short_run_finds_nothing(tmp_path, target):
    fuzzer = [
        sys.executable,
        "fuzz/run.py",
        target,
        f"-runs={RUNS[target]}",
        "-seed=1",
        f"-timeout={HUNG}",
        f"-artifact_prefix={tmp_path}/",
    ]
    # Started by a shell: Linux counts what this process once held towards the memory of what it starts itself, and libFuzzer
    # has a limit. The shell stays until the end, or else it would be the fuzzer's own process.
    command = ["sh", "-c", '"$@"; exit $?', "sh", *fuzzer]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    assert f"Done {RUNS[target]} runs" in run.stderr
