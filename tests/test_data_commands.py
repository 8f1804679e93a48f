"""`spinec data`: what is found in broken data sets, and what a contact sheet shows."""

import json
import math

import coco_sets
import numpy as np
import pytest
from test_data_sets import voc

from spinec.backends.image import DEVIATION, MEAN
from spinec.spec.recipes.load import load_recipe
from spinec.spec.results import results_schema
from spinec.train.data.augment import Jitter
from spinec.train.data.batches import Endless
from spinec.train.data.draws import draws
from spinec.train.data.findings import KINDS
from spinec.train.data.forms import open_data
from spinec.train.data.sheet import seen
from spinec.train.views import view_of
from spinec.visualize.answers import _score

Image = pytest.importorskip("PIL.Image")
jsonschema = pytest.importorskip("jsonschema")


def changed(change):
    def make(folder):
        listed = coco_sets.listing()
        change(listed["images"], listed["annotations"], listed["categories"])
        coco_sets.write(folder, listed)

    return make


def with_picture(name, change):
    def make(folder):
        change(coco_sets.write(folder) / "train" / name)

    return make


def turned(path, orientation=3):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.open(path).convert("RGB")
    picture.save(path, exif=exif)


def copied(path):
    path.write_bytes((path.parent / "0.png").read_bytes())


def many(images, annotations, categories):
    annotations += [{**annotations[0], "bbox": [i % 30, i // 30, 9, 9], "iscrowd": 0} for i in range(101)]


def emptied(images, annotations, categories):
    annotations[:] = [each for each in annotations if each["image_id"] != 12]


def maps(folder):
    path = voc(folder) / "VOCdevkit" / "VOC2012" / "SegmentationClass" / "c.png"
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(path)


FOUND = {  # how a data set is broken: the finding, how often, and a part of the first example
    "nothing": (changed(lambda i, a, c: None), "crowd", 5, "0.png box 3"),
    "no such category": (changed(lambda i, a, c: a[4].update(category_id=9)), "unknown category", 1, "annotation 5: category 9, expected 3, 7"),
    "no such image": (changed(lambda i, a, c: [x.update(image_id=9) for x in a[:4]]), "unknown image", 4, "annotation 1: no image has the id 9"),
    "an id twice": (changed(lambda i, a, c: i.append(i[0])), "id", 1, "images 6: the id 10 occurs twice"),
    "no box": (changed(lambda i, a, c: a[1].pop("bbox")), "malformed", 1, "annotations 2: expected a bbox"),
    "a polygon of a point": (changed(lambda i, a, c: a[1].update(segmentation=[[1, 2]])), "outline", 1, "annotation 1: segmentation: expected polygons"),
    "outside": (changed(lambda i, a, c: a[0].update(bbox=[50, 30, 20, 5])), "outside", 1, "0.png box 1: top, left, bottom, right: 30, 50, 35, 70 of 40 x 60"),
    "below zero": (changed(lambda i, a, c: a[0].update(bbox=[-1, 30, 20, 5])), "outside", 1, "30, -1, 35, 19"),
    "no width": (changed(lambda i, a, c: a[0].update(bbox=[5, 5, 0, 5])), "no area", 1, "0.png box 1"),
    "all outside": (changed(lambda i, a, c: a[0].update(bbox=[60, 5, 9, 5])), "no area", 1, "0.png box 1"),
    "a box twice": (changed(lambda i, a, c: a.insert(1, {**a[0], "id": 999})), "box twice", 1, "0.png box 2"),
    "no boxes": (changed(emptied), "no boxes", 1, "2.png"),
    "many": (changed(many), "many boxes", 1, "0.png: 103, of which 100 are learned"),
    "a class without boxes": (changed(lambda i, a, c: c.append({"id": 8, "name": "zebra"})), "no examples", 1, "zebra: class 2"),
    "a missing picture": (with_picture("1.png", lambda path: path.unlink()), "picture", 1, "1.png: no such file"),
    "a text": (with_picture("1.png", lambda path: path.write_text("text")), "picture", 1, "1.png: not a picture that can be read"),
    "another size": (with_picture("1.png", lambda path: Image.new("RGB", (9, 9)).save(path)), "picture", 1, "1.png: 9 x 9 pixels"),
    "upside down": (with_picture("1.png", turned), "turned", 1, "1.png: orientation 3"),
    "a picture twice": (changed(lambda i, a, c: i.append({**i[0], "id": 99})), "picture twice", 1, "0.png: the same as"),
    "a map of another size": (maps, "map", 1, "c.jpg: 40 x 60 pixels, and its map has 4 x 6"),
    "no JSON": (lambda folder: (coco_sets.write(folder) / "annotations" / "instances_train.json").write_text("{"), "file", 1, "not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("how", FOUND)
def test_what_is_wrong_is_found_counted_and_shown(spinec, tmp_path, how):
    make, kind, count, example = FOUND[how]
    make(tmp_path)
    task = ("--task", "segmentation", "--split", "val") if how == "a map of another size" else ()
    code, out, err = spinec("data", "check", tmp_path, *task, "--format", "json")
    said = json.loads(out)
    jsonschema.Draft202012Validator(results_schema()).validate(said)
    [row] = [row for row in said["rows"] if row["finding"] == kind]
    assert (row["count"], row["stops"], row["what"]) == (count, KINDS[kind].stops, KINDS[kind].says)
    assert example in row["first"][0]
    assert len(row["first"]) == min(count, 3)
    assert said["passed"] == (code == 0) == (not any(each["stops"] for each in said["rows"]))
    assert err == ""
    stops = {each["finding"] for each in said["rows"] if each["stops"]}
    assert stops <= {kind}  # one thing is told once


def test_every_kind_is_found_by_some_data_set():
    assert {kind for _, kind, _, _ in FOUND.values()} | {"class"} == set(KINDS)


@pytest.mark.parametrize("how", [how for how in FOUND if how != "a map of another size"])
def test_training_fails_where_the_check_says_so(tmp_path, how):
    make, kind, _, _ = FOUND[how]
    make(tmp_path)
    try:
        data = open_data(tmp_path)
        for i in range(len(data)):
            Jitter((32, 32), mask_side=7)(data[i], draws(0, 0, i))
        failed = False
    except Exception:
        failed = True
    assert failed == KINDS[kind].stops


def test_a_head_that_lacks_a_class_is_told_and_the_rest_is_still_looked_at(spinec, tmp_path):
    changed(emptied)(tmp_path)
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nblocks:\n  b1: {level: 1, kind: conv, dim: 8, inputs: [image]}\noutputs: {P1: b1}\n"
        "head: {kind: retinanet, dim: 8, classes: [background, cat, dog]}\n"
    )
    code, out, _ = spinec("data", "check", tmp_path, "--spec", tmp_path / "mine.yaml", "--format", "csv")
    assert code == 1
    assert "the class 'traffic light' is not one of the head's: " in out
    assert "no boxes" in out


def test_a_box_without_an_outline_stops_what_learns_masks(spinec, tmp_path):
    changed(lambda i, a, c: a[4].pop("segmentation"))(tmp_path)
    assert spinec("data", "check", tmp_path)[0] == 0
    code, out, _ = spinec("data", "check", tmp_path, "--spec", "eff-spinenet-d0-mask-rcnn", "--format", "json")
    rows = {row["finding"]: row for row in json.loads(out)["rows"]}
    assert (code, rows["outline"]["count"]) == (1, 1)
    assert "1.png: has boxes without an outline ('segmentation')" in rows["outline"]["first"][0]


def test_every_split_is_checked_and_workers_change_nothing(spinec, tmp_path):
    coco_sets.write(tmp_path, split="train")
    coco_sets.write(tmp_path, split="val")
    (tmp_path / "val" / "3.png").unlink()
    code, out, _ = spinec("data", "check", tmp_path, "--format", "json")
    said = json.loads(out)
    assert code == 1
    assert said["about"]["splits"] == {"train": 5, "val": 5}
    assert [(row["split"], row["finding"]) for row in said["rows"]] == [
        ("train", "crowd"),
        ("val", "picture"),
        ("val", "crowd"),
    ]
    assert spinec("data", "check", tmp_path, "--workers", 2, "--format", "json") == (code, out, "")
    assert spinec("data", "check", tmp_path, "--no-pictures")[0] == 0
    assert spinec("data", "check", tmp_path, "--split", "train")[0] == 0
    code, out, err = spinec("data", "check", tmp_path, "--split", "test")
    assert (code, out) == (1, "")
    assert "has no split 'test': expected train, val" in err


def test_the_sheet_shows_what_training_sees(spinec, tmp_path):
    coco_sets.write(tmp_path / "data")
    size = ("--size", "64x96", "--count", 4)
    assert spinec("data", "show", tmp_path / "data", "-o", tmp_path / "a.png", *size)[0] == 0
    sheet = Image.open(tmp_path / "a.png")
    assert sheet.size == (2 * (288 + 6) + 6, 2 * (192 + 6) + 6)  # three times as large, or boxes would not be seen
    for more in (("--seed", 1), ("--scale", "1,1"), ("--flip", 1), ("--count", 5)):
        assert spinec("data", "show", tmp_path / "data", "-o", tmp_path / "b.png", *size, *more)[0] == 0
        assert (tmp_path / "b.png").read_bytes() != (tmp_path / "a.png").read_bytes()
    code, _, err = spinec("data", "show", tmp_path / "data", "-o", tmp_path / "c.png", "--scale", "2,1")
    assert (code, "expected --scale as two numbers" in err) == (2, True)


def test_a_sample_is_shown_as_it_is_given(tmp_path):
    data = open_data(coco_sets.write(tmp_path))
    sample = Jitter((300, 300), (1, 1), flip=1)(data[0], draws(0, 0, 0))
    answer = seen(data, sample)
    rows, columns = sample.placement.visible
    expected = sample.placement.picture(data[0].read())
    assert (np.asarray(answer.picture)[:rows, :columns] == np.asarray(expected)).all()
    assert (np.asarray(answer.picture)[rows:] == (124, 116, 104)).all()  # the mean colour
    assert (answer.boxes == sample.boxes).all()
    for mask, (top, left, bottom, right) in zip(answer.masks, answer.boxes, strict=True):  # outlines are the boxes
        inside = np.zeros((300, 300), bool)
        inside[round(top) : round(bottom), round(left) : round(right)] = True
        assert (mask != inside).sum() <= 2 * (bottom - top + right - left)
    assert list(answer.names) == [data.numbering.names[number] for number in data[0].classes[:2]]


def test_maps_and_classes_are_shown_too(spinec, tmp_path):
    voc(tmp_path / "voc")
    command = ("data", "show", tmp_path / "voc", "--task", "segmentation", "--split", "val", "-o", tmp_path / "map.png")
    assert spinec(*command, "--size", 64, "--scale", "1,1", "--flip", 0)[0] == 0
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB"))[6:-6, 6:-6]
    assert len({tuple(pixels[100, x]) for x in (5, 20, 200)}) > 1
    (tmp_path / "classes" / "cat").mkdir(parents=True)
    Image.new("RGB", (9, 9), "red").save(tmp_path / "classes" / "cat" / "a.png")
    command = ("data", "show", tmp_path / "classes", "-o", tmp_path / "class.png", "--size", 64)
    assert spinec(*command)[0] == 0
    assert Image.open(tmp_path / "class.png").size == (268, 268)
    code, _, err = spinec(*command, "--scale", "1,1")
    assert (code, "--scale does nothing for classification" in err) == (2, True)


def test_the_sheet_shows_what_a_recipe_does(spinec, tmp_path):
    (tmp_path / "classes" / "cat").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "classes" / "cat" / "a.png")
    show = ("data", "show", tmp_path / "classes", "--size", 64, "--seed", 3, "-o")
    assert spinec(*show, tmp_path / "auto.png", "--recipe", "classification")[0] == 0
    assert spinec(*show, tmp_path / "plain.png")[0] == 0
    assert (tmp_path / "auto.png").read_bytes() != (tmp_path / "plain.png").read_bytes()
    [auto] = Endless(open_data(tmp_path / "classes"), learned_by("classification", (64, 64)), 1, 3)[0].images
    drawn = np.asarray(Image.open(tmp_path / "auto.png").convert("RGB"))[8:-6:4, 8:-6:4]
    back = np.clip((auto * DEVIATION + MEAN) * 255, 0, 255).round().astype(int)
    assert (drawn[20:] == back[20:]).all()  # below the label
    (tmp_path / "mine.yaml").write_text(
        "recipe: mine\nextends: classification\naugment: {policy: randaugment, layers: 3}\n"
    )
    assert spinec(*show, tmp_path / "rand.png", "--recipe", tmp_path / "mine.yaml")[0] == 0
    assert (tmp_path / "rand.png").read_bytes() not in [(tmp_path / f"{n}.png").read_bytes() for n in ("auto", "plain")]
    code, _, err = spinec(*show, tmp_path / "no.png", "--recipe", "classification", "--flip", "0")
    assert (code, "--flip does nothing with --recipe, which says it" in err) == (2, True)
    assert not (tmp_path / "no.png").exists()
    assert "did you mean 'detection'" in spinec(*show, tmp_path / "no.png", "--recipe", "detections")[2]


def learned_by(name, size):
    """What a recipe makes of a picture that is to be classified."""
    return view_of("classification", load_recipe(name).augment, size)


def test_what_is_known_has_no_score():
    assert (_score(math.nan), _score(0.5)) == ("", "0.50")
