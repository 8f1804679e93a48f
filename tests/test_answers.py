"""Classes of images and of pixels, and what their networks are to learn: PyTorch against TensorFlow, and by hand."""

import numpy as np
import pytest

from spinec import emit, loads, lower
from spinec.backends.live import import_source

SPEC = """
name: small
input: {size: 32}
defaults: {kind: conv}
blocks:
  b1: {level: 2, dim: 8, inputs: [image]}
outputs: {P2: b1}
head: HEAD
"""
CLASSIFIER = "{kind: classification, classes: 7, smoothing: 0.2}"
MAPS = {
    "segmentation": "{kind: segmentation, dim: 8, classes: 5, ignored: 9}",
    "deeplab": "{kind: deeplab, dim: 8, classes: 5, ignored: 9}",
}


def modules(head, *parts):
    """The source of both frameworks, imported."""
    pytest.importorskip("tensorflow")
    pytest.importorskip("torch")
    program = lower(loads(SPEC.replace("HEAD", head)))
    return [import_source(emit(program, name, parts), program.name) for name in ("pytorch", "tensorflow")]


def compared(head, logits, classes, channels_last):
    """Loss and gradient of both frameworks, for the same logits."""
    import tensorflow as tf
    import torch

    first, second = modules(head, "loss")
    given = torch.tensor(np.moveaxis(logits, -1, 1)).requires_grad_()
    loss = first.loss(given, torch.tensor(classes))["loss"]
    loss.backward()
    again = tf.Variable(logits)
    with tf.GradientTape() as tape:
        other = second.loss(again + 0, tf.constant(classes))["loss"]
    gradient = np.moveaxis(given.grad.numpy(), 1, -1)
    return loss.item(), float(other), gradient, tape.gradient(other, again).numpy()


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_the_loss_of_classes_is_the_same_in_both_frameworks_and_by_hand(dtype, bound):
    draw = np.random.default_rng(0)
    logits, classes = draw.normal(size=(6, 7)).astype(dtype) * 3, draw.integers(0, 7, 6)
    loss, other, gradient, again = compared(CLASSIFIER, logits, classes, False)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    by_hand = -(0.8 * logs[np.arange(6), classes] + 0.2 * logs.mean(1)).mean()
    assert loss == pytest.approx(by_hand, rel=bound)
    assert other == pytest.approx(by_hand, rel=bound)
    assert np.abs(gradient - again).max() < bound


@pytest.mark.parametrize("left", ["some", "all"])
@pytest.mark.parametrize("head", MAPS.values(), ids=MAPS)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-6)])  # TensorFlow resizes in float32
def test_the_loss_of_pixels_is_the_same_in_both_frameworks(dtype, bound, head, left):
    draw = np.random.default_rng(0)
    logits, classes = draw.normal(size=(2, 8, 8, 5)).astype(dtype), draw.integers(0, 5, (2, 33, 29))
    classes[:, 20:] = 9
    if left == "all":
        classes[:] = 9
    loss, other, gradient, again = compared(head, logits, classes, True)
    assert (loss > 0) == (left == "some")
    assert other == pytest.approx(loss, rel=bound)
    assert np.abs(gradient - again).max() < bound


def test_the_likeliest_classes_are_told():
    import torch

    first, second = modules(CLASSIFIER, "classify")
    logits = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    shares, classes = first.classify(lambda images: torch.tensor(logits), None)
    again, same = second.classify(lambda images, training: logits, None)
    assert np.array_equal(classes.numpy(), same.numpy())
    assert np.abs(shares.numpy() - again.numpy()).max() < 1e-6
    assert np.array_equal(classes.numpy(), np.argsort(-logits, 1)[:, :5])
    assert shares.shape == (3, 5)


@pytest.mark.parametrize("head", MAPS.values(), ids=MAPS)
def test_every_pixel_has_a_class(head):
    import torch

    first, second = modules(head, "segment")
    logits = np.random.default_rng(0).normal(size=(2, 8, 8, 5)).astype(np.float32)
    for size in (None, (50, 20)):
        images = np.zeros((2, 32, 32, 3), np.float32)
        labels = first.segment(
            lambda x: torch.tensor(logits.transpose(0, 3, 1, 2)), torch.tensor(images).permute(0, 3, 1, 2), size
        )
        again = second.segment(lambda x, training: logits, images, size)
        assert labels.shape == (2, *(size or (32, 32)))
        assert (labels.numpy() == again.numpy()).mean() > 0.999  # equal but where two classes are as likely
