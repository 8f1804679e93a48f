"""Deliberate faults, one a file in `faults/`: what is said of each is a golden file, where is marked in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spinec.spec.document import MAX_BYTES, MAX_ENTRIES, MAX_NODES, MAX_SHARED
from spinec.spec.errors import MOST_FAULTS, Fault, SpecError, SpecWarning
from spinec.spec.fields import MAX_BLOCKS
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
    "too_many_nodes": (WHOLE + "source: [" + f"[{'x, ' * 4000}], " * (MAX_NODES // 4000 + 1) + "]", 5),
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


def test_null_under_a_misspelt_key_is_not_another_network():
    """The README's own idiom: with 'endpoint' for 'endpoints' it was a network of half as many multiply-adds again."""
    text = "name: demo\nextends: efficientnet-b0\n%s: null\nhead: {kind: segmentation, dim: 64}\n"
    assert loads(text % "endpoints").endpoints is None
    with pytest.raises(SpecError, match=r"<text>:3:1: unknown key 'endpoint'(.|\n)*did you mean 'endpoints'"):
        loads(text % "endpoint")


def test_null_takes_away_and_says_what_may_be_said_anyway():
    text = "name: demo\nextends: efficientnet-b0\n%s\n"
    block = loads(text % "blocks: {b5: {kernel: 5, squeeze_activation: null, fuse: null}}\npublished: null").blocks[
        "b5"
    ]
    assert (block.kernel, block.squeeze_activation, block.fuse) == (5, None, None)


def test_a_fragment_is_validated_by_itself(spinec):
    assert spinec("validate", "fragment_alone.yaml") == (0, "fragment_alone.yaml: valid, 1 blocks\n", "")
    code, out, err = spinec("validate", "fragments/faulty.yaml")
    assert (code, out) == (1, "")
    assert "used at" not in err
    told = [line for line in err.splitlines() if "SPN-" in line]
    with pytest.raises(SpecError) as caught:
        load("neck_faulty_fragment.yaml")
    assert told == [line for line in str(caught.value).splitlines() if "SPN-" in line]


def test_machines_are_told_where_a_document_is_used(spinec):
    found = json.loads(spinec("validate", "neck_unknown_name.yaml", "--format", "json")[1])
    assert found["rows"][0]["used_at"] == [{"file": "neck_unknown_name.yaml", "line": 5, "column": 18}]
    log = json.loads(spinec("validate", "neck_unknown_name.yaml", "--format", "sarif")[1])
    (related,) = log["runs"][0]["results"][0]["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "neck_unknown_name.yaml"
    assert (
        "used at neck_unknown_name.yaml:5:18" in spinec("validate", "neck_unknown_name.yaml", "--format", "github")[1]
    )


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
    for number, shown in ((900, "... and 850 more faults"), (2000, "... and at least 950 more faults")):
        noise = "".join(f"  b{i}: {{kind: conv, level: 1, dim: 8, inputs: [x{i}]}}\n" for i in range(number))
        with pytest.raises(SpecError) as caught:
            loads(f"name: demo\nblocks:\n{noise}outputs: {{P1: b0}}\n")
        assert len(caught.value.faults) == min(number, MOST_FAULTS)
        assert str(caught.value).endswith(shown)


def test_an_error_is_found_however_many_warnings_there_are():
    unread = "".join(f"  b{i}: {{kind: conv, level: 1, dim: 8, inputs: [image]}}\n" for i in range(MOST_FAULTS + 9))
    for wrong in ("P1: b0, P2: nope", "P5: b0"):
        with pytest.raises(SpecError):
            loads(f"name: demo\nblocks:\n{unread}outputs: {{{wrong}}}\n")


def test_as_many_blocks_as_there_may_be():
    """The largest that is legal, and what is one too many: a block, a repeat, a block of the neck's."""
    blocks = "".join(
        f"  b{i}: {{kind: conv, level: 1, dim: 8, inputs: [{f'b{i - 1}' if i else 'image'}]}}\n"
        for i in range(MAX_BLOCKS)
    )
    text = f"name: demo\nblocks:\n{blocks}outputs: {{P1: b{MAX_BLOCKS - 1}}}\n"
    assert len(loads(text).blocks) == MAX_BLOCKS
    for old, new in (("  b0: {", "  b0: {repeats: 2, "), ("blocks:\n", "blocks:\n  z: {}\n")):
        with pytest.raises(SpecError, match="SPN-302"):
            loads(text.replace(old, new, 1))


def test_what_is_inherited_counts_against_the_limits(tmp_path):
    half = "source: [" + "x, " * (MAX_ENTRIES - 1) + "]\n"
    keys = "".join(half.replace("source", f"k{i}") for i in range(MAX_NODES // MAX_ENTRIES // 2 + 1))
    (tmp_path / "parent.yaml").write_text(f"name: parent\n{keys}")
    (tmp_path / "child.yaml").write_text(f"name: child\nextends: parent.yaml\n{keys}")
    for name, code in {"parent.yaml": "SPN-202", "child.yaml": "SPN-105"}.items():
        with pytest.raises(SpecError, match=code):
            load(tmp_path / name)


def test_a_cell_is_not_repeated_beyond_the_limit(tmp_path):
    """It is refused before its blocks are made, not after."""
    blocks = "".join(f"    n{i}: {{kind: conv, level: 1, dim: 8, inputs: [$x]}}\n" for i in range(MAX_BLOCKS // 4))
    cell = f"cell:\n  repeats: $repeats\n  blocks:\n{blocks}  gives: {{x: n0}}\n"
    (tmp_path / "cell.yaml").write_text(
        f"takes: [C3]\nsettings: {{repeats: 1}}\nblocks: {{}}\ngives: {{x: $C3}}\n{cell}"
    )
    necked = tmp_path / "necked.yaml"
    for repeats in (3, 5):
        necked.write_text(
            WHOLE.replace("outputs: {P1: stem}", f"neck: {{fragment: cell.yaml, C3: stem, repeats: {repeats}}}")
        )
        if repeats == 3:
            assert len(read(necked).spec.blocks) == 3 * (MAX_BLOCKS // 4) + 1
        else:
            with pytest.raises(SpecError, match=r"cell\.yaml:6:3: neck: expected at most"):
                read(necked)


@pytest.mark.parametrize("number", [MAX_SHARED - 1, MAX_SHARED])
def test_what_every_block_takes_is_small(number):
    wide = WHOLE + f"defaults: {{fuse: {{{', '.join(f'k{i}: 1' for i in range(number))}}}}}\n"
    with pytest.raises(SpecError, match="SPN-202" if number < MAX_SHARED else "SPN-105"):
        loads(wide)


def test_every_golden_file_has_its_fault():
    assert {path.stem for path in GOLDEN.glob("*")} == {*FAULTY, *LEGAL, *GENERATED}
