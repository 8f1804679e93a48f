"""Codes of faults: every fault has one that is explained, and every example is refused with its code and then cured."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from test_faults import FAULTS, FAULTY, GENERATED, LEGAL, WHOLE

from spinec.compiler.advice.lint import lint
from spinec.compiler.cost.report import cost
from spinec.compiler.graph.hierarchy import GraphBuilder
from spinec.compiler.lowering.pipeline import lower
from spinec.compiler.ops.activation import Activation
from spinec.spec.codes import SECTIONS, SOUND, codes, explanation
from spinec.spec.document import MAX_BYTES
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fields import MAX_BLOCKS
from spinec.spec.load import Loaded, load, read, reads
from spinec.spec.reports import to_github, to_json, to_sarif

ROOT = Path(__file__).parent.parent
SHOWN = [code for code in codes().values() if code.faulty]
# Of codes whose example is no document of a few lines: a file of the corpus, or a text.
CORPUS = {
    "SPN-107": "empty_document",
    "SPN-118": "not_a_mapping",
    "SPN-301": "blocks_is_empty",
    "SPN-504": "extends_leaves_the_folder",
    "SPN-505": "extends_missing_file",
    "SPN-506": "extends_cycle",
    "SPN-508": "extends_removes_nothing",
    "SPN-509": "extends_removes_what_is_read",
    "SPN-516": "neck_names_taken",
    "SPN-517": "neck_names_taken",
    "SPN-518": "neck_faulty_fragment",
    "SPN-519": "fragment_alone",
}
ELSEWHERE = ("SPN-604", "SPN-704", "SPN-802", "SPN-705", "SPN-706", "SPN-707", "SPN-708")
ELSEWHERE += ("SPN-711", "SPN-712", "SPN-713")  # below, in tests/test_spaces.py, or no documents
BLOCK = "{level: 3, kind: conv, dim: 8, inputs: [image]}"
WIDE = "{level: 3, kind: conv, dim: 32768, kernel: 1, repeats: 64, inputs: [%s]}"
NECKED = "name: demo\nblocks:\n" + "".join(
    f"  c{level}: {{level: {level}, kind: conv, dim: 8, inputs: [image]}}\n" for level in (3, 4, 5)
)
FPN = "neck: {fragment: fpn, C3: c3, C4: c4, C5: c5}\n"


def made(code: str, folder: Path) -> str | bytes:
    """What raises a code that has no short example."""
    match code:
        case "SPN-103":
            return GENERATED["not_utf8"][0]
        case "SPN-104":
            return WHOLE + "#" * MAX_BYTES
        case "SPN-105":
            return GENERATED["too_many_nodes"][0]
        case "SPN-106":
            return GENERATED["too_deep"][0]
        case "SPN-111":
            return GENERATED["null_character"][0]
        case "SPN-302":
            return "name: demo\nblocks:\n" + many(MAX_BLOCKS + 1)
        case "SPN-507":
            for number in range(18):
                (folder / f"p{number}.yaml").write_text(f"name: p{number}\nextends: p{number + 1}.yaml\n")
            return "name: demo\nextends: p0.yaml\n"
        case "SPN-513":
            return NECKED + f"  post3: {BLOCK}\n" + FPN
        case "SPN-515":
            (folder / "own.yaml").write_text(
                f"takes: [C3]\nblocks:\n  n: {BLOCK.replace('image', '$C4')}\ngives: {{P3: n}}\n"
            )
            return NECKED + "neck: {fragment: own.yaml, C3: c3}\n"
        case "SPN-908":
            return NECKED + FPN.replace("c4, C5: c5", "c5, C5: c4")
        case "SPN-603":
            wide = "\n".join(f"  w{i}: {WIDE % ('image' if i == 0 else f'w{i - 1}')}" for i in range(17))
            return f"name: demo\nblocks:\n{wide}\noutputs: {{P3: w16}}\n"
    raise AssertionError(f"{code} has no example: give it one in codes.yaml, or here")


def many(number: int) -> str:
    return "".join(f"  b{i}: {BLOCK}\n" for i in range(number)) + "outputs: {P3: b0}\n"


def raised(name: str) -> set[str]:
    return said_of(partial(read, name))


def said_of(load: Callable[[], Loaded]) -> set[str]:
    """The codes of what loading, lowering and linting a spec says."""
    try:
        loaded = load()
        report = cost(lower(loaded.spec))
    except SpecError as error:
        return {fault.code for fault in error.faults}
    return {fault.code for fault in lint(loaded, report)}


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.code)
def test_an_example_is_refused_with_its_code_and_then_cured(monkeypatch, capsys, tmp_path, code):
    if code.is_command:
        assert code.code in _said(monkeypatch, capsys, code.faulty, exits=1)
        monkeypatch.chdir(tmp_path)  # a cured command writes its file
        _said(monkeypatch, capsys, code.cured, exits=0)
        return
    assert code.code in said_of(partial(reads, code.faulty))
    assert code.faulty != code.cured
    assert not said_of(partial(reads, code.cured))


def _said(monkeypatch, capsys, command, exits):
    from spinec.cli import main

    monkeypatch.setattr("sys.argv", shlex.split(command))
    try:
        main()
        status = 0
    except SystemExit as stop:
        status = stop.code or 0
    out, err = capsys.readouterr()
    assert status == exits, err
    return out + err


@pytest.mark.parametrize("code", [code for code in codes() if not codes()[code].faulty and code not in ELSEWHERE])
def test_what_has_no_short_example_is_refused_with_its_code(tmp_path, monkeypatch, code):
    if code in CORPUS:
        monkeypatch.chdir(FAULTS)
        assert code in raised(f"{CORPUS[code]}.yaml")
        return
    monkeypatch.chdir(tmp_path)
    text = made(code, tmp_path)
    Path("made.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert code in raised("made.yaml")


def test_parts_of_one_name():
    graph = GraphBuilder("demo", "")
    graph.add("part", Activation("relu"), "x")
    with pytest.raises(SpecError, match="SPN-604"):
        graph.add("part", Activation("relu"), "x")


def test_a_table_that_a_chart_cannot_read(tmp_path, monkeypatch, capsys):
    (tmp_path / "points.csv").write_text("name,params\na,1\n")
    monkeypatch.chdir(tmp_path)
    assert "SPN-802" in _said(monkeypatch, capsys, "spinec chart candidates points.csv -o points.svg", exits=1)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("SPN-705", "[(2, f(), (0, 1), True)]"),
        ("SPN-706", "[(1, 'bottleneck', (0, 1), True)]"),
        ("SPN-707", "ir_r2"),
        ("SPN-708", "ds_r1_k3_s1_c30 ds_r2_k3_s1_c100_se0.25"),
    ],
)
def test_block_lists(code, text):
    from spinec.compiler.interchange.convert import import_blocks

    with pytest.raises(SpecError) as caught:
        import_blocks(text)
    assert [fault.code for fault in caught.value.faults] == [code]


def test_no_form():
    from spinec.compiler.cost_model.quadratic_form import no_form

    assert no_form("demo").faults[0].code == "SPN-704"


def test_every_fault_in_the_code_has_a_code_that_is_explained_and_every_code_is_raised():
    used = set()
    for folder in ("spec", "compiler", "backends", "visualize", "train", "search", "spinec"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fault":
                    assert node.args, f"{path}:{node.lineno}: the code comes first"
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and node.value.startswith("SPN-")
                    and node.value != "SPN-"
                ):
                    used.add(node.value)
    assert used == set(codes())


@pytest.mark.parametrize("name", [*FAULTY, *LEGAL])
def test_every_fault_of_the_corpus_has_a_code(monkeypatch, name):
    monkeypatch.chdir(FAULTS)
    assert raised(f"{name}.yaml")
    assert raised(f"{name}.yaml") <= set(codes())


def test_codes_are_in_order_and_say_all():
    assert list(codes()) == sorted(codes())
    for code in codes().values():
        assert code.code[4] in SECTIONS
        assert code.why.endswith(".")
        assert code.cure.endswith(".")
        assert code.cure in explanation(code)


@pytest.fixture
def found(monkeypatch):
    monkeypatch.chdir(FAULTS)
    with pytest.raises(SpecError) as caught:
        load("several_at_once.yaml")
    warned = read("block_unread.yaml").warnings
    return {"several_at_once.yaml": caught.value.faults, "block_unread.yaml": warned}


def test_json_says_what_the_text_says(found):
    said = json.loads(to_json(found, passed=False))
    assert said["passed"] is False
    assert said["about"]["files"] == [
        {"file": "several_at_once.yaml", "valid": False},
        {"file": "block_unread.yaml", "valid": True},
    ]
    assert [(each["checked"], each["line"], each["column"], each["code"]) for each in said["rows"]] == [
        (name, fault.place.line, fault.place.column, fault.code) for name, faults in found.items() for fault in faults
    ]
    assert said["rows"][0]["hint"] == "did you mean 'kernel'?"


def test_sarif_names_the_rule_the_level_and_the_place_of_every_fault(found):
    log = json.loads(to_sarif(found, "0.1.0"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {result["ruleId"] for result in run["results"]}
    assert {result["level"] for result in run["results"]} == {"error", "warning"}
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [
        (fault.place.source.name, fault.place.line) for faults in found.values() for fault in faults
    ]
    assert all(place["region"]["startColumn"] < place["region"]["endColumn"] for place in places)


def test_github_commands_are_one_line_each_whatever_a_spec_says():
    nasty = Fault("SPN-202", "unknown key 'a\n::error::b%'", None, "100 %\r\n")
    assert to_github({"a,b:c.yaml": [nasty]}) == (
        "::error file=a%2Cb%3Ac.yaml,title=SPN-202::unknown key 'a%0A::error::b%25' (100 %25%0D%0A)"
    )


@pytest.mark.parametrize("given", ["SPN-116", "spn-116", "116"])
def test_explain(monkeypatch, capsys, given):
    text = _said(monkeypatch, capsys, f"spinec explain {given}", exits=0)
    assert text == explanation(codes()["SPN-116"]) + "\n"
    assert "-   b2: {level: 4, dim: 96, dim: 112, inputs: [b1]}" in text


def test_explain_of_no_code(monkeypatch, capsys):
    assert "spinec explain all" in _said(monkeypatch, capsys, "spinec explain SPN-999", exits=1)
    assert all(code in _said(monkeypatch, capsys, "spinec explain all", exits=0) for code in ("SPN-101", "SPN-703"))


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_validate_for_machines_writes_to_stdout_and_exits_with_one(monkeypatch, capsys, form):
    monkeypatch.chdir(FAULTS)
    assert "SPN-206" in _said(
        monkeypatch, capsys, f"spinec validate unknown_kind.yaml block_unread.yaml --format {form}", exits=1
    )
    _said(monkeypatch, capsys, f"spinec validate block_unread.yaml --format {form}", exits=0)


def test_the_reference_shows_the_spec_that_its_examples_change():
    assert f"```yaml\n{SOUND}```" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
