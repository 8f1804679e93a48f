"""The paper's recipes, three steps each on made-up data of the form and with the splits that they name."""

from __future__ import annotations

import json
import math
import shutil

import coco_sets
import pytest
from broken_training import BODY, BOXES, write_all

from spinec import load
from spinec.spec.recipes.load import load_recipe
from spinec.train.beginning import default_recipe
from spinec.train.rates import Rates

pytest.importorskip("PIL")
pytest.importorskip("faster_coco_eval")

STEPS = 3
SHORT = (f"schedule.steps={STEPS}", "batch=2")
TAUGHT = {  # recipe: a small spec, its data, what is set besides, and how many pictures are learned from
    "detection": (BOXES, "coco", ("schedule.drops=null",), 4),
    "proxy": (BOXES, "coco", ("data.hold_out=1",), 3),
    "mask-rcnn": (
        f"{BODY}head: {{kind: mask_rcnn, dim: 8, classes: [background, cat, traffic light], box_crops: 8, mask_crops: 4}}\n",
        "coco",
        ("schedule.drops=null",),
        4,
    ),
    "segmentation": (f"{BODY}head: {{kind: segmentation, dim: 8, layers: 1, classes: 5}}\n", "voc", (), 2),
    "classification": (f"{BODY}head: {{kind: classification, classes: [cat, dog]}}\n", "folders", (), 4),
}
MODULES = {"pytorch": "torch", "tensorflow": "tensorflow"}
# TensorFlow traces a step of Mask R-CNN for most of a minute (docs/parity.md has its networks), and the proxy's is detection's.
TRAINED = {"pytorch": [*TAUGHT], "tensorflow": ["detection", "segmentation", "classification"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """COCO, ImageNet and PASCAL VOC with its augmented list, all but the pictures."""
    folder = tmp_path_factory.mktemp("papers")
    write_all(folder / "all")
    shutil.rmtree(folder / "all" / "coco")
    for split in ("train2017", "val2017"):
        coco_sets.write(folder / "all" / "coco", coco_sets.listing(4), split)
    voc = folder / "all" / "voc"
    shutil.copytree(voc / "SegmentationClass", voc / "SegmentationClassAug")
    (voc / "ImageSets" / "Segmentation" / "train.txt").rename(voc / "ImageSets" / "Segmentation" / "train_aug.txt")
    return folder / "all"


@pytest.mark.parametrize(("name", "backend"), [(name, backend) for backend, names in TRAINED.items() for name in names])
def test_a_recipe_of_the_paper_runs(place, tmp_path, spinec, name, backend):
    pytest.importorskip(MODULES[backend])
    text, data, more, pictures = TAUGHT[name]
    (tmp_path / "taught.yaml").write_text(text)
    changes = [word for setting in (*SHORT, *more) for word in ("--set", setting)]
    line = ["train", tmp_path / "taught.yaml", "--data", place / data, "--recipe", name, *changes, "--workers", "0"]
    code, _, err = spinec(*line, "--backend", backend, "--run", tmp_path / "run")
    assert code == 0, err
    assert f"rate: {load_recipe(name).optimizer.rate:g} for 256 images a step" in err
    lines = [json.loads(each) for each in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    taught = [each for each in lines if "loss" in each]
    assert [each["step"] for each in taught] == [1, 2, 3]
    assert all(math.isfinite(each["loss"]) for each in taught)
    rates = Rates(load_recipe(name, [*SHORT, *more]), pictures / 2)
    assert [each["rate"] for each in taught] == [rates[step] for step in range(STEPS)]
    assert lines[-1]["step"] == STEPS
    assert "loss" not in lines[-1]  # the last step is judged
    assert (tmp_path / "run" / "best.safetensors").exists()


def test_they_are_what_the_papers_networks_take_by_default():
    names = {"eff-spinenet-d0": "detection", "eff-spinenet-d0-mask-rcnn": "mask-rcnn"}
    names |= {f"eff-spinenet-d0-{task}": task for task in ("segmentation", "classification")}
    assert {name: default_recipe(load(name)) for name in names} == names
    assert {*names.values(), "proxy"} == TAUGHT.keys()
