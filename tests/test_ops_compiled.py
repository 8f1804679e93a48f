"""Every op of test_ops.py and test_ops_of_maps.py in one network: compiled by XLA, exported, in bfloat16, and fresh."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

from alone import alone  # noqa: E402  (after the skips)
from exported import RUNTIMES  # noqa: E402

from spinec.backends.backend import backend  # noqa: E402
from spinec.backends.checkpoints import write_checkpoint  # noqa: E402
from spinec.backends.export import export_model  # noqa: E402
from spinec.backends.sample import sample  # noqa: E402
from spinec.backends.tensorflow.layout import channels_last  # noqa: E402
from spinec.compiler.ops.activation import Activation, Exp, PReLU  # noqa: E402
from spinec.compiler.ops.attention import Attention  # noqa: E402
from spinec.compiler.ops.channels import ChannelConv, LayerScale, Scale, Shuffle, Slice  # noqa: E402
from spinec.compiler.ops.conv import Conv  # noqa: E402
from spinec.compiler.ops.norm import GroupNorm, LayerNorm  # noqa: E402
from spinec.compiler.ops.pool import GlobalPool, Pool  # noqa: E402
from spinec.compiler.ops.resize import Upsample  # noqa: E402

torch.set_num_threads(1)
EVERY = [
    [Conv(12, (3, 4), 2, padding="same"), Activation("leaky_relu", 0.1)],
    [Conv(12, (3, 1), 2), Conv(24, 2, groups=4, padding="same"), GroupNorm(3), Activation("mish")],
    [Conv(72, 3, groups=24, init_mode="fan_in"), LayerNorm(), Activation("gelu_tanh"), LayerScale(0.5)],
    [Shuffle(4), Slice(3, 48), Pool("avg", 2, 1, "same", count_padding=True), Activation("elu")],
    [Pool("avg", 3, 1, count_padding=True), Attention(2), PReLU(), Upsample(3, "bilinear")],
    [Conv(4, bias=True), Scale(0.5), Exp()],
    [Pool("max", 2, 1, "same"), Conv(5, (1, 3), dilation=2, padding="same"), Activation("leaky_relu")],
    [GlobalPool(keep=True), ChannelConv(3), Activation("sigmoid")],
]
PROGRAM = alone(*EVERY, size=(19, 13), every=True)
BAR = 1e-5


@pytest.fixture(scope="module")
def given():
    return sample(PROGRAM)


@pytest.fixture(scope="module")
def images(given):
    return tf.constant(channels_last(given.inputs["image"]))


@pytest.fixture
def model(given):
    found = backend("tensorflow")
    made = found.build(PROGRAM)
    found.write_weights(made, PROGRAM, given.weights)
    return made


def assert_near(found, reference, bar=BAR):
    """Every block's value is the same."""
    assert set(found) == set(reference) == set(PROGRAM.outputs)
    for name, value in reference.items():
        expected = np.asarray(value, "float32")
        assert np.abs(np.asarray(found[name], "float32") - expected).max() <= bar * np.abs(expected).max(), name


def test_compiled_by_xla_it_is_the_same_and_gathers_nothing(model, images):
    compiled = tf.function(lambda x: model(x, training=False), jit_compile=True)
    assert_near(compiled(images), model(images, training=False))
    assert "gather" not in compiled.experimental_get_compiler_ir(images)(stage="hlo")


def test_a_step_of_training_compiled_by_xla_is_the_same(model, images):
    weights = [variable.value for variable in model.trainable_weights]

    def gradients(x):
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_mean(value**2) for value in model(x, training=True).values()])
        return tape.gradient(loss, weights)

    compiled, eager = tf.function(gradients, jit_compile=True)(images), gradients(images)
    largest = max(np.abs(each).max() for each in eager)
    assert max(np.abs(a - b).max() for a, b in zip(compiled, eager, strict=True)) <= BAR * largest


@pytest.mark.parametrize("form", [form for form in RUNTIMES if form != "keras"])  # whose writer lowers a spec itself
def test_an_exported_file_gives_what_the_live_model_gives(form, given, tmp_path):
    owner, ending, needs, run_file = RUNTIMES[form]
    for module in needs:
        pytest.importorskip(module)
    path, weights = tmp_path / f"model{ending}", tmp_path / "weights.safetensors"
    write_checkpoint(weights, PROGRAM, given.weights)
    export_model(PROGRAM, form, path, weights)
    live = backend(owner).build(PROGRAM)
    backend(owner).write_weights(live, PROGRAM, given.weights)
    seen = backend(owner).observe(live, PROGRAM, given.inputs)
    assert_near(run_file(PROGRAM, path, given.inputs), seen)


def test_a_saved_model_gives_what_the_live_model_gives(model, images, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_near(loaded(images, training=False), model(images, training=False))


def test_mixed_precision_computes_in_bfloat16(model, given, images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = backend("tensorflow").build(PROGRAM)
    finally:
        keras.config.set_dtype_policy("float32")
    backend("tensorflow").write_weights(mixed, PROGRAM, given.weights)
    found = mixed(images, training=False)
    assert {value.dtype for value in found.values()} == {tf.bfloat16}
    assert_near(found, model(images, training=False), 0.05)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_fresh_weights_are_drawn_as_pytorch_draws_them(mode):
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    wide = alone(
        [Conv(64, (5, 1), bias=True, init_mode=mode), Conv(96, (1, 7), groups=4, init_mode=mode)],
        [Conv(192, 3, groups=96, init_mode=mode), Conv(192, (3, 5), groups=192, init_mode=mode)],
        [LayerNorm(), GroupNorm(3), LayerScale(0.3), Scale(0.7), PReLU(0.1), GlobalPool(keep=True), ChannelConv(2001)],
        mode=mode,
    )
    drawn, reference = (
        found.read_weights(found.build(wide), wide) for found in map(backend, ("tensorflow", "pytorch"))
    )
    for name, expected in reference.items():
        if name.endswith("kernel"):
            assert drawn[name].std() == pytest.approx(expected.std(), rel=12 / np.sqrt(2 * expected.size)), name
        else:
            assert drawn[name] == pytest.approx(expected), name
