"""SSD's default boxes, targets and losses against the same written out slowly, and torchvision's numbers."""

from pathlib import Path

import numpy as np
import pytest
from answering import BACKENDS, Torch, answering, made_up_boxes, made_up_maps, tower

from spinec import SpecError, emit, load, loads, lower
from spinec.compiler.tasks.registry import constants_of
from spinec.spec.default_boxes import DefaultBoxes
from spinec.spec.errors import BackendError

VISION = np.load(Path(__file__).parent / "numbers" / "torchvision.npz")
HEAD = "{kind: ssd, classes: 5, anchors: [3, 6, 4]}"
VISIONS = "{kind: ssd, classes: 5, anchors: [3, 6, 4], dialect: torchvision}"
IMAGE = np.zeros((1, 64, 96, 3))
SCALES = (0.2, 0.575, 0.95, 1.0)


def shapes_of(output, vision):
    """Height and width of the boxes of an output of three, in shares of the image's shorter side."""
    scale, between = SCALES[output], np.sqrt(SCALES[output] * SCALES[output + 1])

    def ratio(each):
        return scale / np.sqrt(each), scale * np.sqrt(each)

    if vision:
        found = [ratio(1), (between, between), ratio(2), ratio(1 / 2), ratio(3), ratio(1 / 3)]
        return np.minimum(found, 1)
    if output == 0:
        return [(0.1, 0.1), ratio(2), ratio(1 / 2)]
    return [ratio(1), ratio(2), ratio(1 / 2), ratio(3), ratio(0.3333), (between, between)]


def slow_anchors(vision):
    """The boxes of an image of 64 x 96."""
    found = []
    for output, count in enumerate((3, 6, 4)):
        cell = 8 << output
        for y in range(64 // cell):
            for x in range(96 // cell):
                for height, width in shapes_of(output, vision)[:count]:
                    middle, half = np.array([(y + 0.5) * cell, (x + 0.5) * cell]), np.array([height, width]) * 32
                    found.append(np.concatenate([middle - half, middle + half]))
    return np.array(found)


def overlap(a, b):
    shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def slow_matches(anchors, boxes, classes):
    """Which box every anchor is to find, or -1."""
    real = [i for i in range(len(boxes)) if classes[i] >= 0 and (boxes[i, 2:] > boxes[i, :2]).all()]
    shared = np.array([[overlap(boxes[i], anchor) for anchor in anchors] for i in real])
    found = np.array([real[k] if shared[k, j] >= 0.5 else -1 for j, k in enumerate(shared.argmax(0))])
    for k in reversed(range(len(real))):  # of several boxes that are closest to one anchor the first
        found[shared[k].argmax()] = real[k]
    return found


def coded(box, anchor, factors=(10, 10, 5, 5)):
    size, own = anchor[2:] - anchor[:2], box[2:] - box[:2]
    offset = (box[:2] + own / 2 - anchor[:2] - size / 2) / size
    return np.concatenate([offset, np.log(own / size)]) * factors


def rows(maps, kind, image, numbers):
    return np.concatenate([maps[f"{kind}_P{level}"][image].reshape(-1, numbers) for level in (3, 4, 5)])


def slow_losses(maps, boxes, classes, vision):
    """The losses, one anchor after the other."""
    anchors = slow_anchors(vision)
    class_loss = box_loss = count = 0
    for image in range(len(boxes)):
        logits, deltas = rows(maps, "class", image, 5), rows(maps, "box", image, 4)
        found = slow_matches(anchors, boxes[image], classes[image])
        entropies = []
        for j, i in enumerate(found):
            number = -1 if i < 0 else classes[image, i]
            if vision:
                entropies.append(np.log(np.exp(logits[j]).sum()) - logits[j, max(number, 0)])
            else:
                p = 1 / (1 + np.exp(-logits[j]))
                q = np.where(np.arange(5) == number, p, 1 - p)
                entropies.append((np.where(np.arange(5) == number, 0.75, 0.25) * (1 - q) ** 2 * -np.log(q)).sum())
            if i >= 0:
                goal = coded(boxes[image, i], anchors[j])
                off = np.abs(deltas[j] - (goal[[1, 0, 3, 2]] if vision else goal))
                box_loss += np.where(off < 1, off**2 / 2, off - 0.5).mean()
        entropies, positive = np.array(entropies), found >= 0
        if vision:
            class_loss += np.sort(entropies[~positive])[::-1][: 3 * positive.sum()].sum() + entropies[positive].sum()
        else:
            class_loss += entropies.sum()
        count += positive.sum()
    parts = class_loss / count, box_loss / count
    return {"loss": parts[0] + (4 if vision else 1) * parts[1], "class": parts[0], "box": parts[1]}


@BACKENDS
@pytest.mark.parametrize("head", [HEAD, VISIONS], ids=["focal", "softmax"])
def test_losses_are_what_public_code_says(made, head):
    framework, vision, draw = answering(made, head), head == VISIONS, np.random.default_rng(5)
    maps = made_up_maps(framework.program, 2, draw)
    anchors = framework.module.make_anchors(framework.maps(maps), (64, 96)).numpy()
    assert np.abs(anchors - slow_anchors(vision)).max() < 1e-4  # constants have the digits of float32
    boxes, classes = made_up_boxes(framework.program, 2, 8, draw)
    boxes[..., 2:] += 25  # so that none lies within several anchors of one size, which it then overlaps alike
    boxes[:, 1] += 0.25
    classes = np.where(classes == 0, 1, classes) if vision else classes
    losses, _ = framework.loss(maps, boxes, classes)
    assert losses == pytest.approx(slow_losses(maps, boxes, classes, vision), rel=1e-6)


TRUTH = np.array([[3.0, 5, 20, 30], [30, 40, 60, 60], [2, 40, 60, 92], [40, 3, 50, 12]]), np.array([4, 1, 1, 2])


@BACKENDS
@pytest.mark.parametrize("head", [HEAD, VISIONS], ids=["focal", "softmax"])
def test_maps_that_say_some_boxes_are_read_as_these(made, head):
    framework, vision = answering(made, head), head == VISIONS
    maps = {
        name: value * 0 - 20 for name, value in made_up_maps(framework.program, 1, np.random.default_rng(0)).items()
    }
    anchors = slow_anchors(vision)
    for j, i in enumerate(slow_matches(anchors, *TRUTH)):
        level, start, count = next(each for each in ((5, 432, 4), (4, 288, 6), (3, 0, 3)) if j >= each[1])
        cell, anchor = divmod(j - start, count)
        at = (0, *divmod(cell, 96 >> level))
        if vision and i < 0:
            maps[f"class_P{level}"][at][5 * anchor] = 20
        if i >= 0:
            goal = coded(TRUTH[0][i], anchors[j])
            maps[f"class_P{level}"][at][5 * anchor + TRUTH[1][i]] = 20
            maps[f"box_P{level}"][at][4 * anchor : 4 * anchor + 4] = goal[[1, 0, 3, 2]] if vision else goal
    boxes, scores, classes = framework.detect(maps, IMAGE)
    found = scores[0] > 0.1
    assert found.sum() == len(TRUTH[0])
    one, other = np.lexsort(boxes[0][found].T.round(3)), np.lexsort(TRUTH[0].T)
    assert np.abs(boxes[0][found][one] - TRUTH[0][other]).max() < 1e-4
    assert np.array_equal(classes[0][found][one], TRUTH[1][other])


def torchvisions(made):
    """Torchvision's head on six outputs, and its maps."""
    head = "{kind: ssd, dialect: torchvision, classes: 5}"
    framework = made(tower(head, range(4, 10), (320, 320)).replace("level: 2, ", "level: 4, "))
    kinds = ("class", "box")
    return framework, {f"{kind}_P{level}": VISION[f"ssd_{kind}_P{level}"] for level in range(4, 10) for kind in kinds}


@BACKENDS
def test_torchvision_finds_the_same_and_has_the_same_losses(made):
    framework, maps = torchvisions(made)
    anchors = framework.module.make_anchors(framework.maps(maps), (320, 320)).numpy()
    assert np.abs(anchors - VISION["ssd_anchors"]).max() < 1e-4
    truth = framework.tensor(VISION["ssd_gt"][None]) if made is Torch else VISION["ssd_gt"][None]
    which, positive, _ = framework.module.match(
        framework.module.make_anchors(framework.maps(maps), (320, 320)), truth, truth[..., 0] >= 0
    )
    assert np.array_equal(np.where(positive.numpy(), which.numpy(), -1)[0], VISION["ssd_matched"])
    losses, _ = framework.loss(maps, VISION["ssd_gt"][None], VISION["ssd_labels"][None])
    assert losses["class"] == pytest.approx(VISION["ssd_losses"][0], rel=1e-6)
    assert 4 * losses["box"] == pytest.approx(VISION["ssd_losses"][1], rel=1e-6)
    assert losses["loss"] == pytest.approx(VISION["ssd_losses"].sum(), rel=1e-6)
    more = {"class": [-10, 0, 0, 0, 0], "box": [0, 0, 6, 6]}  # of a crowd, of which each class has too many
    crowd = {name: value + np.float32(more[name.split("_")[0]] * 6) for name, value in maps.items()}
    for given, name in ((maps, "ssd"), (crowd, "ssd_crowd")):
        boxes, scores, classes = (each[0] for each in framework.detect(given, np.zeros((1, 320, 320, 3), np.float32)))
        found = scores > 0
        assert np.array_equal(classes[found], VISION[f"{name}_found"])
        assert np.abs(scores[found] - VISION[f"{name}_scores"]).max() < 1e-6
        assert np.abs(boxes[found] - VISION[f"{name}_boxes"]).max() < 1e-3


def test_an_image_of_another_size_has_its_cells_elsewhere():
    framework = answering(Torch, HEAD)
    maps = framework.maps(made_up_maps(framework.program, 1, np.random.default_rng(0)))
    half, whole = (framework.module.make_anchors(maps, size) for size in ((32, 48), (64, 96)))
    assert np.allclose(2 * half, whole)


def test_the_librarys_heads_have_the_boxes_of_their_configuration():
    constants = constants_of(lower(load("mobilenet-v3-large-ssdlite")))
    sides = constants["BOX_SIDES"].value
    assert [len(output) for output in sides] == [3, 6, 6, 6, 6, 6]
    assert sides[0] == ((0.1, 0.1), (0.14142136, 0.282842712), (0.282842712, 0.14142136))
    assert sides[5][0] == (0.95, 0.95)
    assert constants["SIZE"].value == (320, 320)


def test_one_output_has_the_smallest_scale_and_one_towards_the_largest():
    assert DefaultBoxes(ratios=(1.0,)).sides([2]) == (((0.2, 0.2), (np.sqrt(0.2 * 0.95),) * 2),)


@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
def test_more_anchors_than_there_are_boxes_give_maps_alone(backend):
    program = lower(loads(tower("{kind: ssd, anchors: [9, 6, 6]}", (3, 4, 5))))
    assert "class" in emit(program, backend)
    with pytest.raises(BackendError, match="9 anchors, and 5 ratios make 6 of them"):
        emit(program, backend, ["loss"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("boxes: {smallest: 0}", "head.boxes.smallest: expected a number above 0"),
        ("boxes: {factors: [1, 2, 3]}", "head.boxes.factors"),
        ("boxes: {order: yx}", "head.boxes: unknown order 'yx'"),
        ("loss: {kind: hinge}", "head.loss: unknown kind 'hinge'"),
        ("matching: {positive: 0.4}", "expected 'negative' to be at most 'positive', which is 0.4"),
        ("dialect: tpu", "head: unknown dialect 'tpu'"),
    ],
)
def test_what_the_head_cannot_mean_is_refused(fields, message):
    with pytest.raises(SpecError) as caught:
        loads(tower(HEAD.replace("}", f", {fields}}}"), (3, 4, 5)))
    assert message in str(caught.value)
