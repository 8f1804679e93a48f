"""Masks from images: against the Model Garden's numbers, against slow numpy, and PyTorch against TensorFlow."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from spinec import emit, loads, lower
from spinec.backends.backend import backend
from spinec.backends.live import import_source
from spinec.backends.sample import sample
from spinec.spec.detection import Anchors
from spinec.spec.errors import SpecError

GARDEN = np.load(Path(__file__).parent / "numbers" / "model_garden.npz")
SPEC = """
name: tiny
input: {size: SIZE}
defaults: {kind: conv}
blocks:
BLOCKS
outputs: {OUTPUTS}
head: {kind: mask_rcnn, dim: 6, activation: swish, OWN}
"""
OWN = (
    "classes: 4, box_layers: 1, mask_layers: 1, hidden: [8], box_size: 3, mask_size: 2, "
    "proposals: {candidates: 6, training_candidates: 30, most: 24, samples: 16, share: 0.25}, "
    "regions: {side: 40, samples: 16, mask_samples: 3}, detections: {most: 7, score: 0.2}"
)
HEADS = {
    "plain": OWN,
    "other numbers": OWN.replace(
        "classes: 4",
        "classes: 3, anchors: {size: 4.3, ratios: [1, [2, 3]], offset: 0.25, whole: true}, proposal_layers: 0",
    )
    .replace("share: 0.25", "positive: 0.5, negative: 0.5, force: false, iou: 0.5, delta: 1")
    .replace("side: 40", "side: 90, iou: 0.3, share: 0.5, weights: [1, 2, 3, 4], delta: 0.5")
    .replace("score: 0.2", "per_class: false, iou: 0.3, candidates: 40, candidates_per: class, score: 0"),
}
SIZE, LEVELS = (64, 96), ("P3", "P4", "P5")
PARTS = ("detect", "paste", "loss")
BOUNDS = {"float32": 1e-5, "float64": 1e-12}


def text(own=OWN, size=SIZE, levels=LEVELS):
    read = ["image", *map(str.lower, levels)]
    pairs = pairwise(read)
    blocks = [f"  {name}: {{level: {name[1:]}, dim: 6, inputs: [{given}]}}" for given, name in pairs]
    outputs = ", ".join(f"{level}: {level.lower()}" for level in levels)
    made = SPEC.replace("BLOCKS", "\n".join(blocks)).replace("OUTPUTS", outputs)
    return made.replace("OWN", own).replace("SIZE", str(list(size)))


class Torch:
    """Generated PyTorch source and its model, given and giving arrays of channels last."""

    name = "pytorch"

    def __init__(self, program):
        self.torch = pytest.importorskip("torch")
        self.program = program
        self.module = import_source(emit(program, self.name, PARTS), program.name)

    def model(self, weights, dtype):
        from spinec.backends.pytorch.live import precision

        with precision(dtype):
            model = self.module.Tiny()
        backend(self.name).write_weights(model, self.program, weights)
        return model.eval()

    def tensor(self, value):
        return self.torch.tensor(np.ascontiguousarray(value))

    def given(self, arrays):
        return [None if each is None else self.tensor(each) for each in arrays]

    def maps(self, maps):
        return {name: self.tensor(value.transpose(0, 3, 1, 2)) for name, value in maps.items()}

    def crop(self, maps, boxes, size):
        return self.module.crop(self.maps(maps), self.tensor(boxes), size).permute(0, 2, 3, 1).numpy()

    def call(self, function, *arrays):
        found = getattr(self.module, function)(*self.given(arrays))
        return [each.numpy() for each in found] if isinstance(found, tuple) else found.numpy()

    def propose(self, maps, sizes, candidates):
        return [each.numpy() for each in self.module.propose(self.maps(maps), self.tensor(sizes), candidates)]

    def detect(self, model, images, sizes=None):
        return [each.numpy() for each in self.module.detect(model, *self.given((images.transpose(0, 3, 1, 2), sizes)))]

    def loss(self, model, images, *truth):
        """The losses; the gradients of all weights, by name."""
        from spinec.backends.pytorch.weights import tensors_of, to_neutral

        noise = None if truth[4] is None else tuple(self.given(truth[4]))
        losses = self.module.loss(model, *self.given((images.transpose(0, 3, 1, 2), *truth[:4])), noise)
        if not isinstance(model, self.torch.nn.Module):
            return {name: value.item() for name, value in losses.items()}
        losses["loss"].backward()
        slots = tensors_of(model, self.program)
        found = {slot.name: to_neutral(slot, value.grad) for slot, value in slots.items() if value.grad is not None}
        return {name: value.item() for name, value in losses.items()}, found

    def faked(self, monkeypatch, of_images, of_boxes, of_masks):
        """A model whose parts are functions of arrays."""

        def last(value):
            return value.permute(0, 2, 3, 1).numpy()

        return SimpleNamespace(
            forward_features=lambda images: images,
            forward_maps=lambda images: self.maps(of_images(last(images))),
            forward_box_crops=lambda crops: {k: self.tensor(v) for k, v in of_boxes(last(crops)).items()},
            forward_mask_crops=lambda crops: self.maps({"crop_mask": of_masks(last(crops))}),
        )


class TensorFlow:
    """Generated TensorFlow source and its model."""

    name = "tensorflow"

    def __init__(self, program):
        self.tf = pytest.importorskip("tensorflow")
        self.program = program
        self.module = import_source(emit(program, self.name, PARTS), program.name)

    def model(self, weights, dtype):
        from spinec.backends.tensorflow.live import precision

        self.dtype = dtype
        with precision(dtype):
            model = self.module.tiny()
        backend(self.name).write_weights(model, self.program, weights)
        return model

    def given(self, arrays):
        return [None if each is None else self.tf.constant(each) for each in arrays]

    def maps(self, maps):
        return {name: self.tf.constant(value) for name, value in maps.items()}

    def crop(self, maps, boxes, size):
        return self.module.crop(self.maps(maps), self.tf.constant(boxes), size).numpy()

    def call(self, function, *arrays):
        found = getattr(self.module, function)(*self.given(arrays))
        return [each.numpy() for each in found] if isinstance(found, tuple) else found.numpy()

    def propose(self, maps, sizes, candidates):
        return [each.numpy() for each in self.module.propose(self.maps(maps), sizes, candidates)]

    def detect(self, model, images, sizes=None):
        from spinec.backends.tensorflow.live import precision

        with precision(self.dtype):  # that the model was made in, as its parts are
            return [each.numpy() for each in self.module.detect(model, *self.given((images, sizes)))]

    def loss(self, model, images, *truth):
        from spinec.backends.tensorflow.live import precision
        from spinec.backends.tensorflow.weights import to_neutral, variables_of

        noise = None if truth[4] is None else tuple(self.given(truth[4]))
        with precision(self.dtype), self.tf.GradientTape() as tape:
            losses = self.module.loss(model, *self.given((images, *truth[:4])), noise)
        given = {name: float(value) for name, value in losses.items()}
        if model is None:
            return given
        slots = {slot: kept for slot, kept in variables_of(model, self.program).items() if kept.trainable}
        gradients = tape.gradient(losses["loss"], [kept.value for kept in slots.values()])
        named = zip(slots, gradients, strict=True)
        return given, {slot.name: to_neutral(slot, value.numpy()) for slot, value in named if value is not None}

    def faked(self, monkeypatch, of_images, of_boxes, of_masks):
        self.dtype = "float64"

        def part(function):
            def called(given, training):
                found = function(given.numpy())
                return self.maps(found) if isinstance(found, dict) else self.tf.constant(found)

            return called

        parts = [part(each) for each in (of_images, of_boxes, of_masks)]
        monkeypatch.setattr(self.module, "parts", lambda model: parts)


BACKENDS = pytest.mark.parametrize("made", [Torch, TensorFlow], ids=["pytorch", "tensorflow"])


@cache
def program_of(own=OWN, levels=LEVELS, size=SIZE):
    return lower(loads(text(own, size, levels)))


@cache
def sampled(own, dtype):
    """Weights that leave nothing at its default, and two images."""
    given = sample(program_of(own), dtype)
    return given.weights, np.ascontiguousarray(given.inputs["image"].transpose(0, 2, 3, 1))


# --------------------------------------------------------------------------------------------------------- by hand


def slow_crop(maps, strides, limits, boxes, size):
    """RoIAlign of one image, cell by cell; `limits` are the sides from which on a box is of the next level."""
    crops = []
    for y1, x1, y2, x2 in boxes:
        level = sum((y2 - y1) * (x2 - x1) >= limit**2 for limit in limits)
        values, stride = maps[level], strides[level]
        crop = np.zeros((size, size, values.shape[2]))
        for i, j in np.ndindex(size, size):
            y = np.clip((y1 + (i + 0.5) * (y2 - y1) / size) / stride, 0, values.shape[0] - 1)
            x = np.clip((x1 + (j + 0.5) * (x2 - x1) / size) / stride, 0, values.shape[1] - 1)
            for row, column in np.ndindex(values.shape[:2]):
                crop[i, j] += max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column)) * values[row, column]
        crops.append(crop)
    return np.array(crops)


def iou(a, b):
    shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    return shared / max(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared, 1e-8)


def slow_propose(maps, levels, anchors, candidates, limit, most, size):
    """Proposals of one image: the best of each level, dropped one by one, then the best of all."""
    kept = []
    for level in levels:
        stride, found = 2 ** int(level[1:]), []
        scores, deltas = maps[f"objectness_{level}"][0], maps[f"deltas_{level}"][0]
        for y, x in np.ndindex(scores.shape[:2]):
            for number, side in enumerate(anchors.sides(stride)):
                side = np.array(side) * stride
                dy, dx, dh, dw = deltas[y, x, 4 * number : 4 * number + 4]
                centre = (np.array([y, x]) + anchors.offset) * stride + np.array([dy, dx]) * side
                half = side * np.exp(np.minimum([dh, dw], np.log(1000 / 16))) / 2
                box = np.concatenate([centre - half, centre + half])
                box = np.minimum(np.maximum(box, 0), [*size, *size])
                found.append((1 / (1 + np.exp(-scores[y, x, number])), box))
        own = []
        for score, box in sorted(found, key=lambda each: -each[0])[:candidates]:
            if all(iou(box, other) <= limit for _, other in own):
                own.append((score, box))
        kept += own
    best = sorted(kept, key=lambda each: -each[0])[:most]
    return np.array([box for _, box in best]), np.array([score for score, _ in best])


# ------------------------------------------------------------------------------------------------------- the parts


@BACKENDS
def test_the_model_garden_crops_the_same(made):
    """Their maps are of levels 3 to 7, and a region of 224 pixels is of level 4."""
    levels = [f"P{level}" for level in range(3, 8)]
    framework = made(program_of("classes: 4", tuple(levels), (128, 256)))
    found = framework.crop({f"P{level}": GARDEN[f"f{level}"] for level in range(3, 8)}, GARDEN["rois"], 7)
    assert found.shape == (5, 7, 7, 5)
    assert np.abs(found - GARDEN["roi"][0]).max() < 1e-6


@BACKENDS
def test_crops_are_those_by_hand(made):
    """Of every level, at its limits, of no area, outside of the map, and of two images."""
    draw, framework = np.random.default_rng(0), made(program_of())
    maps = {level: draw.normal(size=(2, *(side // 2 ** int(level[1:]) for side in SIZE), 3)) for level in LEVELS}
    start = draw.uniform(-40, 80, (2, 20, 2))
    boxes = np.concatenate([start, start + draw.uniform(1, 120, (2, 20, 2))], -1)
    boxes[:, 0], boxes[:, 1], boxes[:, 2] = [4, 4, 44, 44], [9, 9, 49, 48.99], [30, 30, 30, 30]
    boxes[:, 3], boxes[:, 4], boxes[:, 5] = [0, 0, 80, 80], [0, 0, 64, 96], [300, 300, 350, 350]
    found = framework.crop(maps, boxes, 3).reshape(2, 20, 3, 3, 3)
    for i in range(2):
        by_hand = slow_crop([maps[level][i] for level in LEVELS], (8, 16, 32), (40, 80), boxes[i], 3)
        assert np.abs(found[i] - by_hand).max() < 1e-12


def made_up_maps(head, seed=0):
    draw = np.random.default_rng(seed)
    sizes = {"objectness": head.anchors.per_cell, "deltas": 4 * head.anchors.per_cell}
    return {
        f"{kind}_{level}": draw.normal(size=(2, *(side // 2 ** int(level[1:]) for side in SIZE), size))
        for kind, size in sizes.items()
        for level in LEVELS
    }


@BACKENDS
@pytest.mark.parametrize("own", HEADS.values(), ids=HEADS)
def test_proposals_are_those_by_hand(made, own):
    program = program_of(own)
    head, maps, sizes = program.spec.head, made_up_maps(program.spec.head), np.array([[64.0, 96.0], [50.0, 40.0]])
    boxes, scores = made(program).propose(maps, sizes, 20)
    for i in range(2):
        alone = {name: value[i : i + 1] for name, value in maps.items()}
        known, sure = slow_propose(alone, LEVELS, head.anchors, 20, head.proposals.iou, 24, sizes[i])
        assert (scores[i] > 0).sum() == len(known) <= 24
        assert np.abs(scores[i, : len(known)] - sure).max() < 1e-12
        assert np.abs(boxes[i, : len(known)] - known).max() < 1e-4  # anchors are rounded to float32


@BACKENDS
def test_masks_are_pasted_as_by_hand(made):
    """A mask of ones ends half-way between its outermost pixels and what lies beyond: at the box, if its cells are pixels."""
    framework = made(program_of())
    paste = framework.module.paste
    ones = np.ones((5, 4, 4))
    boxes = np.array([[2, 3, 6, 7], [2, 3, 10, 11], [-2, -2, 2, 2], [4, 4, 4, 4], [20, 20, 24, 24]], float)
    masks, boxes = framework.given((ones, boxes))
    found = np.asarray(paste(masks, boxes, (12, 14)))
    assert found.shape == (5, 12, 14)
    expected = np.zeros((5, 12, 14), bool)
    expected[0, 2:6, 3:7] = True
    expected[1, 2:10, 3:11] = True
    expected[2, :2, :2] = True
    assert np.array_equal(found, expected)
    half = np.zeros((1, 2, 2))
    half[0, :, 1] = 1
    masks, boxes = framework.given((half, np.array([[0, 0, 8, 8]], float)))
    (found,) = np.asarray(paste(masks, boxes, (8, 8)))
    assert found[2:6].tolist() == [[False] * 4 + [True] * 4] * 4


def slow_draw(positive, negative, noise, count, share):
    """One image's: those of the least noise, one after the other."""
    drawn = np.zeros(len(noise), int)
    for kind, some, most in ((1, positive, int(count * share)), (2, negative, count)):
        for i in np.argsort(noise):
            if some[i] and (drawn == kind).sum() < most and (drawn > 0).sum() < count:
                drawn[i] = kind
    return drawn == 1, drawn == 2


@BACKENDS
@pytest.mark.parametrize("share", [0, 0.25, 0.5, 1])
def test_draws_are_those_by_hand(made, share):
    draw, framework = np.random.default_rng(0), made(program_of())
    kinds = draw.integers(0, 3, (6, 40))
    kinds[1], kinds[2], kinds[3], kinds[4, 3:] = 0, 1, 2, 0
    noise = draw.random((6, 40))
    given = framework.given((kinds == 1, kinds == 2, noise))
    found = [np.asarray(each) for each in framework.module.draw(*given, 10, share)]
    for i in range(6):
        for one, other in zip(found, slow_draw(kinds[i] == 1, kinds[i] == 2, noise[i], 10, share), strict=True):
            assert np.array_equal(one[i], other)


def slow_reframe(mask, box, frame, height, width):
    found = np.zeros((height, width))
    for i, j in np.ndindex(height, width):
        y = frame[0] + (frame[2] - frame[0]) * (i + 0.5) / height
        x = frame[1] + (frame[3] - frame[1]) * (j + 0.5) / width
        y = (y - box[0]) / max(box[2] - box[0], 1e-8) * mask.shape[0] - 0.5
        x = (x - box[1]) / max(box[3] - box[1], 1e-8) * mask.shape[1] - 0.5
        for row, column in np.ndindex(mask.shape):
            found[i, j] += max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column)) * mask[row, column]
    return found


@BACKENDS
def test_masks_in_other_boxes_are_those_by_hand(made):
    draw, framework = np.random.default_rng(0), made(program_of())
    masks, start = draw.random((8, 6, 9)), draw.uniform(0, 20, (2, 8, 2))
    boxes, frames = np.concatenate([start, start + draw.uniform(1, 30, (2, 8, 2))], -1)
    frames[0], frames[1] = boxes[0], [90, 90, 99, 99]
    boxes[2, 2:] = boxes[2, :2]
    found = np.asarray(framework.module.reframe(*framework.given((masks, boxes, frames)), (5, 4)))
    by_hand = np.array([slow_reframe(*each, 5, 4) for each in zip(masks, boxes, frames, strict=True)])
    assert np.abs(found - by_hand).max() < 1e-12
    assert (found[1] == 0).all()


# --------------------------------------------------------------------------------------------- from image to masks


@BACKENDS
def test_what_maps_say_perfectly_comes_out(made, monkeypatch):
    """Known boxes: an anchor each is sure of, maps hold their classes, and masks of their left halves."""
    framework = made(program_of())
    known = {(8, 16, 32, 40): 1, (10, 50, 58, 90): 3, (40, 4, 60, 40): 2}

    def of_images(images):
        maps = {level: np.zeros((1, *(side // 2 ** int(level[1:]) for side in SIZE), 6)) for level in LEVELS}
        maps |= {f"objectness_{level}": np.full((*maps[level].shape[:3], 3), -800.0) for level in LEVELS}
        maps |= {f"deltas_{level}": np.zeros((*maps[level].shape[:3], 12)) for level in LEVELS}
        for box, label in known.items():
            box = np.array(box)
            centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
            y, x = (centre // 8).astype(int)
            code = [*((centre / 8 - [y, x] - 0.5) / 3), *np.log(size / 24)]
            maps["objectness_P3"][0, y, x, 0], maps["deltas_P3"][0, y, x, :4] = 5, code
            for level in LEVELS:
                cells = 2 ** int(level[1:])
                maps[level][0, box[0] // cells : box[2] // cells + 1, box[1] // cells : box[3] // cells + 1, label] = 1
        return maps

    def of_boxes(crops):
        logits = 20 * crops[:, 1, 1, :4]
        return {"crop_class": logits, "crop_box": np.zeros((len(crops), 16))}

    def of_masks(crops):
        masks = np.full((len(crops), 4, 4, 4), -9.0)
        for label in (1, 2, 3):
            masks[:, :, :2, label] = 9.0
        return masks

    model = framework.faked(monkeypatch, of_images, of_boxes, of_masks)
    boxes, scores, classes, masks = framework.detect(model, np.zeros((1, *SIZE, 3)))
    count = (scores[0] > 0.5).sum()
    found = {tuple(np.round(box, 3)): label for box, label in zip(boxes[0, :count], classes[0, :count], strict=True)}
    assert found == known
    pasted = np.asarray(framework.module.paste(*framework.given((masks[0, :3], boxes[0, :3])), SIZE))
    for mask, (y1, x1, y2, x2) in zip(pasted, np.round(boxes[0, :3]).astype(int), strict=True):
        halves = np.zeros(SIZE, bool)
        halves[y1:y2, x1 : (x1 + x2) // 2] = True
        assert iou_of(mask, halves) > 0.9


def iou_of(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("own", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("dtype", BOUNDS)
def test_detections_are_the_same_in_both_frameworks(own, dtype):
    weights, images = sampled(own, dtype)
    program, sizes = program_of(own), np.array([[64, 96], [50, 40]], dtype)
    found = []
    for made in (Torch, TensorFlow):
        framework = made(program)
        found.append(framework.detect(framework.model(weights, dtype), images, sizes))
    for one, other in zip(*found, strict=True):
        assert np.abs(one - other).max() <= BOUNDS[dtype] * max(1, np.abs(one).max())
    boxes, scores, classes, masks = found[0]
    assert (scores > 0).any()
    assert masks.shape == (2, 7, 4, 4)
    assert ((masks > 0) & (masks < 1)).all()
    assert (classes[scores > 0] >= 1).all()
    assert (classes < program.spec.head.classes).all()
    assert (boxes >= 0).all()
    assert (boxes[1].reshape(-1, 2) <= sizes[1]).all()
    assert (np.diff(scores) <= 0).all()


# ----------------------------------------------------------------------------------------------------- what it learns


def truth(count, dtype="float64", seed=0, classes=4, anchors=378, most=24):
    """Boxes, classes, masks, sizes and noise: boxes of no area, outside, twice the same, of two images."""
    draw = np.random.default_rng(seed)
    start = draw.uniform(-10, 60, (2, count, 2))
    boxes = np.concatenate([start, start + draw.uniform(4, 50, (2, count, 2))], -1)
    labels = draw.integers(0 if count > 1 else 1, classes, (2, count))
    if count > 5:
        boxes[:, 1], labels[:, 1] = boxes[:, 0], labels[:, 0]
        boxes[:, 2, 2:] = boxes[:, 2, :2]
        boxes[:, 3] += 300
        labels[:, 4] = -1
        boxes[0, 5] = [0, 0, 64, 96]
        labels[0, 5] = 1
    masks = draw.integers(0, 2, (2, count, 11, 9)).astype(dtype)
    noise = draw.random((2, anchors)).astype(dtype), draw.random((2, most + count)).astype(dtype)
    return boxes.astype(dtype), labels, masks, np.array([[64, 96], [50, 80]], dtype), noise


def huber(errors, delta):
    off = np.abs(errors)
    return np.where(off <= delta, off**2 / 2, delta * (off - delta / 2)).mean()


def encoded(box, anchor):
    size = anchor[2:] - anchor[:2]
    own = box[2:] - box[:2]
    return np.concatenate([((box[:2] + box[2:]) - (anchor[:2] + anchor[2:])) / 2 / size, np.log(own / size)])


def sigmoid_entropy(logit, goal):
    return np.log1p(np.exp(-np.abs(logit))) + np.maximum(logit, 0) - logit * goal


SQUARE = OWN + ", anchors: {scales: 1, ratios: [1]}"


def slow_losses(maps, box_part, mask_part, boxes, classes, masks, sizes, noise):
    """All of it, image by image and anchor by anchor, with the numbers that SQUARE says."""
    anchors, of_level, logits, deltas = [], [], [[], []], [[], []]
    for level in LEVELS:
        stride = 2 ** int(level[1:])
        for y, x in np.ndindex(maps[level].shape[1:3]):
            centre = (np.array([y, x]) + 0.5) * stride
            anchors.append(np.concatenate([centre - 1.5 * stride, centre + 1.5 * stride]))
            of_level.append(level)
            for i in range(2):
                logits[i].append(maps[f"objectness_{level}"][i, y, x, 0])
                deltas[i].append(maps[f"deltas_{level}"][i, y, x])
    scored, anchored, entropies, regressed, masked = [], {level: [] for level in LEVELS}, [], [], []
    for i in range(2):
        real = [m for m in range(len(boxes[i])) if classes[i, m] > 0 and (boxes[i, m, 2:] > boxes[i, m, :2]).all()]
        shared = np.array([[iou(boxes[i, m], anchor) for m in real] for anchor in anchors]).reshape(len(anchors), -1)
        best = shared.max(1, initial=-1)
        own = [real[row.argmax()] if real else None for row in shared]
        positive = best >= 0.7
        for number in reversed(range(len(real))):
            closest = shared[:, number].argmax()
            own[closest], positive[closest] = real[number], True
        chosen, others = slow_draw(positive, (best < 0.3) & ~positive, noise[0][i], 16, 0.25)
        scored += [sigmoid_entropy(logits[i][a], float(chosen[a])) for a in np.flatnonzero(chosen | others)]
        for a in np.flatnonzero(positive):
            anchored[of_level[a]].append(huber(deltas[i][a] - encoded(boxes[i, own[a]], anchors[a]), 1 / 9))

        alone = {name: value[i : i + 1] for name, value in maps.items()}
        found, _ = slow_propose(alone, LEVELS, Anchors(scales=1, ratios=(1,)), 30, 0.7, 24, sizes[i])
        candidates = [*enumerate(found), *((24 + m, boxes[i, m]) for m in real)]
        shared = [[iou(box, boxes[i, m]) for m in real] for _, box in candidates]
        known = np.array([max(row, default=-1) > 0.5 for row in shared])
        order = noise[1][i][[place for place, _ in candidates]]
        chosen, others = slow_draw(known, ~known, order, 16, 0.25)
        samples = [*np.flatnonzero(chosen), *np.flatnonzero(others)]
        crops = [
            slow_crop([maps[level][i] for level in LEVELS], (8, 16, 32), (40, 80), [candidates[s][1]], 3)
            for s in samples
        ]
        for s, crop in zip(samples, crops, strict=True):
            given = {name: value[0] for name, value in box_part(crop).items()}
            m = real[int(np.argmax(shared[s]))] if chosen[s] else None
            label = classes[i, m] if chosen[s] else 0
            entropies.append(np.log(np.exp(given["crop_class"]).sum()) - given["crop_class"][label])
            if label:
                goals = encoded(boxes[i, m], candidates[s][1]) * [10, 10, 5, 5]
                regressed.append(huber(given["crop_box"].reshape(4, 4)[label] - goals, 1.0))
        for s in samples[:3]:
            if chosen[s]:
                m = real[int(np.argmax(shared[s]))]
                crop = slow_crop([maps[level][i] for level in LEVELS], (8, 16, 32), (40, 80), [candidates[s][1]], 2)
                goal = slow_reframe(masks[i, m], boxes[i, m], candidates[s][1], 4, 4)
                masked.append(sigmoid_entropy(mask_part(crop)[0, :, :, classes[i, m]], goal).mean())
    found = {
        "objectness": np.sum(scored) / 32,
        "deltas": sum(np.mean(each) for each in anchored.values() if each),
        "class": np.mean(entropies),
        "box": np.mean(regressed) if regressed else 0,
        "mask": np.mean(masked) if masked else 0,
    }
    return {"loss": sum(found.values()), **found}


@BACKENDS
@pytest.mark.parametrize("count", [0, 1, 20])
def test_losses_are_those_by_hand(made, count, monkeypatch):
    draw, framework = np.random.default_rng(3), made(program_of(SQUARE))
    maps = made_up_maps(program_of(SQUARE).spec.head)
    maps |= {level: draw.normal(size=(*maps[f"deltas_{level}"].shape[:3], 6)) for level in LEVELS}
    of_class, of_box, of_mask = (draw.normal(size=(6, number)) for number in (4, 16, 16))

    def box_part(crops):
        mean = crops.mean((1, 2))
        return {"crop_class": mean @ of_class, "crop_box": mean @ of_box}

    def mask_part(crops):
        masks = (crops @ of_mask).reshape(-1, 2, 2, 2, 2, 4)
        return masks.transpose(0, 1, 3, 2, 4, 5).reshape(-1, 4, 4, 4)

    given = truth(count, anchors=126)
    if count > 6:  # a proposal that nothing is known of, and one that is a box
        proposals, _ = framework.propose(maps, given[3], 30)
        given[0][:, 6:8], given[1][:, 6], given[1][:, 7] = proposals[:, :2], 0, 2
    model = framework.faked(monkeypatch, lambda images: maps, box_part, mask_part)
    losses = framework.loss(model, np.zeros((2, *SIZE, 3)), *given)
    by_hand = slow_losses(maps, box_part, mask_part, *given)
    assert losses == pytest.approx(by_hand, rel=1e-8)
    assert (by_hand["mask"] > 0) == (count > 0)


@pytest.mark.parametrize("own", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("count", [0, 1, 20])
def test_losses_and_gradients_are_the_same_in_both_frameworks(own, count):
    program = program_of(own)
    head = program.spec.head
    for dtype, bound in BOUNDS.items():
        weights, images = sampled(own, dtype)
        given = truth(count, dtype, 0, head.classes, 126 * head.anchors.per_cell)
        found = []
        for made in (Torch, TensorFlow):
            framework = made(program)
            model = framework.model(weights, dtype)
            found.append(framework.loss(model.train() if made is Torch else model, images, *given))
        (losses, gradients), (again, others) = found
        assert again == pytest.approx(losses, rel=bound, abs=bound)
        assert gradients.keys() == others.keys()
        assert len(gradients) == len(program.weights)
        scale = max(np.abs(gradient).max() for gradient in gradients.values())
        for name, gradient in gradients.items():
            assert np.abs(gradient - others[name]).max() <= bound * scale, name


@BACKENDS
def test_what_learns_is_drawn_anew_unless_told(made):
    weights, images = sampled(OWN, "float32")
    framework = made(program_of())
    model = framework.model(weights, "float32")
    found = [framework.loss(model, images, *truth(20, "float32")[:4], None)[0]["loss"] for _ in range(3)]
    assert len(set(found)) > 1


def test_compilers_take_what_learns():
    torch = pytest.importorskip("torch")
    weights, images = sampled(OWN, "float32")
    framework = Torch(program_of())
    boxes, classes, masks, sizes, noise = truth(20, "float32")
    given = framework.given((images.transpose(0, 3, 1, 2), boxes, classes, masks, sizes))
    model, noise = framework.model(weights, "float32").train(), tuple(framework.given(noise))

    def loss(*given):
        return framework.module.loss(model, *given, noise)["loss"]

    plain = loss(*given)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")(*given)
    assert torch.allclose(plain, compiled, rtol=1e-5)
    compiled.backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_xla_takes_what_learns():
    tf = pytest.importorskip("tensorflow")
    weights, images = sampled(OWN, "float32")
    framework = TensorFlow(program_of())
    model = framework.model(weights, "float32")
    boxes, classes, masks, sizes, noise = truth(20, "float32")

    def loss(*given):
        with tf.GradientTape() as tape:
            found = framework.module.loss(model, *given, noise)["loss"]
        return found, tape.gradient(found, model.trainable_variables)

    given = framework.given((images, boxes, classes, masks, sizes))
    (plain, ones), (compiled, others) = (tf.function(loss, jit_compile=xla)(*given) for xla in (False, True))
    assert float(plain) == pytest.approx(float(compiled), rel=1e-4)
    scale = max(np.abs(each).max() for each in ones)
    assert max(np.abs(one - other).max() for one, other in zip(ones, others, strict=True)) < 1e-3 * scale


# ------------------------------------------------------------------------------------------------------- compilers


def test_compilers_take_what_detects():
    torch = pytest.importorskip("torch")
    weights, images = sampled(OWN, "float32")
    framework = Torch(program_of())
    model, images = framework.model(weights, "float32"), torch.tensor(images).permute(0, 3, 1, 2).contiguous()
    plain = framework.module.detect(model, images)

    class Detector(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, images):
            return framework.module.detect(self.model, images)

    compiled = torch.compile(Detector(), fullgraph=True, backend="aot_eager")(images)
    exported = torch.export.export(Detector(), (images,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    for one, other, alone, again in zip(
        plain, compiled, exported(images[:1]), framework.module.detect(model, images[:1]), strict=True
    ):
        assert torch.allclose(one.double(), other.double(), atol=1e-4)
        assert torch.allclose(alone.double(), again.double(), atol=1e-4)


def test_xla_takes_what_detects():
    tf = pytest.importorskip("tensorflow")
    weights, images = sampled(OWN, "float32")
    framework = TensorFlow(program_of())
    model = framework.model(weights, "float32")

    def detect(images):
        return framework.module.detect(model, images)

    plain, compiled = (tf.function(detect, jit_compile=xla)(tf.constant(images)) for xla in (False, True))
    for one, other in zip(plain, compiled, strict=True):
        assert np.abs(one.numpy() - other.numpy()).max() < 1e-4


# ------------------------------------------------------------------------------------------------------ the fields


@pytest.mark.parametrize(
    ("anchors", "known"),
    [("3", (3, 1, 3)), ("2", (2, 2, 1)), ("9", (9, 3, 3)), ("{size: 4}", (3, 1, 3)), ("{scales: 3}", (9, 3, 3))],
)
def test_anchors_are_of_one_scale_unless_told(anchors, known):
    from spinec.spec.dump import dump

    spec = loads(text(OWN + f", anchors: {anchors}"))
    read = spec.head.anchors
    assert (read.per_cell, read.scales, len(read.ratios)) == known
    assert loads(dump(spec)) == spec


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("proposals: {positive: 0.2}", "expected 'negative' to be at most 'positive', which is 0.2"),
        ("proposals: {samples: 0}", "head.proposals.samples: expected"),
        ("regions: {weights: [1, 2, 3]}", "head.regions.weights"),
        ("regions: {side: 0}", "head.regions.side: expected"),
        ("detections: {score: 1}", "head.detections.score: expected a number below 1"),
        ("dialect: efficientdet", "head: unknown dialect 'efficientdet'"),
    ],
)
def test_what_a_head_cannot_mean_is_refused(own, message):
    with pytest.raises(SpecError) as caught:
        loads(text(own))
    assert message in str(caught.value)
