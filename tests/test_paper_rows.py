"""The paper's tables, row by row: every command that the page of recipes gives trains what it says."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from spinec import cli, cost, load, lower
from spinec.spec.fields import figure_value
from spinec.spec.recipes.load import load_recipe
from spinec.train.beginning import default_recipe

PAGE = (Path(__file__).parent.parent / "docs" / "recipes.md").read_text(encoding="utf-8")
BODY = PAGE.partition("<!-- table: paper-rows -->\n")[2].partition("<!-- end -->")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in BODY.strip().splitlines()[2:]]
NEAR = {"eff-spinenet-m1": 0.10, "mnasnet-a1-ssdlite": 0.05, "resnet-101-deeplab-v3": 0.07}  # docs/figures.md says why
JITTER, ONE_SCALE = (0.1, 2.0), (1.0, 1.0)
FOURTH = {  # of Table 4: squeeze-excite, jitter, activation, rate of stochastic depth
    "32.2": (0, ONE_SCALE, "relu", 0),
    "32.6": (0.2, ONE_SCALE, "relu", 0),
    "40.1": (0.2, JITTER, "relu", 0),
    "42.1": (0.2, JITTER, "swish", 0),
    "42.5": (0.2, JITTER, "swish", 0.2),
}
FIFTH = {"34.8": 72, "40.0": 200, "41.4": 350, "42.1": 500, "42.5": 650}


def started(line):
    """The spec and the recipe that a command trains with."""
    program, name, *words = shlex.split(line.strip("`"))
    command = get_command(cli.app).commands[name]
    with command.make_context(name, words) as context:
        given = context.params
    assert (program, name) == ("spinec", "train")
    spec = load(given["name"])
    return spec, load_recipe(given["recipe"] or default_recipe(spec), given["settings"] or [])


def rows_of(number):
    return {score.partition(" ")[2]: line for table, _, score, *_, line in ROWS if table == f"Table {number}"}


CELLS = [(*row[3:5], *row[7:]) for row in ROWS]


@pytest.mark.parametrize(("macs", "params", "named", "line"), CELLS, ids=[row[-1] for row in ROWS])
def test_a_row_is_trained_by_its_command(macs, params, named, line):
    spec, recipe = started(line)
    assert recipe.recipe == named.strip("`")
    report = cost(lower(spec))
    near = NEAR.get(spec.name, 0.035)
    if macs:
        assert report.macs(spec.published.convention) == pytest.approx(figure_value(macs), rel=near)
    if params:
        assert report.params_by(spec.published.counted_params) == pytest.approx(figure_value(params), rel=0.035)


def test_every_table_of_results_is_there():
    assert [row[0] for row in ROWS] == sorted((row[0] for row in ROWS), key=lambda table: int(table.split()[1]))
    assert {row[0] for row in ROWS} == {f"Table {number}" for number in (3, 4, 5, 6, 7, 9, 10, 11)}


def test_the_fourth_table_adds_one_thing_after_the_other():
    lines = rows_of(4)
    assert lines.keys() == FOURTH.keys()
    for score, (squeeze, scale, activation, rate) in FOURTH.items():
        spec, recipe = started(lines[score])
        blocks = [block for block in spec.blocks.values() if block.kind == "mbconv"]
        assert {block.squeeze for block in blocks} == {squeeze}
        assert {spec.head.activation, spec.endpoints.activation, *(block.activation for block in blocks)} == {
            activation
        }
        assert (recipe.augment.scale, spec.stochastic_depth.rate) == (scale, rate)
        assert recipe.schedule.epochs == 650
        assert {name: block.dim for name, block in spec.blocks.items()} == {
            name: block.dim for name, block in load("eff-spinenet-d2").blocks.items()
        }


def test_the_fifth_table_varies_the_epochs_alone():
    lines = rows_of(5)
    assert lines.keys() == FIFTH.keys()
    for score, epochs in FIFTH.items():
        spec, recipe = started(lines[score])
        assert spec == load("eff-spinenet-d2")
        assert recipe.schedule.epochs == epochs
        assert recipe.schedule.drops_in(epochs) == {epochs - 30: 0.1, epochs - 10: 0.01}
        assert recipe == load_recipe("detection", [f"schedule.epochs={epochs}"])
