"""The command line as a user meets it: output, exit codes, wrong input, files whole or untouched."""

import csv
import io
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from spinec import cli, cost, emit, load, lower, names

ROOT = Path(__file__).parent.parent
FAULTY = "name: faulty\nblocks:\n  b1: {level: 1, kind: cnv, dim: 8, inputs: [image]}\noutputs: {x: b1}\n"
GOOD = "name: good\nblocks:\n  b1: {level: 1, kind: conv, dim: 8, inputs: [image]}\noutputs: {x: b1}\n"
needs_pillow = pytest.mark.skipif(find_spec("PIL") is None, reason="no Pillow: pip install pillow")


@pytest.mark.parametrize("command", sorted(get_command(cli.app).commands))
def test_every_command_explains_itself(spinec, command):
    code, out, _ = spinec(command, "--help")
    assert code == 0
    assert "Usage" in out


def test_version(spinec):
    assert spinec("--version")[:2] == (0, "0.1.0\n")


def test_no_command_shows_the_commands(spinec):
    _, out, err = spinec()
    assert "validate" in out + err


def test_list_names_every_spec(spinec):
    code, out, _ = spinec("list")
    assert code == 0
    for name in names():
        assert name in out


def test_tables_are_never_cut(spinec, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = spinec("show", "eff-spinenet-d2")
    assert "…" not in out
    assert "b16 (P5)" in out


@pytest.mark.parametrize("by", ["model", "level", "block", "part", "op", "category"])
def test_cost_rows_add_up_in_every_form(spinec, by):
    report = cost(lower(load("eff-spinenet-m0")))
    code, out, _ = spinec("cost", "eff-spinenet-m0", "--by", by, "--format", "json", "--convention", "profiler")
    assert code == 0
    rows = json.loads(out)["rows"]
    assert sum(row["macs"] for row in rows) == report.macs("profiler")
    assert sum(row["params"] for row in rows) == report.params
    _, out, _ = spinec("cost", "eff-spinenet-m0", "--by", by, "--format", "csv", "--flops")
    table = [row for row in csv.DictReader(io.StringIO(out)) if row["name"] != "total"]
    assert sum(int(row["flops"]) for row in table) == 2 * report.macs("conv")
    _, out, _ = spinec("cost", "eff-spinenet-m0", "--by", by, "--format", "markdown")
    assert len({line.count("|") for line in out.splitlines()}) == 1


def test_cost_at_another_size(spinec):
    _, out, _ = spinec("cost", "eff-spinenet-d0", "--by", "model", "--size", "300x500", "--format", "json")
    assert json.loads(out)["rows"][0]["macs"] == cost(lower(load("eff-spinenet-d0"), (300, 500))).macs()


def test_validate_reports_every_file_and_exits_with_one(spinec, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD)
    bad.write_text(FAULTY)
    code, out, err = spinec("validate", bad, good, tmp_path / "absent.yaml")
    assert code == 1
    assert "valid, 1 blocks" in out
    assert "bad.yaml:3:24: unknown block kind 'cnv'" in err
    assert "did you mean 'conv'?" in err
    assert "absent.yaml" in err
    assert spinec("validate", good)[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["cost", "eff-spinenet-d0", "--by", "colour"],
        ["cost", "eff-spinenet-d0", "--size", "12x"],
        ["cost", "eff-spinenet-d0", "--size", "-3"],
        ["cost"],
        ["no-such-command"],
        ["cost", "eff-spinenet-d0", "--unknown"],
    ],
)
def test_wrong_usage_exits_with_two(spinec, arguments):
    code, _, err = spinec(*arguments)
    assert code == 2
    assert "Usage" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cost", "eff-spinenet-d00"], "did you mean 'eff-spinenet-d0'?"),
        (["cost", "eff-spinenet-d0", "--size", "0"], "1 to 16,384"),
        (["cost", "eff-spinenet-d0", "--size", "99999"], "1 to 16,384"),
        (["compile", "eff-spinenet-d0", "--backend", "pytroch"], "did you mean 'pytorch'?"),
        (["show", "."], "cannot be read"),
        pytest.param(["run", "eff-spinenet-d0", "no-such-picture.jpg"], "no such file", marks=needs_pillow),
        pytest.param(["run", "eff-spinenet-d0", "README.md"], "not a picture", marks=needs_pillow),
    ],
)
def test_bad_input_exits_with_one_and_says_why(spinec, monkeypatch, arguments, says):
    monkeypatch.chdir(ROOT)
    code, _, err = spinec(*arguments)
    assert code == 1
    assert says in err
    assert "Traceback" not in err


def test_compile_writes_the_source_that_emit_gives(spinec, tmp_path):
    target = tmp_path / "model.py"
    assert spinec("compile", "eff-spinenet-m0", "-o", target)[0] == 0
    assert target.read_text() == emit(lower(load("eff-spinenet-m0")), "pytorch")
    assert spinec("compile", "eff-spinenet-m0")[1] == target.read_text()


def test_compile_of_a_faulty_spec_leaves_the_old_file(spinec, tmp_path):
    target, bad = tmp_path / "model.py", tmp_path / "bad.yaml"
    target.write_text("old")
    bad.write_text(FAULTY)
    assert spinec("compile", bad, "-o", target)[0] == 1
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "model.py"]


def test_compile_into_a_folder_that_is_not_there(spinec, tmp_path):
    code, _, err = spinec("compile", "eff-spinenet-m0", "-o", tmp_path / "none" / "model.py")
    assert code == 1
    assert "cannot be written" in err


def test_new_writes_a_valid_starter_and_never_overwrites(spinec, tmp_path):
    target = tmp_path / "mine.yaml"
    assert spinec("new", target)[0] == 0
    code, _, err = spinec("validate", target)
    assert (code, err) == (0, "")
    target.write_text("mine")
    assert spinec("new", target)[0] == 1
    assert target.read_text() == "mine"


def test_run_on_the_photograph(spinec):
    pytest.importorskip("torch")
    code, out, _ = spinec("run", "eff-spinenet-m0", ROOT / "examples" / "photograph.jpg")
    assert code == 0
    assert "class_P3" in out
    assert "819 x 32 x 32" in out


def test_as_a_module_and_into_a_closed_pipe():
    command = f"{sys.executable} -m spinec cost eff-spinenet-m0 --by op | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "hook", yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()), ids=lambda hook: hook["id"]
)
def test_a_hook_for_commits_runs_and_lets_sound_specs_pass(spinec, tmp_path, hook):
    program, *arguments = hook["entry"].split()
    assert program == "spinec"
    for name, text, passes in (("good.yaml", GOOD, True), ("bad.yaml", FAULTY + "]", False)):
        (tmp_path / name).write_text(text)
        assert (spinec(*arguments, tmp_path / name)[0] == 0) == passes


def test_a_command_is_made_without_the_others(spinec, monkeypatch):
    """And where what is asked for is no command, all are made, so that one is suggested."""
    from spinec import cli

    assert [command.callback.__name__ for command in cli._narrowed("draw").registered_commands] == ["draw"]
    assert cli._narrowed("weights") is cli._narrowed("drw") is cli._narrowed("") is cli.app
    asked = (("draw", "--help"), ("export-blocks", "--help"), ("cost", "eff-spinenet-d0"), ("draw", "--nonsense"))
    narrow = [spinec(*arguments) for arguments in asked]
    monkeypatch.setattr(cli, "_narrowed", lambda name: cli.app)
    assert narrow == [spinec(*arguments) for arguments in asked]
