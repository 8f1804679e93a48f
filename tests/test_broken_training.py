"""Everything that can be wrong with what is trained: one message each, before the first step, and nothing is left."""

import shutil

import pytest
from broken_training import CASES, RECIPES, write_all
from test_golden import GOLDEN

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("faster_coco_eval")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound") / "all"
    folder.mkdir()
    write_all(folder)
    return folder


def said(spinec, sound, folder, monkeypatch, case):
    """What is said of something broken."""
    shutil.copytree(sound, folder)
    monkeypatch.chdir(folder)
    case.change(folder)
    before = sorted(folder.rglob("*"))
    named = () if "--recipe" in case.more else ("--recipe", RECIPES.get(case.spec, "small-detection"))
    short = ("--set", "schedule.steps=40") if named else ()
    line = ("train", case.spec, "--data", case.data, *named, *short, *case.more, "--workers", "0")
    code, out, err = spinec(*line)
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert sorted(folder.rglob("*")) == before
    return err.replace(str(folder), "...")


def test_each_is_said_in_one_message_before_the_first_step(spinec, sound, tmp_path, monkeypatch, golden):
    told = {}
    for i, (name, case) in enumerate(CASES.items()):
        told[name] = said(spinec, sound, tmp_path / str(i), monkeypatch, case)
    golden(GOLDEN / "broken_training.txt", "".join(f"## {name}\n{text}\n" for name, text in told.items()))
