"""efficientnet-b0 in Keras is keras.applications' EfficientNetB0: the same logits on the same weights."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("torch")  # the sample's statistics come from it

from spinec import load, lower
from spinec.backends.sample import sample
from spinec.backends.tensorflow import build, write_weights


def copied(program):
    """keras.applications' model and ours with the same weights: both have them in the order of execution."""
    from keras.applications import EfficientNetB0

    ours, theirs = build(program), EfficientNetB0(weights=None, classifier_activation=None)
    write_weights(ours, program, sample(program).weights)
    sources = [layer for layer in ours.layers if layer.weights]
    targets = [layer for layer in theirs.layers if layer.weights and layer.name != "normalization"]
    for source, target in zip(sources, targets, strict=True):
        assert [w.shape for w in source.weights] == [w.shape for w in target.weights], (source.name, target.name)
        target.set_weights(source.get_weights())
    return ours, theirs


def test_same_logits():
    ours, theirs = copied(lower(load("efficientnet-b0")))
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 224, 224, 3)).astype("float32")
    expected = np.asarray(theirs(pixels, training=False))  # which scales pixels to 0..1 itself
    logits = np.asarray(ours(pixels / 255, training=False))
    assert np.abs(logits - expected).max() <= 1e-5 * np.abs(expected).max()
