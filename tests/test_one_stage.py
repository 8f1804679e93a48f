"""Answers and losses of FCOS, SSD and CenterNet: PyTorch against TensorFlow, and through the frameworks' compilers."""

import numpy as np
import pytest
from answering import BACKENDS, TensorFlow, Torch, answering, made_up_boxes, made_up_maps, tower

from spinec import loads, lower
from spinec.backends.export import export_model
from spinec.spec.errors import BackendError

FCOS = "kind: fcos, dim: 8, groups: 2, layers: 0"
HEADS = {
    "fcos": (f"{{{FCOS}, classes: 5}}", (3, 4, 5)),
    "fcos as in torchvision": (
        f"{{{FCOS}, classes: 5, dialect: torchvision, detections: {{candidates: 90}}}}",
        (3, 4, 5),
    ),
    "fcos of one class": (f"{{{FCOS}, classes: 1, detections: {{per_class: false, most: 7, iou: 0.3}}}}", (3, 4, 5)),
    "fcos with other losses": (
        f"{{{FCOS}, classes: 5, unit: pixel, loss: {{overlap: iou, alpha: 0.7, gamma: 0, box_weight: 3, "
        "centerness_weight: 2}, matching: {radius: 0, reach: 4}}",
        (3, 4, 5),
    ),
    "ssd": ("{kind: ssd, classes: 5, anchors: [3, 6, 4]}", (3, 4, 5)),
    "ssd as in torchvision": (
        "{kind: ssd, classes: 5, anchors: [6, 6, 2], dialect: torchvision, detections: {candidates: 40}}",
        (3, 4, 5),
    ),
    "ssd whose scores fall": (
        "{kind: ssd, classes: 5, anchors: [3, 6, 4], detections: {soft: 0.5, score: 0.3, candidates: 300}}",
        (3, 4, 5),
    ),
    "ssd of one class": ("{kind: ssd, classes: 1, anchors: [1], boxes: {ratios: [2]}}", (5,)),
    "ssd with other losses": (
        "{kind: ssd, classes: 5, background: true, anchors: [3, 6, 4], boxes: {factors: [3, 2], order: xywh}, "
        "loss: {alpha: 0.2, gamma: 0, delta: 0.3, box_weight: 3}, matching: {positive: 0.6, negative: 0.3, force: false}}",
        (3, 4, 5),
    ),
    "centernet": ("{kind: centernet, dim: 8, classes: 5}", (2,)),
    "centernet of one class": (
        "{kind: centernet, dim: 8, classes: 1, matching: {overlap: 0.5}, detections: {window: 5, score: 0.3, most: 7}}",
        (4,),
    ),
    "centernet with other losses": (
        "{kind: centernet, dim: 8, classes: 5, loss: {alpha: 0, beta: 0, size_weight: 3, offset_weight: 2}}",
        (3,),
    ),
}
EVERY = pytest.mark.parametrize(("head", "levels"), HEADS.values(), ids=HEADS)
ONE_EACH = pytest.mark.parametrize(
    ("head", "levels"), [each for name, each in HEADS.items() if " " not in name or name.endswith("torchvision")]
)


def maps_of(framework, images, seed, dtype=np.float64):
    """Maps that the head can give: distances are positive."""
    maps = made_up_maps(framework.program, images, np.random.default_rng(seed), dtype)
    fcos = framework.program.spec.head.kind == "fcos"
    return {name: np.abs(value) + 0.01 if fcos and name.startswith("box") else value for name, value in maps.items()}


@pytest.mark.parametrize("boxes", [0, 1, 100])
@EVERY
def test_losses_and_gradients_are_the_same_in_both_frameworks(head, levels, boxes):
    first, second = answering(Torch, head, levels), answering(TensorFlow, head, levels)
    for dtype, bound in ((np.float32, 1e-5), (np.float64, 1e-12)):
        truth = made_up_boxes(first.program, 2, boxes, np.random.default_rng(1), dtype)
        maps = maps_of(first, 2, 0, dtype)
        (losses, gradients), (again, others) = first.loss(maps, *truth), second.loss(maps, *truth)
        assert again == pytest.approx(losses, rel=bound, abs=bound)
        assert all(np.isfinite(value) for value in losses.values())
        assert losses["loss"] > 0 or not boxes
        scale = max(np.abs(gradient).max() for gradient in gradients.values())
        for name, gradient in gradients.items():
            assert np.isfinite(gradient).all(), name
            assert np.abs(gradient - others[name]).max() <= bound * max(scale, 1e-3), name


@EVERY
def test_boxes_of_no_area_and_boxes_that_are_none_teach_nothing(head, levels):
    framework = answering(Torch, head, levels)
    maps, (boxes, classes) = maps_of(framework, 2, 0), made_up_boxes(framework.program, 2, 6, np.random.default_rng(1))
    some = classes >= 0
    some[:, 2] = False  # it has no area
    left = np.where(some[..., None], boxes, 0)
    losses, _ = framework.loss(maps, boxes, classes)
    again, _ = framework.loss(maps, left, np.where(some, classes, -1))
    assert losses == again


@EVERY
def test_detections_are_the_same_in_both_frameworks(head, levels):
    first, second = answering(Torch, head, levels), answering(TensorFlow, head, levels)
    maps, image = maps_of(first, 2, 3), np.zeros((2, 64, 96, 3))
    sizes = np.array([[64.0, 96.0], [50.0, 30.0]])
    found, others = (each.detect(maps, image, sizes) for each in (first, second))
    for one, other in zip(found, others, strict=True):
        assert np.abs(one - other).max() < 1e-9
    boxes, scores, classes = found
    read = first.program.spec.head
    assert scores.shape == (2, read.detections.most)
    assert (scores[:, 0] > 0).all()
    assert (np.diff(scores) <= 0).all()
    assert (boxes >= 0).all()
    assert (boxes[1].reshape(-1, 2) <= sizes[1]).all()
    assert classes.max() < read.classes


RETINANET = ("{kind: retinanet, dim: 8, layers: 0, classes: 5}", (3, 4, 5))


@BACKENDS
@pytest.mark.parametrize(("head", "levels"), [RETINANET, *HEADS.values()])
def test_of_no_image_there_are_no_boxes(head, levels, made):
    framework = answering(made, head, levels)
    maps = {name: value[:0] for name, value in maps_of(framework, 1, 3, np.float32).items()}
    most = framework.program.spec.head.detections.most
    found = framework.detect(maps, np.zeros((0, 64, 96, 3), np.float32))
    assert [each.shape for each in found] == [(0, most, 4), (0, most), (0, most)]


@pytest.mark.parametrize("made", [Torch, TensorFlow])
@pytest.mark.parametrize(("head", "levels"), [RETINANET, *(HEADS[name] for name in HEADS if " " not in name)])
def test_maps_of_reduced_precision_are_read_as_they_are(head, levels, made):
    """A model in bfloat16 gives rounded maps, and nothing else is rounded: no anchor, no corner, no sum."""
    framework = answering(made, head, levels)
    maps, image = maps_of(framework, 1, 3, np.float32), np.zeros((1, 64, 96, 3), np.float32)
    truth = made_up_boxes(framework.program, 1, 6, np.random.default_rng(1), np.float32)
    rounded = {
        name: value.bfloat16() if made is Torch else framework.tf.cast(value, "bfloat16")
        for name, value in framework.maps(maps).items()
    }
    as_they_are = {
        name: value.float() if made is Torch else framework.tf.cast(value, "float32") for name, value in rounded.items()
    }
    tensor = framework.tensor if made is Torch else framework.tf.constant
    image = image.transpose(0, 3, 1, 2) if made is Torch else image
    for one, other in zip(
        framework.module.detect(lambda image, **_: rounded, tensor(image)),
        framework.module.detect(lambda image, **_: as_they_are, tensor(image)),
        strict=True,
    ):
        assert np.array_equal(one.numpy(), other.numpy())
    losses, others = (framework.module.loss(each, *map(tensor, truth)) for each in (rounded, as_they_are))
    assert {name: float(value) for name, value in losses.items()} == {n: float(v) for n, v in others.items()}


@ONE_EACH
def test_compilers_take_what_detects_and_what_learns(head, levels):
    framework = answering(Torch, head, levels)
    torch, module = framework.torch, framework.module
    torch.manual_seed(0)
    model = module.Tower().eval()
    images = torch.randn(2, 3, 64, 96)

    class Detector(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, images):
            return module.detect(self.model, images)

    compiled = torch.compile(Detector(), fullgraph=True, backend="aot_eager")(images)
    exported = torch.export.export(Detector(), (images,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    for given, found in ((images, compiled), (images[:1], exported(images[:1]))):
        for one, other in zip(module.detect(model, given), found, strict=True):
            assert torch.allclose(one.double(), other.double(), atol=1e-4)
    boxes, classes = torch.tensor([[[10.0, 20, 40, 60]]] * 2), torch.tensor([[0], [-1]])
    learn = torch.compile(module.loss, fullgraph=True, backend="aot_eager")
    plain = module.loss(model(images), boxes, classes)
    for name, value in learn(model(images), boxes, classes).items():
        assert torch.allclose(value, plain[name]), name


@ONE_EACH
def test_xla_takes_what_detects_and_what_learns(head, levels):
    framework = answering(TensorFlow, head, levels)
    tf = framework.tf
    maps, image = framework.maps(maps_of(framework, 1, 0, np.float32)), tf.zeros([1, 64, 96, 3])

    def detect(image):
        return framework.module.detect(lambda image, training: maps, image)

    for one, other in zip(tf.function(detect)(image), tf.function(detect, jit_compile=True)(image), strict=True):
        assert np.abs(one.numpy() - other.numpy()).max() < 1e-4
    truth = [tf.constant(each) for each in made_up_boxes(framework.program, 1, 4, np.random.default_rng(2), np.float32)]
    plain = framework.module.loss(maps, *truth)
    for name, value in tf.function(framework.module.loss, jit_compile=True)(maps, *truth).items():
        assert float(value) == pytest.approx(float(plain[name]), rel=1e-5), name


@pytest.mark.parametrize("per_class", [True, False])
def test_scores_fall_by_overlaps_as_tensorflows_own_op_has_it(per_class):
    first, second = (answering(made, *HEADS["ssd"]) for made in (Torch, TensorFlow))
    draw, tf = np.random.default_rng(0), second.tf
    start = draw.uniform(0, 40, (1, 60, 2))
    boxes = np.concatenate([start, start + draw.uniform(5, 40, (1, 60, 2))], 2).astype(np.float32)
    scores = draw.uniform(0, 1, (1, 60, 3)).astype(np.float32)
    how = (0.2, 1000, 0.5, per_class, 100, 0.5)
    found = [each.numpy()[0] for each in first.module.best(first.tensor(boxes), first.tensor(scores), *how)]
    others = [each.numpy()[0] for each in second.module.best(tf.constant(boxes), tf.constant(scores), *how)]
    for one, other in zip(found, others, strict=True):
        assert np.abs(one - other).max() < 1e-4
    pairs = [scores[0, :, label] for label in range(3)] if per_class else [scores[0].reshape(-1)]
    near = boxes[0] if per_class else np.repeat(boxes[0], 3, 0)
    expected = [
        tf.raw_ops.NonMaxSuppressionV5(  # its sigma is half of the paper's (tensorflow issue 40253)
            boxes=near, scores=sure, max_output_size=100, iou_threshold=1.0, score_threshold=0.2, soft_nms_sigma=0.25
        )[1].numpy()
        for sure in pairs
    ]
    best = np.sort(np.concatenate(expected))[::-1][:100]
    assert 10 < len(best) <= 100
    assert np.abs(found[1][: len(best)] - best).max() < 1e-5
    assert (found[1][len(best) :] == 0).all()


@pytest.mark.parametrize("form", ["onnx", "savedmodel", "tflite"])
def test_files_in_which_scores_cannot_fall_are_not_written(tmp_path, form):
    program = lower(loads(tower(*HEADS["ssd whose scores fall"])))
    with pytest.raises(BackendError, match="cannot lower their scores"):
        export_model(program, form, tmp_path / "file", parts=["detect"])
    assert not list(tmp_path.iterdir())


def test_a_detector_goes_on_beside_one_that_is_made_later():
    """Its operator was taken from it once, and what it called had been freed."""
    first = Torch(tower(*HEADS["fcos"]))
    maps, image = maps_of(first, 1, 0), np.zeros((1, 64, 96, 3))
    found = first.detect(maps, image)
    second = Torch(tower(*HEADS["fcos of one class"]))
    second.detect(maps_of(second, 1, 0), image)
    assert second.module.best is first.torch.ops.detection.best.default
    for one, other in zip(found, first.detect(maps, image), strict=True):
        assert np.array_equal(one, other)
