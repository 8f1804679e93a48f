"""Help and usage errors: grouped, whole, and in no words of the libraries below."""

import re
from inspect import signature

import pytest
from typer.main import get_command

from spinec import cli, compound, fit, redistribute, scale
from spinec.help import GROUPS, plain
from spinec.spec.model import Scale

COMMANDS = sorted(get_command(cli.app).commands)
LINES = [[], *([name] for name in COMMANDS), ["weights", "convert"]]
FOREIGN = re.compile(
    r"<(?!=)|(?<!<=)>(?!=)|list\[|\bint\b|\bstr\b|Path\b|\[\[|\]\.\.\.\]|INTEGER|FLOAT|\.\.\.$", re.MULTILINE
)


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_has_no_words_of_frameworks_and_nothing_is_cut(spinec, line, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = spinec(*line, "--help")
    assert code == 0
    usage, _, rest = out.partition("\n\n")
    assert FOREIGN.findall(rest) == []
    assert FOREIGN.findall(usage.replace("]...", "]").replace("...", "")) == []
    assert max(map(len, out.splitlines())) <= 80


def test_commands_are_grouped_and_every_description_is_whole(spinec):
    _, out, _ = spinec("--help")
    assert sorted(name for names in GROUPS.values() for name in names.split()) == COMMANDS
    assert "\nMore:" not in out
    said = " ".join(out.split())
    for title in GROUPS:
        assert f"{title}: " in said
    for command in cli.app.registered_commands:
        assert command.callback.__doc__.partition("\n")[0] in said


def test_a_choice_says_what_there_is(spinec):
    for line in (["chart"], ["schema"]):
        _, out, _ = spinec(*line, "--help")
        assert re.search(r"[A-Z]+ \w+\|\w+", out.partition("Arguments:")[2].partition("Options:")[0])


@pytest.mark.parametrize(
    "arguments",
    [
        ["cost", "eff-spinenet-d0", "--by", "colour"],
        ["cost", "eff-spinenet-d0", "--training", "--batch", "0"],
        ["cost", "eff-spinenet-d0", "--training", "--batch", "few"],
        ["scale", "eff-spinenet-d0", "--width", "wide"],
        ["chart", "bars", "eff-spinenet-d0"],
        ["chart", "levels"],
        ["validate"],
        ["fit", "eff-spinenet-d0", "--macs", "many"],
    ],
)
def test_usage_errors_are_in_plain_words(spinec, arguments):
    code, _, err = spinec(*arguments)
    assert code == 2
    assert not re.search(r"Value error|Input should|unable to parse|<|\[\[", err)


def test_what_is_said_of_a_wrong_value():
    assert plain("Input should be a valid integer, unable to parse string as an integer") == "expected a whole number"
    assert plain("expected pixels as 512") == "expected pixels as 512"


def test_multiples_have_one_default_for_one_meaning():
    """Where dims are scaled, that of 'scale' in specs, as published networks need; where work is shared out, 8."""
    commands = {command.callback.__name__: command.callback for command in cli.app.registered_commands}
    defaults = {
        name: signature(command).parameters["multiple"].default
        for name, command in commands.items()
        if "multiple" in signature(command).parameters
    }
    scaled, shared = Scale.model_fields["multiple"].default, signature(redistribute).parameters["multiple"].default
    assert {defaults.pop("scale"), defaults.pop("fit")} == {scaled}
    assert set(defaults.values()) == {shared}
    for function in (scale, fit):
        assert signature(function).parameters["multiple"].default == scaled
    assert signature(compound).parameters["multiple"].default == defaults["compound"]


def test_a_file_that_is_no_study_is_named_in_plain_words(spinec, tmp_path):
    pytest.importorskip("optuna")
    (file := tmp_path / "notes.db").write_text("no study")
    code, _, err = spinec("candidates", file)
    assert code == 1
    assert file.name in err
    assert "DatabaseError" not in err
