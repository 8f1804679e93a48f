"""Data sets of every form: what is read of them, and what is said of broken ones."""

import json
import re
from types import SimpleNamespace

import coco_sets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spinec.compiler.answers.run_lengths import run_lengths
from spinec.spec.errors import DataError
from spinec.spec.heads import Classification, RetinaNet
from spinec.train.data.forms import open_data
from spinec.train.data.json_elements import element_at, elements
from spinec.train.data.masks import Frame, box_of, draw_mask, mask_of


def test_a_file_of_coco_gives_its_boxes(tmp_path):
    listed = coco_sets.listing()
    data = open_data(coco_sets.write(tmp_path, listed))
    assert (len(data), data.task, data.names, data.ids) == (5, "detection", ("cat", "traffic light"), (3, 7))
    for example, image in zip(map(data.__getitem__, range(5)), listed["images"], strict=True):
        own = [each for each in listed["annotations"] if each["image_id"] == example.id]
        assert example.size == (image["height"], image["width"])
        assert example.read().size == (image["width"], image["height"])
        corners = [[y, x, y + h, x + w] for x, y, w, h in (each["bbox"] for each in own)]
        assert example.boxes.tolist() == corners
        assert [data.ids[number] for number in example.classes] == [each["category_id"] for each in own]
        assert example.crowd.tolist() == [False, False, True]
        assert example.areas.tolist() == [each["area"] for each in own]
        assert [box_of(mask) for mask in example.read_masks()] == [tuple(box) for box in corners]


def test_a_head_says_the_numbers(tmp_path):
    folder = coco_sets.write(tmp_path)
    coco = RetinaNet(dim=8, labels="coco-91", classes=91)
    data = open_data(folder, head=coco)  # by name: the ids of the file are not COCO's
    assert (data.ids[17], data.ids[10], set(data.ids)) == (3, 7, {3, 7, -1})
    assert set(np.concatenate([data[i].classes for i in range(5)])) == {10, 17}
    plain = open_data(folder, head=RetinaNet(dim=8, classes=3))
    assert plain.names == ("background", "cat", "traffic light")
    assert set(np.concatenate([data[i].classes for i in range(5)]) // 8) == {1, 2}
    own = open_data(folder, head=RetinaNet(dim=8, classes=3, labels=["nothing", "Traffic_Light", "CAT"]))
    assert own.ids == (-1, 7, 3)


def test_the_other_layouts_of_coco(tmp_path):
    folder = coco_sets.write(tmp_path / "usual")
    listed = (folder / "annotations" / "instances_train.json").read_text()
    exported = tmp_path / "exported" / "valid"
    exported.parent.mkdir()
    (folder / "train").rename(exported)
    (exported / "_annotations.coco.json").write_text(listed)
    assert len(open_data(tmp_path / "exported")) == len(open_data(tmp_path / "exported", "valid")) == 5
    assert len(open_data(exported)) == len(open_data(exported / "_annotations.coco.json")) == 5
    images = tmp_path / "usual" / "images"
    images.mkdir()
    exported.rename(images / "train")
    assert open_data(folder, "train")[0].read().size == (60, 40)
    (images / "train").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"first picture '0.png' is in none of: .*images= names"):
        open_data(folder, "train")
    assert open_data(folder, images=tmp_path / "elsewhere")[4].read().size == (71, 33)


def test_a_folder_of_classes(tmp_path):
    for name, number in (("cat", 2), ("traffic light", 1), ("zebra", 0)):
        (tmp_path / "val" / name).mkdir(parents=True)
        for i in range(number):
            Image.new("RGB", (8, 9 + i)).save(tmp_path / "val" / name / f"{i}.png")
        (tmp_path / "val" / name / "._0.png").write_text("kept by some systems")
    for data in (open_data(tmp_path), open_data(tmp_path, "val"), open_data(tmp_path / "val")):
        assert (len(data), data.task, data.names) == (3, "classification", ("cat", "traffic light", "zebra"))
        assert [data[i].label for i in range(3)] == [0, 0, 1]
        assert data[1].read().size == (8, 10)
    named = open_data(tmp_path, head=Classification(classes=3, labels=["Traffic light", "dog", "cat"]))
    assert [named[i].label for i in range(3)] == [2, 2, 0]


def test_folders_by_wordnet_id_are_imagenets_classes_in_their_order(tmp_path):
    for i in range(1000):
        (tmp_path / f"n{i * 7 + 1440000:08}").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / f"n{3 * 7 + 1440000:08}" / "a.jpeg")
    data = open_data(tmp_path, head=Classification(classes=1000, labels="imagenet-1k"))
    assert (data[0].label, data.names[3]) == (3, "tiger shark")


def test_elements_are_those_of_json_and_are_found_again(tmp_path):
    document = {"info": {"a": [1]}, "images": [{"é": "ü"}, 5, "x"], "none": [], "ä": [[1, [2]]], "last": None}
    for text in (json.dumps(document, ensure_ascii=False, indent=1), "\ufeff" + json.dumps(document)):
        path = tmp_path / "a.json"
        path.write_text(text, encoding="utf-8")
        found = list(elements(path))
        expected = [("info", {"a": [1]}), ("images", {"é": "ü"}), ("images", 5), ("images", "x")]
        assert [(each.key, each.value) for each in found] == [*expected, ("ä", [1, [2]]), ("last", None)]
        assert all(element_at(path, each.start, each.end) == each.value for each in found)


# ---- outlines


def packed(counts):
    """COCO's short form of lengths of runs, written from its description."""
    text = ""
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        while True:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
            if not more:
                break
    return text


def masks():
    return st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32)).map(
        lambda s: np.random.default_rng(s[2]).random(s[:2]) < 0.5
    )


@given(masks())
def test_runs_in_either_form_give_the_mask(pixels):
    whole = Frame(0, 0, *pixels.shape)
    runs = run_lengths(pixels)
    for counts in (runs["counts"], packed(runs["counts"])):
        mask = mask_of({"size": runs["size"], "counts": counts})
        assert (draw_mask(mask, whole, pixels.shape) == pixels).all()
        mirrored = Frame(0, 0, *pixels.shape, mirrored=True)
        assert (draw_mask(mask, mirrored, pixels.shape) == pixels[:, ::-1]).all()


def test_the_short_form_is_cocos():
    """Lengths beyond 5 and 10 bits, and differences below zero."""
    assert packed([6, 1, 40, 4, 5, 4, 5, 4, 21]) == "61X13mN000`0"  # of pycocotools' own description
    assert mask_of({"size": [9, 10], "counts": "61X13mN000`0"}).counts.tolist() == [6, 1, 40, 4, 5, 4, 5, 4, 21]


def in_polygon(x, y, corners):
    """By the sum of the signs of the edges that a ray to the left meets."""
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
            inside = not inside
    return inside


CORNERS = st.lists(st.tuples(st.integers(-8, 40), st.integers(-8, 40)), min_size=3, max_size=8)


@given(CORNERS, st.integers(1, 9), st.integers(1, 9))
def test_a_polygon_has_the_pixels_whose_middles_it_has(corners, height, width):
    polygon = mask_of([[number / 4 + 0.01 for corner in corners for number in corner]])
    drawn = draw_mask(polygon, Frame(0, 0, height, width), (height, width))
    ring = [(x / 4 + 0.01, y / 4 + 0.01) for x, y in corners]
    expected = [[in_polygon(x + 0.5, y + 0.5, ring) for x in range(width)] for y in range(height)]
    assert drawn.tolist() == expected


def test_a_part_of_a_polygon_is_drawn_at_any_size():
    square = mask_of([[2, 2, 6, 2, 6, 6, 2, 6], [0, 0, 1, 0, 1, 1, 0, 1]])
    assert draw_mask(square, Frame(2, 2, 6, 6), (112, 112)).all()
    assert draw_mask(square, Frame(0, 0, 8, 8), (8, 8)).sum() == 17
    right = draw_mask(square, Frame(2, 4, 6, 8), (4, 4))
    assert right.tolist() == [[True, True, False, False]] * 4
    assert draw_mask(square, Frame(2, 4, 6, 8, mirrored=True), (4, 4)).tolist() == [[False, False, True, True]] * 4


# ---- what is wrong


def coco(change):
    """A data set whose JSON is changed."""

    def make(folder):
        listed = coco_sets.listing()
        change(SimpleNamespace(**listed))
        coco_sets.write(folder, listed)

    return make


def text(change):
    """A data set whose text is changed."""

    def make(folder):
        path = coco_sets.write(folder) / "annotations" / "instances_train.json"
        path.write_text(change(path.read_text()))

    return make


def then(change, make=coco_sets.write):
    def made(folder):
        make(folder)
        change(folder)

    return made


def turned(folder):
    picture = Image.open(folder / "train" / "1.png").convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(folder / "train" / "1.png", exif=exif)


NAMED = RetinaNet(dim=8, classes=3, labels=["background", "cat", "dog"])
BROKEN = {  # how a data set is broken: what is said of it
    "no text": (text(lambda _: ""), None, r"instances_train\.json: expected a JSON object"),
    "cut off": (text(lambda t: t[:500]), None, r"instances_train\.json:1:\d+: not JSON: "),
    "a comma too many": (text(lambda t: t.replace("}, {", "},, {", 1)), None, r"\.json:1:\d+: not JSON: Expecting"),
    "another JSON": (text(lambda _: '{"shapes": []}'), None, "has no images: expected COCO's images, annotations"),
    "no categories": (coco(lambda d: d.categories.clear()), None, "has no categories"),
    "no images": (coco(lambda d: d.images.clear()), None, "has no images"),
    "unknown category": (
        coco(lambda d: d.annotations[4].update(category_id=99)),
        None,
        r"annotation 5: category 99, expected 3, 7$",
    ),
    "unknown image": (
        coco(lambda d: [each.update(image_id=77) for each in d.annotations[:3]]),
        None,
        r"annotation 1: no image has the id 77 \(2 more such: spinec data check lists them\)",
    ),
    "three numbers": (
        coco(lambda d: d.annotations[0].update(bbox=[1, 2, 3])),
        None,
        r"annotations 1: expected a bbox of left, top, width and height in pixels, got \[1, 2, 3\]",
    ),
    "no number": (
        coco(lambda d: d.annotations[1].update(bbox=[1, 2, float("nan"), 3])),
        None,
        "annotations 2: expected a bbox",
    ),
    "endless": (coco(lambda d: d.annotations[1].update(bbox=[1, 2, 1e30, 3])), None, "annotations 2: expected a bbox"),
    "an id twice": (coco(lambda d: d.images[1].update(id=10)), None, "images 2: the id 10 occurs twice"),
    "a nameless picture": (
        coco(lambda d: d.images[1].pop("file_name")),
        None,
        "images 2: expected a file_name, got None",
    ),
    "a class the head lacks": (coco(lambda d: None), NAMED, "the class 'traffic light' is not one of the head's: "),
    "more classes than the head": (
        coco(lambda d: None),
        RetinaNet(dim=8, classes=2),
        "has 2 classes, and the head 2, of which one is the background",
    ),
    "another task": (
        coco(lambda d: None),
        Classification(),
        "a data set for detection, and the head is for classification",
    ),
    "no pictures": (then(lambda f: (f / "train").rename(f / "val")), None, "its first picture '0.png' is in none of"),
    "a missing picture": (then(lambda f: (f / "train" / "1.png").unlink()), None, r"train/1\.png: no such file"),
    "a damaged picture": (
        then(lambda f: (f / "train" / "1.png").write_bytes(b"GIF89a")),
        None,
        r"train/1\.png: not a picture that can be read",
    ),
    "another size": (
        then(lambda f: Image.new("RGB", (5, 5)).save(f / "train" / "1.png")),
        None,
        r"train/1\.png: 5 x 5 pixels \(height x width\), and the data set says 64 x 48",
    ),
    "turned": (then(turned), None, r"train/1\.png: 48 x 64 pixels .* says 64 x 48; its EXIF turns it"),
    "a polygon of two corners": (
        coco(lambda d: d.annotations[3].update(segmentation=[[1, 2, 3, 4]])),
        None,
        "annotation 100: segmentation: expected polygons of at least three corners",
    ),
    "runs of another size": (
        coco(lambda d: d.annotations[3].update(segmentation={"size": [3, 3], "counts": [1, 2]})),
        None,
        "annotation 100: segmentation: expected runs of 3 x 3 pixels in all",
    ),
    "an empty folder": (lambda folder: None, None, r"not a data set of a known form: expected one of"),
}


def read_all(folder, head):
    data = open_data(folder, head=head)
    for example in map(data.__getitem__, range(len(data))):
        example.read()
        if example.read_masks:
            example.read_masks()


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_wrong_is_said_in_one_message(tmp_path, how):
    make, head, said = BROKEN[how]
    make(tmp_path)
    with pytest.raises(DataError, match=said) as caught:
        read_all(tmp_path, head)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value) or how == "an empty folder"


def test_a_split_that_is_not_there_is_said(tmp_path):
    coco_sets.write(tmp_path, split="train2017")
    coco_sets.write(tmp_path, split="val2017")
    with pytest.raises(DataError, match=r"has several splits, say which: train2017, val2017"):
        open_data(tmp_path)
    with pytest.raises(DataError, match="has no split 'train': expected train2017, val2017"):
        open_data(tmp_path, "train")
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none'}: no such file or folder")):
        open_data(tmp_path / "none")
