"""Fine-tuning: weights of a network with other classes are taken but for the layers of classes, all else is refused."""

import numpy as np
import pytest
from taught import TINY

from spinec import BackendError, SpinecError, load, loads, lower
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.sample import sample
from spinec.spec.making import change
from spinec.spec.recipes.load import load_recipe
from spinec.train.start import read_start

pytest.importorskip("torch")
pytest.importorskip("safetensors")

OTHER = TINY.replace("classes: 3", "classes: 7")
PREDICT = ("class_subnet.predict.pointwise.kernel", "class_subnet.predict.pointwise.bias")
HEADS = {
    "retinanet": "{kind: retinanet, dim: 8, layers: 1, classes: CLASSES, background: false}",
    "fcos": "{kind: fcos, dim: 32, layers: 1, classes: CLASSES}",
    "centernet": "{kind: centernet, dim: 8, classes: CLASSES}",
    "ssd": "{kind: ssd, classes: CLASSES, anchors: [3, 6]}",
    "mask_rcnn": "{kind: mask_rcnn, dim: 8, classes: CLASSES}",
    "classification": "{kind: classification, classes: CLASSES}",
    "segmentation": "{kind: segmentation, dim: 8, classes: CLASSES}",
    "deeplab": "{kind: deeplab, dim: 8, classes: CLASSES}",
}


def written(folder, text, name="weights.safetensors"):
    program = lower(loads(text))
    weights = sample(program).weights
    write_checkpoint(folder / name, program, weights)
    return weights


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.weights.h5"])
def test_all_but_the_layers_of_classes_is_taken_from_files_of_any_form(tmp_path, name):
    if name.endswith("h5"):
        pytest.importorskip("tensorflow")
    held = written(tmp_path, OTHER, name)
    start = read_start(tmp_path / name, lower(loads(TINY)))
    assert (start.anew, start.classes) == (PREDICT, 7)
    assert start.weights.keys() == held.keys() - set(PREDICT)
    assert all((array == held[each]).all() for each, array in start.weights.items())


@pytest.mark.parametrize("number", [1, 2, 80])
def test_any_number_of_classes_is_known(tmp_path, number):
    written(tmp_path, TINY.replace("classes: 3", f"classes: {number}"))
    assert read_start(tmp_path / "weights.safetensors", lower(loads(TINY)))[1:] == (PREDICT, number)


@pytest.mark.parametrize("kind", HEADS)
def test_of_every_head_what_depends_on_its_classes_is_new(tmp_path, kind):
    """What that is shows in the shapes of two networks; a layer is new as a whole or not at all."""
    outputs = "{P4: b2}" if kind == "deeplab" else "{P3: b1, P4: b2}"
    text = TINY[: TINY.index("outputs:")] + f"outputs: {outputs}\nhead: {HEADS[kind]}\n"
    own, other = (lower(loads(text.replace("CLASSES", number))) for number in ("5", "11"))
    held = written(tmp_path, text.replace("CLASSES", "11"))
    start = read_start(tmp_path / "weights.safetensors", own)
    assert set(start.anew) == {name for name, shape in own.weights.items() if other.weights[name] != shape} != set()
    assert start.classes == 11
    layers = {name.rpartition(".")[0] for name in start.anew}
    assert {name for name in own.weights if name.rpartition(".")[0] in layers} == set(start.anew)
    assert start.weights.keys() == held.keys() - set(start.anew)


def test_weights_that_fit_are_taken_whole(tmp_path):
    held = written(tmp_path, TINY)
    start = read_start(tmp_path / "weights.safetensors", lower(loads(TINY)))
    assert (start.anew, start.classes) == ((), 0)
    assert start.weights.keys() == held.keys()


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_new_layers_start_as_fresh_ones_do_and_the_rest_as_it_is(tmp_path, name):
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    written(tmp_path, OTHER)
    program, recipe = lower(loads(TINY)), load_recipe("detection", ["batch=2", "schedule.steps=9"])
    start = read_start(tmp_path / "weights.safetensors", program)
    first, second = (backend(name).learner(program, recipe, start.weights).weights() for _ in range(2))
    fresh = backend(name).learner(program, recipe).weights()
    for each, array in first.items():
        expected = fresh if each in PREDICT else start.weights
        assert (array == expected[each]).all(), each
        assert (array == second[each]).all(), each
    assert np.ptp(first[PREDICT[0]]) > 0
    assert first[PREDICT[1]] == pytest.approx(-np.log(99))  # as sure of a class as focal loss wants at the start


@pytest.mark.parametrize(
    ("change_of", "said"),
    [
        ({"blocks": {"stem": {"dim": 16}}}, "stem.conv.kernel: expected 8 x 3 x 3 x 3, got 16 x 3 x 3 x 3"),
        ({"blocks": {"b1": {"repeats": 2}}}, "b1.1.first_conv.kernel: tiny has no such weight"),
        ({"head": {"layers": 2}}, "class_subnet.conv2.depthwise.kernel: tiny has no such weight"),
        ({"head": {"dim": 16}}, "class_subnet.predict.depthwise.kernel: expected 8 x 1 x 3 x 3, got 16 x 1 x 3 x 3"),
        (
            {"head": {"anchors": {"ratios": [1.0]}}},
            "box_subnet.predict.pointwise.kernel: expected 36 x 8 x 1 x 1, got 12 x 8 x 1 x 1",
        ),
        ({"head": None}, "class_subnet.predict.pointwise.kernel: missing"),
    ],
)
@pytest.mark.parametrize("classes", [3, 7])
def test_anything_else_that_does_not_fit_is_an_error_that_names_it(tmp_path, change_of, said, classes):
    edits = {"head": {"classes": classes}, **change_of}
    if edits["head"]:
        edits["head"] = {"classes": classes, **edits["head"]}
    other = lower(change(loads(TINY), edits))
    write_checkpoint(tmp_path / "other.safetensors", other, sample(other).weights)
    with pytest.raises(BackendError) as raised:
        read_start(tmp_path / "other.safetensors", lower(loads(TINY)))
    assert said in str(raised.value)


def test_a_file_of_another_network_or_none_is_refused(tmp_path):
    text = TINY.replace("stem", "root").replace("b1", "c1").replace("b2", "c2")
    written(tmp_path, text.replace("classes: 3", "classes: 9"))
    with pytest.raises(BackendError, match=r"no weights of tiny.*(\n.*)*stem.conv.kernel: missing"):
        read_start(tmp_path / "weights.safetensors", lower(loads(TINY)))
    with pytest.raises(SpinecError, match=r"none.safetensors: no such file"):
        read_start(tmp_path / "none.safetensors", lower(loads(TINY)))
    (tmp_path / "text.safetensors").write_text("text")
    with pytest.raises(SpinecError, match=r"text.safetensors: cannot be read"):
        read_start(tmp_path / "text.safetensors", lower(load("eff-spinenet-m0")))
