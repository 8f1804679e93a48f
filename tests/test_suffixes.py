"""A file's name says what it holds: nothing else is written into it, by any command, in one way."""

from __future__ import annotations

import pytest
from typer.main import get_command

from spinec import cli
from spinec.backends.backend import backend, backend_names
from spinec.backends.export import SUFFIXES

OTHERWISE = {  # command lines whose output is not what its name says, and what would fit
    "compile good.yaml -o model.onnx": ".py",
    "new model.json": ".yaml",
    "draw good.yaml -o picture.gif": ".svg",
    "draw good.yaml --view ops -o picture.html": ".dot",
    "diff good.yaml good.yaml -o picture.gif": ".svg",
    "chart levels good.yaml -o chart.html": ".svg",
    "report good.yaml -o page.pdf": ".html",
    "report runs -o runs.pdf": ".html",
    "redistribute good.yaml --betas 1 -o new.json": ".yaml",
    "scale good.yaml -o new.py": ".yaml",
    "compound good.yaml 1 -o new.PDF": ".yaml",
    "fit good.yaml --params 1M -o new.csv": ".yaml",
    "import blocks.txt -o new.txt": ".yaml",
    "export-blocks good.yaml --to timm -o blocks.yaml": ".txt",
    "export good.yaml --to onnx -o model.pt": ".onnx",
    "export good.yaml --to torch-export -o model.pt": ".pt2",
    "export good.yaml --to keras -o model.h5": ".keras",
    "export good.yaml --to savedmodel -o model.onnx": "without a suffix",
    "export good.yaml --to tflite -o model.onnx": ".tflite",
    "detect good.yaml a.jpg -o boxes.txt": ".json",
    "classify good.yaml a.jpg -o classes.csv": ".png",
    "segment good.yaml a.jpg -o areas.npz": ".png",
    "evaluate good.yaml --data pictures -o found.csv": ".json",
    "candidates study.db -o best.json": ".yaml",
    "data show digits -o sheet.pdf": ".png",
    "search good.yaml --evaluator mine:score -o best.json": ".yaml",
    "search good.yaml --evaluator mine:score --storage study.yaml": ".db",
}
GOOD = "name: good\nblocks:\n  b1: {level: 1, kind: mbconv, dim: 8, inputs: [image]}\noutputs: {x: b1}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "blocks.txt").write_text("ds_r1_k3_s1_c16\n")
    return tmp_path


def test_every_command_that_writes_files_is_tried():
    writers = {"new"}
    for name, command in get_command(cli.app).commands.items():
        for each in (command, *getattr(command, "commands", {}).values()):
            writers |= {name for parameter in each.params if "-o" in parameter.opts and parameter.metavar != "FOLDER"}
    assert {line.split()[0] for line in OTHERWISE} == writers


@pytest.mark.parametrize("line", OTHERWISE)
def test_a_name_that_says_otherwise_is_refused_with_what_fits(spinec, folder, line):
    code, out, err = spinec(*line.split())
    assert (code, out) == (1, "")
    assert "is written as" in err
    assert "[SPN-801]" in err
    assert OTHERWISE[line] in err
    assert sorted(path.name for path in folder.iterdir()) == ["blocks.txt", "good.yaml"]


@pytest.mark.parametrize("name", ["new", "new.yml", "new-x0.5", "new.v2", "tmp.Xa3bQ9"])
def test_a_name_that_says_nothing_is_fine(spinec, folder, name):
    assert spinec("scale", "good.yaml", "-o", name)[0] == 0
    assert (folder / name).read_text().startswith("# good, scaled")


def test_fmt_formats_nothing_but_specs(spinec, folder):
    (folder / "data.json").write_text('{"a":   1}')
    code, _, err = spinec("fmt", "data.json")
    assert code == 2
    assert "no spec is written as '.json'" in err
    assert (folder / "data.json").read_text() == '{"a":   1}'


def test_every_form_of_a_model_has_its_suffixes():
    assert set(SUFFIXES) == {form for name in backend_names() for form in backend(name).EXPORTS}
