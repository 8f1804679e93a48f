"""Exported files that answer: run by their own runtimes they give the boxes and classes that the live source gives."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from exported import run_tflite
from test_answers import CLASSIFIER, MAPS
from test_answers import SPEC as SMALL

from spinec import BackendError, emit, loads, lower
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.export import export_model
from spinec.backends.live import import_source
from spinec.backends.sample import sample
from spinec.backends.tasks import answers

pytest.importorskip("torch")

TOWER = """
name: tower
input: {size: [64, 96]}
defaults: {kind: conv}
blocks:
  p3: {level: 3, dim: 8, inputs: [image]}
  p4: {level: 4, dim: 8, inputs: [p3]}
outputs: {P3: p3, P4: p4}
head: HEAD
"""
ONE = TOWER.replace("{P3: p3, P4: p4}", "{P3: p3}").replace("  p4: {level: 4, dim: 8, inputs: [p3]}\n", "")
DETECTORS = {
    "per class": "{kind: retinanet, dim: 8, layers: 0, classes: 7}",
    "over classes": "{kind: retinanet, dim: 8, layers: 0, classes: 7, detections: {per_class: false, most: 20, iou: 0.3}}",
    "fcos": "{kind: fcos, dim: 8, layers: 0, groups: 2, classes: 4}",
    "fcos as in torchvision": "{kind: fcos, dim: 8, layers: 0, groups: 2, classes: 4, dialect: torchvision, detections: {candidates: 30}}",
    "ssd": "{kind: ssd, anchors: [3, 6], classes: 5}",
    "retinanet as in torchvision": "{kind: retinanet, dim: 8, layers: 0, classes: 7, dialect: torchvision, detections: {candidates: 60}}",
    "ssd by softmax": "{kind: ssd, anchors: [6, 6], dialect: torchvision, classes: 5, detections: {candidates: 60, score: 0.2}}",
    "more room than pairs": "{kind: retinanet, dim: 8, layers: 0, classes: 3, background: false, detections: {candidates: 40, score: 0}}",
}
MASKS = (
    "{kind: mask_rcnn, dim: 8, classes: 4, box_layers: 1, mask_layers: 1, hidden: [8], box_size: 3, mask_size: 2, "
    "proposals: {candidates: 20, most: 24}, regions: {side: 40}, detections: {most: 7, score: 0.2}}"
)
DETECTORS["masks"] = MASKS
HEADS = {
    **{name: ("detect", TOWER.replace("HEAD", head)) for name, head in DETECTORS.items()},
    "centernet": ("detect", ONE.replace("HEAD", "{kind: centernet, dim: 8, classes: 4}")),
    "deeplab": ("segment", SMALL.replace("HEAD", MAPS["deeplab"])),
    "classifier": ("classify", SMALL.replace("HEAD", CLASSIFIER)),
    "segmentation": ("segment", SMALL.replace("HEAD", MAPS["segmentation"])),
}
FORMS = {"onnx": ".onnx", "savedmodel": "", "tflite": ".tflite"}
DYNAMIC = ("onnx", "savedmodel")
NEEDS = {"onnx": ("onnxruntime", "onnxscript"), "savedmodel": ("tensorflow",), "tflite": ("tensorflow",)}


def run(form, path, images, **besides):
    """The named answers of a file for images (N, height, width, channels), and what else it takes."""
    if form == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        names = [output.name for output in session.get_outputs()]
        given = {"image": np.ascontiguousarray(images.transpose(0, 3, 1, 2)), **besides}
        return dict(zip(names, session.run(None, given), strict=True))
    if form == "tflite":
        return run_tflite(path, {"image": images, **besides})
    import tensorflow as tf

    served = tf.saved_model.load(path)
    given = {name: tf.constant(value) for name, value in {"image": images, **besides}.items()}
    return {name: value.numpy() for name, value in served.signatures["serving_default"](**given).items()}


@pytest.fixture(scope="module")
def live():
    """What a spec's own PyTorch source answers, by name."""
    import torch

    def answered(program, part, weights, images, *sizes):
        module = import_source(emit(program, "pytorch", [part]), program.name)
        model = next(value for name, value in vars(module).items() if name.lower() == program.name)().eval()
        backend("pytorch").write_weights(model, program, weights)
        found = getattr(module, part)(model, torch.tensor(images.transpose(0, 3, 1, 2)), *map(torch.tensor, sizes))
        names = answers(program, part)
        return {n: v.numpy() for n, v in zip(names, found if len(names) > 1 else [found], strict=True)}

    return answered


def exported(form, program, part, weights, folder, **options):
    for module in NEEDS[form]:
        pytest.importorskip(module)
    write_checkpoint(folder / "weights.safetensors", program, weights)
    path = folder / f"model{FORMS[form]}"
    export_model(program, form, path, folder / "weights.safetensors", [part], **options)
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("head", HEADS)
def test_a_file_answers_what_the_live_source_answers(head, form, tmp_path, live):
    part, text = HEADS[head]
    program = lower(loads(text))
    weights = sample(program).weights
    path = exported(form, program, part, weights, tmp_path)
    draw = np.random.default_rng(1)
    for number in (1, 2, 3):
        images = draw.normal(size=(number, *program.input_shape[1:], 3)).astype("float32") * 3
        found, expected = run(form, path, images), live(program, part, weights, images)
        assert set(found) == set(expected) == set(answers(program, part))
        agree(found, expected, part)


@pytest.mark.parametrize("form", DYNAMIC)
@pytest.mark.parametrize("head", HEADS)
def test_a_dynamic_file_answers_images_of_any_size_as_the_source_of_that_size_does(head, form, tmp_path, live):
    part, text = HEADS[head]
    program = lower(loads(text))
    weights = sample(program).weights
    detects = part == "detect"
    path = exported(form, program, part, weights, tmp_path, dynamic=True, sizes=detects)
    draw = np.random.default_rng(1)
    for size in ((64, 96), (96, 48), (16, 16), (176, 32)):
        images = draw.normal(size=(2, *size, 3)).astype("float32") * 3
        besides = {"sizes": np.array([size, (size[0] - 5, size[1] // 2)], "float32")} if detects else {}
        found = run(form, path, images, **besides)
        agree(found, live(lower(loads(text), size), part, weights, images, *besides.values()), part)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_told_what_of_padded_images_is_image(form, tmp_path, live):
    part, text = HEADS["per class"]
    program = lower(loads(text))
    weights = sample(program).weights
    path = exported(form, program, part, weights, tmp_path, sizes=True)
    images = np.random.default_rng(1).normal(size=(3, 64, 96, 3)).astype("float32") * 3
    sizes = np.array([(64, 96), (40, 20), (64, 50)], "float32")
    found = run(form, path, images, sizes=sizes)
    agree(found, live(program, part, weights, images, sizes), part)
    assert (found["boxes"].reshape(3, -1, 2) <= sizes[:, None]).all()
    assert (found["boxes"].max((1, 2)) == sizes.max(1)).all()


def agree(found, expected, part):
    """Equal, images' boxes as sets."""
    assert found.keys() == expected.keys()
    if part == "segment":
        assert found["classes"].shape == expected["classes"].shape
        assert (found["classes"] == expected["classes"]).mean() > 0.999  # equal but where two are as likely
        return
    for one in range(len(found["classes"])):
        same({name: value[one] for name, value in found.items()}, {n: v[one] for n, v in expected.items()})


def same(found, expected):
    """Equal as a set: boxes that are as likely may come in either order."""
    assert {name: value.shape for name, value in found.items()} == {name: v.shape for name, v in expected.items()}
    first, second = (rows(each) for each in (found, expected))
    assert first.shape == second.shape
    assert len(first) > 3
    assert np.abs(first - second).max() < 1e-5


def rows(answers):
    """What was found: score, class, box, for images about 100 pixels long as shares of that, and mask; by box and class."""
    scores = next(answers[name] for name in ("scores", "probabilities") if name in answers)
    boxes = answers.get("boxes", np.zeros((len(scores), 4))) / 100
    table = np.column_stack([scores, answers["classes"], boxes])[scores > 0]
    masks = answers.get("masks", np.zeros((len(scores), 0))).reshape(len(scores), -1)[scores > 0]
    return np.column_stack([table, masks])[np.lexsort(np.round(table, 3).T)]


@pytest.mark.parametrize(("dynamic", "sides"), [(False, [64, 96]), (True, ["height", "width"])])
def test_one_node_drops_the_boxes_of_an_onnx_file(dynamic, sides, tmp_path):
    onnx = pytest.importorskip("onnx")
    program = lower(loads(HEADS["per class"][1]))
    path = exported("onnx", program, "detect", sample(program).weights, tmp_path, dynamic=dynamic)
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node].count("NonMaxSuppression") == 1
    assert {node.domain for node in graph.node} == {""}
    assert [output.name for output in graph.output] == ["boxes", "scores", "classes"]
    assert [dim.dim_param or dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim] == ["batch", 3, *sides]


def awkward():
    """Boxes that touch, hold one another, overlap by just a half, have no area, or are there twice, some as likely."""
    draw = np.random.default_rng(4)
    start = draw.integers(0, 6, (2, 40, 2)) * 8
    boxes = np.concatenate([start, start + draw.integers(0, 4, (2, 40, 2)) * 16], -1).astype("float32")
    scores = (draw.permuted(np.tile(np.arange(120), (2, 1)), axis=1) / 120).reshape(2, 40, 3).astype("float32")
    scores[1, :5] = 0
    return boxes, scores


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("per_class", [True, False])
def test_awkward_boxes_are_kept_and_dropped_as_in_the_live_source(form, per_class, tmp_path):
    import torch

    for module in NEEDS[form]:
        pytest.importorskip(module)
    boxes, scores = awkward()
    settings = {"score": 0.05, "candidates": 100, "iou": 0.5, "per_class": per_class, "most": 60}
    module = import_source(emit(lower(loads(HEADS["per class"][1])), "pytorch", ["detect"]), "tower")
    expected = module.best(torch.tensor(boxes), torch.tensor(scores), **settings)
    found = KEEPERS[form](module, boxes, scores, settings, tmp_path)
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)


def keep_onnx(module, boxes, scores, settings, folder):
    import onnxruntime
    import torch

    from spinec.backends.pytorch.onnx_boxes import translations

    class Keep(torch.nn.Module):
        def forward(self, boxes, scores):
            return module.best(boxes, scores, **settings)

    given = (torch.tensor(boxes), torch.tensor(scores))
    names = {"input_names": ["boxes", "scores"], "output_names": ["found", "sure", "labels"]}
    path = folder / "keep.onnx"
    torch.onnx.export(
        Keep().eval(), given, path, dynamo=True, custom_translation_table=translations(module), verbose=False, **names
    )
    return onnxruntime.InferenceSession(path).run(None, {"boxes": boxes, "scores": scores})


def keep_served(module, boxes, scores, settings, folder, lite=False):
    import tensorflow as tf

    from spinec.backends.tensorflow.served_boxes import best

    def keep(boxes, scores):
        return dict(zip("abc", best(boxes, scores, **settings), strict=True))

    shapes = [tf.TensorSpec([None, *each.shape[1:]], name=name) for name, each in (("x", boxes), ("y", scores))]
    traced = tf.function(keep, input_signature=shapes, autograph=False)
    if not lite:
        return [traced(boxes, scores)[name].numpy() for name in "abc"]
    file = folder / "keep.tflite"
    tf.saved_model.save(made := tf.Module(), folder / "keep", traced.get_concrete_function())
    assert made is not None
    file.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder / "keep")).convert())
    found = run_tflite(file, {"x": boxes, "y": scores})
    return [found[name] for name in "abc"]


KEEPERS = {
    "onnx": keep_onnx,
    "savedmodel": keep_served,
    "tflite": lambda *given: keep_served(*given, lite=True),
}


@pytest.mark.parametrize(
    ("form", "parts", "words"),
    [
        ("onnx", ["loss"], "cannot be exported with 'loss'; expected one of: detect, classify, segment"),
        ("onnx", ["detcet"], "cannot be exported with 'detcet'"),
        ("onnx", ["classify"], "a head of kind 'retinanet' has no 'classify'; expected one of: classification"),
        ("onnx", ["detect", "classify"], "one sort of answer, not detect and classify"),
        ("torch-export", ["detect"], "torch-export cannot hold 'detect'; expected one of: onnx, savedmodel, tflite"),
        ("keras", ["detect"], "keras cannot hold 'detect'; expected one of: onnx, savedmodel, tflite"),
    ],
)
def test_what_a_file_cannot_answer_is_said_in_a_line_and_nothing_is_written(form, parts, words, tmp_path):
    with pytest.raises(BackendError) as caught:
        export_model(lower(loads(HEADS["per class"][1])), form, tmp_path / "model", parts=parts)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", FORMS)
def test_a_head_that_lowers_scores_is_refused(form, tmp_path):
    head = "{kind: retinanet, dim: 8, layers: 0, classes: 7, detections: {soft: 0.5}}"
    with pytest.raises(BackendError) as caught:
        export_model(lower(loads(TOWER.replace("HEAD", head))), form, tmp_path / "model", parts=["detect"])
    assert str(caught.value) == (
        f"tower: a file of form '{form}' drops boxes that overlap a better one, and cannot lower their scores instead; "
        "expected head: {detections: {soft: 0}}"
    )
    assert not list(tmp_path.iterdir())


def test_only_what_detects_is_told_sizes(tmp_path):
    with pytest.raises(BackendError, match="a file takes 'sizes' of images in which it detects; expected it with 'det"):
        export_model(lower(loads(HEADS["per class"][1])), "onnx", tmp_path / "model", sizes=True)
    assert not list(tmp_path.iterdir())


def test_the_command_exports_answers(tmp_path, spinec):
    pytest.importorskip("onnxscript")
    (tmp_path / "tower.yaml").write_text(HEADS["over classes"][1])
    path = tmp_path / "tower.onnx"
    code, out, err = spinec("export", tmp_path / "tower.yaml", "--to", "onnx", "--with", "detect", "-o", path)
    assert (code, out, err) == (0, f"{path}: tower with detect as onnx, with fresh weights\n", "")
    assert run("onnx", path, np.zeros((2, 64, 96, 3), "float32"))["boxes"].shape == (2, 20, 4)
    more = ("--with", "detect", "--dynamic", "--sizes")
    code, out, err = spinec("export", tmp_path / "tower.yaml", "--to", "onnx", *more, "-o", path)
    assert (code, err) == (0, "")
    assert out == f"{path}: tower with detect as onnx, for images of any size, with fresh weights\n"
    found = run("onnx", path, np.zeros((2, 40, 72, 3), "float32"), sizes=np.array([[40, 72], [9, 9]], "float32"))
    assert found["boxes"].shape == (2, 20, 4)
    code, out, err = spinec(
        "export", tmp_path / "tower.yaml", "--to", "onnx", "--with", "loss", "-o", tmp_path / "b.onnx"
    )
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert not (tmp_path / "b.onnx").exists()


GARDEN = np.load(Path(__file__).parent / "numbers" / "model_garden.npz")
TOWER_OF_FIVE = """
name: tower
input: {size: [128, 256]}
defaults: {kind: conv, dim: 8}
blocks:
  p3: {level: 3, inputs: [image]}
  p4: {level: 4, inputs: [p3]}
  p5: {level: 5, inputs: [p4]}
  p6: {level: 6, inputs: [p5]}
  p7: {level: 7, inputs: [p6]}
outputs: {P3: p3, P4: p4, P5: p5, P6: p6, P7: p7}
head: {kind: retinanet, dim: 8, layers: 0, classes: 11, dialect: model_garden}
"""


@pytest.mark.parametrize("theirs", ["v1", "batched", "v2"])
@pytest.mark.parametrize("form", ["onnx", "savedmodel"])
def test_a_file_given_the_model_gardens_maps_detects_what_the_model_garden_does(form, theirs, garden_files):
    """In their order, of an image of 120 x 250 pixels, padded."""
    boxes, scores, classes = garden_files(form)
    assert np.array_equal(classes[0], GARDEN[f"{theirs}classes"])
    assert np.abs(scores[0] - GARDEN[f"{theirs}scores"]).max() < 1e-6
    assert np.abs(boxes[0] - GARDEN[f"{theirs}boxes"]).max() < 1e-4


@pytest.fixture(scope="module")
def garden_files(tmp_path_factory):
    """What files find that take a network's maps in place of its image, and the function to make one."""
    maps = {
        f"{kind}_P{level}": GARDEN[f"{key}{level}"]
        for kind, key in (("class", "lc"), ("box", "lb"))
        for level in range(3, 8)
    }
    sizes = np.array([[120, 250]], "float32")

    @cache
    def found(form):
        for module in NEEDS[form]:
            pytest.importorskip(module)
        return GARDENERS[form](lower(loads(TOWER_OF_FIVE)), maps, sizes, tmp_path_factory.mktemp("garden"))

    return found


def garden_onnx(program, maps, sizes, folder):
    import onnxruntime
    import torch

    from spinec.backends.pytorch.onnx_boxes import translations

    module = import_source(emit(program, "pytorch", ["detect"]), program.name)

    class Detect(torch.nn.Module):
        def forward(self, maps, sizes):
            return module.detect(lambda image: maps, torch.zeros(1, 3, *program.size), sizes)

    given = {name: np.ascontiguousarray(value.transpose(0, 3, 1, 2)) for name, value in maps.items()}
    traced = ({name: torch.tensor(value) for name, value in given.items()}, torch.tensor(sizes))
    path = folder / "garden.onnx"
    torch.onnx.export(
        Detect().eval(),
        traced,
        path,
        dynamo=True,
        input_names=[*maps, "sizes"],
        custom_translation_table=translations(module),
        verbose=False,
    )
    return onnxruntime.InferenceSession(path).run(None, {**given, "sizes": sizes})


def garden_served(program, maps, sizes, folder):
    import tensorflow as tf

    from spinec.backends.tensorflow.export import INSTEAD
    from spinec.backends.tensorflow.live import build_with

    module, _ = build_with(program, ["detect"], INSTEAD)

    def detect(sizes, **maps):
        boxes, scores, classes = module.detect(lambda image, training: maps, tf.zeros([1, *program.size, 3]), sizes)
        return {"boxes": boxes, "scores": scores, "classes": classes}

    shapes = {name: tf.TensorSpec([None, *value.shape[1:]], name=name) for name, value in maps.items()}
    traced = tf.function(detect, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 2], name="sizes"), **shapes
    )
    tf.saved_model.save(made := tf.Module(), folder / "garden", traced)
    assert made is not None
    served = tf.saved_model.load(folder / "garden").signatures["serving_default"]
    answer = served(sizes=tf.constant(sizes), **{name: tf.constant(value) for name, value in maps.items()})
    return [answer[name].numpy() for name in ("boxes", "scores", "classes")]


GARDENERS = {"onnx": garden_onnx, "savedmodel": garden_served}
