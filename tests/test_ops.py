"""Convolution and pooling by themselves, with kernels of any sides; other ops are in test_ops_of_maps.py."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from alone import SIZES, alone, assert_equal, assert_reads, check, evaluated, few  # noqa: E402  (after the skips)

from spinec import ShapeError, cost, emit  # noqa: E402
from spinec.compiler.ops.activation import Activation  # noqa: E402
from spinec.compiler.ops.conv import Conv  # noqa: E402
from spinec.compiler.ops.pool import Pool  # noqa: E402

torch.set_num_threads(1)
END = Activation("sigmoid")  # what a block ends with: its value is that of one layer


@st.composite
def kernels(draw, padding):
    """A side, or two; even ones for padding 'same' alone."""
    sides = st.sampled_from((1, 2, 3, 4, 5) if padding == "same" else (1, 3, 5))
    return draw(st.one_of(sides, st.tuples(sides, sides)))


@st.composite
def convs(draw, in_dim):
    padding = draw(st.sampled_from(("same", "symmetric")))
    groups = draw(st.sampled_from([n for n in range(1, in_dim + 1) if in_dim % n == 0]))
    return Conv(
        dim=groups * draw(st.integers(1, 3)),
        kernel=draw(kernels(padding)),
        stride=draw(st.integers(1, 3)),
        groups=groups,
        dilation=draw(st.sampled_from((1, 1, 2))),
        bias=draw(st.booleans()),
        padding=padding,
    )


@st.composite
def rows_of_convs(draw):
    """The channels of an image, and convolutions one behind the other."""
    channels = dim = draw(st.sampled_from((1, 2, 3, 4, 6)))
    ops = []
    for _ in range(2):
        ops.append(draw(convs(dim)))
        dim = ops[-1].dim
    return channels, ops


@few(10)
@given(rows_of_convs(), SIZES, st.booleans())
def test_convolutions(drawn, size, in_line):
    channels, ops = drawn
    check(alone(*([op, END] for op in ops), channels=channels, size=size, in_line=in_line))


@few(20)
@given(convs(2), SIZES)
def test_what_convolutions_read(op, size):
    assert_reads(op, 2, size)


@pytest.mark.parametrize("kernel", [2, (3, 4), (2, 1)])
def test_symmetric_padding_needs_a_centre(kernel):
    with pytest.raises(ShapeError, match=r"an even kernel, . x ., has no centre .* use padding 'same'"):
        Conv(4, kernel).infer((3, 8, 8))
    assert Conv(4, kernel, padding="same").infer((3, 8, 7)) == (4, 8, 7)
    assert Conv(4, kernel, 2, padding="same").infer((3, 8, 7)) == (4, 4, 4)


def test_convolutions_of_one_class_differ_in_the_sides_of_their_kernels():
    program = alone([Conv(3, (1, 5)), END], [Conv(3, (5, 1)), END], [Conv(3, 3), END])
    source = emit(program)
    assert "kernel: tuple[int, int]" in source
    assert "nn.Conv2d(3, 3, kernel_size=3, padding=1, bias=False)" in source
    assert_equal(program, "float64")


def test_a_kernel_of_two_sides_counts_their_product():
    report = cost(alone([Conv(7, (3, 1), groups=1)], size=(4, 6)))
    assert (report.macs(), report.params) == (7 * 3 * 3 * 4 * 6, 7 * 3 * 3)
    assert str(Conv(7, (3, 1))) == "conv dim=7 kernel=3x1"


def test_groups_have_their_names():
    assert [Conv(6, 3, groups=groups).group for groups in (1, 2, 6)] == ["conv", "grouped conv", "depthwise conv"]
    assert [Conv(6, kernel).group for kernel in (1, (1, 1), (1, 3))] == ["1x1 conv", "1x1 conv", "conv"]


@st.composite
def pools(draw):
    padding = draw(st.sampled_from(("same", "symmetric")))
    return Pool(
        kind=draw(st.sampled_from(("avg", "max"))),
        kernel=draw(st.sampled_from((1, 2, 3, 4, 5) if padding == "same" else (1, 3, 5))),
        stride=draw(st.integers(1, 3)),
        padding=padding,
        count_padding=draw(st.booleans()),
    )


@few(12)
@given(pools(), pools(), SIZES, st.booleans())
def test_pooling(first, second, size, in_line):
    check(alone([Conv(3), first], [Conv(2), second], size=size, in_line=in_line))


@few(20)
@given(pools(), SIZES)
def test_what_averages_read(op, size):
    assert_reads(replace(op, kind="avg"), 1, size)


def test_symmetric_pooling_needs_a_centre():
    with pytest.raises(ShapeError, match="pool: an even kernel, 2 x 2, has no centre"):
        Pool("max", 2, 2).infer((3, 8, 8))
    assert Pool("max", 2, 1, "same").infer((3, 8, 7)) == (3, 8, 7)


@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_an_average_counts_its_padding_if_told_to(padding):
    ones = np.ones((1, 3, 3))
    assert (evaluated(Pool("avg", 3, 1, padding), ones) == 1).all()
    counted = evaluated(Pool("avg", 3, 1, padding, count_padding=True), ones)
    assert 9 * counted[0] == pytest.approx(np.array([[4, 6, 4], [6, 9, 6], [4, 6, 4]]))
