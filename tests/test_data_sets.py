"""Data sets of every form: what is read of them, and what is said of broken ones."""

import io
import json
import re
import tarfile
from contextlib import suppress
from types import SimpleNamespace

import coco_sets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinec.compiler.answers.run_lengths import run_lengths
from spinec.spec.errors import DataError
from spinec.spec.heads import Classification, RetinaNet, Segmentation
from spinec.train.data.augment import Jitter
from spinec.train.data.batches import Once
from spinec.train.data.check import check_data
from spinec.train.data.draws import draws
from spinec.train.data.forms import open_data
from spinec.train.data.json_elements import element_at, elements
from spinec.train.data.masks import Frame, box_of, draw_mask, mask_of

Image = pytest.importorskip("PIL.Image")


def test_a_file_of_coco_gives_its_boxes(tmp_path):
    listed = coco_sets.listing()
    data = open_data(coco_sets.write(tmp_path, listed))
    assert (len(data), data.task) == (5, "detection")
    assert data.numbering[:2] == (("cat", "traffic light"), (3, 7))
    for example, image in zip(map(data.__getitem__, range(5)), listed["images"], strict=True):
        own = [each for each in listed["annotations"] if each["image_id"] == example.id]
        assert example.size == (image["height"], image["width"])
        assert example.read().size == (image["width"], image["height"])
        corners = [[y, x, y + h, x + w] for x, y, w, h in (each["bbox"] for each in own)]
        assert example.boxes.tolist() == corners
        assert [data.numbering.ids[number] for number in example.classes] == [each["category_id"] for each in own]
        assert example.crowd.tolist() == [False, False, True]
        assert example.areas.tolist() == [each["area"] for each in own]
        assert [box_of(mask) for mask in example.read_masks()] == [tuple(box) for box in corners]


def test_a_head_says_the_numbers(tmp_path):
    folder = coco_sets.write(tmp_path)
    coco = RetinaNet(dim=8, labels="coco-91", classes=91)
    data = open_data(folder, head=coco)  # by name: the ids of the file are not COCO's
    ids = data.numbering.ids
    assert (ids[17], ids[10], set(ids)) == (3, 7, {3, 7, -1})
    assert set(np.concatenate([data[i].classes for i in range(5)])) == {10, 17}
    plain = open_data(folder, head=RetinaNet(dim=8, classes=3))
    assert plain.numbering.names == ("background", "cat", "traffic light")
    assert set(np.concatenate([data[i].classes for i in range(5)]) // 8) == {1, 2}
    own = open_data(folder, head=RetinaNet(dim=8, classes=3, labels=["nothing", "Traffic_Light", "CAT"]))
    assert own.numbering.ids == (-1, 7, 3)


def test_the_other_layouts_of_coco(tmp_path):
    folder = coco_sets.write(tmp_path / "usual")
    listed = (folder / "annotations" / "instances_train.json").read_text()
    exported = tmp_path / "exported" / "valid"
    exported.parent.mkdir()
    (folder / "train").rename(exported)
    (exported / "_annotations.coco.json").write_text(listed)
    assert len(open_data(tmp_path / "exported")) == len(open_data(tmp_path / "exported", "valid")) == 5
    assert len(open_data(exported)) == len(open_data(exported / "_annotations.coco.json")) == 5
    coco_sets.write(tmp_path / "coco", split="train2017")
    assert open_data(tmp_path / "coco", "train2017")[0].read().size == (60, 40)
    images = tmp_path / "usual" / "images"
    images.mkdir()
    exported.rename(images / "train")
    assert open_data(folder, "train")[0].read().size == (60, 40)
    (images / "train").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"first picture '0.png' is in none of: .*images= \(--images\) names"):
        open_data(folder, "train")
    assert open_data(folder, images=tmp_path / "elsewhere")[4].read().size == (71, 33)


def test_a_folder_of_classes(tmp_path):
    for name, number in (("cat", 2), ("traffic light", 1), ("zebra", 0)):
        (tmp_path / "val" / name).mkdir(parents=True)
        for i in range(number):
            Image.new("RGB", (8, 9 + i)).save(tmp_path / "val" / name / f"{i}.png")
        (tmp_path / "val" / name / "._0.png").write_text("kept by some systems")
    for data in (open_data(tmp_path), open_data(tmp_path, "val"), open_data(tmp_path / "val")):
        assert (len(data), data.task, data.numbering.names) == (3, "classification", ("cat", "traffic light", "zebra"))
        assert [data[i].label for i in range(3)] == [0, 0, 1]
        assert data[1].read().size == (8, 10)
    named = open_data(tmp_path, head=Classification(classes=3, labels=["Traffic light", "dog", "cat"]))
    assert [named[i].label for i in range(3)] == [2, 2, 0]


def test_a_class_that_a_split_lacks_keeps_its_number(tmp_path):
    for split, names in (("train", ("cat", "dog", "cow")), ("val", ("cow", "dog"))):
        for name in names:
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(tmp_path / split / name / "a.png")
    train, val = (open_data(tmp_path, split) for split in ("train", "val"))
    assert train.numbering.names == val.numbering.names == ("cat", "cow", "dog")
    assert [val[i].label for i in range(2)] == [1, 2]


def test_folders_by_wordnet_id_are_imagenets_classes_in_their_order(tmp_path):
    for i in range(1000):
        (tmp_path / f"n{i * 7 + 1440000:08}").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / f"n{3 * 7 + 1440000:08}" / "a.jpeg")
    data = open_data(tmp_path, head=Classification(classes=1000, labels="imagenet-1k"))
    assert (data[0].label, data.numbering.names[3]) == (3, "tiger shark")


def test_elements_are_those_of_json_and_are_found_again(tmp_path):
    document = {"info": {"a": [1]}, "images": [{"é": "ü"}, 5, "x"], "none": [], "ä": [[1, [2]]], "last": None}
    for text in (json.dumps(document, ensure_ascii=False, indent=1), "\ufeff" + json.dumps(document)):
        path = tmp_path / "a.json"
        path.write_text(text, encoding="utf-8")
        found = list(elements(path))
        for window in (1, 2, 3, 7, 50):  # wherever a part of the file ends
            assert list(elements(path, window)) == found
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
    ring = [(x / 4 + 0.01, y / 4 + 0.0137) for x, y in corners]  # so that no middle is on an edge
    polygon = mask_of([[number for corner in ring for number in corner]])
    drawn = draw_mask(polygon, Frame(0, 0, height, width), (height, width))
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
    "a comma too many": (text(lambda t: t.replace("}, {", "},, {", 1)), None, r"\.json:1:\d+: not JSON: expected"),
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


VALUES = [
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "NaN",
    "99999999999999999999",
    '""',
    '"x"',
    "[]",
    "{}",
    "[[]]",
    "[[1,2,3,4,5,6]]",
]


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_whatever_a_file_says_is_read_or_refused(tmp_path_factory, random):
    """A value replaced by another, or bytes by others: nothing but an error of the data set comes of it."""
    if not (folder := tmp_path_factory.getbasetemp() / "mutated").exists():
        coco_sets.write(folder, coco_sets.listing(2, 2))
    path = folder / "annotations" / "instances_train.json"
    text = json.dumps(coco_sets.listing(2, 2))
    for _ in range(random.randint(1, 3)):
        spots = list(re.finditer(r'-?\d+|"[^"]*"|\[[^\[\]]*\]', text))
        spot = random.choice(spots)
        text = text[: spot.start()] + random.choice(VALUES) + text[spot.end() :]
    data = bytearray(text.encode())
    if random.random() < 0.3:
        data[random.randrange(len(data))] = random.randrange(256)
    path.write_bytes(data)
    checks = check_data(folder)
    try:
        read_all(folder, None)
        data = open_data(folder)
        views = [
            Jitter((16, 16), mask_side=5 if data[i].read_masks else 0)(data[i], draws(0, 0, i))
            for i in range(len(data))
        ]
        assert all(np.isfinite(view.boxes).all() for view in views)
        failed = False
    except DataError:
        failed = True
    assert failed != checks[0].passed  # the check says what training would


@given(st.text(max_size=30), st.integers(-2, 40), st.integers(-2, 40))
def test_whatever_runs_are_packed_they_are_read_or_refused(text, height, width):
    with suppress(ValueError):
        mask = mask_of({"size": [height, width], "counts": text})
        assert draw_mask(mask, Frame(0, 0, height, width), (height, width)).shape == (height, width)


def test_a_split_that_is_not_there_is_said(tmp_path):
    coco_sets.write(tmp_path, split="train2017")
    coco_sets.write(tmp_path, split="val2017")
    with pytest.raises(DataError, match=r"has several splits, say which: train2017, val2017"):
        open_data(tmp_path)
    with pytest.raises(DataError, match="has no split 'train': expected train2017, val2017"):
        open_data(tmp_path, "train")
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none'}: no such file or folder")):
        open_data(tmp_path / "none")


# ---- PASCAL VOC


XML = """<annotation><filename>{name}.jpg</filename>
<size><width>60</width><height>40</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><part><name>head</name></part>
<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def voc(folder):
    """Three pictures: the first two for training, the third, which has a class of its own, for validation."""
    root = folder / "VOCdevkit" / "VOC2012"
    for name in ("JPEGImages", "Annotations", "SegmentationClass", "SegmentationClassAug"):
        (root / name).mkdir(parents=True)
    things = {
        "a": OBJECT.format(1, 1, 10, 20, name="tvmonitor", difficult=0)
        + OBJECT.format(5, 6, 7, 8, name="cat", difficult=1),
        "b": "",
        "c": OBJECT.format(11.5, 1, 60, 40, name="aeroplane", difficult=0),
    }
    for name, objects in things.items():
        Image.new("RGB", (60, 40)).save(root / "JPEGImages" / f"{name}.jpg")
        (root / "Annotations" / f"{name}.xml").write_text(XML.format(name=name, objects=objects))
        for maps, value in (("SegmentationClass", 20), ("SegmentationClassAug", 8)):
            values = np.zeros((40, 60), np.uint8)
            values[:, :10], values[0, 0] = value, 255
            picture = Image.fromarray(values).convert("P")
            picture.putdata(values.ravel().tolist())
            picture.save(root / maps / f"{name}.png")
    for kind, lists in {
        "Main": {"train": "a\nb\n", "val": "c\n", "cat_train": "a  1\nb -1\n"},
        "Segmentation": {"val": "c\n", "train_aug": "/JPEGImages/a.jpg /SegmentationClassAug/a.png\nb\n"},
    }.items():
        (root / "ImageSets" / kind).mkdir(parents=True)
        for split, text in lists.items():
            (root / "ImageSets" / kind / f"{split}.txt").write_text(text)
    return folder


def test_the_boxes_of_voc(tmp_path):
    data = open_data(voc(tmp_path), "train")
    assert len(data) == 2
    assert data.numbering.names == ("aeroplane", "cat", "tvmonitor")  # of both splits: a class keeps its number
    assert data[0].boxes.tolist() == [[0, 0, 20, 10], [5, 4, 8, 7]]  # counted from 1, the last pixel within
    assert data[0].classes.tolist() == [2, 1]
    assert data[0].crowd.tolist() == [False, True]
    assert data[0].read().size == (60, 40)
    assert len(data[1].boxes) == 0
    head = RetinaNet(dim=8, classes=20, labels="voc-20", background=False)
    named = open_data(tmp_path / "VOCdevkit" / "VOC2012", "train", head=head)
    assert [named.numbering.names[number] for number in named[0].classes] == ["tv monitor", "cat"]
    assert open_data(tmp_path, "val")[0].boxes.tolist() == [[0, 10.5, 40, 60]]
    with pytest.raises(DataError, match="has no split 'test': expected train, val"):
        open_data(tmp_path, "test")


def test_the_maps_of_voc(tmp_path):
    voc(tmp_path)
    head = Segmentation(labels="voc-21")
    data = open_data(tmp_path, "train_aug", head=head)
    assert (len(data), data.task, data.numbering.names[20]) == (2, "segmentation", "tv monitor")
    for i in (0, 1):  # a pair, and a name alone in the augmented list
        values = data[i].read_map()
        assert (values[0, 0], values[1, 0], values[0, 10], values.shape) == (255, 8, 0, (40, 60))
    assert open_data(tmp_path, "val", task="segmentation")[0].read_map()[1, 0] == 20
    few = open_data(tmp_path, "val", head=Segmentation(classes=5))
    with pytest.raises(DataError, match=r"c\.png: has the value 20, which stands for no class and is not 255"):
        few[0].read_map()
    batch = Once(data, Jitter((48, 64), (1, 1), 0, ignored=99), 2)[0]
    assert batch.classes.shape == (2, 48, 64)
    assert set(np.unique(batch.classes)) == {0, 8, 99}
    assert batch.boxes is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text.replace("<xmin>1</xmin>", ""),
            r"a\.xml object 1: expected a bndbox of xmin, ymin, xmax, ymax",
        ),
        (lambda text: text.replace("<xmin>1<", "<xmin>nan<"), r"a\.xml object 1: expected a bndbox of pixels"),
        (lambda text: text.replace("<name>cat</name>", ""), r"a\.xml object 2: expected a name"),
        (lambda text: text[:100], r"a\.xml: not XML: "),
        (
            lambda text: '<!DOCTYPE a [<!ENTITY b "' + "c" * 9 + '">]><annotation>&b;&d;</annotation>',
            "not XML: undefined",
        ),
    ],
)
def test_what_is_wrong_with_voc_is_said(tmp_path, change, said):
    path = voc(tmp_path) / "VOCdevkit" / "VOC2012" / "Annotations" / "a.xml"
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=said):
        open_data(tmp_path, "train")


# ---- tar files


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def png(side):
    data = io.BytesIO()
    Image.new("RGB", (side, 5)).save(data, "PNG")
    return data.getvalue()


def tar(path, samples):
    with tarfile.open(path, "w") as archive:
        for name, data in samples:
            add(archive, name, data)


def test_shards_of_classes_are_read_where_they_are(tmp_path):
    for shard in range(2):
        samples = [
            (f"x/{shard}{i}.{end}", data)
            for i in range(3)
            for end, data in (("cls", b"%d" % i), ("png", png(10 * shard + i + 1)))
        ]
        tar(tmp_path / f"train-{shard:03}.tar", samples)
    (tmp_path / "classes.txt").write_text("cat\ndog\ncow\n")
    for data in (open_data(tmp_path), open_data(tmp_path, "train"), open_data(tmp_path / "train-{000..001}.tar")):
        assert (len(data), data.task, data.numbering.names) == (6, "classification", ("cat", "dog", "cow"))
        found = [(data[i].id, data[i].label, data[i].read().width) for i in (5, 0, 3)]
        assert found == [("x/12", 2, 13), ("x/00", 0, 1), ("x/10", 0, 11)]
    assert len(open_data(tmp_path / "train-000.tar")) == 3
    named = open_data(tmp_path, head=Classification(classes=3, labels=["cow", "cat", "dog"]))
    assert [named[i].label for i in range(3)] == [1, 2, 0]
    (tmp_path / "classes.txt").unlink()
    assert open_data(tmp_path, head=Classification(classes=3))[2].label == 2
    with pytest.raises(DataError, match="'val': expected train"):
        open_data(tmp_path, "val")
    with pytest.raises(DataError, match=r"train-002\.tar: no such file"):
        open_data(tmp_path / "train-{000..002}.tar")
    with pytest.raises(DataError, match=r"x/02\.cls: class 2, expected 0, 1$"):
        open_data(tmp_path, head=Classification(classes=2))[2]


def test_shards_of_boxes(tmp_path):
    listed = coco_sets.listing(2)
    samples = []
    for image in listed["images"]:
        own = [each for each in listed["annotations"] if each["image_id"] == image["id"]]
        samples += [(f"{image['id']}.jpg", png(9)), (f"{image['id']}.json", json.dumps({"annotations": own}).encode())]
    tar(tmp_path / "val-0.tar", samples)
    (tmp_path / "categories.json").write_text(json.dumps(listed["categories"]))
    data, expected = open_data(tmp_path), open_data(coco_sets.write(tmp_path / "coco", listed))
    assert (len(data), data.task, data.numbering.ids) == (2, "detection", (3, 7))
    for i in range(2):
        for name in ("boxes", "classes", "crowd", "areas"):
            assert (getattr(data[i], name) == getattr(expected[i], name)).all()
        assert [box_of(mask) for mask in data[i].read_masks()] == [box_of(mask) for mask in expected[i].read_masks()]


def seg(values):
    data = io.BytesIO()
    Image.fromarray(np.array(values, np.uint8)).save(data, "PNG")
    return data.getvalue()


def test_shards_of_maps(tmp_path):
    maps = [[[0, 1, 255]] * 5, [[2, 2, 0]] * 5]
    samples = [(f"{i}.{end}", data) for i in range(2) for end, data in (("png", png(3)), ("seg.png", seg(maps[i])))]
    tar(tmp_path / "train-0.tar", samples)
    (tmp_path / "classes.txt").write_text("ground\ncat\ndog\n")
    data = open_data(tmp_path)
    assert (len(data), data.task, data.numbering.names) == (2, "segmentation", ("ground", "cat", "dog"))
    assert [data[i].read_map().tolist() for i in range(2)] == maps
    assert data[1].read().size == (3, 5)
    named = open_data(tmp_path, head=Segmentation(classes=3, labels=["dog", "cat", "ground"]))
    assert named[0].read_map()[0].tolist() == [2, 1, 255]
    batch = Once(data, Jitter((8, 8), (1, 1), 0), 2)[0]
    assert set(np.unique(batch.classes)) == {0, 1, 2, 255}
    (tmp_path / "classes.txt").write_text("ground\ncat\n")
    with pytest.raises(DataError, match=r"1\.seg\.png: has the value 2, which stands for no class"):
        open_data(tmp_path)[1].read_map()
    (tmp_path / "classes.txt").unlink()
    assert open_data(tmp_path).numbering.names[2] == "bicycle"  # PASCAL VOC's
    with pytest.raises(DataError, match="a data set for segmentation, and the head is for classification"):
        open_data(tmp_path, head=Classification(classes=3))
    tar(tmp_path / "train-1.tar", [("2.cls", b"1"), ("2.png", png(3))])
    with pytest.raises(
        DataError, match=r"train-1\.tar:2: a \.cls file, which is for classification, not for segmentation"
    ):
        open_data(tmp_path)[2]
    checked = check_data(tmp_path, "train", head=Segmentation(classes=3))[0]
    assert checked.tallies.keys() == {"file", "picture twice"}


def test_a_shard_is_not_looked_at_before_it_is_needed(tmp_path):
    tar(tmp_path / "a-0.tar", [("0.cls", b"1"), ("0.png", png(3))])
    (tmp_path / "a-1.tar").write_text("no tar file")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    (tmp_path / "sizes.json").write_text('{"a-0.tar": 1, "a-1.tar": 4}')
    data = open_data(tmp_path)
    assert (len(data), data[0].label) == (5, 1)
    with pytest.raises(
        DataError, match=r"a-1\.tar: not a tar file that can be read: it must be whole, and not compressed"
    ):
        data[1]


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([("0.png", png(3))], "the sample '0' has no .cls, .json or .seg.png file"),
        ([("0.cls", b"1")], "the sample '0' has no picture"),
        ([("0.cls", b"cat"), ("0.png", png(3))], "0.cls: expected the number of a class, got b'cat'"),
        ([("0.cls", b"7"), ("0.png", png(3))], "0.cls: class 7, expected 0, 1"),
        ([("0.json", b"{}"), ("0.png", png(3))], "expected categories.json"),
    ],
)
def test_what_is_wrong_with_a_shard_is_said(tmp_path, samples, said):
    tar(tmp_path / "a-0.tar", samples)
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    with pytest.raises(DataError, match=re.escape(said)):
        open_data(tmp_path)[0].read()
