"""Boxes from maps, and what maps are to learn: against numbers of public code, and PyTorch against TensorFlow."""

from pathlib import Path

import numpy as np
import pytest
from answering import BACKENDS, TensorFlow, Torch, tower
from hypothesis import given, settings
from hypothesis import strategies as st

from spinec import emit, load, loads, lower
from spinec.backends.live import import_source
from spinec.spec.errors import BackendError, SpecError

GARDEN = np.load(Path(__file__).parent / "numbers" / "model_garden.npz")
VISION = np.load(Path(__file__).parent / "numbers" / "torchvision.npz")
LEVELS = range(3, 8)
SPEC = """
name: tower
input: {size: [128, 256]}
defaults: {kind: conv}
blocks:
  p3: {level: 3, dim: 8, inputs: [image]}
  p4: {level: 4, dim: 8, inputs: [p3]}
  p5: {level: 5, dim: 8, inputs: [p4]}
  p6: {level: 6, dim: 8, inputs: [p5]}
  p7: {level: 7, dim: 8, inputs: [p6]}
outputs: {P3: p3, P4: p4, P5: p5, P6: p6, P7: p7}
head: HEAD
"""
GARDENS = "{kind: retinanet, dim: 8, layers: 0, classes: 11, dialect: model_garden}"


def garden_maps():
    kinds = {"class": "lc", "box": "lb"}
    return {f"{kind}_P{level}": GARDEN[f"{key}{level}"] for kind, key in kinds.items() for level in LEVELS}


def spec(head=GARDENS):
    return SPEC.replace("HEAD", head)


@BACKENDS
def test_the_model_garden_has_the_same_anchors_targets_and_losses(made):
    framework, maps = made(spec()), garden_maps()
    anchors = np.concatenate([GARDEN[f"a{level}"].reshape(-1, 4) for level in LEVELS])
    assert np.array_equal(framework.anchors(maps), anchors)
    boxes, classes = GARDEN["gt"][None], GARDEN["cl"].T
    found, goals, positive = framework.targets(maps, boxes, classes)
    assert np.array_equal(found[0], GARDEN["cls"])
    assert np.abs(goals - GARDEN["box"])[positive].max() < 1e-7
    losses, _ = framework.loss(maps, boxes, classes)
    assert [losses[name] for name in ("loss", "class", "box")] == pytest.approx(GARDEN["loss"][:3], rel=1e-6)


@BACKENDS
@pytest.mark.parametrize("theirs", ["v1", "batched", "v2"])
def test_the_model_garden_detects_the_same(made, theirs):
    image, sizes = np.zeros((1, 128, 256, 3), np.float32), np.array([[120, 250]], np.float32)
    boxes, scores, classes = made(spec()).detect(garden_maps(), image, sizes)
    assert GARDEN[f"{theirs}n"] == scores.shape[1] == 100
    assert np.array_equal(classes[0], GARDEN[f"{theirs}classes"])
    assert np.abs(scores[0] - GARDEN[f"{theirs}scores"]).max() < 1e-6
    assert np.abs(boxes[0] - GARDEN[f"{theirs}boxes"]).max() < 1e-4


VISIONS = "{kind: retinanet, dim: 8, layers: 0, classes: 3, dialect: torchvision}"


VISION_IMAGES = "retinanet", "retinanet_second"


def vision_maps():
    names = [f"{kind}_P{level}" for level in LEVELS for kind in ("class", "box")]
    return {name: VISION[f"retinanet_{name}"].astype(np.float32) for name in names}


@BACKENDS
def test_torchvision_has_the_same_anchors_targets_and_losses(made):
    framework, maps = made(tower(VISIONS, LEVELS, (128, 128))), vision_maps()
    assert np.array_equal(framework.anchors(maps), VISION["retinanet_anchors"])
    boxes, classes, matched = (VISION[f"retinanet_{name}"] for name in ("gt", "labels", "matched"))
    found, _, positive = framework.targets(maps, boxes[None], classes[None])
    assert np.array_equal(positive[0], matched >= 0)
    assert np.array_equal(found[0], np.where(positive[0], classes[matched], -1))
    second = np.zeros_like(boxes), np.full_like(classes, -1)  # an image without a box
    for images, name in ((1, "first_losses"), (2, "losses")):
        some = {name: value[:images] for name, value in maps.items()}
        losses, _ = framework.loss(some, np.stack([boxes, second[0]])[:images], np.stack([classes, second[1]])[:images])
        expected = VISION[f"retinanet_{name}"]
        assert [losses["class"], 4 * losses["box"]] == pytest.approx(expected, rel=1e-6)
        assert losses["loss"] == pytest.approx(expected.sum(), rel=1e-6)


@BACKENDS
def test_torchvision_detects_the_same(made):
    image, sizes = np.zeros((2, 128, 128, 3), np.float32), np.array([[120, 122], [128, 128]], np.float32)
    detected = made(tower(VISIONS, LEVELS, (128, 128))).detect(vision_maps(), image, sizes)
    for boxes, scores, classes, name in zip(*detected, VISION_IMAGES, strict=True):
        found = scores > 0
        assert np.array_equal(classes[found], VISION[f"{name}_found"])
        assert np.abs(scores[found] - VISION[f"{name}_scores"]).max() < 1e-6
        assert np.abs(boxes[found] - VISION[f"{name}_boxes"]).max() < 1e-4


HEADS = {
    "paper": "{kind: retinanet, dim: 8, layers: 0, classes: 7}",
    "shared": "{kind: retinanet, dim: 8, layers: 1, shared: true, classes: 7}",
    "efficientdet": "{kind: retinanet, dim: 8, layers: 0, dialect: efficientdet, classes: 6, detections: {candidates: 300}}",
    "band": "{kind: retinanet, dim: 8, layers: 0, classes: 7, matching: {positive: 0.6, negative: 0.3, force: false}}",
    "torchvision": "{kind: retinanet, dim: 8, layers: 0, classes: 7, dialect: torchvision}",
    "few of each level": "{kind: retinanet, dim: 8, layers: 0, classes: 7, detections: {candidates: 40, candidates_per: level}}",
    "few of each class": "{kind: retinanet, dim: 8, layers: 0, classes: 7, detections: {candidates: 40, candidates_per: class}}",
    "one class": "{kind: retinanet, dim: 8, layers: 0, classes: 1, background: false, anchors: {scales: 1, ratios: [1, [2, 3]]}}",
    "over classes": "{kind: retinanet, dim: 8, layers: 0, classes: 7, detections: {per_class: false, most: 7, iou: 0.3}}",
    "other losses": "{kind: retinanet, dim: 8, layers: 0, classes: 7, loss: {alpha: 0.7, gamma: 0, delta: 2, box_weight: 3}}",
}


def made_up(head, images, boxes, dtype, seed=0):
    """Maps and boxes: some of the latter oblong, outside the image, of no area, the same twice, or none."""
    draw = np.random.default_rng(seed)
    read = loads(spec(head)).head
    sizes = {"class": read.classes * read.anchors.per_cell, "box": 4 * read.anchors.per_cell}
    maps = {
        f"{kind}_P{level}": draw.normal(size=(images, 128 >> level, 256 >> level, size)).astype(dtype)
        for kind, size in sizes.items()
        for level in LEVELS
    }
    start = draw.uniform(-40, 200, (images, boxes, 2))
    truth = np.concatenate([start, start + draw.uniform(0.5, 120, (images, boxes, 2))], -1)
    classes = draw.integers(-1, read.classes, (images, boxes))
    if boxes > 3:
        truth[:, 1] = truth[:, 0]
        truth[:, 2, 2:] = truth[:, 2, :2]
    return maps, truth.astype(dtype), classes


@pytest.mark.parametrize("boxes", [0, 1, 100])
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_losses_and_gradients_are_the_same_in_both_frameworks(head, boxes):
    first, second = Torch(spec(head)), TensorFlow(spec(head))
    for dtype, bound in ((np.float32, 1e-5), (np.float64, 1e-12)):
        given = made_up(head, 2, boxes, dtype)
        (losses, gradients), (again, others) = first.loss(*given), second.loss(*given)
        assert again == pytest.approx(losses, rel=bound, abs=bound)
        scale = max(np.abs(gradient).max() for gradient in gradients.values())
        assert scale > 0
        for name, gradient in gradients.items():
            assert np.abs(gradient - others[name]).max() <= bound * scale, name


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_detections_are_the_same_in_both_frameworks(head):
    maps, _, _ = made_up(head, 2, 0, np.float64)
    image, sizes = np.zeros((2, 128, 256, 3)), np.array([[128.0, 256.0], [100.0, 30.0]])
    first, second = (made(spec(head)).detect(maps, image, sizes) for made in (Torch, TensorFlow))
    for one, other in zip(first, second, strict=True):
        assert np.abs(one - other).max() < 1e-9
    boxes, scores, classes = first
    read = loads(spec(head)).head
    assert scores.shape == (2, read.detections.most)
    assert (np.diff(scores) <= 0).all()
    assert (boxes >= 0).all()
    assert (boxes[1].reshape(-1, 2) <= sizes[1]).all()
    assert (classes[scores > 0] >= read.background).all()


def test_no_box_is_kept_beside_a_better_one_and_none_is_dropped_without():
    torch = pytest.importorskip("torch")
    module = Torch(spec()).module
    draw = torch.Generator().manual_seed(0)
    for number in (0, 1, 2, 300, 1000):
        start = torch.rand(number, 2, generator=draw) * 60
        boxes = torch.cat([start, start + torch.rand(number, 2, generator=draw) * 40], 1)
        labels = torch.randint(3, (number,), generator=draw)
        kept = []
        for i in range(number):  # greedily, one after the other
            if not any(labels[i] == labels[k] and module.overlap(boxes[i, None], boxes[k, None]) > 0.4 for k in kept):
                kept.append(i)
        for most in (number, 20):
            assert module.nms(boxes, labels, 0.4, most).tolist() == kept[:most]


@BACKENDS
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_box_is_what_its_code_says(made, data):
    framework = CODERS.setdefault(made, made(spec()))
    side = st.floats(1, 600, width=32)
    place = st.tuples(st.floats(-50, 700), st.floats(-50, 700), side, side)
    box, anchor = (np.array([[y, x, y + h, x + w]]) for y, x, h, w in (data.draw(place), data.draw(place)))
    grown = np.log(((box - anchor)[:, 2:] + (anchor - box)[:, :2]) / (anchor[:, 2:] - anchor[:, :2]) + 1)
    if (grown <= np.log(1000 / 16)).all():  # what grows by more is held back
        assert np.abs(framework.decoded(box, anchor) - box).max() < 1e-6


CODERS: dict = {}


def test_boxes_of_a_mirrored_image_are_mirrored():
    framework, maps = Torch(spec(HEADS["paper"])), made_up(HEADS["paper"], 1, 0, np.float64)[0]
    anchors = 9
    image = np.zeros((1, 128, 256, 3))

    def mirrored(name, value):
        value = value[:, :, ::-1]
        if name.startswith("box"):  # dx changes its sign
            shaped = value.reshape(*value.shape[:3], anchors, 4) * np.array([1, -1, 1, 1])
            value = shaped.reshape(value.shape)
        return np.ascontiguousarray(value)

    boxes, scores, classes = framework.detect(maps, image)
    turned, again, same = framework.detect({name: mirrored(name, value) for name, value in maps.items()}, image)
    assert np.abs(scores - again).max() < 1e-9
    assert np.array_equal(classes, same)
    assert (
        np.abs(np.stack([turned[..., 0], 256 - turned[..., 3], turned[..., 2], 256 - turned[..., 1]], -1) - boxes).max()
        < 1e-6
    )


def test_compilers_take_what_detects_and_what_learns():
    torch = pytest.importorskip("torch")
    program = lower(loads(spec()))
    module = import_source(emit(program, "pytorch", ("detect", "loss")), program.name)
    torch.manual_seed(0)
    model = module.Tower().eval()
    images = torch.randn(2, 3, 128, 256)
    plain = module.detect(model, images)
    compiled = torch.compile(lambda images: module.detect(model, images), fullgraph=True, backend="aot_eager")(images)
    for one, other in zip(plain, compiled, strict=True):
        assert torch.allclose(one.double(), other.double(), atol=1e-4)

    class Detector(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, images):
            return module.detect(self.model, images)

    exported = torch.export.export(Detector(), (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for one, other in zip(module.detect(model, images[:1]), exported.module()(images[:1]), strict=True):
        assert torch.allclose(one.double(), other.double(), atol=1e-4)
    boxes, classes = torch.tensor([[[10.0, 20, 80, 90]]] * 2), torch.tensor([[3], [-1]])
    learn = torch.compile(module.loss, fullgraph=True, backend="aot_eager")
    assert torch.allclose(
        learn(model(images), boxes, classes)["loss"], module.loss(model(images), boxes, classes)["loss"]
    )


def test_xla_takes_what_detects_and_what_learns():
    tf = pytest.importorskip("tensorflow")
    framework = TensorFlow(spec())
    maps = framework.maps(garden_maps())
    image = tf.zeros([1, 128, 256, 3])

    def detect(image):
        return framework.module.detect(lambda image, training: maps, image)

    for one, other in zip(tf.function(detect)(image), tf.function(detect, jit_compile=True)(image), strict=True):
        assert np.abs(one.numpy() - other.numpy()).max() < 1e-4
    given = maps, tf.constant(GARDEN["gt"][None]), tf.constant(GARDEN["cl"].T)
    compiled = tf.function(framework.module.loss, jit_compile=True)(*given)["loss"]
    assert float(compiled) == pytest.approx(GARDEN["loss"][0], rel=1e-5)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("{kind: retinanet, dim: 8, anchors: 0}", "head.anchors: expected"),
        ("{kind: retinanet, dim: 8, anchors: {ratios: []}}", "head.anchors.ratios: expected at least 1"),
        (
            "{kind: retinanet, dim: 8, anchors: {ratios: [[1, 2, 3]]}}",
            "expected a ratio of width to height, or [height, width]",
        ),
        ("{kind: [retinanet], dim: 8, dialect: tpu}", "unknown head kind a list"),
        ("{kind: retinanet, dim: 8, dialect: coco}", "head: unknown dialect 'coco'"),
        ("{kind: deeplab, dialect: tpu}", "head: unknown dialect 'tpu'"),
        (
            "{kind: retinanet, dim: 8, matching: {positive: 0.4}}",
            "expected 'negative' to be at most 'positive', which is 0.4",
        ),
        ("{kind: retinanet, dim: 8, order: xyhw}", "head: unknown order 'xyhw'"),
        ("{kind: retinanet, dim: 8, anchors: {order: size}}", "head.anchors: unknown order 'size'"),
        ("{kind: retinanet, dim: 8, anchors: {offset: 2}}", "head.anchors.offset: expected at most 1"),
        ("{kind: retinanet, dim: 8, matching: {closest: last}}", "head.matching: unknown closest 'last'"),
        ("{kind: retinanet, dim: 8, loss: {box: smooth}}", "head.loss: unknown box 'smooth'"),
        (
            "{kind: retinanet, dim: 8, detections: {candidates_per: box}}",
            "head.detections: unknown candidates_per 'box'",
        ),
        ("{kind: mask_rcnn, dim: 8, detections: {candidates_per: level}}", "head.detections: regions are of no level"),
        ("{kind: retinanet, dim: 8, detections: {score: 1}}", "head.detections.score: expected a number below 1"),
    ],
)
def test_what_a_head_cannot_mean_is_refused(head, message):
    with pytest.raises(SpecError) as caught:
        loads(spec(head))
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["retinanett", "[retinanet]", "7"])
def test_of_a_faulty_kind_a_dialect_says_nothing(kind):
    with pytest.raises(SpecError) as caught:
        loads(spec(f"{{kind: {kind}, dim: 8, dialect: tpu}}"))
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    "head", ["retinanet, dim: 8", "ssd, anchors: [3, 3, 3, 3, 3], loss: {kind: softmax}", "mask_rcnn, dim: 8"]
)
def test_a_background_alone_leaves_nothing_to_find(head):
    program = lower(loads(spec(f"{{kind: {head}, classes: 1}}")))
    with pytest.raises(BackendError, match="its only class is the background, so there is nothing to find"):
        emit(program, "pytorch", ["detect"])


def test_anchors_of_whole_pixels_keep_an_area():
    program = lower(loads(spec("{kind: retinanet, dim: 8, anchors: {size: 0.2, whole: true}}")))
    with pytest.raises(BackendError, match="sides of whole pixels leave an anchor no area; expected a larger size"):
        emit(program, "pytorch", ["detect"])


def test_a_dialect_gives_way_to_what_a_head_says():
    said = "anchors: {size: 5}, classes: 91, background: true"
    read = loads(spec(f"{{kind: retinanet, dim: 8, dialect: efficientdet, {said}}}")).head
    assert (read.anchors.size, read.anchors.ratios[1], read.background) == (5, (0.7, 1.4), True)


@pytest.mark.parametrize(
    ("name", "words"), [("efficientnet-b0", "'classification' has no 'detect'"), (None, "has no head")]
)
def test_heads_that_find_no_boxes_say_so(name, words):
    bare = loads(SPEC.replace("head: HEAD", ""))
    with pytest.raises(BackendError, match=words):
        emit(lower(load(name) if name else bare), "pytorch", ["detect"])
