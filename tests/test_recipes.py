"""Recipes: the paper's protocol as documents, what is wrong with one, and the rate of every step."""

import json

import pytest

from spinec import SpecError, TrainError, load, lower
from spinec.compiler.ops.regularize import StochasticDepth
from spinec.spec.recipes.dump import dump_recipe
from spinec.spec.recipes.load import load_recipe, recipes
from spinec.train.beginning import default_recipe
from spinec.train.rates import Rates

COCO = 463  # steps of 256 images in an epoch of train2017


@pytest.mark.parametrize("name", recipes())
def test_what_ships_loads_and_is_written_as_it_was_read(name, tmp_path):
    recipe = load_recipe(name)
    assert recipe.recipe == name
    assert recipe.says
    (tmp_path / "again.yaml").write_text(dump_recipe(recipe))
    assert load_recipe(tmp_path / "again.yaml") == recipe


def test_detection_is_the_papers():
    """Section 5.1.1: 650 epochs of 256 images, 0.28, a tenth and a hundredth of it for the last 30 and 10 epochs."""
    rates = Rates(load_recipe("detection"), COCO)
    assert rates.steps == 300_950
    assert rates[0] == 0.0067
    assert rates[1_000] == pytest.approx((0.0067 + 0.28) / 2)
    assert rates[2_000] == rates[287_059] == 0.28
    assert rates[287_060] == rates[296_319] == pytest.approx(0.028)
    assert rates[296_320] == rates[300_949] == pytest.approx(0.0028)
    assert max(rates.evaluations) == rates.steps
    assert len(rates.evaluations) == 65
    recipe = load_recipe("detection")
    assert (recipe.optimizer.momentum, recipe.optimizer.decay, recipe.augment.scale) == (0.9, 4e-5, (0.1, 2.0))
    assert not recipe.augment.smooth  # nor is it in the authors' code


@pytest.mark.parametrize("size", ["m0", "m1", "m2", "d0", "d1", "d2"])
def test_every_model_is_trained_as_the_table_says(size):
    """The paper's table of settings: what is the network's is in the spec, and all else in the recipe."""
    spec = load(f"eff-spinenet-{size}")
    recipe = load_recipe(default_recipe(spec))
    optimizer, augment, schedule = recipe.optimizer, recipe.augment, recipe.schedule
    assert (optimizer.kind, optimizer.momentum, optimizer.decay, optimizer.decays) == ("sgd", 0.9, 4e-5, "kernels")
    assert (recipe.batch, recipe.rate, schedule.epochs) == (256, 0.28, 650)
    assert schedule.drops_in(650) == {620: 0.1, 640: 0.01}
    assert (augment.flip, augment.scale) == (0.5, (0.1, 2.0))
    assert recipe.average is None
    assert (spec.norm.momentum, spec.stochastic_depth.rate, spec.stochastic_depth.schedule) == (0.99, 0.2, "linear")
    assert {block.activation for block in spec.blocks.values()} == {"swish"}
    rates = [step.op.rate for step in lower(spec, 256).steps if isinstance(step.op, StochasticDepth)]
    assert rates == sorted(rates)  # from 0 at the first block upwards
    assert 0.18 < rates[-1] < 0.2


def test_classification_is_that_of_efficientnet():
    """Rate 0.016 for 256 images, warmed up for 5 epochs, times 0.97 every 2.4."""
    rates = Rates(load_recipe("classification"), 625.5)
    assert rates[3_200] == pytest.approx(0.128 * 0.97**2)
    assert rates[0] == 0
    assert rates[1_500] == pytest.approx(rates[3_128] * 1_500 / 3_128)


def test_segmentation_falls_as_half_a_cosine():
    rates = Rates(load_recipe("segmentation"), 41.3)
    assert rates.steps == 10_000
    assert rates[5_000] == pytest.approx(0.025)
    assert rates[9_999] < 1e-8


def test_the_rate_grows_with_the_batch():
    assert load_recipe("detection", ["batch=8"]).rate == pytest.approx(0.28 / 32)
    assert Rates(load_recipe("detection", ["batch=8"]), 1_000)[0] == pytest.approx(0.0067 / 32)


def test_one_length_takes_the_place_of_the_other():
    schedule = load_recipe("detection", ["schedule.steps=100"]).schedule
    assert (schedule.steps, schedule.epochs) == (100, None)
    assert load_recipe("mask-rcnn").schedule.drops_in(350) == {320: 0.1, 340: 0.01}


def test_drops_are_counted_from_either_end(tmp_path):
    """For the last 30 and 10 epochs, however many there are."""
    for epochs in (72, 350):
        rates = Rates(load_recipe("detection", [f"schedule.epochs={epochs}"]), COCO)
        steps = [(epochs - 30) * COCO - 1, (epochs - 30) * COCO, (epochs - 10) * COCO - 1, (epochs - 10) * COCO]
        assert [rates[step] for step in steps] == pytest.approx([0.28, 0.028, 0.028, 0.0028])
    both = load_recipe("detection", ["schedule={epochs: 40, drops: {-10: 0.1, 5: 0.5, 35: 0.01}}"])
    assert list(both.schedule.drops_in(40).items()) == [(5, 0.5), (30, 0.1), (35, 0.01)]
    assert load_recipe("detection", ["schedule.epochs=30"]).schedule.drops_in(30) == {0: 0.1, 20: 0.01}
    (tmp_path / "short.yaml").write_text(
        "recipe: short\nextends: detection\nschedule: {epochs: 20, drops: {-30: 0.1}}\n"
    )
    with pytest.raises(
        SpecError, match=r"short.yaml:3:31: schedule.drops: -30 is before the run begins, which has 20 epochs"
    ):
        load_recipe(tmp_path / "short.yaml")
    with pytest.raises(TrainError, match=r"schedule.drops: -30 is before .*, which has 10 epochs"):
        Rates(load_recipe("detection", ["schedule.steps=4630"]), COCO)


def test_the_command_lists_them(spinec):
    code, out, _ = spinec("list", "--recipes", "--format", "json")
    rows = {row["recipe"]: row for row in json.loads(out)["rows"]}
    assert (code, rows.keys()) == (0, recipes().keys())
    assert (rows["detection"]["epochs"], rows["detection"]["steps"]) == (650, None)
    assert (rows["proxy"]["epochs"], rows["proxy"]["steps"]) == (None, 4500)
    assert rows["classification"]["rate"] == 0.128


def test_networks_are_judged_by_epochs_or_by_steps():
    def evaluations(*settings):
        return Rates(load_recipe("small-classification", ["schedule.steps=1200", *settings]), 100.4).evaluations

    assert evaluations("evaluate.steps=500") == {500, 1000, 1200}
    assert evaluations("evaluate.every=5") == {502, 1004, 1200}
    assert evaluations() == {*range(201, 1200, 201), 1200}
    assert evaluations("evaluate.steps=500", "evaluate.every=4") == {402, 804, 1200}
    assert evaluations("evaluate.every=null") == {1004, 1200}
    assert load_recipe("classification", ["schedule.steps=9"]).schedule.every == 2.4, "that of the rate stays"


def test_commands_know_a_recipe(spinec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("recipe: mine\nextends: detection\nbatch:  8\n")
    (tmp_path / "bad.yaml").write_text("recipe: bad\nbatch: 8\n")
    assert spinec("validate", "mine.yaml")[:2] == (0, "mine.yaml: valid, 650 epochs\n")
    assert "bad.yaml:1:1: missing key 'schedule'" in spinec("validate", "bad.yaml")[2]
    assert spinec("validate")[0] != 0  # there is no spec in the folder
    assert spinec("fmt", "mine.yaml")[0] == 0
    assert "batch: 8\n" in (tmp_path / "mine.yaml").read_text()
    assert "mine.yaml:1:1: expected a spec, got a recipe of training" in spinec("cost", "mine.yaml")[2]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("optimizer.rate=abc", "--set optimizer.rate=abc:1:1: optimizer.rate: expected a number, got 'abc'"),
        ("optimizer.rate=0", "optimizer.rate: expected a number above 0, got 0"),
        ("optimiser.rate=1", "did you mean 'optimizer'?"),
        ("optimizer.kind=sgdd", "did you mean 'sgd'?"),
        ("augment.scale=[2, 1]", "augment.scale: expected the smaller number first"),
        ("augment.scale=2", "augment.scale: expected two numbers, [least, most]"),
        ("augment.flip=2", "augment.flip: expected at most 1, got 2"),
        ("schedule.drops={nan: 1}", "expected epochs and factors, such as"),
        ("schedule.drops={1: 1, 1.0: 2}", "expected epochs and factors, such as"),
        ("schedule.drops={a: 1}", "expected epochs and factors, such as {620: 0.1, 640: 0.01}"),
        ("schedule={kind: cosine, epochs: null}", "schedule: expected either 'steps' or 'epochs'"),
        ("evaluate={every: 2, steps: 500}", "evaluate: expected either 'every', in epochs, or 'steps'"),
        ("evaluate.steps=0", "evaluate.steps: expected at least 1, got 0"),
        ("batch=1.5", "batch: expected a whole number, got 1.5"),
        ("batch=[", "--set batch=[:1:"),
        ("rate", "expected a path and a value, such as optimizer.rate=0.1"),
        ("=1", "expected a path and a value"),
        ("data.train=1", "data.train: expected text, got 1"),
    ],
)
def test_a_wrong_setting_is_said_in_a_line(setting, said):
    with pytest.raises(SpecError) as error:
        load_recipe("detection", [setting])
    assert said in str(error.value)


def test_what_a_recipe_extends(tmp_path):
    (tmp_path / "a.yaml").write_text("recipe: a\nextends: b.yaml\nschedule: {steps: 5}\n")
    (tmp_path / "b.yaml").write_text("recipe: b\nextends: detection\nbatch: 4\naugment: {scale: null}\n")
    recipe = load_recipe(tmp_path / "a.yaml")
    assert (recipe.recipe, recipe.batch, recipe.schedule.steps, recipe.augment.scale) == ("a", 4, 5, (1.0, 1.0))
    for text, said in {
        "recipe: c\nextends: c.yaml\n": "c.yaml:2:10: extends: 'c.yaml' extends this recipe in turn, a cycle",
        "recipe: c\nextends: detectoin\n": "did you mean 'detection'?",
        "recipe: c\nextends: ../c.yaml\n": "leaves the folder",
        "recipe: c\n": "missing key 'schedule'",
        "- 1\n": "expected a mapping of keys such as batch and schedule",
        "name: x\nblocks: {}\n": "c.yaml:1:1: expected a recipe of training, got a spec",
        "batch: 4\n": "missing key 'recipe'",
    }.items():
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(SpecError) as error:
            load_recipe(tmp_path / "c.yaml")
        assert said in str(error.value)
    with pytest.raises(SpecError, match="did you mean 'detection'"):
        load_recipe("detections")
