"""Examples that are held out of a data set: which, and that nothing is learned from them."""

import coco_sets
import numpy as np
import pytest

from spinec import DataError, load, loads
from spinec.spec.recipes.load import load_recipe
from spinec.train.beginning import Asked, begin
from spinec.train.data.forms import open_data
from spinec.train.data.held_out import held_out

pytest.importorskip("PIL")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return coco_sets.write(tmp_path_factory.mktemp("held") / "set", coco_sets.listing(40), "train2017")


def test_each_example_is_in_one_part_and_keeps_all_that_it_has(folder):
    data = open_data(folder, "train2017")
    learned, judged = held_out(data, 10)
    assert (len(learned), len(judged)) == (30, 10)
    ids = [[part[i].id for i in range(len(part))] for part in (learned, judged)]
    assert sorted(ids[0] + ids[1]) == [data[i].id for i in range(40)]
    assert all(part == sorted(part) for part in ids)  # in the order of the data set
    assert max(np.diff(ids[1])) < 20  # from all over it
    assert (learned.name, learned.task, learned.numbering) == (data.name, data.task, data.numbering)
    again = held_out(open_data(folder, "train2017"), 10)[1]
    assert (again.positions == judged.positions).all()
    with pytest.raises(DataError, match=r"train2017.json: has 40 pictures, and 'data.hold_out' is 40: expected fewer"):
        held_out(data, 40)


def test_the_proxy_task_holds_out_as_many_as_the_paper():
    data = load_recipe("proxy").data
    assert (data.train, data.hold_out, 118_287 - data.hold_out) == ("train2017", 7_392, 110_895)


def test_a_run_is_judged_by_them(folder, tmp_path):
    spec = load("eff-spinenet-m0")
    spec = loads(f"name: few\nextends: {spec.name}\nhead: {{classes: [background, cat, traffic light]}}\n")
    parts = []
    for seed in (0, 1):
        settings = ["data.hold_out=10", f"seed={seed}"]
        beginning = begin(Asked(spec, folder, "proxy", settings, folder=tmp_path / "run"))
        parts.append([[part[i].id for i in range(len(part))] for part in (beginning.run.data, beginning.judged)])
    assert parts[0] == parts[1]
    assert not set(parts[0][0]) & set(parts[0][1])
    assert len(parts[0][1]) == 10
