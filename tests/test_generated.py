"""Generated PyTorch source: what a reviewer, a type checker, torch.compile and a training loop make of it."""

import ast
import importlib
import math
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from spinec import build, emit, load, loads, lower, names
from spinec.backends.backend import backend_names
from spinec.compiler.ops.norm import BatchNorm

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parent.parent

RESNET = """
name: small-resnet
input: {size: 64}
defaults: {activation: relu}
stochastic_depth: {rate: 0.3}
blocks:
  stem: {level: 1, kind: conv, dim: 8, kernel: 7, inputs: [image]}
  r1: {level: 2, kind: residual, dim: 8, inputs: [stem], repeats: 2}
  r2: {level: 3, kind: bottleneck, dim: 32, inputs: [r1], repeats: 3}
outputs: {C3: r2}
head: {kind: classification, classes: 10}
"""


def test_there_is_a_pytorch_backend():
    assert "pytorch" in backend_names()


@pytest.mark.parametrize("name", names())
def test_source_imports_torch_and_the_standard_library_alone(name):
    tree = ast.parse(emit(lower(load(name)), "pytorch"))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert "torch" in imported
    assert imported <= {"torch", "math", "functools"}


def test_source_type_checks_in_strict_mode(tmp_path):
    for name in ("eff-spinenet-d1", "eff-spinenet-d0-segmentation", "efficientnet-b0"):
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(emit(lower(load(name)), "pytorch"))
    (tmp_path / "resnet.py").write_text(emit(lower(loads(RESNET)), "pytorch"))
    command = [
        sys.executable,
        "-m",
        "mypy",
        *tmp_path.iterdir(),
    ]  # by the project's own rules, whose cache knows PyTorch
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_a_free_text_cannot_leave_its_docstring():
    spec = load("eff-spinenet-m0").model_copy(update={"source": '"""\nimport os\nos.abort()\n"""\\'})
    tree = ast.parse(emit(lower(spec), "pytorch"))
    assert isinstance(tree.body[0], ast.Expr)
    assert not any(
        alias.name == "os" for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    )


def test_tracebacks_show_the_generated_lines():
    model = build(lower(load("eff-spinenet-m0")))
    with pytest.raises(RuntimeError) as raised:
        model(torch.zeros(1, 4, 256, 256))
    assert "stem = self.stem(image)" in "".join(traceback.format_exception(raised.value))


def test_the_live_module_is_picklable():
    model = build(lower(loads(RESNET)))
    again = pickle.loads(pickle.dumps(model))
    assert again.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize("name", ["eff-spinenet-m0", "eff-spinenet-d0-classification"])
def test_compiles_and_exports_without_graph_breaks(name):
    program = lower(load(name), 96)
    model, image = build(program).eval(), torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        expected = model(image)
        compiled = torch.compile(model, fullgraph=True, backend="aot_eager")(image)
    exported = torch.export.export(model, (image,)).module()(image)
    for key, value in expected.items() if isinstance(expected, dict) else [(None, expected)]:
        for other in (compiled, exported):
            torch.testing.assert_close(other if key is None else other[key], value, rtol=1e-4, atol=1e-5)


def test_norms_are_what_the_spec_says():
    spec = load("eff-spinenet-m0")
    norm = spec.norm.model_copy(update={"epsilon": 0.01, "momentum": 0.9})
    model = build(lower(spec.model_copy(update={"norm": norm})))
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert {(module.eps, module.momentum) for module in norms} == {(0.01, 0.1)}


def test_kernels_start_with_the_variance_asked_for():
    torch.manual_seed(0)
    model = build(lower(load("eff-spinenet-d2")))
    conv = model.b12.body[0].expand_conv
    assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / conv.out_channels), rel=0.02)
    depthwise = model.b12.body[0].depthwise_conv
    assert depthwise.weight.std().item() == pytest.approx(math.sqrt(2 / 9), rel=0.03)
    assert model.b12.body[0].squeeze_excite.reduce.bias.abs().max() == 0


def test_initialisation_is_a_field():
    torch.manual_seed(0)
    spec = load("eff-spinenet-d0")
    init = spec.init.model_copy(update={"scale": 1.0, "mode": "fan_in"})
    model = build(lower(spec.model_copy(update={"init": init})))
    conv = model.b12.body.expand_conv
    assert conv.weight.std().item() == pytest.approx(math.sqrt(1 / conv.in_channels), rel=0.02)


def test_the_class_subnet_starts_at_its_prior():
    model = build(lower(load("eff-spinenet-m0")))
    assert torch.sigmoid(model.class_subnet.predict.pointwise.bias).mean().item() == pytest.approx(0.01, rel=1e-5)
    assert model.box_subnet.predict.pointwise.bias.abs().max() == 0


def test_residual_blocks_start_as_their_shortcut():
    model = build(lower(loads(RESNET)))
    assert model.r1[0].second_norm.weight.abs().max() == 0
    assert model.r2[2].expand_norm.weight.abs().max() == 0
    assert model.r2[2].reduce_norm.weight.min() == 1
    plain = RESNET.replace("kind: residual,", "kind: residual, zero_gamma: false,")
    assert build(lower(loads(plain))).r1[0].second_norm.weight.min() == 1


def test_stochastic_depth_grows_linearly_and_leaves_out_whole_branches():
    model = build(lower(loads(RESNET)))
    rates = [module.rate for module in model.modules() if type(module).__name__ == "StochasticDepth"]
    assert rates == pytest.approx([0.3 * i / 5 for i in range(5)])
    drop = type(next(m for m in model.modules() if type(m).__name__ == "StochasticDepth"))(0.25).train()
    torch.manual_seed(0)
    kept = drop(torch.ones(20_000, 2, 1, 1))
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (kept[:, 0] == kept[:, 1]).all()
    assert kept.mean().item() == pytest.approx(1, abs=0.02)
    assert (drop.eval()(torch.ones(4, 1, 1, 1)) == 1).all()


def test_fusion_is_equation_one():
    model = build(lower(load("eff-spinenet-m0")))
    fuse = model.b16.fuse
    with torch.no_grad():
        fuse.weight.copy_(torch.tensor([2.0, -1.0, 1.0]))
    a, b, c = torch.randn(3, 1, 4, 2, 2)
    torch.testing.assert_close(fuse(a, b, c), (2 * a + 0 * b + 1 * c) / (3 + 0.001))


def test_levels_share_convolutions_and_not_norms():
    model = build(lower(load("eff-spinenet-m0")))
    keys = model.state_dict().keys()
    assert "class_subnet.conv1.depthwise.weight" in keys
    assert {f"class_subnet.norm1.P{level}.weight" for level in range(3, 8)} <= keys
    assert not any("conv1.P" in key for key in keys)


def test_state_dict_keys_follow_block_names():
    model = build(lower(load("eff-spinenet-d1")))
    assert "b10.resample1.0.conv.weight" in model.state_dict()
    assert "b10.body.1.squeeze_excite.reduce.bias" in model.state_dict()


PLAIN = """
name: plain
input: {size: 64}
defaults: {kind: mbconv, shortcut: false}
blocks:
  stem: {level: 1, kind: conv, dim: 16, inputs: [image]}
  b1: {level: 2, dim: 16, repeats: 2, inputs: [stem]}
  b2: {level: 3, expand: 1, dim: 24, inputs: [b1]}
outputs: {P3: b2}
"""


def test_a_class_has_one_argument_for_equal_dims_and_says_what_keeps_a_shortcut_away():
    source = emit(lower(loads(PLAIN)), "pytorch")
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    makers = {name: node.body[1] for name, node in classes.items() if name != "Plain"}
    arguments = {name: [each.arg for each in maker.args.args[1:]] for name, maker in makers.items()}
    docs = {name: ast.get_docstring(node) for name, node in classes.items()}
    assert arguments["MBConvDown"] == arguments["MBConvPlain"] == ["dim"]
    assert docs["MBConvDown"] == "Inverted bottleneck without a shortcut: the shape changes."
    assert docs["MBConvPlain"] == "Inverted bottleneck without a shortcut."
    assert arguments["MBConvUnexpandedDown"] == ["in_dim", "dim"]
    assert "* 1" not in source


# ------------------------------------------------------------------------------------------ what users take and change


def model_class(program):
    return type(build(program))


@pytest.mark.parametrize("name", names())
def test_features_come_alone_and_say_what_they_are(name):
    program = lower(load(name), 64)
    model, image = build(program).eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        found = model.forward_features(image) if program.spec.head else model(image)
        found = found if isinstance(found, dict) else dict(zip(program.features, [found], strict=True))
    assert {key: value.shape[1] for key, value in found.items()} == model.out_channels
    assert {key: -(-64 // stride) for key, stride in model.strides.items()} == {
        key: value.shape[2] for key, value in found.items()
    }


@pytest.mark.parametrize(
    "name",
    [
        *("efficientnet-b0", "eff-spinenet-d0", "eff-spinenet-d0-segmentation", "eff-spinenet-d0-mask-rcnn"),
        *("mobilenet-v3-large-ssdlite", "resnet-101-deeplab-v3"),
    ],
)
def test_a_model_takes_another_number_of_classes(name):
    """The other number gives what a spec with that number gives, layer by layer."""
    spec = load(name)
    head = spec.head.model_copy(update={"classes": 7})
    program = lower(spec, 128)
    other = model_class(program)(classes=7).state_dict()
    expected = build(lower(spec.model_copy(update={"head": head}), 128)).state_dict()
    assert {key: value.shape for key, value in other.items()} == {key: value.shape for key, value in expected.items()}
    assert other.keys() == model_class(program)().state_dict().keys()


def test_the_header_says_what_made_the_file():
    program = lower(load("eff-spinenet-d0"), (100, 172))
    text = emit(program, "pytorch")
    line = "Made by: spinec compile eff-spinenet-d0 -b pytorch --size 100x172"
    assert line in text.splitlines()
    command = [sys.executable, "-m", "spinec", *line.split()[3:]]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == text
    assert "Made by: spinec compile plain.yaml -b tensorflow" in emit(lower(loads(PLAIN)), "tensorflow")


def test_numbers_of_the_head_are_said_once_and_norms_made_in_one_place():
    text = emit(lower(load("eff-spinenet-d0")), "pytorch")
    assert "ANCHORS = 9  # anchors per cell: 3 scales x 3 ratios" in text
    assert "predictions=ANCHORS * classes" in text
    assert "logit(PRIOR)" in text
    assert not [number for number in ("819", "4.595") if number in text.replace("# (819", "")]
    assert text.count("eps=") == 1


def test_norms_that_differ_keep_their_settings():
    text = emit(lower(load("convnext-atto")), "tensorflow")
    assert "layer_norm = partial(layers.LayerNormalization, epsilon=1e-06)" in text
    assert "epsilon" not in text.split("layer_norm = ")[1].split("\n", 1)[1]
    half = RESNET.replace("blocks:", "norm: {kind: layer}\nblocks:")
    assert "batch_norm" not in emit(lower(loads(half)), "pytorch")


# -------------------------------------------------------------------------------------------- cells that a neck repeats

NECK = """
name: neck
input: {size: 64}
resample: {down: max_pool}
blocks:
  stem: {level: 2, kind: conv, dim: 8, inputs: [image]}
  c3: {level: 3, kind: conv, dim: 8, inputs: [stem]}
  up_1: {level: 2, kind: conv, dim: 8, inputs: [stem, c3]}
  down_1: {level: 3, kind: conv, dim: 8, inputs: [c3, up_1]}
  up_2: {level: 2, kind: conv, dim: 8, inputs: [up_1, down_1]}
  down_2: {level: 3, kind: conv, dim: 8, inputs: [down_1, up_2]}
  up_3: {level: 2, kind: conv, dim: 8, inputs: [up_2, down_2]}
  down_3: {level: 3, kind: conv, dim: 8, inputs: [down_2, up_3]}
  up_4: {level: 2, kind: conv, dim: 8, inputs: [up_3, down_3]}
  down_4: {level: 3, kind: conv, dim: 8, inputs: [down_3, up_4]}
outputs: {P2: up_4, P3: down_4}
"""
LOOP = "for k in range(2, 5):"
NO_LOOP = {
    "a value is read from the middle": NECK.replace("P3: down_4}", "P3: down_4, other: q}").replace(
        "outputs:", "  q: {level: 3, kind: conv, dim: 8, inputs: [down_3]}\noutputs:"
    ),
    "the old value is read behind the new one": NECK.replace("[down_1, up_2]", "[down_1, up_1, up_2]")
    .replace("[down_2, up_3]", "[down_2, up_2, up_3]")
    .replace("[down_3, up_4]", "[down_3, up_3, up_4]"),
    "a block has the name of the variable": NECK.replace("c3:", "up:")
    .replace("[stem, c3]", "[stem, up]")
    .replace("[c3, up_1]", "[up, up_1]"),
    "every cell differs from the next": NECK.replace(
        "up_3: {level: 2, kind: conv", "up_3: {level: 2, kernel: 5, kind: conv"
    ),
}


def unrolled(monkeypatch, program, backend):
    """The model without loops."""
    printer = importlib.import_module(f"spinec.backends.{backend}.printer")
    with monkeypatch.context() as patched:
        patched.setattr(printer, "items", lambda part, shape: list(part.members))
        return emit(program, backend), build(program, backend)


@pytest.mark.parametrize(
    "name", ["efficientdet-d1", "resnet-50-nas-fpn", "mobilenet-v2-mnasfpn", "mobilenet-v2-nas-fpnlite", "neck"]
)
def test_a_loop_over_cells_is_the_same_network(name, monkeypatch):
    program = lower(loads(NECK) if name == "neck" else load(name), 128)
    source, model = emit(program, "pytorch"), build(program).eval()
    text, other = unrolled(monkeypatch, program, "pytorch")
    assert "for k in range(" in source
    assert "for k in range(" not in text
    assert len(source.splitlines()) < len(text.splitlines())
    assert list(model.state_dict()) == list(other.state_dict())
    other.eval().load_state_dict(model.state_dict())
    image = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        expected, found = other(image), torch.compile(model, fullgraph=True, backend="eager")(image)
    assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_a_loop_over_cells_names_layers_of_keras_as_before(monkeypatch):
    pytest.importorskip("keras")
    program = lower(load("efficientdet-d0"), 128)
    assert "for k in range(2, 4):" in emit(program, "tensorflow")
    text, other = unrolled(monkeypatch, program, "tensorflow")
    assert "for k in range(" not in text
    model = build(program, "tensorflow")
    assert [layer.name for layer in model.layers] == [layer.name for layer in other.layers]


def test_cells_are_a_loop_where_nothing_but_the_number_differs():
    assert LOOP in emit(lower(loads(NECK)), "pytorch")
    assert "for i in range(2, 5):" in emit(lower(loads(NECK.replace("stem", "k"))), "pytorch")


@pytest.mark.parametrize("why", NO_LOOP)
def test_cells_that_a_loop_would_mix_up_are_written_out(why):
    text = emit(lower(loads(NO_LOOP[why])), "pytorch")
    assert LOOP not in text
    assert "self.up_2 =" in text or "range(3, 5)" in text


@pytest.mark.parametrize("name", ["eff-spinenet-d0", "efficientnet-b1", "efficientdet-d0"])
def test_a_model_takes_another_rate_of_stochastic_depth(name):
    def rates(model):
        return [part.rate for part in model.modules() if type(part).__name__ == "StochasticDepth"]

    spec = load(name)
    program = lower(spec, 128)
    depth = spec.stochastic_depth.model_copy(update={"rate": 0.5})
    assert rates(model_class(program)(drop_rate=0.5)) == rates(
        build(lower(spec.model_copy(update={"stochastic_depth": depth}), 128))
    )
    assert max(rates(model_class(program)())) < spec.stochastic_depth.rate == 0.2


@pytest.mark.parametrize("name", ["eff-spinenet-d0-mask-rcnn", "resnet-18"])
def test_models_take_another_momentum(name):
    program = lower(load(name), 128)
    made = model_class(program)(norm_momentum=0.3)
    norms = [module for module in made.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    assert len(norms) == sum(isinstance(step.op, BatchNorm) for step in program.steps) > 0
    assert {norm.momentum for norm in norms} == {0.3}


def test_keras_models_take_another_momentum():
    keras = pytest.importorskip("keras")
    program = lower(load("eff-spinenet-m0"), 128)
    names: dict[str, object] = {}
    exec(emit(program, "tensorflow"), names)
    made = names["eff_spinenet_m0"](norm_momentum=0.3)
    norms = [layer for layer in made.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.3}
    assert {layer.momentum for layer in names["eff_spinenet_m0"]().layers if hasattr(layer, "momentum")} == {0.99}


@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
def test_a_network_without_batch_norm_takes_no_momentum(backend):
    assert "momentum" not in emit(lower(load("convnext-atto"), 64), backend)
