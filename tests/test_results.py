"""What commands write for programs: one shape, described by a schema that holds for every command that offers JSON."""

import csv
import io
import json
import math
import re
import sys
from enum import StrEnum
from importlib.util import find_spec
from inspect import signature
from itertools import product

import pytest
from typer.main import get_command_name

from spinec import cli, cost, load, lower
from spinec.spec.results import known, results_schema
from spinec.visualize.table.costs import difference_table, result_table, training_difference_table
from spinec.visualize.table.table import Column, Shown, Table, identifier

jsonschema = pytest.importorskip("jsonschema")
VALIDATOR = jsonschema.Draft202012Validator(results_schema())
SMALL = """
name: small
input: {size: 64}
blocks:
  stem: {kind: conv, level: 1, dim: 8, inputs: [image]}
  b1: {kind: mbconv, level: 2, dim: 24, inputs: [stem]}
  b2: {kind: mbconv, level: 3, dim: 48, inputs: [b1]}
outputs: {P2: b1, P3: b2}
"""
EVALUATOR = "def area(spec):\n    return spec.blocks['b2'].dim\n\n\ndef two(spec):\n    return area(spec), spec.blocks['b1'].dim\n"
FRAGILE = "name: fragile\nblocks:\n  b1: {level: 1, kind: conv, dim: 9, inputs: [image]}\noutputs: {x: b1}\n"
BETAS = "10,10,5,5,15,20,20,1,20,15,5,20,10,15,15,10,10,1"

# The kind that a command gives, its exit code, and its verdict.
COMMANDS = {
    "list": ("library", 0, None),
    "list --recipes": ("recipes", 0, None),
    "published": ("published", 0, None),
    "show eff-spinenet-d0": ("blocks", 0, None),
    "show small.yaml --critical-path": ("blocks", 0, None),
    "split eff-spinenet-d0 --parts 3": ("parts", 0, None),
    "cost small.yaml": ("cost", 0, None),
    "cost eff-spinenet-d0 --answers": ("answers", 0, None),
    "cost small.yaml --by model": ("cost", 0, None),
    "cost small.yaml --by level --flops": ("cost", 0, None),
    "cost small.yaml --size 64,32x96": ("cost_by_size", 0, None),
    "cost small.yaml --size 64,96 --by op --flops": ("cost_by_size", 0, None),
    "cost small.yaml --compare-conventions": ("conventions", 0, None),
    "cost small.yaml --compare-conventions --flops": ("conventions", 0, None),
    "cost small.yaml --compare-conventions --size 64,96": ("conventions_by_size", 0, None),
    "cost small.yaml --training": ("training", 0, None),
    "cost small.yaml --training --flops --size 64,96": ("training", 0, None),
    f"redistribute sp-efficientnet-b0 --betas {BETAS}": ("changes", 0, None),
    "scale small.yaml --width 2 --depth 2": ("changes", 0, None),
    "compound small.yaml 1": ("changes", 0, None),
    "fit small.yaml --params 5000": ("changes", 0, True),
    "fit small.yaml --params 2757 --over": ("changes", 0, False),
    "betas sp-efficientnet-b0 eff-spinenet-d0": ("betas", 0, None),
    "space mnasnet-operations --samples 20": ("space", 0, None),
    "list --spaces": ("spaces", 0, None),
    "sample mnasnet-operations -n 3": ("candidates", 0, None),
    "sample small.yaml -n 3": ("candidates", 0, None),
    "sample small.yaml -n 3 --top 1": ("candidates", 0, None),
    "diff sp-efficientnet-b0 eff-spinenet-d0-mask-rcnn": ("difference", 0, False),
    "diff small.yaml fragile.yaml": ("difference", 0, False),
    "diff small.yaml small.yaml": ("difference", 0, True),
    "validate small.yaml faulty.yaml": ("faults", 1, False),
    "validate small.yaml absent.yaml": ("faults", 1, False),
    "validate small.yaml": ("faults", 0, True),
    "lint fragile.yaml": ("faults", 1, False),
    "lint fragile.yaml --exit-zero": ("faults", 0, False),
}
STUDIES = {
    "search small.yaml --evaluator mine:area --trials 3 --storage study.db": ("candidates", 0, None),
    "candidates study.db": ("candidates", 0, None),
    "search small.yaml --evaluator mine:two --directions maximize,minimize --strategy tpe --trials 3 --storage pareto.db": (
        "candidates",
        0,
        None,
    ),
}
ELSEWHERE = {  # run where their frameworks are
    "verify",  # tests/test_verify.py
    "run",  # tests/test_cli.py
    "detect",  # tests/test_predictors.py
    "classify",
    "segment",
    "evaluate",  # tests/test_evaluate.py
}


def check(said, kind=None):
    """Hold a result to the part of the schema that is for its kind: errors are clearer than those of 'oneOf'."""
    schema = {**results_schema(), "$ref": f"#/$defs/kinds/{kind or said['kind']}"}
    del schema["oneOf"]
    jsonschema.Draft202012Validator(schema).validate(said)
    VALIDATOR.validate(said)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("spinec.spec.library.names", lambda: ("eff-spinenet-d0", "efficientnet-b0", "resnet-18"))
    (tmp_path / "mine.py").write_text(EVALUATOR)
    for name, text in (("small", SMALL), ("fragile", FRAGILE), ("faulty", FRAGILE.replace("dim", "dmi"))):
        (tmp_path / f"{name}.yaml").write_text(text)
    yield tmp_path
    sys.modules.pop("mine", None)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_keeps_to_the_schema(spinec, folder, line):
    kind, code, passed = COMMANDS[line]
    exit_code, out, _ = spinec(*line.split(), "--format", "json")
    said = json.loads(out)
    check(said, kind)
    assert (exit_code, said["passed"]) == (code, passed)
    assert said["rows"] or passed


@pytest.mark.skipif(find_spec("optuna") is None, reason="studies are Optuna's")
def test_searches_keep_to_the_schema(spinec, folder):
    for line, (kind, code, _) in STUDIES.items():
        exit_code, out, err = spinec(*line.split(), "--format", "json")
        assert exit_code == code, err
        check(json.loads(out), kind)


@pytest.mark.skipif(find_spec("optuna") is None, reason="studies are Optuna's")
def test_the_data_of_a_study_s_charts_keeps_to_the_schema(spinec, folder):
    for line in (line for line in STUDIES if line.startswith("search")):
        assert spinec(*line.split())[0] == 0
    for study, kind in product(("study.db", "pareto.db"), ("history", "importance", "pareto")):
        code, _, err = spinec("chart", kind, study, "-o", "chart.json")
        assert code == 0, err
        check(json.loads((folder / "chart.json").read_text()), kind)


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="charts are drawn by matplotlib")
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("distribution eff-spinenet-d0 sp-efficientnet-b0", "distribution"),
        ("levels eff-spinenet-d0", "breakdown"),
        ("categories eff-spinenet-d0", "breakdown"),
        ("tradeoff", "tradeoff"),
        ("tradeoff --cost params", "tradeoff"),
        ("candidates candidates.csv --cost latency_ms --score score", "points"),
    ],
)
def test_the_data_of_a_chart_keeps_to_the_schema(spinec, folder, line, kind):
    (folder / "candidates.csv").write_text("name,latency_ms,score\na,1,0.5\nb,2,0.75\n")
    code, _, err = spinec("chart", *line.split(), "-o", "chart.json")
    assert code == 0, err
    check(json.loads((folder / "chart.json").read_text()), kind)


def test_every_command_that_offers_json_is_here():
    offering = set()
    for command in cli.app.registered_commands:
        defaults = [option.default for option in signature(command.callback).parameters.values()]
        if any("json" in list(type(each)) for each in defaults if isinstance(each, StrEnum)):
            offering.add(command.name or get_command_name(command.callback.__name__))
    assert offering == {line.split()[0] for line in (*COMMANDS, *STUDIES)} | ELSEWHERE
    said = {command for kind in known()["kinds"].values() for command in kind["commands"]}
    assert {command.split()[0] for command in said} == offering | {
        "chart",
        "data",
    }  # of which tests/test_data_commands.py has the data


def test_what_frameworks_gave_keeps_to_the_schema():
    np = pytest.importorskip("numpy")
    program, about = lower(load("eff-spinenet-m0")), {"precision": "float32", "seed": 0}
    values = {"P3": np.array([[1.0, 3.0]]), "P4": np.array([[math.nan, 0.0]])}
    tables = [
        difference_table(program, [("b1", (1, 2), 1e-7), ("b2", (1,), math.nan)], 1e-5, about),
        training_difference_table(program, {"losses": ("step 1", 1e-7, 1e-4)}, {**about, "rate": 0.01}),
        result_table(program, values, "pytorch"),
    ]
    for table in tables:
        check(json.loads(table.to_text("json")))
    assert [table.passed for table in tables] == [False, True, None]
    assert [row["passed"] for row in tables[0].to_dict()["rows"]] == [True, False]


def test_the_schema_is_sound_and_has_no_more_than_is_used(spinec):
    jsonschema.Draft202012Validator.check_schema(results_schema())
    assert json.loads(spinec("schema", "results")[1]) == results_schema()
    used = {
        name.rstrip("?")
        for kind in known()["kinds"].values()
        for name in (*kind["about"].split(), *kind["rows"].split())
    }
    assert used == set(known()["keys"])
    assert list(known()["keys"]) == sorted(known()["keys"])
    assert [name for name in used if not re.fullmatch("[a-z][a-z0-9_]*", name)] == []


def test_numbers_are_numbers_and_csv_has_the_same_names(spinec, folder):
    _, out, _ = spinec("cost", "small.yaml", "--format", "json")
    first, report = json.loads(out)["rows"][0], cost(lower(load(folder / "small.yaml")))
    name, count = next(iter(report.by("block").items()))
    assert (first["name"], first["macs"], first["params"]) == (name, count.macs(), count.params)
    assert first["share"] == pytest.approx(count.macs() / report.macs(), abs=1e-6)
    _, out, _ = spinec("cost", "small.yaml", "--format", "csv")
    row = next(csv.DictReader(io.StringIO(out)))
    assert {key: type(first[key])(text) for key, text in row.items()} == first


def test_a_table_says_the_same_to_people_and_to_programs():
    columns = ["multiply-adds", Column("", "passed"), "shape", "note"]
    rows = [[3, Shown(True, ""), Shown([2, 4], "2 x 4"), None], [math.inf, Shown(False, "no"), Shown([], ""), "a|b"]]
    table = Table("t", columns, rows, [3, None, None, None], {"limit": math.nan}, "sort", False)
    assert table.to_dict() == {
        "kind": "sort",
        "passed": False,
        "about": {"limit": None},
        "rows": [
            {"macs": 3, "passed": True, "shape": [2, 4], "note": None},
            {"macs": None, "passed": False, "shape": [], "note": "a|b"},
        ],
        "total": {"macs": 3, "passed": None, "shape": None, "note": None},
    }
    assert table.to_text("csv") == "macs,passed,shape,note\n3,true,2 x 4,\ninf,false,,a|b\n3,,,"
    assert table.to_text("markdown").splitlines()[2] == "| 3 |  | 2 x 4 |  |"


@pytest.mark.parametrize(
    ("title", "name"),
    [("share of parameters", "share_of_params"), ("score 2", "score_2"), ("Top-1 (%)", "top_1_percent"), ("日", "")],
)
def test_titles_become_identifiers(title, name):
    assert identifier(title) == name
