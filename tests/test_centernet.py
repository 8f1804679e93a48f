"""CenterNet's heat maps and losses against the same written out slowly, and boxes from perfect maps."""

from functools import partial

import numpy as np
import pytest
from answering import BACKENDS, Torch, answering, made_up_boxes, made_up_maps, tower

from spinec import SpecError, cost, emit, load, loads, lower
from spinec.spec.errors import BackendError

HEAD = "{kind: centernet, dim: 8, classes: 5}"
STRIDE, HEIGHT, WIDTH = 4, 16, 24
IMAGE = np.zeros((1, 64, 96, 3))


def slow_radius(height, width, overlap=0.7):
    """The largest number of cells for which three ways to be off by it leave enough overlap, looked for in small steps."""
    area = height * width
    for r in np.arange(0, max(height, width), 1e-3):
        left = max(height - r, 0) * max(width - r, 0)
        inner = max(height - 2 * r, 0) * max(width - 2 * r, 0)
        overlaps = left / (2 * area - left), inner / area, area / ((height + 2 * r) * (width + 2 * r))
        if min(overlaps) < overlap:
            return r - 1e-3
    raise AssertionError


def wide_radius(height, width):
    """As CornerNet's code had it at first: a root of 4 o r^2 + 2 o (h + w) r - (1 - o) h w, over 2 and not over 2 x 4 o."""
    a, b, c = 4 * 0.7, 2 * 0.7 * (height + width), -0.3 * height * width
    return (-b + np.sqrt(b * b - 4 * a * c)) / 2


def slow_targets(boxes, classes, radius=slow_radius):
    """The heat of an image (5, rows, columns), and for every box its class, cell, size and offset (y before x)."""
    heat, goals = np.zeros((5, HEIGHT, WIDTH)), []
    for box, number in zip(boxes / STRIDE, classes, strict=True):
        y0, x0, y1, x1 = np.clip(box, 0, [HEIGHT, WIDTH, HEIGHT, WIDTH])
        if number < 0 or y1 <= y0 or x1 <= x0:
            continue
        r = int(radius(np.ceil(y1 - y0), np.ceil(x1 - x0)) + 2e-3)
        y, x = (y0 + y1) / 2, (x0 + x1) / 2
        for i in range(HEIGHT):
            for j in range(WIDTH):
                a, b = i - int(y), j - int(x)
                if abs(a) <= r and abs(b) <= r:
                    around = np.exp(-(a * a + b * b) / (2 * ((2 * r + 1) / 6) ** 2))
                    heat[number, i, j] = max(heat[number, i, j], around)
        goals.append((number, (int(y), int(x)), (y1 - y0, x1 - x0), (y - int(y), x - int(x))))
    return heat, goals


def slow_losses(maps, boxes, classes, radius):
    """The losses of the default fields."""
    focal = centres = size = offset = count = 0
    for image in range(len(boxes)):
        heat, goals = slow_targets(boxes[image], classes[image], radius)
        p = 1 / (1 + np.exp(-maps["heatmap_P2"][image].transpose(2, 0, 1)))
        hot = heat == 1
        focal -= ((1 - p) ** 2 * np.log(p))[hot].sum()
        focal -= ((1 - heat) ** 4 * p**2 * np.log(1 - p))[~hot].sum()
        centres, count = centres + hot.sum(), count + len(goals)
        for _, (y, x), (height, width), (down, right) in goals:
            size += np.abs(maps["size_P2"][image, y, x] - [width, height]).mean()
            offset += np.abs(maps["offset_P2"][image, y, x] - [right, down]).mean()
    parts = focal / centres, size / count, offset / count
    return {
        "loss": parts[0] + 0.1 * parts[1] + parts[2],
        **dict(zip(("heatmap", "size", "offset"), parts, strict=True)),
    }


@BACKENDS
@pytest.mark.parametrize(
    ("fields", "radius"),
    [
        ("matching: {overlap: 0.7}", slow_radius),
        ("matching: {overlap: 0.3}", partial(slow_radius, overlap=0.3)),
        ("dialect: centernet", wide_radius),
    ],
)
def test_losses_are_what_the_authors_code_says(made, fields, radius):
    framework = answering(made, HEAD.replace("}", f", {fields}}}"), (2,))
    draw = np.random.default_rng(3)
    maps, truth = made_up_maps(framework.program, 2, draw), made_up_boxes(framework.program, 2, 20, draw)
    losses, _ = framework.loss(maps, *truth)
    assert losses == pytest.approx(slow_losses(maps, *truth, radius), rel=1e-9)


def test_a_box_that_is_off_by_the_radius_overlaps_enough():
    framework = answering(Torch, HEAD, (2,))
    for height, width in ((1, 1), (3, 40), (20, 20), (7, 11), (100, 2)):
        found = framework.module.radius(framework.tensor(np.array([height, width], float))).item()
        assert found == pytest.approx(slow_radius(height, width), abs=2e-3)


TRUTH = np.array([[3.0, 5, 20, 30], [30, 40, 61, 60], [2, 41, 60, 92], [40, 3, 50, 13], [40, 3, 50, 13]])
NUMBERS = np.array([4, 0, 0, 2, 1])


@BACKENDS
def test_maps_that_say_some_boxes_are_read_as_these(made):
    framework = answering(made, HEAD, (2,))
    maps = {name: value * 0 for name, value in made_up_maps(framework.program, 1, np.random.default_rng(0)).items()}
    heat, goals = slow_targets(TRUTH, NUMBERS)
    maps["heatmap_P2"][0] = 20 * heat.transpose(1, 2, 0) - 800 * (heat.transpose(1, 2, 0) == 0) - 1
    for _, (y, x), (height, width), (down, right) in goals:
        maps["size_P2"][0, y, x], maps["offset_P2"][0, y, x] = (width, height), (right, down)
    boxes, scores, classes = framework.detect(maps, IMAGE)
    found = scores[0] > 0.5
    assert found.sum() == len(TRUTH)
    one, other = np.lexsort([classes[0][found], *boxes[0][found].T]), np.lexsort([NUMBERS, *TRUTH.T])
    assert np.abs(boxes[0][found][one] - TRUTH[other]).max() < 1e-9
    assert np.array_equal(classes[0][found][one], NUMBERS[other])


@BACKENDS
def test_beside_the_best_cell_of_a_window_none_is_found(made):
    framework = answering(made, HEAD, (2,))
    maps = made_up_maps(framework.program, 1, np.random.default_rng(1))
    scores = framework.detect(maps, IMAGE)[1][0]
    p = 1 / (1 + np.exp(-maps["heatmap_P2"][0]))
    best = [
        p[y, x, c]
        for y, x, c in np.ndindex(p.shape)
        if p[y, x, c] == p[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2, c].max()
    ]
    assert scores == pytest.approx(sorted(best, reverse=True)[:100])


@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
def test_of_several_outputs_none_is_to_find_a_box(backend):
    program = lower(loads(tower(HEAD, (2, 3))))
    assert "class" in emit(program, backend)
    with pytest.raises(BackendError, match=r"with one output, got 2 \(P2, P3\)"):
        emit(program, backend, ["detect"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("matching: {overlap: 1}", "head.matching.overlap: expected a number below 1"),
        ("detections: {window: 4}", "expected an odd number"),
        ("detections: {iou: 0.5}", "head.detections: unknown key 'iou'"),
        ("loss: {beta: -1}", "head.loss.beta: expected at least 0"),
    ],
)
def test_what_the_head_cannot_mean_is_refused(fields, message):
    with pytest.raises(SpecError) as caught:
        loads(tower(HEAD.replace("}", f", {fields}}}"), (2,)))
    assert message in str(caught.value)


def test_the_library_has_the_network_of_tensorflows_object_detection():
    """MobileNetV2 of Keras, and its way up to stride 4 as the source of the spec describes it."""
    keras = pytest.importorskip("keras")
    layers = keras.layers
    base = keras.applications.MobileNetV2(input_shape=(128, 128, 3), include_top=False, weights=None)
    skips = [base.get_layer(f"block_{number}_add").output for number in (9, 5, 2)]
    x = layers.Conv2D(64, 1)(base.get_layer("out_relu").output)
    for skip, dim, behind in zip(skips, (64, 32, 24), (32, 24, 24), strict=True):
        x = layers.UpSampling2D(2)(x) + layers.Conv2D(dim, 1)(skip)
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(behind, 3, padding="same")(x)))
    maps = []
    for numbers in (90, 2, 2):
        hidden = layers.Conv2D(256, 3, padding="same", activation="relu")(x)
        maps.append(layers.Conv2D(numbers, 1)(hidden))
    theirs = keras.Model(base.input, maps)
    program = lower(load("mobilenet-v2-centernet"), 128)
    report = cost(program)
    assert report.params == sum(int(np.prod(weight.shape)) for weight in theirs.trainable_weights)
    convs = [layer for layer in theirs.layers if "conv" in type(layer).__name__.lower()]
    work = sum(int(np.prod(conv.output.shape[1:])) * _taps(conv) for conv in convs)
    assert report.macs("conv") == work
    assert [program.outputs[f"{kind}_P2"] for kind in ("heatmap", "size", "offset")] == [
        (each.shape[3], *each.shape[1:3]) for each in maps
    ]


def _taps(conv):
    """Multiply-adds of every value that a convolution of Keras gives."""
    kernel = conv.kernel.shape
    return int(np.prod(kernel[:2] if "Depthwise" in type(conv).__name__ else kernel[:3]))
