"""What the classes of a head are called: lists by name, files of names, names in the spec itself."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from spinec import dump, load, loads, names
from spinec.spec.classes import class_lists, classes_of
from spinec.spec.errors import SpecError

SPEC = """name: small
input: {size: 32}
defaults: {kind: conv}
blocks:
  b1: {level: 2, dim: 8, inputs: [image]}
outputs: {P2: b1}
head: {kind: classification, HEAD}
"""
NEVER_LABELLED = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83]  # COCO's ids that no object has


def head(text):
    spec = loads(SPEC.replace("HEAD", text))
    assert loads(dump(spec)) == spec
    return spec.head


def test_every_list_says_what_each_number_stands_for():
    lists = class_lists()
    sizes = {"coco-91": 91, "coco-90": 90, "coco-80": 80, "voc-21": 21, "voc-20": 20, "imagenet-1k": 1000}
    assert {name: len(each.names) for name, each in lists.items()} == sizes
    assert all(len(each.ids) == len(each.names) for each in lists.values())
    assert [i for i, name in enumerate(lists["coco-91"].names) if not name] == NEVER_LABELLED
    by_id = dict(zip(lists["coco-91"].ids, lists["coco-91"].names, strict=True))
    for name in ("coco-80", "coco-90"):
        assert all(by_id[number] == label for number, label in zip(lists[name].ids, lists[name].names, strict=True))
    assert (lists["coco-80"].names[79], lists["coco-80"].ids[79]) == ("toothbrush", 90)
    assert (lists["voc-21"].names[0], lists["voc-21"].names[15]) == ("background", "person")


def test_imagenets_classes_are_in_the_order_of_timm():
    timm = find_spec("timm")
    if timm is None:
        pytest.skip("timm is not installed")
    info = Path(timm.submodule_search_locations[0], "data", "_info")
    lemmas = dict(line.split("\t") for line in (info / "imagenet_synset_to_lemma.txt").read_text().splitlines())
    names = [lemmas[synset].split(",")[0] for synset in (info / "imagenet_synsets.txt").read_text().split()]
    assert list(class_lists()["imagenet-1k"].names) == names


@pytest.mark.parametrize(
    ("text", "number", "labels"),
    [
        ("classes: 7", 7, None),
        ("classes: coco-80", 80, "coco-80"),
        ("labels: voc-21", 21, "voc-21"),
        ("classes: 20, labels: voc-20", 20, "voc-20"),
        ('classes: [cat, "a dog"]', 2, ("cat", "a dog")),
        ("labels: null", 1000, None),
    ],
)
def test_a_head_says_how_many_classes_there_are_and_what_they_are_called(text, number, labels):
    found = head(text)
    assert (found.classes, found.labels) == (number, labels)
    assert len(classes_of(found.labels, found.classes).names) == number


def test_names_are_read_from_a_file_beside_the_spec(tmp_path):
    (tmp_path / "names.txt").write_text("cat\n a dog \r\nbird\n\n")
    (tmp_path / "a.yaml").write_text(SPEC.replace("HEAD", "classes: names.txt"))
    assert load(tmp_path / "a.yaml").head.labels == ("cat", "a dog", "bird")


@pytest.mark.parametrize(
    ("text", "lines", "message"),
    [
        ("classes: coco", None, "no list of classes 'coco' in the library"),
        ("classes: name.txt", "cat\n", "no file 'name.txt' in the folder of this spec"),
        ("classes: ../names.txt", "cat\n", "leaves the folder of this spec"),
        ("classes: names.txt", "cat\n\ndog\n", "classes: names.txt: line 2: expected a name of 1 to 100 characters"),
        ("classes: names.txt", "\n", "classes: names.txt: it is empty: expected a name on every line"),
        ("classes: names.txt", "x" * 101, "line 1: expected a name of 1 to 100 characters"),
        ("classes: []", None, "expected the names of all classes"),
        ("classes: [1, 2]", None, "expected a name of 1 to 100 characters"),
        ("classes: true", None, "head.classes: expected a whole number, got true"),
        ("labels: coco-81", None, "expected the names of all classes, or one of: coco-91"),
        ("classes: 21, labels: voc-20", None, "expected a label for each of 21 classes, got 20"),
    ],
)
def test_what_names_no_classes_is_refused(tmp_path, text, lines, message):
    if lines is not None:
        (tmp_path / "names.txt").write_text(lines)
    (tmp_path / "a.yaml").write_text(SPEC.replace("HEAD", text))
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "a.yaml")
    assert message in str(caught.value)
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("kind: retinanet, dim: 8, classes: [cup, banana]", True),
        ("kind: retinanet, dim: 8, classes: [background, banana]", False),
        ("kind: retinanet, dim: 8, classes: [cup, banana], background: false", False),
        ("kind: retinanet, dim: 8, classes: coco-90", True),
        ("kind: retinanet, dim: 8, classes: coco-91", False),
        ("kind: mask_rcnn, dim: 8, classes: [cup, banana]", True),
        ("kind: ssd, anchors: [3], classes: [cup, banana]", False),
        ("kind: ssd, anchors: [3], classes: [cup, banana], loss: {kind: softmax}", True),
        ("kind: fcos, classes: [cup, banana]", False),
    ],
)
def test_no_object_is_called_what_is_never_found(text, refused):
    spec = SPEC.replace("kind: classification, HEAD", text)
    if not refused:
        assert loads(spec).head.labels
        return
    with pytest.raises(SpecError, match="class 0 is the background, which is never found"):
        loads(spec)


def test_a_child_may_say_other_classes():
    child = "name: child\nextends: eff-spinenet-d0\nhead: {classes: HEAD}\n"
    assert loads(child.replace("HEAD", "5")).head.labels is None
    assert loads(child.replace("HEAD", "voc-21")).head.labels == "voc-21"


def test_the_librarys_heads_name_their_classes():
    heads = {name: load(name).head for name in names()}
    unnamed = {name for name, head in heads.items() if head and not head.labels and head.kind != "ssd"}
    assert unnamed == {"resnet-34-unet"}  # one class: whatever is cut out
