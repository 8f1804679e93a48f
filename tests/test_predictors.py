"""Networks that answer: from a picture of any size to boxes, classes and areas in its own pixels, and drawn on it."""

import json
from dataclasses import replace

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
jsonschema = pytest.importorskip("jsonschema")

from spinec import classifier, detector, emit, loads, lower, segmenter  # noqa: E402
from spinec.backends import answers  # noqa: E402
from spinec.backends.backend import Live, backend  # noqa: E402
from spinec.backends.checkpoints import write_checkpoint  # noqa: E402
from spinec.backends.image import opened  # noqa: E402
from spinec.backends.live import import_source  # noqa: E402
from spinec.backends.sample import sample  # noqa: E402
from spinec.compiler.answers.results import Classified, Detected, Segmented  # noqa: E402
from spinec.compiler.answers.run_lengths import run_lengths  # noqa: E402
from spinec.spec.classes import labelled  # noqa: E402
from spinec.spec.errors import BackendError  # noqa: E402
from spinec.spec.results import results_schema  # noqa: E402
from spinec.visualize.answers import COLOURS  # noqa: E402
from spinec.visualize.style import palette  # noqa: E402

SPEC = """name: small
input: {size: [64, 96]}
defaults: {kind: conv}
blocks:
  p3: {level: 3, dim: 8, inputs: [image]}
  p4: {level: 4, dim: 8, inputs: [p3]}
outputs: {P3: p3, P4: p4}
head: HEAD
"""
DETECTOR = "{kind: retinanet, dim: 8, layers: 0, classes: coco-80, background: false, detections: {score: 0, most: 20}}"
CLASSIFIER = "{kind: classification, classes: [cat, dog, bird]}"
SEGMENTER = "{kind: segmentation, dim: 8, layers: 1, classes: voc-21}"
BACKENDS = pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
SHAPES = pytest.mark.parametrize("shape", [(64, 96), (37, 200), (200, 37), (3, 3), (640, 961)])


def program_of(head):
    return lower(loads(SPEC.replace("HEAD", head)))


def spec_of(head):
    return loads(SPEC.replace("HEAD", head))


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def told(head, answer, tell):
    """A predictor whose network says what it is told to."""
    program = program_of(head)
    network = answers.Network(program, Live(None, answer, None), labelled(program.spec.head, None), False)
    return answers.Predictor(network, tell)


@SHAPES
def test_boxes_are_in_pixels_of_the_picture(shape):
    seen = []

    def answer(images, sizes):
        seen.append((images, sizes))
        whole = np.concatenate([np.zeros_like(sizes), sizes], 1)[:, None]
        boxes = np.concatenate([whole, whole / 2, whole * 0], 1)
        scores = np.array([[0.9, 0.5, 0.0]], np.float32).repeat(len(images), 0)
        return boxes.astype(np.float32), scores, np.array([[0, 79, 0]]).repeat(len(images), 0)

    found = list(told(DETECTOR, answer, answers._detected).many([picture(*shape)] * 3, batch=2))
    assert [len(images) for images, _ in seen] == [2, 1]
    images, sizes = seen[0]
    rows, columns = map(int, sizes[0])
    assert images.shape == (2, 3, 64, 96)
    assert (rows == 64) or (columns == 96)
    assert np.abs(images[0, :, rows:]).sum() + np.abs(images[0, :, :, columns:]).sum() == 0
    for each in found:
        height, width = shape
        expected = [[0, 0, height, width], [0, 0, height / 2, width / 2]]
        assert np.allclose(each.boxes, expected, atol=1e-4 * max(shape))
        assert (each.names, each.ids, len(each)) == (("person", "toothbrush"), (1, 90), 2)
        assert each.above(0.5).names == ("person",)
        (first, second) = each.to_coco(7)
        assert first["bbox"] == pytest.approx([0, 0, width, height], rel=1e-4)
        assert (second["category_id"], second["image_id"], second["score"]) == (90, 7, 0.5)


@SHAPES
def test_areas_are_in_pixels_of_the_picture(shape):
    """A network that sees where the picture is bright says so at every pixel, whatever the picture's size."""

    def answer(images, size):
        rows = (np.arange(size[0]) + 0.5) * images.shape[2] / size[0]
        columns = (np.arange(size[1]) + 0.5) * images.shape[3] / size[1]
        bright = images[:, 0] > 0
        return (bright[:, rows.astype(int)][:, :, columns.astype(int)].astype(np.int32),)

    height, width = shape
    half = np.zeros((height, width, 3), np.uint8)
    half[:, : width // 2] = 255
    found = told(SEGMENTER, answer, answers._segmented)(half)
    assert found.labels.shape == shape
    bright = found.labels == 1
    edge = max(1, round(0.02 * width))
    assert bright[:, : width // 2 - edge].all()
    assert not bright[:, width // 2 + edge :].any()
    assert sum(area.share for area in found.areas) == pytest.approx(1)
    assert {area.name for area in found.areas} <= {"background", "aeroplane"}


def test_classifiers_see_the_centre():
    seen = []

    def answer(images):
        seen.append(images)
        return np.full((len(images), 3), 0.3, np.float32), np.array([[2, 0, 1]]).repeat(len(images), 0)

    dark = np.zeros((128, 300, 3), np.uint8)
    dark[:, 100:200] = 255  # what lies outside the centre is not seen
    found = told(CLASSIFIER, answer, answers._classified)(dark)
    assert found.names == ("bird", "cat", "dog")
    assert seen[0].shape == (1, 3, 64, 96)
    assert seen[0][..., 20:76].min() > 0
    white = told(CLASSIFIER, answer, answers._classified)(np.full((64, 96, 3), 255, np.uint8))
    assert seen[1].min() > 0, "nothing is padded"
    assert len(white.scores) == 3


@BACKENDS
def test_a_detector_answers_as_the_source_does(tmp_path, name):
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    program = program_of(DETECTOR)
    weights = sample(program).weights
    write_checkpoint(tmp_path / "w.safetensors", program, weights)
    found = detector(program.spec, name, weights=tmp_path / "w.safetensors")(picture(64, 96))
    assert len(found) > 0
    assert not found.noise
    module = import_source(emit(program, name, ["detect"]), program.name)
    model = backend(name).build(program)
    backend(name).write_weights(model, program, weights)
    values = (picture(64, 96) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    if name == "pytorch":
        import torch

        images = torch.tensor(values.transpose(2, 0, 1)[None], dtype=torch.float32)
        boxes, scores, _ = (each.numpy()[0] for each in module.detect(model.eval(), images))
    else:
        boxes, scores, _ = (each.numpy()[0] for each in module.detect(model, values[None].astype(np.float32)))
    real = (scores > 0) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    assert np.allclose(found.scores, scores[real], atol=1e-5)
    assert np.allclose(found.boxes, boxes[real], atol=1e-2)


def test_both_frameworks_answer_the_same(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    for head, make, of in (
        (DETECTOR, detector, lambda found: (found.scores, found.boxes / 100, found.labels)),
        (CLASSIFIER, classifier, lambda found: (found.scores, found.labels)),
        (SEGMENTER, segmenter, lambda found: (found.labels,)),
    ):
        program = program_of(head)
        write_checkpoint(tmp_path / "w.safetensors", program, sample(program).weights)
        pictures = [picture(80, 61), picture(64, 96, 1)]
        one, other = (
            list(make(program.spec, name, weights=str(tmp_path / "w.safetensors")).many(pictures))
            for name in ("pytorch", "tensorflow")
        )
        for first, second in zip(one, other, strict=True):
            for a, b in zip(of(first), of(second), strict=True):
                assert np.mean(np.abs(a - b) < 1e-4) > 0.99  # equal but where two classes are as likely


MASKS = "{kind: mask_rcnn, dim: 8, classes: 3, labels: [none, cat, dog], hidden: [8], box_layers: 0, mask_layers: 0}"


@BACKENDS
def test_what_is_found_is_cut_out_in_pixels_of_the_picture(tmp_path, name):
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    program = program_of(MASKS)
    write_checkpoint(tmp_path / "w.safetensors", program, sample(program).weights)
    found = detector(program.spec, name, weights=tmp_path / "w.safetensors")(picture(80, 61))
    assert len(found) > 0
    assert found.masks.shape == (len(found), 80, 61)
    assert set(found.names) <= {"cat", "dog"}
    for (top, left, bottom, right), mask in zip(found.boxes, found.masks, strict=True):
        rows, columns = np.nonzero(mask)
        if rows.size:  # within the box and the pixel of padding that masks have
            wide, high = (right - left) / 26 + 1, (bottom - top) / 26 + 1
            assert (rows >= top - high).all() and (rows <= bottom + high).all()  # noqa: PT018
            assert (columns >= left - wide).all() and (columns <= right + wide).all()  # noqa: PT018
    assert len(found.to_coco()[0]["segmentation"]["counts"]) >= 1
    assert found.draw().size == (61, 80)


def test_pictures_may_be_files_arrays_and_pillows(tmp_path):
    pixels = picture(20, 30)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    same = [tmp_path / "a.png", str(tmp_path / "a.png"), pixels, pixels / 255, Image.fromarray(pixels)]
    for each in same:
        assert np.array_equal(np.asarray(opened(each).picture), pixels)
    assert opened(pixels[..., 0]).picture.mode == opened(pixels[..., :1]).picture.mode == "L"
    assert opened(np.zeros((2, 3, 4), np.uint8)).picture.mode == "RGBA"
    assert opened(Image.fromarray(pixels).convert("P")).picture.mode == "RGB"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((3, 20, 30)), "got 3 x 20 x 30"),
        (np.zeros((0, 3)), "got 0 x 3"),
        (np.full((4, 4), 255.0), "an array of floats of 255 to 255, expected 0 to 1"),
        (np.full((4, 4), np.nan), "expected 0 to 1"),
        (np.zeros((4, 4), int), "an array of int64, expected uint8"),
        ("absent.png", "absent.png: no such file"),
        (7, "got something of type 'int'; 'many' takes several pictures"),
        ([np.zeros((4, 4))], "type 'list'"),
        (None, "type 'NoneType'"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_line(given, message):
    with pytest.raises(BackendError) as caught:
        opened(given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_answers_nothing_says_so(tmp_path):
    pytest.importorskip("torch")
    with pytest.raises(BackendError, match="'classification' has no 'detect'"):
        detector(spec_of(CLASSIFIER))
    with pytest.raises(BackendError, match="has no head"):
        detector(loads(SPEC.replace("head: HEAD\n", "")))
    with pytest.raises(BackendError, match="expected a label for each of 3 classes, got 80"):
        classifier(spec_of(CLASSIFIER), labels="coco-80")
    with pytest.raises(BackendError, match="no list of classes 'coco'; expected coco-91"):
        classifier(spec_of(CLASSIFIER), labels="coco")
    other = program_of(CLASSIFIER.replace("cat, ", ""))
    write_checkpoint(tmp_path / "w.safetensors", other, sample(other).weights)
    with pytest.raises(BackendError, match="these are no weights of small"):
        classifier(spec_of(CLASSIFIER), weights=tmp_path / "w.safetensors")


def test_what_learns_goes_on_learning_and_an_answer_teaches_it_nothing():
    torch = pytest.importorskip("torch")
    predictor = detector(spec_of(DETECTOR))
    model = predictor.model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    predictor(picture(20, 30))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.double()
    assert predictor(picture(20, 30)).boxes.dtype == np.float32


def test_boxes_in_the_padding_are_none():
    def answer(images, sizes):
        boxes = np.array([[[0, 5, 9, 5], [3, 3, 3, 9], [1, 1, 2, 2]]], np.float32)
        return boxes, np.array([[0.9, 0.8, 0.7]], np.float32), np.array([[1, 2, 3]])

    found = told(DETECTOR, answer, answers._detected)(picture(64, 96))
    assert found.scores.tolist() == pytest.approx([0.7])


def test_several_pictures_are_told_from_one():
    predictor = told(CLASSIFIER, lambda images: None, answers._classified)
    with pytest.raises(BackendError, match="expected several pictures, got 'a"):
        predictor.many("a.png")
    with pytest.raises(ValueError, match="expected a batch of at least 1, got 0"):
        predictor.many([picture(3, 3)], batch=0)
    assert list(predictor.many([])) == []


def test_pillows_pictures_are_read_as_their_files_are(tmp_path):
    deep = Image.fromarray((picture(9, 7)[..., 0].astype(np.uint16) << 8) + 7)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(9, 7)).save(tmp_path / "turned.png", exif=exif)
    deep.save(tmp_path / "deep.png")
    for name in ("turned.png", "deep.png"):
        one, other = opened(tmp_path / name).picture, opened(Image.open(tmp_path / name)).picture
        assert one.mode == other.mode
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_run_lengths_are_those_of_the_mask():
    draw = np.random.default_rng(0)
    for shape in ((1, 1), (5, 7), (1, 9), (9, 1)):
        for share in (0.0, 0.3, 1.0):
            mask = draw.random(shape) < share
            told = run_lengths(mask)
            flat = np.repeat(np.arange(len(told["counts"])) % 2 == 1, told["counts"])
            assert np.array_equal(flat.reshape(shape[::-1]).T, mask)
            assert told["size"] == list(shape)


# -- drawn

BACKGROUNDS = {
    "black": np.zeros((200, 300, 3), np.uint8),
    "white": np.full((200, 300, 3), 255, np.uint8),
    "noise": picture(200, 300),
    **{f"colour {i}": np.full((200, 300, 3), colour, np.uint8) for i, colour in enumerate(COLOURS)},
}


def contrast(one, other):
    return palette.contrast(palette.as_hex(one), palette.as_hex(other))


def boxes_on(background, number):
    about = {"picture": Image.fromarray(background), "name": "", "noise": False, "notes": ()}
    box = np.array([[60, 50, 160, 250]], np.float32)
    scores, labels = np.array([0.9], np.float32), np.array([number])
    return Detected(**about, boxes=box, scores=scores, labels=labels, names=("cat",), ids=(1,))


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS)
def test_boxes_stand_out_from_any_background(background):
    for number in range(len(COLOURS)):
        drawn = np.asarray(boxes_on(background, number).draw())
        for row in range(80, 150, 7):  # across the left edge
            across = drawn[row, 45:60]
            assert (across == COLOURS[number]).all(1).any()
            assert max(contrast(pixel, background[row, 40]) for pixel in across) >= 3
        assert np.array_equal(drawn[100, 100], background[100, 100]), "what is in the box stays as it is"


def test_labels_are_readable_on_their_colour():
    for number in range(len(COLOURS)):
        drawn = np.asarray(boxes_on(BACKGROUNDS["white"], number).draw()).reshape(-1, 3)
        colours, counts = np.unique(drawn, axis=0, return_counts=True)
        common = {tuple(map(int, colour)) for colour, count in zip(colours, counts, strict=True) if count > 20}
        assert max(contrast(COLOURS[number], ink) for ink in common & {(0, 0, 0), (255, 255, 255)}) >= 4.5


def test_noise_says_so_and_nothing_else_changes():
    found = boxes_on(BACKGROUNDS["black"], 0)
    plain, noise = np.asarray(found.draw()), np.asarray(replace(found, noise=True).draw())
    assert (plain[-20:, -140:] != noise[-20:, -140:]).any()
    assert np.array_equal(plain[:150], noise[:150])


def test_areas_and_classes_are_drawn():
    about = {"picture": Image.fromarray(BACKGROUNDS["white"]), "name": "", "noise": False, "notes": ()}
    labels = np.zeros((200, 300), int)
    labels[50:150, 100:200] = 3
    drawn = np.asarray(Segmented(**about, labels=labels, names=("background", "a", "b", "cat")).draw())
    assert np.array_equal(drawn[10, 10], (255, 255, 255)), "the background is left"
    assert np.abs(drawn[60, 110] - (255 + np.array(COLOURS[3])) / 2).max() <= 1
    assert np.array_equal(drawn[50, 110], (0, 0, 0)), "an edge is dark"
    scores, numbers = np.array([0.5, 0.2], np.float32), np.array([1, 0])
    classes = Classified(**about, scores=scores, labels=numbers, names=("a", "a very long name " * 9))
    assert (np.asarray(classes.draw()) != 255).any()
    assert classes._repr_png_()[:4] == b"\x89PNG"


@pytest.mark.parametrize("box", [(0, 0, 200, 300), (-5, -5, 3, 3), (199, 299, 200, 300), (20, 20, 20, 20)])
def test_boxes_at_the_edge_and_of_no_area_are_drawn(box):
    found = replace(boxes_on(BACKGROUNDS["black"], 1), boxes=np.array([box], np.float32), names=("x" * 100,))
    assert found.draw().size == (300, 200)


# -- the commands


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name, head in (("det", DETECTOR), ("cls", CLASSIFIER), ("seg", SEGMENTER)):
        (tmp_path / f"{name}.yaml").write_text(SPEC.replace("HEAD", head))
    Image.fromarray(picture(50, 60)).save(tmp_path / "in" / "0012.jpg")
    Image.fromarray(picture(70, 30)).save(tmp_path / "in" / "7.bmp")
    return tmp_path


def test_boxes_of_a_folder_are_written(spinec, place):
    pytest.importorskip("torch")
    code, out, err = spinec("detect", "det.yaml", "in", "--score", "0", "-o", "out", "--format", "coco")
    assert code == 0
    assert "random weights: the result is noise" in err
    entries = json.loads(out)
    assert {entry["image_id"] for entry in entries} == {12, 7}
    assert set(entries[0]) == {"image_id", "category_id", "bbox", "score"}
    assert sorted(path.name for path in (place / "out").iterdir()) == ["0012.jpg", "7.bmp.png"]
    code, out, _ = spinec("detect", "det.yaml", "in/0012.jpg", "--score", "0", "-o", "b.json")
    assert (code, out) == (0, "b.json: written\n")
    told = json.loads((place / "b.json").read_text())
    jsonschema.validate(told, results_schema())
    assert told["about"] == {"name": "det.yaml", "random_weights": True}
    assert {row["image"] for row in told["rows"]} == {"in/0012.jpg"}


def test_classes_and_areas_are_told(spinec, place):
    pytest.importorskip("torch")
    code, out, _ = spinec("classify", "cls.yaml", "in/*.jpg", "-o", "c.png", "--labels", "names.txt")
    assert code == 1
    (place / "names.txt").write_text("one\ntwo\nthree\n")
    code, out, _ = spinec("classify", "cls.yaml", "in/*.jpg", "-o", "c.png", "--labels", "names.txt")
    assert code == 0
    assert {"one", "two", "three"} <= set(out.split())
    assert Image.open("c.png").size == (60, 50)
    code, out, _ = spinec("segment", "seg.yaml", "in", "--format", "json")
    jsonschema.validate(json.loads(out), results_schema())
    rows = json.loads(out)["rows"]
    assert sum(row["pixels"] for row in rows) == 50 * 60 + 70 * 30


def test_a_spec_is_read_from_standard_input(spinec, place, monkeypatch):
    pytest.importorskip("torch")
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((place / "cls.yaml").read_bytes())))
    code, out, _ = spinec("classify", "-", "in/7.bmp", "--format", "csv")
    assert (code, len(out.splitlines())) == (0, 4)


def test_image_ids_are_never_given_twice(spinec, place):
    pytest.importorskip("torch")
    (place / "in" / "012.jpg").write_bytes((place / "in" / "0012.jpg").read_bytes())
    _, out, _ = spinec("detect", "det.yaml", "in", "--score", "0", "--format", "coco")
    assert {entry["image_id"] for entry in json.loads(out)} == {1, 2, 3}


def test_a_score_below_what_the_head_drops_is_told(spinec, place):
    pytest.importorskip("torch")
    (place / "strict.yaml").write_text(SPEC.replace("HEAD", DETECTOR.replace("score: 0", "score: 0.5")))
    assert "no boxes with scores up to 0.5" in spinec("detect", "strict.yaml", "in", "--score", "0.2")[2]
    assert "no boxes with scores" not in spinec("detect", "strict.yaml", "in", "--score", "0.6")[2]


def test_a_list_of_names_is_read_from_standard_input(spinec, place, monkeypatch):
    pytest.importorskip("torch")
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("in/7.bmp\nin/0012.jpg\n"))
    code, out, _ = spinec("segment", "seg.yaml", "-", "--format", "csv")
    assert code == 0
    assert [line.split(",")[0] for line in out.splitlines()].index("in/7.bmp") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("classify cls.yaml bad.png -o out.json", ["bad.png: not a picture", "nothing was written"]),
        ("classify cls.yaml in bad.png -o out.json", ["bad.png: not a picture", "1 of 3 pictures could not be read"]),
        ("classify cls.yaml absent.png -o out.png", ["absent.png: no such file"]),
        ("detect cls.yaml in", ["'classification' has no 'detect'"]),
        ("detect det.yaml in -o out.png", ["2 pictures do not go into one"]),
        ("detect det.yaml in -o in", ["in/0012.jpg: the answer would replace the picture"]),
        ("detect det.yaml in/0012.jpg -o in/0012.jpg", ["the answer would replace the picture"]),
        ("detect det.yaml in -o out.xyz", ["expected a folder, or a name that ends in"]),
        ("detect det.yaml in -o out.yaml", ["no picture or boxes is written as '.yaml'"]),
        ("detect det.yaml in in/../in/7.bmp -o out", ["another picture has this name"]),
        ("detect det.yaml empty", ["no pictures in this folder"]),
        ("detect det.yaml in/*.gif", ["no file has such a name"]),
        ("classify cls.yaml in --labels coco-80", ["expected a label for each of 3 classes, got 80"]),
        ("classify cls.yaml in --weights bad.safetensors", ["bad.safetensors"]),
        ("detect det.yaml in --score 2", ["less than or equal to 1"]),
    ],
)
def test_wrong_input_is_said_and_nothing_is_written(spinec, place, line, words):
    pytest.importorskip("torch")
    (place / "bad.png").write_text("no picture")
    (place / "bad.safetensors").write_text("no weights")
    (place / "empty").mkdir()
    before = sorted(path.name for path in place.rglob("*"))
    code, out, err = spinec(*line.split())
    assert code in (1, 2)
    for each in words:
        assert each in err
    assert "Traceback" not in err
    assert out == ""
    assert sorted(path.name for path in place.rglob("*")) == before
