"""EfficientDet's dialect against EFFDET 0.4.1: its boxes and losses for a crowd (tools/compare_effdet.py)."""

from pathlib import Path

import numpy as np
import pytest
from answering import BACKENDS
from crowded import GARDEN, LEVELS, crowded
from test_detect import spec

from spinec import load

EFFDET = np.load(Path(__file__).parent / "numbers" / "effdet.npz")
HEAD = "{kind: retinanet, dim: 8, layers: 0, classes: 11, dialect: efficientdet}"


@BACKENDS
def test_effdet_has_the_same_anchors_and_losses(made):
    framework, maps = made(spec(HEAD)), crowded()
    assert np.abs(framework.anchors(maps) - EFFDET["anchors"]).max() < 1e-4
    losses, _ = framework.loss(maps, EFFDET["gt"][None], GARDEN["cl"].T)
    assert [losses[name] for name in ("loss", "class", "box")] == pytest.approx(EFFDET["losses"], rel=1e-6)


@BACKENDS
def test_effdet_detects_the_same(made):
    boxes, scores, classes = made(spec(HEAD)).detect(crowded(), np.zeros((1, 128, 256, 3), np.float32))
    assert np.array_equal(classes[0], EFFDET["classes"])
    assert np.abs(scores[0] - EFFDET["scores"]).max() < 1e-6
    assert np.abs(boxes[0] - EFFDET["boxes"]).max() < 1e-3


@pytest.mark.parametrize("number", range(8))
def test_efficientdet_means_what_its_public_code_means(number):
    head = load(f"efficientdet-d{number}").head
    assert (head.classes, head.background, head.anchors.ratios[1]) == (90, False, (0.7, 1.4))
    assert head.anchors.size == (5 if number == 7 else 4)
    assert len(LEVELS) == 5
