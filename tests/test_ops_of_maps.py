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

from alone import (  # noqa: E402  (after the skips)
    SIZES,
    alone,
    assert_compiled_equally,
    assert_reads,
    check,
    evaluated,
    few,
    live,
)

from spinec import ShapeError, cost, emit, loads, lower  # noqa: E402
from spinec.compiler.cost.receptive_field import receptive_field  # noqa: E402
from spinec.compiler.cost.training import training_cost  # noqa: E402
from spinec.compiler.ops.activation import Activation, Exp, PReLU  # noqa: E402
from spinec.compiler.ops.attention import Attention  # noqa: E402
from spinec.compiler.ops.channels import ChannelConv, LayerScale, Scale, Shuffle, Slice  # noqa: E402
from spinec.compiler.ops.conv import Conv, Linear  # noqa: E402
from spinec.compiler.ops.norm import BatchNorm, GroupNorm, LayerNorm  # noqa: E402
from spinec.compiler.ops.pool import GlobalPool  # noqa: E402
from spinec.compiler.ops.resize import Spread, Upsample  # noqa: E402

torch.set_num_threads(1)
DIMS = st.sampled_from((1, 2, 3, 5, 6, 7))
END = Activation("sigmoid")
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


# ------------------------------------------------------------------------------------------------------------ norms


def normalised(values, epsilon):
    return (values - values.mean()) / math.sqrt(values.var() + epsilon)


@few(6)
@given(DIMS, SIZES, st.sampled_from((1e-6, 1e-3, 0.5)), st.booleans())
def test_layer_norm(dim, size, epsilon, in_line):
    epsilon = epsilon if dim > 1 else 0.5  # one channel less its own mean is rounding, which a small one magnifies
    check(alone([Conv(dim, bias=True), LayerNorm(epsilon)], [Conv(3), END], size=size, in_line=in_line))


@few(6)
@given(DIMS, st.integers(1, 3), SIZES, st.sampled_from((1e-5, 1e-3, 0.5)), st.booleans())
def test_group_norm(groups, share, size, epsilon, in_line):
    epsilon = epsilon if share * size[0] * size[1] > 1 else 0.5
    ops = [Conv(groups * share, bias=True), GroupNorm(groups, epsilon)]
    check(alone(ops, [Conv(3), END], size=size, in_line=in_line))


def test_norm_of_a_vector():
    check(alone([Conv(4), GlobalPool(), LayerNorm()], [Linear(3), PReLU()]))


def test_norms_are_their_formulas():
    scale, shift = np.arange(1.0, 7), np.arange(6.0)
    weights = {"scale": scale, "shift": shift}
    per_pixel, per_group = (evaluated(op, IMAGE, weights) for op in (LayerNorm(0.1), GroupNorm(3, 0.1)))
    assert per_pixel[:, 2, 3] == pytest.approx(normalised(IMAGE[:, 2, 3], 0.1) * scale + shift)
    assert per_group[2:4] == pytest.approx(
        normalised(IMAGE[2:4], 0.1) * scale[2:4, None, None] + shift[2:4, None, None]
    )


def test_norms_count_alike_but_for_their_statistics():
    batch, layer, group = (cost(alone([Conv(4), op])) for op in (BatchNorm(), LayerNorm(), GroupNorm(2)))
    assert batch.params == layer.params == group.params == 3 * 4 + 2 * 4
    elements = 4 * 5 * 7
    for convention, statistics in (("conv", 0), ("fvcore", 3), ("thop", 0), ("ptflops", 0), ("profiler", 3)):
        assert layer.macs(convention) == group.macs(convention) == batch.macs(convention) + statistics * elements


def test_statistics_of_groups_are_left_out_of_receptive_fields():
    program = alone([Conv(4, 3), GroupNorm(2), Conv(4, 3)], size=(11, 11))
    assert receptive_field(program, "b1") == (5, 5)


def test_groups_must_divide_channels():
    with pytest.raises(ShapeError, match="group_norm of 3 groups cannot take 4 channels"):
        GroupNorm(3).infer((4, 2, 2))


# --------------------------------------------------------------------------------------------------------- channels


@few(4)
@given(DIMS, SIZES, st.booleans())
def test_layer_scale(dim, size, in_line):
    check(alone([Conv(dim), LayerScale()], [Conv(2), LayerScale(0.5)], size=size, in_line=in_line))


def test_layer_scale_starts_at_its_initial_factor():
    assert evaluated(LayerScale(0.125), IMAGE) == pytest.approx(IMAGE / 8)
    factor = np.arange(6.0)
    assert evaluated(LayerScale(), IMAGE, {"factor": factor}) == pytest.approx(IMAGE * factor[:, None, None])


@few(4)
@given(DIMS, SIZES, st.booleans())
def test_a_factor_of_a_whole_map_and_powers_of_e(dim, size, in_line):
    check(alone([Conv(dim), Scale(), Exp()], [Conv(2), Scale(0.5), Exp(), Conv(3)], size=size, in_line=in_line))


def test_a_factor_of_a_whole_map_is_one_number():
    assert evaluated(Scale(0.125), IMAGE) == pytest.approx(IMAGE / 8)
    assert evaluated(Scale(), IMAGE, {"factor": np.array([-3.0])}) == pytest.approx(IMAGE * -3)
    assert evaluated(Exp(), IMAGE) == pytest.approx(np.exp(IMAGE))
    assert Scale().infer((5, 3, 2)) == Exp().infer((5, 3, 2)) == (5, 3, 2)
    assert Scale().weights((5, 3, 2)) == {"factor": (1,)}


@st.composite
def slices(draw, dim):
    start = draw(st.integers(0, dim - 1))
    return Slice(start, draw(st.integers(1, dim - start)))


@few(6)
@given(slices(5), slices(7), SIZES, st.booleans())
def test_slices(first, second, size, in_line):
    check(alone([Conv(5), first], [Conv(7), second, Conv(2)], size=size, in_line=in_line))


@few(6)
@given(st.integers(1, 4), st.integers(1, 3), SIZES, st.booleans())
def test_shuffles(groups, share, size, in_line):
    blocks = [[Conv(groups * share), Shuffle(groups), LayerScale()], [Conv(6), Shuffle(3), Conv(2)]]
    check(alone(*blocks, size=size, in_line=in_line))


def test_slices_and_shuffles_move_channels():
    assert (evaluated(Slice(1, 3), IMAGE) == IMAGE[1:4]).all()
    assert (evaluated(Shuffle(2), IMAGE) == IMAGE[[0, 3, 1, 4, 2, 5]]).all()
    assert (evaluated(Shuffle(3), evaluated(Shuffle(2), IMAGE)) == IMAGE).all()


@pytest.mark.parametrize("op", [Slice(3, 2), Slice(-1, 2), Slice(0, 0), Shuffle(3), Shuffle(0)])
def test_channels_that_are_not_there_are_refused(op):
    with pytest.raises(ShapeError, match=r"of a map of 4|cannot take 4 channels"):
        op.infer((4, 2, 2))


# --------------------------------------------------------------------------------------------------------- resizing


@few(8)
@given(DIMS, st.integers(1, 5), SIZES, st.booleans())
def test_bilinear_resizing(dim, factor, size, in_line):
    check(alone([Conv(dim), Upsample(factor, "bilinear")], [Conv(2), END], size=size, in_line=in_line))


@few(8)
@given(st.integers(1, 5), SIZES, st.sampled_from(("nearest", "bilinear")))
def test_what_resizing_reads(factor, size, mode):
    assert_reads(Upsample(factor, mode), 2, size)


POOLED = """
name: pooled
input: {{size: [{size[0]}, {size[1]}]}}
kinds:
  pooled:
    says: "What the image has in the mean, beside every pixel"
    steps:
      mean: {{global_pool: mean}}
      narrow: {{conv: {dim}}}
      everywhere: {{spread: [narrow, x]}}
      join: {{concat: [everywhere, x]}}
      leave: {{conv: dim, kernel: 3}}
blocks:
  b1: {{kind: conv, level: 0, dim: 3, norm: false, inputs: [image]}}
  b2: {{kind: pooled, level: 0, dim: 2, inputs: [b1]}}
outputs: {{out: b2}}
"""


@few(8)
@given(DIMS, SIZES)
def test_a_pixel_spread_over_a_map(dim, size):
    check(lower(loads(POOLED.format(dim=dim, size=size))))


def test_xla_spreads_a_pixel_without_a_gather():
    assert_compiled_equally(lower(loads(POOLED.format(dim=4, size=(6, 5)))))


def test_all_that_is_spread_is_its_pixel():
    """The size of the other map alone counts."""
    op = Spread()
    assert op.infer((5, 1, 1), (2, 3, 4)) == (5, 3, 4)
    assert [op.reads(0b101, operand, size, 0) for operand, size in ((0, 1), (1, 3))] == [0b1, None]


@pytest.mark.parametrize("pixel", [(5, 1, 2), (5, 2, 1), (5, 3, 4), (5,)])
def test_what_is_no_pixel_is_not_spread(pixel):
    with pytest.raises(ShapeError, match=r"spread takes a"):
        Spread().infer(pixel, (2, 3, 4))


def test_bilinear_values_lie_at_the_centres_of_pixels():
    ramp = np.array([0.0, 4, 8]).reshape(1, 1, 3)
    assert evaluated(Upsample(2, "bilinear"), ramp)[0, 0] == pytest.approx([0, 1, 3, 5, 7, 8])
    third = [0, 0, 4 / 3, 8 / 3, 4, 16 / 3, 20 / 3, 8, 8]
    assert evaluated(Upsample(3, "bilinear"), ramp)[0, 0] == pytest.approx(third)


# ------------------------------------------------------------------------- convolution along channels, and attention


@few(5)
@given(DIMS, st.sampled_from((1, 3, 5, 9)), st.booleans())
def test_channel_conv(dim, kernel, in_line):
    check(alone([Conv(dim), GlobalPool(keep=True), ChannelConv(kernel)], [Conv(2), END], in_line=in_line))


def test_channel_conv_is_its_formula():
    channels, kernel = np.arange(5.0), np.array([2.0, 3, 5])
    found = evaluated(ChannelConv(3), channels.reshape(5, 1, 1), {"kernel": kernel.reshape(1, 1, 3)})
    assert found.ravel() == pytest.approx(np.convolve(channels, kernel[::-1], "same"))
    report = cost(alone([ChannelConv(3)], channels=5, size=(1, 1)))
    assert (report.macs(), report.params) == (3 * 5, 3)


@pytest.mark.parametrize(("kernel", "shape"), [(2, (4, 1, 1)), (3, (4, 1, 2)), (3, (4,))])
def test_channel_conv_takes_one_pixel_and_an_odd_kernel(kernel, shape):
    with pytest.raises(ShapeError, match=r"channel_conv"):
        ChannelConv(kernel).infer(shape)


@pytest.mark.filterwarnings(
    "ignore:You are using a softmax over axis -1"
)  # of one position: Keras asks if that is meant
@few(6)
@given(st.integers(1, 3), st.sampled_from((1, 2, 5)), st.sampled_from(((1, 1), (1, 4), (3, 5))), st.booleans())
def test_attention(heads, share, size, in_line):
    first, second = [Conv(3 * heads * share), Attention(heads)], [Conv(6), Attention(), Conv(2)]
    check(alone(first, second, size=size, in_line=in_line))


def test_attention_is_its_formula():
    query, key, value = IMAGE.reshape(3, 2, 20)
    for heads in (1, 2):
        found = evaluated(Attention(heads), IMAGE).reshape(2, 20)
        for head in np.split(np.arange(2), heads):
            shares = np.exp(query[head].T @ key[head] / math.sqrt(len(head)))
            shares /= shares.sum(1, keepdims=True)
            assert found[head] == pytest.approx((shares @ value[head].T).T)


def test_attention_counts_the_square_of_its_positions():
    report = cost(alone([Attention(2)], channels=12, size=(4, 5)))
    assert {name: report.macs(name) for name in ("conv", "torch", "thop", "fvcore")} == dict.fromkeys(
        ("conv", "torch", "thop", "fvcore"), 2 * 20 * 20 * 4
    )
    assert report.macs("ptflops") == 2 * 20 * 20 * 4 + 2 * 20 * 20
    assert report.macs("profiler") == 2 * 20 * 20 * 4 + 5 * 2 * 20 * 20 / 2 + 20 * 4 / 2
    assert report.params == 0


def test_attention_reads_everything():
    assert_reads(Attention(), 3, (3, 4))


def test_attention_trains_for_twice_its_work():
    """As many multiply-adds again for the gradients of what is multiplied with what, on either side."""
    from torch.utils.flop_counter import FlopCounterMode

    program = alone([Conv(12), Attention(2)], size=(3, 4))
    model, image = live(program)
    result = model(image)
    with FlopCounterMode(display=False) as backward:
        result.backward(torch.ones_like(result))
    step = training_cost(program, len(image))
    assert backward.get_total_flops() == 2 * (step.weights + step.inputs)


def test_attention_needs_all_three_of_every_head():
    with pytest.raises(ShapeError, match="attention of 2 heads takes queries, keys and values"):
        Attention(2).infer((9, 4, 4))
