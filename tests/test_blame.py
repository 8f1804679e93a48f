"""A loss that is no number: the run stops, and says which op, loss or gradient was the first, or that the data are at fault."""

from functools import cache

import numpy as np
import pytest
from taught import TINY
from test_learners import lesson, recipe

from spinec import loads, lower
from spinec.backends.backend import backend
from spinec.backends.blame import blame

BACKENDS = {"pytorch": "torch", "tensorflow": "tensorflow"}
AT = {  # what computes a sum has a path of its own in Keras; in PyTorch it is a line of the block
    "pytorch": "b1",
    "tensorflow": "b1.add",
}


@pytest.fixture(params=BACKENDS)
def name(request):
    pytest.importorskip(BACKENDS[request.param])
    return request.param


def blamed(learner, images, targets, rate=0.02, number=0):
    before = learner.state()
    told = learner.step(images, targets, rate, number)
    assert not np.isfinite([*told.values()]).all()
    after = learner.state()
    kept = [key for key in before if not key.endswith((".mean", ".variance"))]
    assert all(np.array_equal(before[key], after[key], equal_nan=True) for key in kept)  # nothing was learned
    return blame(learner.watch(images, targets, number), images, targets, (4, "nine"))


@cache
def learner_of(name, precision):
    """One for all tests: to trace it takes the longest."""
    learner = backend(name).learner(lower(loads(TINY)), recipe("sgd", f"precision={precision}"))
    return learner, learner.state()


def made(name, precision="float32"):
    learner, state = learner_of(name, precision)
    learner.load(state)
    return learner


def changed(learner, changes):
    state = learner.state()
    for key, change in changes.items():
        change(state[f"weights/{key}"])
    learner.load(state)
    return learner


def spoil(array):
    array.flat[3] = np.nan


def swell(array):
    array[:] = 3e38


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_weight_that_is_no_number(name, precision):
    learner = changed(made(name, precision), {"b2.first_conv.kernel": spoil})
    assert blamed(learner, *lesson(0)) == "first at b2.first_conv, whose kernel was none before the step"


def test_a_norm_and_a_sum_that_overflow(name):
    learner = changed(made(name), {"b1.shortcut_norm.scale": swell})
    assert blamed(learner, *lesson(0)) == "first at b1.shortcut_norm"
    learner = changed(made(name), {"b1.shortcut_norm.shift": swell, "b1.second_norm.shift": swell})
    assert blamed(learner, *lesson(0)) == f"first at {AT[name]}"


def test_an_image_and_a_box_that_are_no_numbers(name):
    images, targets = lesson(0)
    images[1, 3, 4, 0] = np.inf
    assert blamed(made(name), images, targets) == "first in the image of example nine: the data are at fault"
    images, targets = lesson(0)
    targets["boxes"][0, 1, 2] = np.nan
    assert "first in the boxes of example 4" in blame(made(name).watch(images, targets, 0), images, targets, (4, 9))


def test_a_loss_of_outputs_that_are_numbers(name):
    learner = changed(made(name), {"box_subnet.predict.pointwise.bias": swell})
    assert blamed(learner, *lesson(0)) == "first in the sum of the losses: all that the network gives is finite"


def test_float16_overflows_where_float32_does_not(name):
    def grow(array):
        array[:] *= 1e6

    def told(precision):
        return changed(made(name, precision), {"stem.conv.kernel": grow})

    assert np.isfinite([*told("float32").step(*lesson(0), 0.02, 0).values()]).all()
    assert blamed(told("float16"), *lesson(0)) == "first at stem.conv"


def test_a_rate_that_is_too_high(name):
    learner = made(name)
    for number in range(9):
        images, targets = lesson(number)
        if not np.isfinite([*learner.step(images, targets, 1e12, number).values()]).all():
            break
    found = blame(learner.watch(images, targets, number), images, targets, (4, 9))
    assert found.startswith(("first at ", "first in the gradient of "))
    assert "none" not in found  # the weights are those of before the step
