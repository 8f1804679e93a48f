"""The comparisons with the Model Garden, EFFDET and torchvision find what they should: faults seeded in what detects and what learns are caught."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from crowded import crowded
from test_detect import GARDEN, GARDENS, VISION, VISION_IMAGES, VISIONS, garden_maps, spec, vision_maps
from test_effdet import EFFDET, HEAD

from spinec import emit, loads, lower
from spinec.backends.live import import_source

torch = pytest.importorskip("torch")


class Seed(NamedTuple):
    """A fault: what it is, which text of the source it changes into which, and which check shows it."""

    what: str
    old: str
    new: str
    shows: str = "detect"


SEEDS = (
    Seed("y and x of centres exchanged", "torch.cartesian_prod(*cells)", "torch.cartesian_prod(*cells).flip(-1)"),
    Seed("y and x of anchors exchanged", "half = shape * stride / 2", "half = shape.flip(-1) * stride / 2"),
    Seed("y and x of offsets exchanged", "deltas[..., :2] * size", "deltas[..., :2].flip(-1) * size"),
    Seed("y and x of sizes exchanged", "size * deltas[..., 2:]", "size * deltas[..., 2:].flip(-1)"),
    Seed("y and x of the image's edges exchanged", "sizes.repeat(1, 2)", "sizes.flip(-1).repeat(1, 2)"),
    Seed("background not dropped", "[..., FIRST_CLASS:]", "[..., 0:]"),
    Seed("off by one class", "labels + FIRST_CLASS", "labels"),
    Seed("no class above the background", "FIRST_CLASS = 1", "FIRST_CLASS = 0"),
    Seed("a pixel more to the far edges", "[centre - half, centre + half]", "[centre - half, centre + half + 1]"),
    Seed("unclipped boxes", "boxes = clip(", "boxes = (lambda boxes, sizes: boxes)("),
    Seed("clipped to the padded image", "if sizes is None:", "if True:"),
    Seed("half a cell too early", "ANCHOR_OFFSET = 0.5", "ANCHOR_OFFSET = 0.0"),
    Seed("half a pixel too early", "+ ANCHOR_OFFSET) * stride", "+ ANCHOR_OFFSET) * stride - 0.5"),
    Seed("anchors in another order", "ANCHOR_SIDES, dtype=", "ANCHOR_SIDES[::-1], dtype="),
    Seed("probabilities by a softmax", ".sigmoid_()", ".softmax(-1)"),
    Seed("overlap up to a little more", "IOU = 0.5", "IOU = 0.55", "crowd"),
    Seed("boxes that no better one drops", "IOU = 0.5", "IOU = 1.0", "crowd"),
    Seed("boxes of all classes drop one another", "PER_CLASS = True", "PER_CLASS = False"),
    Seed("large boxes left out", "math.log(1000 / 16)", "math.log(2)"),
    Seed(
        "y and x of centres exchanged", "torch.cartesian_prod(*cells)", "torch.cartesian_prod(*cells).flip(-1)", "loss"
    ),
    Seed("offsets in pixels", "- size / 2) / size", "- size / 2)", "loss"),
    Seed(
        "y and x of targets exchanged", "(own + 1e-8) / (size + 1e-8)", "(own + 1e-8).flip(-1) / (size + 1e-8)", "loss"
    ),
    Seed("half a cell too early", "ANCHOR_OFFSET = 0.5", "ANCHOR_OFFSET = 0.0", "loss"),
    Seed("off by one class", "classes.gather(1, which), -1)", "classes.gather(1, which) - 1, -1)", "loss"),
    Seed("positives alone count", "(in_all(positive) + 1)", "in_all(positive)", "loss"),
    Seed("no anchor is told to find a box", "FORCE = True", "FORCE = False", "loss"),
    Seed("alpha for its complement", "ALPHA = 0.25", "ALPHA = 0.75", "loss"),
    Seed("gamma of the paper on RetinaNet", "GAMMA = 1.5", "GAMMA = 2.0", "loss"),
    Seed("a wider quadratic part", "DELTA = 0.1", "DELTA = 1.0", "loss"),
    Seed("boxes that weigh as classes do", "BOX_WEIGHT = 50.0", "BOX_WEIGHT = 1.0", "loss"),
    Seed("the sum over coordinates", "delta=DELTA).mean(-1)", "delta=DELTA).sum(-1)", "loss"),
    Seed("boxes that all anchors learn", "torch.where(positive, off, 0)", "torch.where(positive, off, off)", "loss"),
    Seed("anchors of half a box", "POSITIVE = 0.5", "POSITIVE = 0.6", "loss"),
    Seed("half a cell too late", "ANCHOR_OFFSET = 0.0", "ANCHOR_OFFSET = 0.5", "vision"),
    Seed("y before x", "BOX_ORDER = (1, 0, 3, 2)", "BOX_ORDER = (0, 1, 2, 3)", "vision"),
    Seed("sizes before offsets", "BOX_ORDER = (1, 0, 3, 2)", "BOX_ORDER = (3, 2, 1, 0)", "vision"),
    Seed("sides that are no whole pixels", "half = shape * stride / 2", "half = shape * stride / 2 + 0.2", "vision"),
    Seed("all anchors learn", "NEGATIVE = 0.4", "NEGATIVE = 0.5", "vision"),
    Seed("one anchor closest to a box", "ALL_CLOSEST = True", "ALL_CLOSEST = False", "vision"),
    Seed(
        "the box that an anchor is closest to",
        "positive = positive | closest.any(1)",
        "positive, which = positive | closest.any(1), torch.where(closest.any(1), closest.int().argmax(1), which)",
        "vision",
    ),
    Seed("Huber loss", "L1 = True", "L1 = False", "vision"),
    Seed("over all images", "PER_IMAGE = True", "PER_IMAGE = False", "vision"),
    Seed("one anchor more", "positive.sum(1).clamp(min=1)", "(positive.sum(1) + 1)", "vision"),
    Seed("more of a level", "LEVEL_CANDIDATES = 1000", "LEVEL_CANDIDATES = 0", "level"),
    Seed("fewer of a level", "LEVEL_CANDIDATES = 1000", "LEVEL_CANDIDATES = 990", "level"),
    Seed("as many of all", "CANDIDATES = 5000", "CANDIDATES = 1000", "level"),
    Seed(
        "the first level for all",
        "limit_level(each) for each in levels",
        "limit_level(scores) for each in levels[:1]",
        "level",
    ),
    Seed("the sum of images", "return mean(losses.sum(1) /", "return torch.sum(losses.sum(1) /", "vision"),
)


def detects(module):
    """Whether source finds the Model Garden's boxes in its maps."""
    sizes = torch.tensor([[120.0, 250.0]])
    return same(found(module, garden_maps(), sizes), [GARDEN[f"v2{name}"] for name in ("boxes", "scores", "classes")])


def thins(module):
    """Whether source finds EFFDET's boxes in a crowd."""
    return same(found(module, crowded()), [EFFDET[name] for name in ("boxes", "scores", "classes")])


def found(module, maps, sizes=None):
    maps = {name: torch.tensor(value.transpose(0, 3, 1, 2)) for name, value in maps.items()}
    return [each[0].numpy() for each in module.detect(lambda image: maps, torch.zeros(1, 3, 128, 256), sizes)]


def same(first, second):
    (boxes, scores, classes), (others, again, kinds) = first, second
    near = np.abs(scores - again).max() < 1e-6 and np.abs(boxes - others).max() < 1e-4
    return near and np.array_equal(classes, kinds)


def learns(module):
    """Whether source gives the Model Garden's losses."""
    maps = {name: torch.tensor(value.transpose(0, 3, 1, 2)) for name, value in garden_maps().items()}
    losses = module.loss(maps, torch.tensor(GARDEN["gt"][None]), torch.tensor(GARDEN["cl"].T))
    found = [losses[name].item() for name in ("loss", "class", "box")]
    return found == pytest.approx(GARDEN["loss"][:3], rel=1e-6)


def detects_as_torchvision(module):
    """Whether source finds torchvision's boxes in two images, of whose finest level it compares the best alone."""
    maps = {name: torch.tensor(value.transpose(0, 3, 1, 2)) for name, value in vision_maps().items()}
    sizes = torch.tensor([[120.0, 122.0], [128.0, 128.0]])
    both = module.detect(lambda image: maps, torch.zeros(2, 3, 128, 128), sizes)
    expected = [[VISION[f"{name}_{each}"] for each in ("boxes", "scores", "found")] for name in VISION_IMAGES]
    there = [[each[i][both[1][i] > 0].numpy() for each in both] for i in range(2)]
    alike = all(len(mine[1]) == len(theirs[1]) for mine, theirs in zip(there, expected, strict=True))
    return alike and all(same(*pair) for pair in zip(there, expected, strict=True))


def learns_as_torchvision(module):
    """Whether source gives torchvision's losses of two images, of which one has no box."""
    maps = {name: torch.tensor(value.transpose(0, 3, 1, 2)) for name, value in vision_maps().items()}
    boxes, classes = (torch.tensor(VISION[f"retinanet_{name}"]) for name in ("gt", "labels"))
    losses = module.loss(maps, torch.stack([boxes, boxes * 0]), torch.stack([classes, classes * 0 - 1]))
    return [losses["class"].item(), 4 * losses["box"].item()] == pytest.approx(VISION["retinanet_losses"], rel=1e-6)


CHECKS = {
    "detect": (detects, GARDENS, "detect"),
    "crowd": (thins, HEAD, "detect"),
    "loss": (learns, GARDENS, "loss"),
    "level": (detects_as_torchvision, VISIONS, "detect"),
    "vision": (learns_as_torchvision, VISIONS, "loss"),
}


def source_of(shown):
    _, head, part = CHECKS[shown]
    return emit(lower(loads(spec(head))), "pytorch", [part])


def passes(shown, source):
    return CHECKS[shown][0](import_source(source, "tower"))


@pytest.mark.parametrize("shown", CHECKS)
def test_without_a_fault_the_check_passes(shown):
    assert passes(shown, source_of(shown))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.shows}: {seed.what}")
def test_a_seeded_fault_is_caught(seed):
    source = source_of(seed.shows)
    assert seed.old in source, f"the source has no {seed.old!r} to change"
    assert not passes(seed.shows, source.replace(seed.old, seed.new))
