"""Ops on maps by themselves: activations, norms, channels, resizing, attention; convolution and pooling are in test_ops.py."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from alone import SIZES, alone, check, evaluated, few  # noqa: E402  (after the skips)

from spinec import emit  # noqa: E402
from spinec.compiler.ops.activation import Activation, PReLU  # noqa: E402
from spinec.compiler.ops.conv import Conv  # noqa: E402

torch.set_num_threads(1)
DIMS = st.sampled_from((1, 2, 3, 5, 6, 7))
IMAGE = np.random.default_rng(3).normal(size=(6, 4, 5))

# ------------------------------------------------------------------------------------------------------ activations

KINDS = ("leaky_relu", "elu", "mish", "gelu_tanh")
FORMULAS = {
    "leaky_relu": lambda x: max(x, 0) + 0.01 * min(x, 0),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "gelu_tanh": lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
}


@pytest.mark.parametrize("in_line", [True, False])
def test_activations(in_line):
    blocks = [[Conv(3), Activation(kind)] for kind in KINDS]
    check(alone(*blocks, [Activation("leaky_relu", 0.1), Conv(2)], [PReLU(), Conv(2)], in_line=in_line))


@few(4)
@given(DIMS, SIZES, st.sampled_from((0.25, 0.0, 1.0)), st.booleans())
def test_prelu(dim, size, initial, in_line):
    check(alone([Conv(dim), PReLU(initial)], size=size, in_line=in_line))


@pytest.mark.parametrize("kind", KINDS)
def test_an_activation_is_its_formula(kind):
    image = np.array([-40.0, -3, -1, -1e-3, 0, 1e-3, 0.5, 2, 50]).reshape(1, 3, 3)
    expected = np.vectorize(FORMULAS[kind])(image)
    assert np.abs(evaluated(Activation(kind), image) - expected).max() <= 1e-14 * 50


def test_slopes_are_those_asked_for():
    image = np.array([-2.0, 3.0]).reshape(2, 1, 1)
    assert evaluated(Activation("leaky_relu", 0.1), image).ravel() == pytest.approx([-0.2, 3])
    assert evaluated(PReLU(0.5), image).ravel() == pytest.approx([-1, 3])
    found = evaluated(PReLU(), -np.ones((2, 1, 1)), {"slope": np.array([0.5, -2])})
    assert found.ravel() == pytest.approx([-0.5, 2])


def test_slopes_make_classes_of_their_own_and_the_usual_one_is_not_written():
    first, second, third = ([Conv(3), Activation("leaky_relu", slope)] for slope in (0.01, 0.1, 0.1))
    source = emit(alone(first, second, third))
    assert source.count("F.leaky_relu(") == 2
    assert source.count("negative_slope=0.1)") == source.count("negative_slope") == 1
