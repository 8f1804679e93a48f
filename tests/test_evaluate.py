"""`spinec evaluate`: of a network and of a file of results, as tables, JSON and results; and what it refuses."""

import json

import coco_sets
import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
jsonschema = pytest.importorskip("jsonschema")
pytest.importorskip("faster_coco_eval")

from test_data_sets import voc  # noqa: E402

from spinec import loads, lower  # noqa: E402
from spinec.backends.checkpoints import write_checkpoint  # noqa: E402
from spinec.backends.sample import sample  # noqa: E402
from spinec.spec.results import results_schema  # noqa: E402

SPEC = """name: small
input: {size: [64, 64]}
defaults: {kind: conv}
blocks:
  p3: {level: 3, dim: 8, inputs: [image]}
  p4: {level: 4, dim: 8, inputs: [p3]}
outputs: {P3: p3, P4: p4}
head: HEAD
"""
MASKS = "{kind: mask_rcnn, dim: 8, classes: 3, hidden: [8], box_layers: 0, mask_layers: 0, detections: {score: 0}}"
HEADS = {
    "boxes": "{kind: fcos, dim: 8, layers: 0, classes: 2, detections: {score: 0, most: 20}}",
    "masks": MASKS,
    "classes": "{kind: classification, classes: [cat, dog]}",
    "areas": "{kind: segmentation, dim: 8, layers: 1, classes: voc-21}",
}
VALIDATOR = jsonschema.Draft202012Validator(results_schema())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    coco_sets.write(tmp_path / "coco", split="val")
    for i, name in enumerate(["cat", "cat", "dog"]):
        (tmp_path / "named" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((30, 40, 3), 80 * i, np.uint8)).save(tmp_path / "named" / name / f"{i}.png")
    voc(tmp_path / "voc")
    for kind, head in HEADS.items():
        (tmp_path / f"{kind}.yaml").write_text(SPEC.replace("HEAD", head))
    return tmp_path


@pytest.fixture
def weights(folder):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    for kind in HEADS:
        program = lower(loads((folder / f"{kind}.yaml").read_text()))
        write_checkpoint(folder / f"{kind}.safetensors", program, sample(program).weights)
    return folder


def told(spinec, *arguments):
    code, out, err = spinec(*arguments, "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    VALIDATOR.validate(found)
    return found


def weighed(kind):
    return ("evaluate", f"{kind}.yaml", "--weights", f"{kind}.safetensors")


@pytest.mark.parametrize("kind", ["boxes", "masks"])
@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
def test_what_is_written_is_judged_as_what_was_found(spinec, weights, kind, framework):
    """What a network with random weights finds is made the truth, but for some of it; its results then say the same."""
    pytest.importorskip({"pytorch": "torch"}.get(framework, framework))
    about = ("--backend", framework, "--data", "coco", "--split", "val")
    assert spinec(*weighed(kind), *about, "-o", "found.json")[2] == "found.json: written\n"
    listed = coco_sets.listing()
    listed["annotations"] = [
        {**entry, "id": i, "area": entry["bbox"][2] * entry["bbox"][3], "iscrowd": int(i % 7 == 0)}
        for i, entry in enumerate(json.loads((weights / "found.json").read_text()), 1)
        if i % 3
    ]
    assert {"segmentation"} < set(listed["annotations"][0]) or kind == "boxes"
    coco_sets.write(weights / "coco", listed, "val")
    of_network = told(spinec, *weighed(kind), *about, "-o", "again.json")
    assert (weights / "again.json").read_bytes() == (weights / "found.json").read_bytes()
    of_file = told(spinec, "evaluate", "--results", "found.json", "--data", "coco", "--split", "val")
    for row in (*of_file["rows"], *of_network["rows"]):
        del row["number"]  # without a head there is no background
    assert (of_file["rows"], of_file["total"]) == (of_network["rows"], of_network["total"])
    assert 0 < of_network["total"]["ap"] < 1
    assert of_network["about"]["images"] == 5
    assert [row["id"] for row in of_network["rows"]] == [3, 7]
    assert ("mask_ap" in of_network["total"]) == (kind == "masks")
    if kind == "masks":
        assert 0 < of_network["total"]["mask_ap"] < 1
    assert spinec("evaluate", "--results", "found.json", "--data", "coco/annotations/instances_val.json")[0] == 0


def test_results_are_those_that_detect_finds(spinec, weights):
    files = sorted((weights / "coco" / "val").iterdir())
    code, out, _ = spinec(
        *("detect", "boxes.yaml", *files, "--weights", "boxes.safetensors", "--score", "0", "--format", "coco")
    )
    one = json.loads(out)
    code, out, _ = spinec(*weighed("boxes"), "--data", "coco", "--split", "val", "-o", "-")
    other = json.loads(out)
    assert code == 0
    assert len(one) == len(other) > 20
    for first, second in zip(one, other, strict=True):
        assert first["image_id"] + 10 == second["image_id"]
        assert {0: 3, 1: 7}[first["category_id"]] == second["category_id"]
        assert first["bbox"] == pytest.approx(second["bbox"], abs=1e-2)
        assert first["score"] == pytest.approx(second["score"], abs=1e-4)


def test_classes_and_areas_are_told(spinec, weights):
    found = told(spinec, *weighed("classes"), "--data", "named")
    assert found["about"] == {
        "name": "classes.yaml",
        "data": "named",
        "split": "",
        "images": 3,
        "random_weights": False,
    }
    assert [(row["class"], row["images"]) for row in found["rows"]] == [("cat", 2), ("dog", 1)]
    assert found["total"]["top_5"] == 1
    found = told(spinec, *weighed("areas"), "--data", "voc", "--split", "train_aug")
    assert found["kind"] == "segmentation_figures"
    assert len(found["rows"]) == 21
    assert found["total"]["pixels"] == sum(row["pixels"] for row in found["rows"]) > 0
    assert 0 <= found["total"]["iou"] <= found["total"]["accuracy"] <= 1
    code, out, _ = spinec(*weighed("areas"), "--data", "voc", "--split", "train_aug")
    assert code == 0
    assert "IoU" in out
    assert "aeroplane" in out


def test_of_random_weights_it_says_so(spinec, folder):
    pytest.importorskip("torch")
    code, out, err = spinec("evaluate", "boxes.yaml", "--data", "coco", "--split", "val", "--limit", "2")
    assert code == 0
    assert err == "random weights: the result is noise; --weights FILE gives trained ones\n"
    assert "boxes.yaml, 2 pictures of coco/annotations/instances_val.json" in out
    found = told(spinec, "evaluate", "boxes.yaml", "--data", "coco", "--split", "val", "--limit", "2", "--seed", "3")
    assert found["about"]["random_weights"]


def perfect():
    return [
        {"image_id": each["image_id"], "category_id": each["category_id"], "bbox": each["bbox"], "score": 0.5}
        for each in coco_sets.listing()["annotations"]
        if not each["iscrowd"]
    ]


def judged(spinec, folder, entries, *arguments):
    text = entries if isinstance(entries, str) else json.dumps(entries)
    (folder / "results.json").write_text(text)
    return spinec("evaluate", "--results", "results.json", "--data", "coco", "--split", "val", *arguments)


def test_results_of_others_are_judged(spinec, folder):
    code, out, err = judged(spinec, folder, perfect(), "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["total"]["ap"] == 1
    few = [each for each in perfect() if each["image_id"] == 10]
    code, out, err = judged(spinec, folder, few, "--format", "json")
    assert 0 < json.loads(out)["total"]["ap"] < 1  # all pictures are judged, though nothing was found in four
    code, out, err = judged(spinec, folder, perfect(), "--format", "json", "--limit", "1")
    assert json.loads(out)["total"]["ap"] == 1
    code, out, err = judged(spinec, folder, [], "--format", "json")
    assert (json.loads(out)["total"]["ap"], err) == (0, "")
    code, out, err = judged(spinec, folder, perfect())
    assert "results.json, 5 pictures of" in out


def test_masks_of_others_need_no_boxes_nor_pictures(spinec, folder):
    """Whole pixels: the runs of the polygons, counted by hand."""
    entries = []
    sizes = {each["id"]: (each["height"], each["width"]) for each in coco_sets.listing()["images"]}
    for each in perfect():
        height, width = sizes[each["image_id"]]
        left, top, wide, high = each.pop("bbox")
        pixels = np.zeros((height, width), bool)
        pixels[top : top + high, left : left + wide] = True
        starts = np.flatnonzero(np.diff(pixels.T.ravel(), prepend=False))
        counts = np.diff(starts, prepend=0, append=pixels.size).tolist()
        entries.append({**each, "segmentation": {"size": [height, width], "counts": counts}})
    code, out, err = judged(spinec, folder, entries, "--format", "json")
    assert code == 0, err
    assert json.loads(out)["total"]["ap"] == json.loads(out)["total"]["mask_ap"] == 1
    for picture in (folder / "coco" / "val").iterdir():
        picture.unlink()
    code, *_ = spinec("evaluate", "--results", "results.json", "--data", "coco/annotations/instances_val.json")
    assert code == 0


RUNS = {"size": [40, 60], "counts": [2400]}
FAULTS = [
    ({"image_id": 99}, r"entry 2: no picture of coco/annotations/instances_val.json has the id 99"),
    ({"image_id": "10"}, "has the id '10'"),
    ({"image_id": [1]}, "expected an image_id that is a whole number, got [1]"),
    ({"category_id": 4}, "entry 2: no class of coco/annotations/instances_val.json has the id 4: expected 3, 7"),
    ({"category_id": "cat"}, "expected an category_id that is a whole number, got 'cat'"),
    ({"score": None}, "entry 2: expected a score that is a number, got None"),
    ({"score": float("nan")}, "expected a score that is a number, got nan"),
    ({"score": True}, "expected a score that is a number, got True"),
    ({"bbox": [1, 2, 3]}, "expected a bbox of left, top, width and height in pixels, got [1, 2, 3]"),
    ({"segmentation": RUNS}, "entry 2: expected a segmentation in every entry or in none"),
    ({"segmentation": [[1, 1, 2, 1, 2, 2]]}, "expected a segmentation of size and counts of runs"),
    ({"segmentation": {"size": [4, 4], "counts": [7]}}, "expected runs of 4 x 4 pixels in all"),
    ({"segmentation": {"size": [4, 4], "counts": [16]}}, "a segmentation of 4 x 4 pixels (height x width), and"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS)
def test_a_fault_of_a_file_of_results_is_said_in_a_line(spinec, folder, change, message):
    entries = perfect()
    entries[1] = {**entries[1], "image_id": 10, **change}
    code, out, err = judged(spinec, folder, entries)
    assert (code, out) == (1, "")
    assert err.startswith("results.json: entry 2: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "results.json: expected a list of results"),
        ("[1]", "results.json: entry 1: expected an object"),
        ("[", "results.json:1:2: not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_has_no_results_is_said_in_a_line(spinec, folder, text, message):
    code, out, err = judged(spinec, folder, text)
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("boxes.yaml --data coco --split train", "coco: has no split 'train': expected val"),
        ("boxes.yaml --data nowhere", "nowhere: no such file or folder"),
        ("areas.yaml --data named", "a data set for classification, and the head is for segmentation"),
        ("one.yaml --data coco", "has 2 classes, and the head 1"),
        ("named.yaml --data coco", "the class 'traffic light' is not one of the head's: expected cat"),
        ("bare.yaml --data coco", "bare has no head: there is nothing that it says of a picture"),
        ("boxes.yaml --data coco --weights absent.pt", "absent.pt: no such file"),
        ("boxes.yaml --data coco --weights masks.safetensors", "these are no weights of small"),
        ("boxes.yaml --data coco -o absent/found.json", "absent/found.json: cannot be written: there is no folder"),
        ("boxes.yaml --data coco --backend nothing", "no backend 'nothing'"),
        ("--results found.json --data named", "named: a data set for classification, and files of results are for"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(spinec, weights, line, message):
    (weights / "one.yaml").write_text(SPEC.replace("HEAD", HEADS["boxes"].replace("classes: 2", "classes: 1")))
    (weights / "named.yaml").write_text(SPEC.replace("HEAD", HEADS["boxes"].replace("classes: 2", "classes: [cat]")))
    bare = SPEC.replace("head: HEAD\n", "").replace("name: small", "name: bare")
    (weights / "bare.yaml").write_text(bare)
    code, out, err = spinec("evaluate", *line.split())
    assert (code, out) == (1, "")
    assert message in err
    assert not list(weights.glob("found*"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--data coco", "expected a spec to evaluate, --results with a file to judge, or --run with a run"),
        ("boxes.yaml", "Missing option '--data'"),
        ("classes.yaml --data named -o found.json", "--output does nothing for classification"),
        ("boxes.yaml --data coco --results found.json", "NAME|FILE does nothing with --results"),
        ("boxes.yaml --data coco --limit 0", "expected a number greater than or equal to 1"),
    ],
)
def test_wrong_usage_is_said(spinec, folder, line, message):
    code, out, err = spinec("evaluate", *line.split())
    assert (code, out) == (2, "")
    assert message in err


def test_without_the_package_it_says_what_to_install(spinec, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_coco_eval", None)
    code, out, err = judged(spinec, folder, perfect())
    assert (code, out) == (1, "")
    assert err == ("faster-coco-eval, which counts average precision, is not installed: pip install 'spinec[train]'\n")


def test_a_person_at_a_terminal_sees_how_far_it_is(spinec, weights, monkeypatch):
    monkeypatch.setattr("spinec.commands.evaluate.sys.stderr.isatty", lambda: True, raising=False)
    code, _, err = spinec(*weighed("boxes"), "--data", "coco", "--batch", "2")
    assert code == 0
    assert "looking at pictures" in err
