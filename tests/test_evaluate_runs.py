"""`spinec evaluate --run`: a run is judged by its own data as it judges itself, by whichever weights are asked for."""

import json

import pytest
from taught import DIGITS

from spinec import loads, lower
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.sample import sample

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("faster_coco_eval")

SPEC = DIGITS.replace("background: false", "background: false, detections: {score: 0, most: 20}")
SHORT = [
    "--recipe",
    "small-detection",
    "--set",
    "batch=3",
    "--set",
    "schedule={steps: 6, warmup: null}",
    "--set",
    "optimizer={rate: 0.002, per: 8}",  # at a higher rate, so few steps leave values that rounding moves far
    "--workers",
    "0",
]
SHORT += ["--set", "evaluate={every: 1, statistics: 2}", "--set", "average={decay: 0.5}"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from spinec.train.sets.made import make_set

    folder = tmp_path_factory.mktemp("place")
    make_set("digits", folder / "digits", size=64, train=12, val=4)
    (folder / "tiny.yaml").write_text(SPEC)
    return folder


@pytest.fixture
def here(place, monkeypatch, spinec):
    monkeypatch.chdir(place)
    if not (place / "run").exists():
        program = lower(loads(SPEC))
        write_checkpoint(place / "start.safetensors", program, sample(program).weights)
        start = ["--weights", "start.safetensors", "--run", "run"]
        assert spinec("train", "tiny.yaml", "--data", "digits", *SHORT, *start)[0] == 0
    return place


def found(spinec, *line):
    """What is found in the pictures of a data set, of which figures say too little."""
    code, out, err = spinec("evaluate", *line, "-o", "-")
    assert (code, err) == (0, "")
    results = json.loads(out)
    assert len(results) > 20
    return results


def test_figures_are_those_that_the_run_told(here, spinec):
    lines = [json.loads(line) for line in (here / "run" / "metrics.jsonl").read_text().splitlines()]
    (last,) = (line for line in lines if line["step"] == 6 and "AP" in line)
    code, out, err = spinec("evaluate", "--run", "run", "--which", "last", "--format", "json")
    assert (code, err) == (0, "")
    table = json.loads(out)
    about = table["about"]
    assert (about["name"], about["images"], about["random_weights"]) == ("run (last)", 4, False)
    assert table["total"]["ap50"] == pytest.approx(last["AP50"])
    title = spinec("evaluate", "--run", "run")[1].splitlines()[0]
    assert title.startswith("run (best), 4 pictures of ")


def test_a_state_is_judged_as_the_run_judges_it(here, spinec):
    """The average of the last state, its statistics taken anew as the recipe says, is what was judged last."""
    last = found(spinec, "--run", "run", "--which", "last")
    assert found(spinec, "--run", "run", "--which", "average") == last
    assert found(spinec, "--run", "run", "--which", "average", "--statistics", "0") != last
    assert found(spinec, "--run", "run", "--which", "average", "--statistics", "1") != last
    plain = found(spinec, "--run", "run", "--which", "plain")
    assert plain != last
    assert plain == found(spinec, "--run", "run", "--which", "plain", "--statistics", "2")


def test_a_file_of_weights_gets_its_statistics_by_a_recipe(here, spinec):
    of_run = found(spinec, "--run", "run", "--which", "last", "--statistics", "3")
    file = ["run/spec.yaml", "--weights", "run/weights.safetensors", "--data", "digits", "--split", "val"]
    assert found(spinec, *file) == found(spinec, "--run", "run", "--which", "last") != of_run
    assert found(spinec, *file, "--statistics", "3", "--recipe", "run/recipe.yaml") == of_run
    by_name = ["--recipe", "small-detection", "--set", "batch=3"]
    assert found(spinec, *file, "--statistics", "3", *by_name) == of_run
    code, _, err = spinec("evaluate", *file, "--statistics", "3")
    assert code == 1
    assert "digits: has no split 'train2017': expected train, val" in err


def test_other_data_and_splits_are_judged(here, spinec):
    code, out, _ = spinec("evaluate", "--run", "run", "--split", "train", "--format", "json")
    about = json.loads(out)["about"]
    assert (code, about["images"], about["split"]) == (0, 12, "train")
    code, out, _ = spinec("evaluate", "--run", "run", "--data", "digits", "--limit", "2", "--format", "json")
    assert (code, json.loads(out)["about"]["images"]) == (0, 2)


def test_either_framework_judges_a_run(here, spinec):
    pytest.importorskip("tensorflow")
    one, other = (found(spinec, "--run", "run", "--which", "plain", "-b", name) for name in ("pytorch", "tensorflow"))
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left["score"] == pytest.approx(right["score"], abs=0.02)  # PyTorch's variances: docs/parity.md


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("--run none", 1, "none: no run to go on with"),
        ("--run digits", 1, "digits: no run to go on with"),
        ("--run run --which worst", 2, "'worst' is not one of 'best', 'last', 'average', 'plain'"),
        ("--run new", 1, "new: has not been judged yet, so there is no best.safetensors"),
        ("--run new --which plain", 1, "new: has kept no state yet, so there is no state.safetensors"),
        ("--run plain --which average", 1, "plain: has no average, as its recipe has none; plain weights are there"),
        ("--run broken --which plain", 1, "broken/state.safetensors: cannot be read as a file of weights"),
        ("--run run --data none", 1, "none: no such file or folder"),
        ("--run run --split test", 1, "has no split 'test': expected train, val"),
        ("--run run --statistics -1", 2, "expected a number greater than or equal to 0"),
        ("--run run --recipe proxy", 2, "--recipe does nothing with --run"),
        ("--run run --images digits", 2, "--images does nothing without --data"),
        ("tiny.yaml --data digits --split val --statistics 1 --recipe none", 1, "none"),
    ],
)
def test_what_it_refuses_is_said_in_a_line(here, spinec, line, code, said):
    for name in ("new", "plain", "broken"):
        (here / name).mkdir(exist_ok=True)
        for file in ("spec.yaml", "recipe.yaml", "run.json"):
            (here / name / file).write_bytes((here / "run" / file).read_bytes())
    from spinec.backends.neutral import packed, unpacked

    state = unpacked((here / "run" / "state.safetensors").read_bytes())
    few = {name: array for name, array in state.items() if not name.startswith("average/")}
    (here / "plain" / "state.safetensors").write_bytes(packed(few))
    (here / "broken" / "state.safetensors").write_bytes(packed(few)[:-9])
    found, out, err = spinec("evaluate", *line.split())
    assert (found, out) == (code, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
