"""The TensorFlow backend: the same network as PyTorch's at every block, in inference and in training."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import specs

import spinec.compiler.ops
from spinec import BackendError, build, emit, load, loads, lower, names, scale
from spinec.backends.backend import backend
from spinec.backends.prelude import pieces
from spinec.backends.tensorflow.layout import channels_last
from spinec.backends.verify import Course, Difference, Training, compare
from spinec.compiler.ops.base import Op
from spinec.compiler.ops.norm import BatchNorm

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

# One or more of every family, with every block kind, resampling and head: the rest is in docs/parity.md.
FAMILIES = """eff-spinenet-d0 eff-spinenet-d0-classification eff-spinenet-d0-segmentation eff-spinenet-d1 eff-spinenet-m0
    eff-spinenet-d0-no-space-to-depth eff-spinenet-d0-no-space-to-depth-sum-fusion efficientnet-b0 efficientnet-b0-fpn
    efficientdet-d0 resnet-18 resnet-50 spinenet-49s spinenet-mbconv-49xs mobilenet-v2-deeplab-v3 mobilenet-v2-fpnlite
    mobilenet-v2-x0.7-mnasfpn mobilenet-v3-small mobilenet-v3-large-ssdlite mnasnet-a1""".split()
# Those of them that together have all that any has: they are trained, and compared at odd sizes in double precision.
DISTINCT = """eff-spinenet-d0 eff-spinenet-d0-classification eff-spinenet-d0-segmentation
    eff-spinenet-d0-no-space-to-depth-sum-fusion efficientdet-d0 efficientnet-b0-fpn resnet-50
    spinenet-49s mobilenet-v2-deeplab-v3 mobilenet-v2-x0.7-mnasfpn mobilenet-v3-small
    mobilenet-v3-large-ssdlite""".split()
PYTORCH, TENSORFLOW = backend("pytorch"), backend("tensorflow")
FREE = {"dim", "groups", "height", "width", "rate", "size"}  # fields of ops that any number fits
BARS = {"float32": 1e-5, "float64": 1e-12}
ALLOWED_IMPORTS = {"collections", "functools", "keras", "math", "typing"}

MIXED = """
name: mixed{variant}
input: {{size: 96}}
padding: {padding}
defaults: {{kind: mbconv, kernel: 5, expand: 4, squeeze: 0.25, activation: hard_swish}}
stochastic_depth: {{rate: 0.3}}
resample: {{down: max_pool, channel_order: block_major}}
fuse: {{kind: softmax}}
init: {{mode: fan_in, scale: 1.0}}
blocks:
  stem: {{level: 1, kind: conv, dim: 8, kernel: 5, inputs: [image]}}
  b1: {{level: 1, kind: conv, dim: 8, norm: false, activation: gelu, inputs: [stem]}}
  b2: {{level: 2, kind: separable_conv, dim: 12, activation: relu6, inputs: [b1]}}
  b3: {{level: 2, kind: separable_conv, dim: 12, norm: false, activation: relu, inputs: [b1, b2]}}
  b4: {{level: 3, kind: residual, dim: 12, activation: relu, inputs: [b3], repeats: 2}}
  b5: {{level: 3, kind: bottleneck, dim: 16, activation: sigmoid, inputs: [b3, b4], repeats: 2, fuse: {{kind: sum}}}}
  b6: {{level: 4, kind: fused_mbconv, dim: 16, inputs: [b5], repeats: 2}}
  b7: {{level: 4, kind: fused_mbconv, expand: 1, squeeze: 0.5, squeeze_base: hidden, dim: 16,
        inputs: [b6, {{from: b5, down: avg_pool}}], fuse: {{kind: concat}}}}
  b8: {{level: 5, dim: 24, expand: 1, kernel: 3, inputs: [b7]}}
  b9: {{level: 5, dim: 20, inputs: [{{from: b7, down: conv}}, {{from: b4, down: conv}}, {{from: b8, match: always}},
        {{from: b5, down: depthwise}}, {{from: b3, down: space_to_depth}}]}}
  b10: {{level: 3, kind: identity, dim: 16, activation: none, inputs: [b9, b5]}}
outputs: {{P3: b10, P5: b9}}
endpoints: {{dim: 16, activation: relu}}
head: {{kind: classification, classes: 10, dropout: 0.3}}
"""
DILATED = """
name: dilated{variant}
input: {{size: [40, 45]}}
padding: {padding}
defaults: {{kind: mbconv, expand: 2}}
blocks:
  b1: {{level: 1, kind: conv, dim: 8, kernel: 3, dilation: 2, inputs: [image]}}
  b2: {{level: 3, dim: 8, dilation: 2, inputs: [b1]}}
  b3: {{level: 4, kind: residual, dim: 8, dilation: 3, inputs: [b2]}}
  b4: {{level: 5, kernel: 1, dim: 8, dilation: 2, inputs: [b3]}}
outputs: {{P3: b2, P5: b4}}
endpoints: {{dim: 8}}
"""
VARIANTS = {
    "mixed": MIXED.format(variant="", padding="symmetric"),
    "mixed-same": MIXED.format(variant="-same", padding="same"),
    "dilated": DILATED.format(variant="", padding="symmetric"),
    "dilated-same": DILATED.format(variant="-same", padding="same"),
}
# Blocks and outputs that are called as something that generated source calls.
AWKWARD = """
name: conv2d
input: {size: 64}
defaults: {kind: mbconv, expand: 2, squeeze: 0.25}
blocks:
  chain: {level: 1, kind: conv, dim: 8, inputs: [image]}
  gelu: {level: 2, dim: 8, inputs: [chain]}
  padded: {level: 2, dim: 8, expand: 1, inputs: [chain, gelu]}
  outputs: {level: 3, dim: 8, inputs: [gelu, padded]}
  initializer: {level: 4, dim: 8, inputs: [outputs, padded]}
outputs: {ConvNorm: initializer, SpaceToDepth: outputs, MBConv: padded, LEVELS: gelu}
endpoints: {dim: 8}
head: {kind: classification, classes: 4}
"""


@pytest.fixture(autouse=True)
def clean():
    """One thread, since two frameworks' pools fight over two cores; a fresh graph of Keras for every test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    keras.utils.clear_session(free_memory=False)  # the collector comes by itself: each call of it takes a second


def spec_of(name):
    return loads(VARIANTS[name]) if name in VARIANTS else load(name)


def thin_spec_of(name):
    """A quarter as wide: float64 and training cost what widths cost, and what they find does not depend on them."""
    spec = spec_of(name)
    return spec if name in VARIANTS else scale(spec, width=0.25)


def randomised(weights):
    """Weights with nothing at its default: statistics, scales and shifts at random, some fusion weights below zero."""
    random = np.random.default_rng(0)
    draw = {
        "variance": lambda shape: random.uniform(0.5, 2.0, shape),
        "scale": lambda shape: random.uniform(0.5, 1.5, shape),
        "fusion": lambda shape: random.uniform(-0.3, 1.5, shape),
        "shift": lambda shape: random.normal(0, 0.3, shape),
        "mean": lambda shape: random.normal(0, 0.3, shape),
        "bias": lambda shape: random.normal(0, 0.3, shape),
    }
    roles = {name: name.rpartition(".")[2] for name in weights}
    drawn = {name: draw[role](weights[name].shape) for name, role in roles.items() if role in draw}
    return {**weights, **drawn}


def images_for(program, batch=2, dtype="float32"):
    return np.random.default_rng(1).normal(size=(batch, *program.input_shape)).astype(dtype)


def error(found, reference):
    assert found.shape == reference.shape
    return np.abs(found - reference).max() / max(np.abs(reference).max(), 1e-30)


def assert_equal_everywhere(program, precision):
    found = compare(program, precision).found
    assert {each.value for each in found} == set(program.observable)
    assert not [each for each in found if not each.error <= BARS[precision]]


# ---------------------------------------------------------------------------------------------------- rules, source


def test_every_op_has_a_rule_in_every_backend():
    for module in iter_modules(spinec.compiler.ops.__path__):
        import_module(f"spinec.compiler.ops.{module.name}")
    ops = {op.__name__ for op in Op.__subclasses__()}
    assert len(ops) >= 16
    for name in ("pytorch", "tensorflow"):
        assert {op.__name__ for op in import_module(f"spinec.backends.{name}.rules").RULES} == ops


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_a_missing_rule_is_an_error_before_any_output(name, monkeypatch):
    rules = import_module(f"spinec.backends.{name}.rules").RULES
    monkeypatch.delitem(rules, BatchNorm)
    with pytest.raises(BackendError, match="has no rule for the op 'batch_norm'"):
        emit(lower(load("efficientnet-b0")), name)


def test_emit_loads_no_framework():
    emitted = "spinec.emit(spinec.lower(spinec.load('eff-spinenet-d0')), 'tensorflow')"
    code = f"import sys, spinec; {emitted}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "spinec.backends.tensorflow.rules" in loaded
    assert not {"keras", "tensorflow", "torch", "jax"} & set(loaded)


@pytest.fixture(scope="module")
def sources():
    """Emitted source of the library at two sizes, of all variants, and of random specs."""
    texts = [emit(lower(load(name), size), "tensorflow") for name in names() for size in (None, (75, 91))]
    texts += [emit(lower(loads(text)), "tensorflow") for text in (*VARIANTS.values(), AWKWARD)]

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(specs())
    def collect(text):
        texts.append(emit(lower(loads(text)), "tensorflow"))

    collect()
    return texts


def test_source_is_formatted_and_lint_clean(sources, tmp_path):
    for i, text in enumerate(sources):
        (tmp_path / f"source{i}.py").write_text(text)
    for command in (["check", "--isolated", "."], ["format", "--isolated", "--check", "."]):
        result = subprocess.run([sys.executable, "-m", "ruff", *command], cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout


def test_source_imports_keras_alone_and_mentions_every_piece_it_copies(sources):
    prelude = set(pieces(import_module("spinec.backends.tensorflow.printer").PRELUDE))
    for text in sources:
        tree = ast.parse(text)
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = {getattr(node, "module", None) or node.names[0].name for node in imports}
        assert {module.partition(".")[0] for module in modules} <= ALLOWED_IMPORTS
        defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert prelude & defined <= used
        assert max(map(len, text.splitlines())) <= 88


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_a_dim_of_one_is_not_taken_for_what_else_is_one(name):
    text = emit(lower(load("eff-spinenet-m0")), name)  # where a squeezed dim is 1, as strides and groups are
    assert "squeezed=squeezed" in text or "hidden, squeezed" in text
    assert not {
        f"{what}=squeezed" for what in ("stride", "strides", "groups", "kernel_size") if f"{what}=squeezed" in text
    }


def test_source_is_stable(sources):
    again = [emit(lower(load(name), size), "tensorflow") for name in names()[:3] for size in (None, (75, 91))]
    assert sources[: len(again)] == again


def test_names_of_layers_are_paths_of_the_graph():
    for name in ("eff-spinenet-m0", "mixed"):
        program = lower(spec_of(name), 64)
        model = build(program, "tensorflow")
        layers = {layer.name: layer for layer in model.layers}
        assert len(layers) == len(model.layers)
        assert {step.module for step in program.steps} <= set(layers)
        others = set(layers) - {step.module for step in program.steps} - {"image"}
        for other in others:
            kind = type(layers[other]).__name__
            assert (kind == "ZeroPadding2D" and other.removesuffix("_pad") in layers) or kind == "Identity", other
        assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == sum(
            int(np.prod(shape)) for shape in program.weights.values()
        )


def test_blocks_may_be_called_as_what_generated_source_calls():
    program = lower(loads(AWKWARD))
    assert "def conv2d_2(" in emit(program, "tensorflow")
    assert_equal_everywhere(program, "float64")


# ------------------------------------------------------------------------------------------------------- inference


@pytest.mark.parametrize("name", [*FAMILIES, *VARIANTS])
def test_every_block_is_that_of_pytorch(name):
    assert_equal_everywhere(lower(spec_of(name), 64), "float32")


def test_the_distinct_specs_have_all_that_any_has():
    def had(names):
        ops = [step.op for name in names for step in lower(spec_of(name)).steps]
        kinds = {
            (type(op), key.name, getattr(op, key.name)) for op in ops for key in fields(op) if key.name not in FREE
        }
        return kinds | {type(op) for op in ops} | {type(spec_of(name).head) for name in names}

    assert set(DISTINCT) <= set(FAMILIES)
    assert had([*FAMILIES, *VARIANTS]) == had([*DISTINCT, *VARIANTS])


@pytest.mark.parametrize("name", [*DISTINCT, *VARIANTS])
def test_every_block_is_exactly_that_of_pytorch_at_odd_sizes(name):
    assert_equal_everywhere(lower(thin_spec_of(name), (75, 91)), "float64")


@settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(specs(most_blocks=8, most_pixels=96, most_dim=16))
def test_random_networks_are_those_of_pytorch(text):
    assert_equal_everywhere(lower(loads(text)), "float64")


@pytest.mark.parametrize("text", [AWKWARD, VARIANTS["mixed"]])
def test_compiled_by_xla_it_is_the_same_and_gathers_nothing(text):
    import tensorflow as tf

    program = lower(loads(text).model_copy(update={"head": None}), (75, 91))
    model = build(program, "tensorflow")
    images = tf.constant(channels_last(images_for(program)))
    compiled = tf.function(lambda x: model(x, training=False), jit_compile=True)
    eager, fast = model(images, training=False), compiled(images)
    assert set(eager) == set(fast) == set(program.outputs)
    assert max(error(fast[name].numpy(), eager[name].numpy()) for name in eager) <= 1e-5
    assert "gather" not in compiled.experimental_get_compiler_ir(images)(stage="hlo")


def test_mixed_precision_computes_in_bfloat16():
    program = lower(spec_of("mixed"))
    weights = randomised(PYTORCH.read_weights(PYTORCH.build(program), program))
    images = channels_last(images_for(program))
    results = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = TENSORFLOW.build(program)
        finally:
            keras.config.set_dtype_policy("float32")
        TENSORFLOW.write_weights(model, program, weights)
        results[policy] = model(images, training=False)
        assert model(images, training=True).dtype == results[policy].dtype
    assert results["mixed_bfloat16"].dtype == "bfloat16"
    rounded = keras.ops.convert_to_numpy(keras.ops.cast(results["mixed_bfloat16"], "float32"))
    assert error(rounded, keras.ops.convert_to_numpy(results["float32"])) < 0.05


def test_run_gives_channels_first_and_repeats_itself():
    spec = spec_of("mixed").model_copy(update={"head": None})
    program = lower(spec, (75, 91))
    image = images_for(program)[0]
    first, second, other = (TENSORFLOW.run(program, image, seed) for seed in (3, 3, 4))
    assert {name: value.shape for name, value in first.items()} == program.outputs
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["P3"], other["P3"])


def test_a_framework_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(import_module("spinec.backends.installed"), "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"pip install 'spinec\[tensorflow\]'"):
        build(lower(load("eff-spinenet-m0"), 64), "tensorflow")


# -------------------------------------------------------------------------------------------------------- training


def assert_trains_equally(program, precision, steps):
    found = Course(program, steps=steps, batch=4).compare(precision)
    assert {each.value for each in found.values} == set(program.observable)
    assert {each.value for each in found.gradients} == set(program.weights)
    assert {each.value for each in found.statistics} == set(program.state)
    assert len(found.losses) == steps
    assert (found.rounding > 0) == (precision == "float32")
    assert not {what: each for what, (each, bar) in found.worst.items() if not each.error <= bar}


@pytest.mark.parametrize("name", [*DISTINCT, "mixed"])
def test_training_is_that_of_pytorch(name):
    """One step shows every gradient and statistic; further ones follow from these, as the next tests hold."""
    assert_trains_equally(lower(thin_spec_of(name), 128), "float64", 1)


def test_ten_steps_of_training_are_those_of_pytorch():
    assert_trains_equally(lower(spec_of("mixed-same"), (75, 91)), "float64", 10)


def test_training_is_that_of_pytorch_in_single_precision():
    assert_trains_equally(lower(thin_spec_of("efficientnet-b0"), 128), "float32", 5)


@pytest.mark.parametrize(("rounding", "bar"), [(0.0, 1e-4), (3e-5, 1e-4), (1e-3, 3e-3)])
def test_losses_may_be_apart_by_what_rounding_does_to_them_and_gradients_may_not(rounding, bar):
    same = [Difference("b1", (), 0.0)]
    worst = Training(same, same, same, same, rounding, "float32").worst
    assert {what: held for what, (_, held) in worst.items()} == {
        "values": 1e-5,
        "statistics": 1e-5,
        "gradients": 1e-4,
        "losses": bar,
    }


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_stochastic_depth_leaves_out_whole_images_at_its_rate(dtype):
    module = import_module("spinec.backends.tensorflow.prelude")
    for rate in (0.0, 0.0033, 0.2):
        image = keras.Input((2, 2, 3))
        model = keras.Model(image, module.StochasticDepth(rate, dtype=dtype)(image))
        x = np.ones((20_000, 2, 2, 3), "float32")
        kept = keras.ops.convert_to_numpy(keras.ops.cast(model(x, training=True), "float32"))
        assert np.all(kept == kept[:, :1, :1, :1])
        dropped = (kept[:, 0, 0, 0] == 0).mean()
        assert abs(dropped - rate) <= 5 * np.sqrt(rate * (1 - rate) / len(x))
        assert abs(kept.max() * (1 - rate) - 1) < (1e-6 if dtype == "float32" else 0.01)
        assert np.all(keras.ops.convert_to_numpy(keras.ops.cast(model(x, training=False), "float32")) == 1)


@pytest.mark.parametrize("name", ["eff-spinenet-d0", "mixed", "efficientnet-b0"])
def test_fresh_weights_are_drawn_as_pytorch_draws_them(name):
    program = lower(spec_of(name), 64)
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    drawn, reference = (b.read_weights(b.build(program), program) for b in (TENSORFLOW, PYTORCH))
    for weight, expected in reference.items():
        if weight.endswith("kernel"):
            spread = 6 / np.sqrt(2 * expected.size)
            assert drawn[weight].std() == pytest.approx(expected.std(), rel=2 * spread), weight
            assert not np.array_equal(drawn[weight], expected)
        else:
            assert drawn[weight] == pytest.approx(expected), weight
    largest = max((w for w in drawn if w.endswith("kernel") and drawn[w].ndim == 4), key=lambda w: drawn[w].size)
    assert np.abs(drawn[largest]).max() > 3 * drawn[largest].std()  # a truncated normal ends at 2.3


# -------------------------------------------------------------------------------------------------- weights, files


@pytest.mark.parametrize("name", ["eff-spinenet-m0", "mixed", "efficientnet-b0"])
@pytest.mark.parametrize("backend", [PYTORCH, TENSORFLOW])
def test_weights_come_back_as_they_were_written(name, backend):
    program = lower(spec_of(name), 64)
    model = backend.build(program)
    fresh = backend.read_weights(model, program)
    assert {name: value.shape for name, value in fresh.items()} == {**program.weights, **program.state}
    weights = {name: value.astype("float32") for name, value in randomised(fresh).items()}
    backend.write_weights(model, program, weights)
    copies = {name: value.copy() for name, value in weights.items()}
    for value in weights.values():
        value.fill(7)  # what was given is not what the model keeps
    read = backend.read_weights(model, program)
    assert all(np.array_equal(read[name], copies[name]) for name in copies)
    for value in read.values():
        value.fill(7)
    read = backend.read_weights(model, program)
    assert all(np.array_equal(read[name], copies[name]) for name in copies)


@pytest.mark.parametrize("backend", [PYTORCH, TENSORFLOW])
def test_weights_that_do_not_fit_are_all_named_and_nothing_is_written(backend):
    program = lower(load("eff-spinenet-m0"), 64)
    model = backend.build(program)
    before = backend.read_weights(model, program)
    weights = {name: value + 1 for name, value in before.items()}
    weights["b99.conv.kernel"] = weights.pop("stem.conv.kernel")
    weights["b3.fuse.fusion"] = np.ones(3, "float32")
    with pytest.raises(BackendError) as caught:
        backend.write_weights(model, program, weights)
    missing, wrong = "stem.conv.kernel: missing, expected 8 x 3 x 3 x 3", "b3.fuse.fusion: expected 2, got 3"
    for part in (missing, wrong, "b99.conv.kernel: eff-spinenet-m0 has no such weight"):
        assert part in str(caught.value)
    after = backend.read_weights(model, program)
    assert all(np.array_equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("backend", [PYTORCH, TENSORFLOW])
def test_a_model_of_another_program_is_refused(backend):
    model = backend.build(lower(load("eff-spinenet-m0"), 64))
    with pytest.raises(BackendError, match=r"stem.conv.kernel: expected 16 x 3 x 3 x 3, the model has 8 x 3 x 3 x 3"):
        backend.read_weights(model, lower(load("eff-spinenet-d0"), 64))


# A network of layers that source registers with Keras, and of little else: JAX compiles each shape by itself.
REGISTERED = """
name: registered
input: {size: 64}
defaults: {kind: mbconv, expand: 2, squeeze: 0.25}
stochastic_depth: {rate: 0.3}
fuse: {kind: softmax}
blocks:
  stem: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b1: {level: 2, dim: 8, repeats: 2, inputs: [stem]}
  b2: {level: 3, dim: 8, inputs: [b1, {from: stem, down: space_to_depth}]}
outputs: {P3: b2}
endpoints: {dim: 8}
head: {kind: classification, classes: 4}
"""
RELOAD = """
import sys, numpy, keras
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("network", sys.argv[1] + "/network.py")
spec.loader.exec_module(module_from_spec(spec))
model = keras.saving.load_model(sys.argv[1] + "/model.keras")
arrays = numpy.load(sys.argv[1] + "/images.npz")
found = model.predict(arrays["images"], verbose=0)
difference = abs(found - arrays["result"]).max() / abs(arrays["result"]).max()
assert difference <= float(sys.argv[2]), difference
assert {type(layer).__name__ for layer in model.layers} >= {"SoftmaxSum", "SpaceToDepth", "StochasticDepth"}
"""


@pytest.mark.parametrize(
    ("framework", "bar"),
    [("tensorflow", 1e-6), ("jax", BARS["float32"])],  # the same but for the order in which threads add
)
def test_a_saved_model_loads_in_a_process_that_imported_the_source(framework, bar, tmp_path):
    pytest.importorskip(framework)
    program = lower(loads(REGISTERED))
    model = build(program, "tensorflow")
    TENSORFLOW.write_weights(model, program, randomised(TENSORFLOW.read_weights(model, program)))
    images = channels_last(images_for(program))
    (tmp_path / "network.py").write_text(emit(program, "tensorflow"))
    model.save(tmp_path / "model.keras")
    result = keras.ops.convert_to_numpy(model(images, training=False))
    np.savez(tmp_path / "images.npz", images=images, result=result)
    command = [sys.executable, "-c", RELOAD, str(tmp_path), str(bar)]
    environment = {**os.environ, "KERAS_BACKEND": framework}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
