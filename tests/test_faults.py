"""Deliberate faults, one a file in `faults/`: what is said of each is a golden file, where is marked in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinec.spec.document import MAX_BYTES, MAX_EVENTS
from spinec.spec.errors import Fault, SpecError, SpecWarning
from spinec.spec.load import load, loads, read

FAULTS = Path(__file__).parent / "faults"
GOLDEN = Path(__file__).parent / "golden" / "faults"
MARK = "# <- here"  # on every line at fault, and on no other
PLACELESS = {"empty_document"}
LEGAL = {"block_unread"}  # loaded, with a warning
FAULTY = sorted({path.stem for path in FAULTS.glob("*.yaml")} - LEGAL)

WHOLE = "name: demo\nblocks:\n  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}\noutputs: {P1: stem}\n"
GENERATED: dict[str, tuple[str | bytes, int | None]] = {  # what no file should hold, and the line at fault
    "control_character": (WHOLE + "source: a\x1b[31mred herring\n", 5),
    "digits_in_an_output_name": (WHOLE.replace("P1:", f"? P{'9' * 5000} \n  :"), 4),
    "lone_surrogate": (WHOLE + "source: a\ud800b\n", 5),
    "long_number": (WHOLE + f"input: {{size: {'9' * 1_000_000}}}", 5),
    "not_utf8": ((WHOLE + "source: caf\xe9\n").encode("latin-1"), None),
    "null_character": (WHOLE + "source: a\0b\n", 5),
    "too_deep": (WHOLE + f"source: {'[' * 100_000}", 5),
    "too_large": (WHOLE + "#" * MAX_BYTES, None),
    "too_many_nodes": (WHOLE + "source: [" + f"[{'x, ' * 8000}], " * (MAX_EVENTS // 8000 + 1) + "]", 5),
}
NO_FILES = ("", ".", "a\0.yaml", "\ud800.yaml", "a" * 300, "a" * 300 + ".yaml", "no-such-spec", "no-such.yaml")


@pytest.fixture(autouse=True)
def _beside_the_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FAULTS)  # so that a golden file shows no path of this machine


def fault_of(text: str | bytes, name: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loads(text, name) if isinstance(text, str) else load(name)
    return caught.value


def marked(faults: tuple[Fault, ...]) -> set[tuple[str, int]]:
    """The marked lines of every source that the faults point into."""
    sources = {fault.place.source.name: fault.place.source for fault in faults if fault.place}
    return {(name, i) for name, source in sources.items() for i, line in enumerate(source.lines, 1) if MARK in line}


def pointed_at(faults: tuple[Fault, ...]) -> set[tuple[str, int]]:
    return {(fault.place.source.name, fault.place.line) for fault in faults if fault.place}


@pytest.mark.parametrize("name", FAULTY)
def test_fault(golden, name):
    with pytest.raises(SpecError) as caught:
        load(f"{name}.yaml")
    golden(GOLDEN / f"{name}.txt", f"{caught.value}\n")
    faults = caught.value.faults
    assert all(fault.place for fault in faults) != (name in PLACELESS)
    assert pointed_at(faults) == marked(faults)


@pytest.mark.parametrize("name", sorted(LEGAL))
def test_warning(golden, name):
    with pytest.warns(SpecWarning) as caught:
        load(f"{name}.yaml")
    golden(GOLDEN / f"{name}.txt", "".join(f"{warning.message}\n" for warning in caught))
    faults = read(f"{name}.yaml").warnings
    assert pointed_at(faults) == marked(faults) != set()


@pytest.mark.parametrize("name", GENERATED)
def test_generated_fault(golden, tmp_path, monkeypatch, name):
    text, line = GENERATED[name]
    monkeypatch.chdir(tmp_path)
    if isinstance(text, bytes):
        Path(f"{name}.yaml").write_bytes(text)
    error = fault_of(text, f"{name}.yaml")
    golden(GOLDEN / f"{name}.txt", f"{error}\n")
    assert [fault.place.line if fault.place else None for fault in error.faults] == [line]


@pytest.mark.parametrize("name", NO_FILES)
def test_name_of_no_spec(name):
    with pytest.raises(SpecError, match=r"cannot be read|no such file"):
        load(name)


def test_text_cannot_extend_a_file():
    with pytest.raises(SpecError, match=r"<text>:2:10: extends: .* this spec is not in a folder"):
        loads("name: demo\nextends: parents/sound.yaml\n")


def test_errors_come_without_the_warnings_they_cause():
    with pytest.raises(SpecError) as caught:
        loads(WHOLE.replace("stem}", "stm}"))
    assert [fault.severity for fault in caught.value.faults] == ["error"]


def test_most_faults_are_counted_and_not_shown():
    noise = "".join(f"  b{i}: {{kind: conv, level: 1, dim: 8, inputs: [x{i}]}}\n" for i in range(2000))
    with pytest.raises(SpecError) as caught:
        loads(f"name: demo\nblocks:\n{noise}outputs: {{P1: b0}}\n")
    assert len(caught.value.faults) == 2000
    assert str(caught.value).endswith("... and 1950 more faults")


def test_every_golden_file_has_its_fault():
    assert {path.stem for path in GOLDEN.glob("*")} == {*FAULTY, *LEGAL, *GENERATED}
