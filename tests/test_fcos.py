"""FCOS' targets and losses against the same written out slowly, boxes from perfect maps, and torchvision's numbers."""

from pathlib import Path

import numpy as np
import pytest
from answering import BACKENDS, Torch, answering, made_up_boxes, made_up_maps, tower

from spinec import SpecError, loads

VISION = np.load(Path(__file__).parent / "numbers" / "torchvision.npz")
HEAD = "{kind: fcos, dim: 8, groups: 2, layers: 0, classes: 5}"
STRIDES = {"P3": 8, "P4": 16, "P5": 32}
IMAGE = np.zeros((1, 64, 96, 3))


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def slowly(boxes, classes, radius=1.5, reach=8, offset=0.5):
    """Of every cell in the order of the maps: its level's stride, the class that it is to find or -1, 4 distances."""
    cells = []
    for stride in STRIDES.values():
        least = 0 if stride == 8 else reach * stride / 2
        most = np.inf if stride == 32 else reach * stride
        for y in (np.arange(64 // stride) + offset) * stride:
            for x in (np.arange(96 // stride) + offset) * stride:
                best = (np.inf, -1, (1, 1, 1, 1))
                for (y0, x0, y1, x1), number in zip(boxes, classes, strict=True):
                    sides = (x - x0, y - y0, x1 - x, y1 - y)
                    off = max(abs(y - (y0 + y1) / 2), abs(x - (x0 + x1) / 2))
                    near = radius == 0 or off < radius * stride
                    fits = least <= max(sides) <= most and min(sides) > 0 and near
                    if number >= 0 and fits and (y1 - y0) * (x1 - x0) < best[0]:
                        best = ((y1 - y0) * (x1 - x0), number, sides)
                cells.append((stride, *best[1:]))
    return cells


def central(sides):
    left, top, right, bottom = sides
    return np.sqrt(min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom))


def rows(maps, kind, image, numbers):
    return np.concatenate([maps[f"{kind}_{level}"][image].reshape(-1, numbers) for level in STRIDES])


def slow_losses(maps, boxes, classes):
    """The losses of the default fields, one cell after the other."""
    focal = overlap = entropy = weights = count = 0
    for image in range(len(boxes)):
        logits, found = rows(maps, "class", image, 5), rows(maps, "box", image, 4)
        sure = rows(maps, "centerness", image, 1)[:, 0]
        for i, (stride, number, sides) in enumerate(slowly(boxes[image], classes[image])):
            for c, p in enumerate(sigmoid(logits[i])):
                focal += 0.25 * (1 - p) ** 2 * -np.log(p) if c == number else 0.75 * p**2 * -np.log(1 - p)
            if number < 0:
                continue
            (left, top, right, bottom), (gl, gt, gr, gb) = found[i], np.array(sides) / stride
            shared = (min(left, gl) + min(right, gr)) * (min(top, gt) + min(bottom, gb))
            union = (left + right) * (top + bottom) + (gl + gr) * (gt + gb) - shared
            hull = (max(left, gl) + max(right, gr)) * (max(top, gt) + max(bottom, gb))
            c, p = central(sides), sigmoid(sure[i])
            overlap += c * (1 - shared / union + (hull - union) / hull)
            entropy -= c * np.log(p) + (1 - c) * np.log(1 - p)
            weights, count = weights + c, count + 1
    parts = focal / max(count, 1), overlap / weights, entropy / count
    return {"loss": sum(parts), **dict(zip(("class", "box", "centerness"), parts, strict=True))}


@BACKENDS
def test_losses_are_what_the_papers_say(made):
    framework, draw = answering(made, HEAD), np.random.default_rng(3)
    maps = made_up_maps(framework.program, 2, draw)
    maps = {name: np.abs(value) if name.startswith("box") else value for name, value in maps.items()}
    boxes, classes = made_up_boxes(framework.program, 2, 6, draw)
    boxes[:, 1] += 0.25  # of two boxes that are the same the first wins, whatever the order of cells
    losses, _ = framework.loss(maps, boxes, classes)
    assert losses == pytest.approx(
        slow_losses(maps, boxes, classes), rel=1e-6
    )  # beside 1e-7 that keeps from dividing by 0


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ("", {}),
        ("matching: {radius: 0}", {"radius": 0}),
        ("matching: {radius: 0.6, reach: 3}", {"radius": 0.6, "reach": 3}),
        ("offset: 0", {"offset": 0}),
    ],
)
def test_cells_are_to_find_the_smallest_box_that_suits_them(fields, given):
    framework = answering(Torch, HEAD.replace("}", f", {fields}}}"))
    draw = np.random.default_rng(0)
    boxes, classes = made_up_boxes(framework.program, 1, 40, draw)
    module, torch = framework.module, framework.torch
    points, levels = module.make_cells(framework.maps(made_up_maps(framework.program, 1, draw)))
    truth = framework.tensor(boxes), framework.tensor(classes)
    which, found = module.match(points, levels, truth[0], truth[1] >= 0)
    numbers = torch.where(found, truth[1].gather(1, which), -1)[0].tolist()
    expected = [number for _, number, _ in slowly(boxes[0], classes[0], **given)]
    assert numbers == expected
    assert sum(number >= 0 for number in numbers) > 5


TRUTH = np.array([[3.0, 5, 20, 30], [30, 40, 60, 60], [2, 40, 60, 92], [40, 3, 50, 12]]), np.array([4, 0, 0, 2])


@BACKENDS
@pytest.mark.parametrize("unit", ["stride", "pixel"])
def test_maps_that_say_some_boxes_are_read_as_these(made, unit):
    framework = answering(made, HEAD.replace("}", f", unit: {unit}}}"))
    maps = {name: value * 0 - 20 for name, value in made_up_maps(framework.program, 1, np.random.default_rng()).items()}
    for i, (stride, number, sides) in enumerate(slowly(*TRUTH)):
        if number < 0:
            continue
        level, at = next((name, i - start) for name, start in (("P5", 120), ("P4", 96), ("P3", 0)) if i >= start)
        at = (0, *divmod(at, 96 // stride))
        maps[f"class_{level}"][at][number] = 20
        maps[f"box_{level}"][at] = np.array(sides) / (stride if unit == "stride" else 1)
        maps[f"centerness_{level}"][at] = -np.log(1 / min(central(sides), 1 - 1e-9) - 1)
    boxes, scores, classes = framework.detect(maps, IMAGE)
    found = scores[0] > 0
    assert found.sum() == len(TRUTH[0])
    order = np.lexsort(boxes[0][found].T), np.lexsort(TRUTH[0].T)
    assert np.abs(boxes[0][found][order[0]] - TRUTH[0][order[1]]).max() < 1e-6
    assert np.array_equal(classes[0][found][order[0]], TRUTH[1][order[1]])


@BACKENDS
def test_torchvision_finds_the_same_and_has_the_same_losses(made):
    head = "{kind: fcos, dim: 8, groups: 2, layers: 0, dialect: torchvision, classes: 11}"
    framework = made(tower(head, range(3, 8), (128, 256)))
    kinds = ("class", "box", "centerness")
    maps = {f"{kind}_P{level}": VISION[f"fcos_{kind}_P{level}"] for level in range(3, 8) for kind in kinds}
    losses, _ = framework.loss(maps, VISION["fcos_gt"][None], VISION["fcos_labels"][None])
    assert [losses[kind] for kind in kinds] == pytest.approx(VISION["fcos_losses"], rel=1e-6)
    image, sizes = np.zeros((1, 128, 256, 3), np.float32), np.array([[120, 250]], np.float32)
    more = {"class": 3, "box": 10, "centerness": 0}  # of a crowd, of which P3 has too many
    crowd = {name: value + np.float32(more[name.split("_")[0]]) for name, value in maps.items()}
    for given, name in ((maps, "fcos"), (crowd, "fcos_crowd")):
        boxes, scores, classes = (each[0] for each in framework.detect(given, image, sizes))
        found = scores > 0
        assert np.array_equal(classes[found], VISION[f"{name}_found"])
        assert np.abs(scores[found] - VISION[f"{name}_scores"]).max() < 1e-6
        assert np.abs(boxes[found] - VISION[f"{name}_boxes"]).max() < 1e-4


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("unit: cell", "head: unknown unit 'cell'"),
        ("loss: {overlap: diou}", "head.loss: unknown overlap 'diou'"),
        ("matching: {positive: 0.5}", "head.matching: unknown key 'positive'"),
        ("offset: 2", "head.offset: expected at most 1"),
        ("dialect: efficientdet", "head: unknown dialect 'efficientdet'"),
    ],
)
def test_what_the_head_cannot_mean_is_refused(fields, message):
    with pytest.raises(SpecError) as caught:
        answering(Torch, HEAD.replace("}", f", {fields}}}"))
    assert message in str(caught.value)


def test_torchvisions_head_is_the_librarys():
    text = "name: a\nextends: resnet-50-fcos\n"
    assert loads(text).head == loads(f"{text}head: {{distances: relu, centerness: box}}\n").head
