"""Block lists of other projects: read, they are the library's networks and timm's; written, they read back the same."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from math import prod

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spinec import SpecError, cost, dump, load, loads, lower, names
from spinec.compiler.interchange.convert import _signature, export_blocks, import_blocks
from spinec.compiler.interchange.frame import Frame, frame_of_spec
from spinec.compiler.interchange.literal import read_literal

EXAMPLES = settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
SPINENET = """
# The architecture that a search found, as tensorflow/models writes it:
# (level, block function, (input offsets), is output)
SPINENET_BLOCK_SPECS = [
    (2, 'bottleneck', (0, 1), False),
    (4, 'residual', (0, 1), False),
    (3, 'bottleneck', (2, 3), False),
    (4, 'bottleneck', (2, 4), False),
    (6, 'residual', (3, 5), False),
    (4, 'bottleneck', (3, 5), False),
    (5, 'residual', (6, 7), False),
    (7, 'residual', (6, 8), False),
    (5, 'bottleneck', (8, 9), False),
    (5, 'bottleneck', (8, 10), False),
    (4, 'bottleneck', (5, 10), True),
    (3, 'bottleneck', (4, 10), True),
    (5, 'bottleneck', (7, 12), True),
    (7, 'bottleneck', (5, 14), True),
    (6, 'bottleneck', (12, 14), True),
]
"""
MBCONV = """[
    (2, 'mbconv', (0, 1), False), (2, 'mbconv', (1, 2), False), (4, 'mbconv', (1, 2), False),
    (3, 'mbconv', (3, 4), False), (4, 'mbconv', (3, 5), False), (6, 'mbconv', (4, 6), False),
    (4, 'mbconv', (4, 6), False), (5, 'mbconv', (7, 8), False), (7, 'mbconv', (7, 9), False),
    (5, 'mbconv', (9, 10), False), (5, 'mbconv', (9, 11), False), (4, 'mbconv', (6, 11), True),
    (3, 'mbconv', (5, 11), True), (5, 'mbconv', (8, 13), True), (7, 'mbconv', (6, 15), True),
    (6, 'mbconv', (13, 15), True),
]"""
EFFICIENTNET = """
    [['ds_r1_k3_s1_e1_c16_se0.25'], ['ir_r2_k3_s2_e6_c24_se0.25'], ['ir_r2_k5_s2_e6_c40_se0.25'],
     ['ir_r3_k3_s2_e6_c80_se0.25'], ['ir_r3_k5_s1_e6_c112_se0.25'], ['ir_r4_k5_s2_e6_c192_se0.25'],
     ['ir_r1_k3_s1_e6_c320_se0.25']]
"""
MOBILENET = """
ds_r1_k3_s1_c16  ir_r2_k3_s2_e6_c24  ir_r3_k3_s2_e6_c32  ir_r4_k3_s2_e6_c64
ir_r3_k3_s1_e6_c96  ir_r3_k3_s2_e6_c160  ir_r1_k3_s1_e6_c320
"""


def without_head(spec):
    return spec.model_copy(update={"head": None})


def test_spinenet_49_from_its_tuples_is_the_librarys_block_by_block():
    ours, theirs = without_head(load("spinenet-49")), import_blocks(SPINENET, "spinenet-49")
    same = {"source": ours.source, "published": ours.published}
    assert theirs.model_copy(update=same) == ours


def test_spinenet_mbconv_49_from_its_tuples_is_the_librarys():
    """But for one input: the public code adds what nobody reads as it is, the library's spec through a convolution."""
    theirs = import_blocks(MBCONV)
    assert sum(block.kind == "mbconv" for block in theirs.blocks.values()) == 18
    text = dump(without_head(load("spinenet-mbconv-49")))
    assert text.count("[b9, b14, b13]") <= 1
    as_is = loads(text.replace("[b9, b14, b13]", "[b9, b14, {from: b13, match: when_different}]"))
    assert [what for _, what in _signature(theirs)] == [what for _, what in _signature(as_is)]


def test_json_says_the_same_as_tuples():
    entries = read_literal(SPINENET, "tuples").plain()
    keys = ("level", "block_fn", "input_offsets", "is_output")
    for data in (entries, [dict(zip(keys, entry, strict=True)) for entry in entries]):
        assert import_blocks(json.dumps(data, indent=1)) == import_blocks(SPINENET)


@pytest.mark.parametrize(("name", "text"), [("efficientnet-b0", EFFICIENTNET), ("mobilenet-v2", MOBILENET)])
def test_block_strings_are_the_librarys_network(name, text):
    ours = load(name)
    theirs = import_blocks(text, name, frame_of_spec(ours))
    assert [what for _, what in _signature(theirs)] == [what for _, what in _signature(ours)]
    assert cost(lower(theirs)).work == cost(lower(ours)).work


def convolutions_of_timm(timm, torch, strings, frame):
    """Every convolution of the network that timm itself makes of block strings: what it does, and its kernel's shape."""
    from functools import partial

    from timm.layers import get_act_layer
    from timm.models._efficientnet_builder import decode_arch_def, round_channels
    from timm.models.efficientnet import EfficientNet

    model = EfficientNet(
        decode_arch_def([[each] for each in strings]),
        num_features=frame.features,
        stem_size=frame.stem or 32,
        round_chs_fn=partial(round_channels, multiplier=1.0),
        act_layer=get_act_layer(frame.activation),
        num_classes=frame.classes,
    )
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    layers = [each for each in model.modules() if isinstance(each, kinds)]
    found = [(tuple(each.weight.shape), getattr(each, "stride", (1,))[0], each.bias is not None) for each in layers]
    return found, sum(parameter.numel() for parameter in model.parameters())


V3 = Frame(
    stem=16, features=0, hidden=1280, activation="hard_swish", epsilon=1e-5, momentum=0.9,
    squeeze_base="hidden", squeeze_multiple=8, squeeze_activation="relu", gate="hard_sigmoid",
)  # fmt: skip
FBNET = replace(V3, hidden=1984, hidden_bias=False, squeeze_base="input", squeeze_activation="own", squeeze_limit=0.95)
OTHERS = {  # timm's name: what its strings leave open, and the strings
    "mobilenetv3_large_100": (
        V3,
        """ds_r1_k3_s1_e1_c16_nre ir_r1_k3_s2_e4_c24_nre ir_r1_k3_s1_e3_c24_nre ir_r3_k5_s2_e3_c40_se0.25_nre
        ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80 ir_r2_k3_s1_e6_c112_se0.25
        ir_r3_k5_s2_e6_c160_se0.25 cn_r1_k1_s1_c960""",
    ),
    "mobilenetv3_small_100": (
        replace(V3, hidden=1024),
        """ds_r1_k3_s2_e1_c16_se0.25_nre ir_r1_k3_s2_e4.5_c24_nre ir_r1_k3_s1_e3.67_c24_nre ir_r1_k5_s2_e4_c40_se0.25
        ir_r2_k5_s1_e6_c40_se0.25 ir_r2_k5_s1_e3_c48_se0.25 ir_r3_k5_s2_e6_c96_se0.25 cn_r1_k1_s1_c576""",
    ),
    "mobilenetv3_rw": (
        replace(V3, epsilon=0.001, hidden_bias=False, squeeze_multiple=1, squeeze_activation="own"),
        """ds_r1_k3_s1_e1_c16_nre_noskip ir_r1_k3_s2_e4_c24_nre ir_r1_k3_s1_e3_c24_nre ir_r3_k5_s2_e3_c40_se0.25_nre
        ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80 ir_r2_k3_s1_e6_c112_se0.25
        ir_r3_k5_s2_e6_c160_se0.25 cn_r1_k1_s1_c960""",
    ),
    "fbnetv3_b": (
        FBNET,
        """ds_r2_k3_s1_e1_c16 ir_r1_k5_s2_e4_c24 ir_r3_k5_s1_e2_c24 ir_r1_k5_s2_e5_c40_se0.25 ir_r4_k5_s1_e3_c40_se0.25
        ir_r1_k5_s2_e5_c72 ir_r4_k3_s1_e3_c72 ir_r1_k3_s1_e5_c120_se0.25 ir_r5_k5_s1_e3_c120_se0.25
        ir_r1_k3_s2_e6_c184_se0.25 ir_r5_k5_s1_e4_c184_se0.25 ir_r1_k5_s1_e6_c224_se0.25 cn_r1_k1_s1_c1344""",
    ),
    "fbnetv3_d": (
        replace(FBNET, stem=24),
        """ds_r2_k3_s1_e1_c16 ir_r1_k3_s2_e5_c24 ir_r5_k3_s1_e2_c24 ir_r1_k5_s2_e4_c40_se0.25 ir_r4_k3_s1_e3_c40_se0.25
        ir_r1_k3_s2_e5_c72 ir_r4_k3_s1_e3_c72 ir_r1_k3_s1_e5_c128_se0.25 ir_r6_k5_s1_e3_c128_se0.25
        ir_r1_k3_s2_e6_c208_se0.25 ir_r5_k5_s1_e5_c208_se0.25 ir_r1_k5_s1_e6_c240_se0.25 cn_r1_k1_s1_c1440""",
    ),
    "fbnetv3_g": (  # 26 channels squeezed are 32: 24 are less than 95 % of them
        replace(FBNET, stem=32),
        """ds_r3_k3_s1_e1_c24 ir_r1_k5_s2_e4_c40 ir_r4_k5_s1_e2_c40 ir_r1_k5_s2_e4_c56_se0.25 ir_r4_k5_s1_e3_c56_se0.25
        ir_r1_k5_s2_e5_c104 ir_r4_k3_s1_e3_c104 ir_r1_k3_s1_e5_c160_se0.25 ir_r8_k5_s1_e3_c160_se0.25
        ir_r1_k3_s2_e6_c264_se0.25 ir_r6_k5_s1_e5_c264_se0.25 ir_r2_k5_s1_e6_c288_se0.25 cn_r1_k1_s1_c1728""",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_strings_that_leave_more_open_are_timms_network(name):
    """Every layer in the order in which layers run, parameters and multiply-adds to the integer."""
    torch = pytest.importorskip("torch")
    from timm_import import import_timm

    try:
        timm = import_timm()
    except ImportError:
        pytest.skip("timm is not installed")
    frame, strings = OTHERS[name]
    report = cost(lower(import_blocks(strings, frame=frame), 64))
    model = timm.create_model(name, pretrained=False).eval()
    layers, ran = (torch.nn.Conv2d, torch.nn.Linear), []
    for each in model.modules():
        if isinstance(each, layers):
            each.register_forward_hook(lambda layer, _, out: ran.append((layer, out.numel() * layer.weight[0].numel())))
        if isinstance(each, torch.nn.BatchNorm2d):
            assert each.eps == frame.epsilon
            assert each.momentum == pytest.approx(1 - frame.momentum)
    with torch.inference_mode():
        model(torch.zeros(1, 3, 64, 64))
    steps = [step for step in report.program.steps if "kernel" in step.weights]
    ours = [(prod(step.weights["kernel"]), "bias" in step.weights) for step in steps]
    assert ours == [(layer.weight.numel(), layer.bias is not None) for layer, _ in ran]
    assert report.params == sum(parameter.numel() for parameter in model.parameters())
    assert report.macs("conv") == sum(macs for _, macs in ran)
    gates = {type(each.gate).__name__.lower() for each in model.modules() if type(each).__name__ == "SqueezeExcite"}
    assert gates == {frame.gate.replace("_", "")}


def test_what_is_left_open_changes_the_network():
    """Every option of squeeze-excite and of the head; what is written has them all, and so reads back."""
    _, strings = OTHERS["mobilenetv3_large_100"]
    other = {
        "squeeze_base": "input", "squeeze_multiple": 1, "squeeze_activation": "own", "gate": "sigmoid",
        "hidden": 1024, "hidden_bias": False, "features": 960,
    }  # fmt: skip
    specs = [
        import_blocks(strings, frame=V3),
        *(import_blocks(strings, frame=replace(V3, **{k: v})) for k, v in other.items()),
    ]
    networks = [[what for _, what in _steps(spec)] for spec in specs]
    assert all(networks.count(network) == 1 for network in networks)
    for spec in specs:
        options = export_blocks(spec, "timm").splitlines()[0]
        assert all(
            f"--{key.replace('_', '-')}" in options for key in ("squeeze_base", "squeeze_multiple", "gate", "hidden")
        )
        assert frame_of_spec(import_blocks(export_blocks(spec, "timm"), frame=frame_of_spec(spec))) == frame_of_spec(
            spec
        )


def _steps(spec):
    return [(step.path, (step.op, step.output)) for step in lower(spec, 64).steps]


@pytest.mark.parametrize("name", ["mobilenet-v3-small", "mobilenet-v3-large"])
def test_the_librarys_mobilenets_are_timms_strings(name):
    frame, strings = OTHERS[name.replace("-v3-", "v3_") + "_100"]
    theirs = import_blocks(strings, name, replace(frame, padding="same"))
    assert cost(lower(theirs)).work == cost(lower(load(name))).work
    assert cost(lower(theirs)).params == cost(lower(load(name))).params


TENSORFLOW = """[
    'r1_k3_s11_e1_i32_o16_se0.25', 'r2_k3_s22_e6_i16_o24_se0.25', 'r2_k5_s22_e6_i24_o40_se0.25',
    'r3_k3_s22_e6_i40_o80_se0.25', 'r3_k5_s11_e6_i80_o112_se0.25', 'r4_k5_s22_e6_i112_o192_se0.25',
    'r1_k3_s11_e6_i192_o320_se0.25',
]"""


def test_tensorflows_strings_are_the_librarys_network():
    ours, theirs = load("efficientnet-b0"), import_blocks(TENSORFLOW, "efficientnet-b0")
    assert theirs.padding == "same"
    assert [what for _, what in _signature(theirs)] == [what for _, what in _signature(ours)]
    assert import_blocks(TENSORFLOW.replace("'", "").replace(",", " ").strip("[]")).blocks == theirs.blocks


def test_tensorflows_strings_in_timms_terms():
    """Full convolutions and no shortcuts; one stride for both sides, as in EfficientNetV2; squeezed dims rounded down."""
    strings = (
        "r2_k3_s1_e1_i24_o24_c1 r4_k3_s2_e4_i24_o48_c1 r1_k5_s1_e6_i48_o48_se0.3_c0 r1_k3_s2_e1_i48_o50_se0.25_noskip"
    )
    kinds = [(block.kind, block.level) for block in import_blocks(strings).blocks.values()]
    assert kinds == [("conv", 1), ("fused_mbconv", 1), ("fused_mbconv", 2), ("mbconv", 2), ("mbconv", 3)]
    steps = dict(_steps(import_blocks(strings)))
    assert steps["b3.squeeze_excite.reduce"][1][0] == 14  # of 14.4, which timm rounds to 14, too
    assert steps["b4.squeeze_excite.reduce"][1][0] == 12
    rounded = dict(_steps(import_blocks("r1_k3_s11_e1_i30_o30_se0.25")))
    assert rounded["b1.squeeze_excite.reduce"][1][0] == 7  # of 7.5
    timms = dict(_steps(import_blocks("ds_r1_k3_s1_c30 ds_r1_k3_s1_c30_se0.25")))
    assert timms["b2.squeeze_excite.reduce"][1][0] == 8


PORT = """[
    (2, Bottleneck, (None, None), False),  # init block
    (2, Bottleneck, (None, None), False),  # init block
""" + "\n".join(SPINENET.splitlines()[4:]).replace("'bottleneck'", "Bottleneck").replace("'residual'", "BasicBlock")


def test_lists_of_ports_to_pytorch_are_the_tuples():
    assert import_blocks(PORT) == import_blocks(SPINENET)
    assert import_blocks(
        PORT.replace("(None, None)", "[None, None]").replace("Bottleneck", "'Bottleneck'")
    ) == import_blocks(PORT)


@st.composite
def block_strings(draw):
    """Chains that both can say: multiples of 32, so that nothing is rounded."""
    found, squeeze = [], st.sampled_from(["", "_se0.25", "_se0.125"])
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["ir", "ds", "er", "cn"]))
        expand = f"_e{draw(st.sampled_from([2, 3.5, 6]))}" if kind in ("ir", "er") else ""
        tail = draw(squeeze) if kind != "cn" else draw(st.sampled_from(["", "_skip"]))
        skip = draw(st.sampled_from(["", "_noskip"])) if kind != "cn" else ""
        act = draw(st.sampled_from(["", "_nre", "_nhs", "_nsw", "_nr6"]))
        numbers = f"r{draw(st.integers(1, 3))}_k{draw(st.sampled_from([1, 3, 5]))}_s{draw(st.integers(1, 2))}"
        found.append(f"{kind}_{numbers}{expand}_c{32 * draw(st.integers(1, 3))}{tail}{skip}{act}")
    return found


@settings(EXAMPLES, max_examples=60)
@given(block_strings())
def test_random_block_strings_are_timms_network(strings):
    torch = pytest.importorskip("torch")
    from timm_import import import_timm

    try:
        timm = import_timm()
    except ImportError:
        pytest.skip("no timm: make test")
    frame = Frame(classes=10)
    program = lower(import_blocks(" ".join(strings), frame=frame), 64)
    theirs, params = convolutions_of_timm(timm, torch, strings, frame)
    ours = [
        (step.weights["kernel"], getattr(step.op, "stride", 1), "bias" in step.weights)
        for step in program.steps
        if "kernel" in step.weights
    ]
    assert ours == theirs
    assert cost(program).params == params


@settings(EXAMPLES, max_examples=60)
@given(block_strings())
def test_block_strings_are_written_as_they_were_read(strings):
    spec = import_blocks("\n".join(strings), frame=Frame(activation="gelu"))
    assert export_blocks(spec, "timm").splitlines()[1:] == strings


@pytest.mark.parametrize("name", [name for name in names() if "deeplab" not in name])
def test_what_is_written_reads_back_or_is_refused(name):
    spec = load(name)
    for form in ("timm", "spinenet"):
        try:
            text = export_blocks(spec, form)
        except SpecError:
            continue
        frame = frame_of_spec(spec) if form == "timm" else None
        assert [what for _, what in _signature(import_blocks(text, frame=frame))] == [
            what for _, what in _signature(spec)
        ]


def test_what_can_be_written():
    assert export_blocks(load("spinenet-49"), "spinenet").count("'residual'") == 4
    assert (
        read_literal(export_blocks(load("spinenet-49"), "spinenet"), "x").plain() == read_literal(SPINENET, "x").plain()
    )
    assert "ir_r4_k3_s2_e6_c64" in export_blocks(load("mobilenet-v2"), "timm")
    assert export_blocks(load("mnasnet-a1"), "timm").splitlines()[1] == "ds_r1_k3_s1_c16_noskip"
    with pytest.raises(SpecError, match="kind 'identity'"):
        export_blocks(load("resnet-18"), "timm")
    assert "--hidden 1024 --hidden-bias" in export_blocks(load("mobilenet-v3-small"), "timm").splitlines()[0]
    other_gate = dump(load("mobilenet-v3-small")).replace("gate: hard_sigmoid", "gate: sigmoid", 1)
    with pytest.raises(SpecError, match=r"squeeze_excite(.|\n)*cannot hold it"):
        export_blocks(loads(other_gate), "timm")
    with pytest.raises(SpecError, match="cannot hold it"):
        export_blocks(load("eff-spinenet-d0"), "spinenet")


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("ir_r2_k3_s2_e6_c24_zz3", "1:20", "unknown option 'zz3'"),
        ("ds_r1_k3_s1_c16\n  uir_r2_k3_s1_e4_c8", "2:3", "unknown block type 'uir'"),
        ("ir_r1_k4_s1_e6_c8", "1:7", "expected an odd number"),
        ("ir_r1_k3_s3_e6_c8", "1:10", "expected a whole number, 1 to 2"),
        ("ir_r1_k3.5_s1_e6_c8", "1:7", "odd number"),
        ("ir_r1_k3_s1_e1_c8", "1:13", "ds has no expansion"),
        ("ds_r1_k3_s1_e2_c8", "1:13", "ds has no expansion, got e2"),
        ("['ir_r1_k3_s1_e6_c8_nmi']", "1:21", "unknown option 'nmi'"),
        ("ir_r1_k3_s1_e6_c8_cc4", "1:19", "unknown option 'cc4'"),
        ("er_r1_k3_s1_e6_c8_fc4", "1:19", "unknown option 'fc4'"),
        ("ir_r1_k3_s1_c8", "1:1", "missing option e"),
        ("r1_k3_s12_e1_i32_o16", "1:7", "option s12: expected 1, 2, 11, 22"),
        ("r1_k3_s11_e1_i32_o16 r1_k3_s11_e1_i32_o16", "1:35", "option i32: expected 16"),
        ("r1_k3_s11_e1_i32_o16 ds_r1_k3_s1_c16", "1:25", "TensorFlow beside timm's"),
        ("r1_k3_s11_e1_i32", "1:1", "block: missing option o"),
        ("r1_k3_s11_e1_i32_o16_c2", "1:22", "option c2: expected 0, 1"),
        ("r1_k3_s11_e1_i32_o16_c1", "1:22", "what is left of the block is not known"),
        ("r1_k3_s11_e1_i32_o16_nre", "1:22", "unknown option 'nre'"),
        ("r1_k3_s11_e1.5_i32_o16_cc4", "1:24", "unknown option 'cc4'"),
        ("[(2, Bottlneck, (0, 1), True)]", "1:6", "'Bottlneck'"),
        ("[(2, Bottleneck, (None, None), False), (2, Bottleneck, (0, 1), True)]", "1:18", "two whole numbers"),
        ("[(2, Bottleneck, (0, 1), False), (2, Bottleneck, (None, None), True)]", "1:50", "two whole numbers"),
        ("[(3, Bottleneck, (None, None), False), (2, BasicBlock, (None, None), True)]", "1:3", "level: expected 2"),
        (
            "[(3, Bottleneck, (None, None), False), (2, BasicBlock, (None, None), True)]",
            "1:44",
            "expected 'bottleneck'",
        ),
        (
            "[(3, Bottleneck, (None, None), False), (2, BasicBlock, (None, None), True)]",
            "1:70",
            "is_output: expected False",
        ),
        ("ir_r1_k3_s1_e6_c", "1:16", "option 'c' without a number"),
        ("ir_r1_r2_k3_s1_e6_c8", "1:7", "option 'r' twice"),
        ("ir_r65_k3_s1_e6_c8", "1:4", "1 to 64"),
        ("ir_r1_k3_s1_e6_c8_skip_skip", "1:19", "unknown option 'skip'"),
        ("[(2, 'bottleneck', (0, 9), True)]", "1:24", "expected 0 to 1, an earlier block"),
        ("[(8, 'bottleneck', (0, 1), True)]", "1:3", "level: expected 2 to 7, got 8"),
        ("[(2, 'botleneck', (0, 1), True)]", "1:6", "did you mean 'bottleneck'?"),
        ("[(2, 'bottleneck', (0, 0), True)]", "1:24", "the same block twice"),
        ("[(2, 'bottleneck', (0, 1, 1), True)]", "1:20", "two whole numbers"),
        ("[(2, 'bottleneck', (0, 1), 1)]", "1:28", "expected True or False"),
        ("[(2, 'bottleneck', (0, 1))]", "1:2", "expected (level, block function"),
        ("[(2, 'bottleneck', (0, 1), False)]", "1:1", "no block is an output"),
        ("[(2, 'bottleneck', (0, 1), True),\n (3, 'mbconv', (0, 1), True)]", "2:2", "beside 'bottleneck'"),
        ("[(2, 'mbconv', (0, 1), True),\n (2, 'mbconv', (0, 1), True)]", "2:2", "a second output of level 2"),
        (
            '[{"level": 2, "block": "mbconv", "input_offsets": [0, 1], "is_output": true}]',
            "1:15",
            "unknown key 'block'",
        ),
        ("[(2, __import__('os'), (0, 1), True)]", "1:6", "'__import__'"),
        ("[(2, 'bottleneck', (0, 1), True)", "1:32", "a bracket is missing"),
        ("[(2, 'bottleneck', (0, 1), True)] * 9", "1:35", "nothing is evaluated"),
        ("[" * 50, "1:10", "nested deeper"),
        ("X = 1e9", "1:5", "no part of"),
        ("\n 'a\\x41'", "2:2", "no part of"),
    ],
)
def test_every_fault_has_its_place(text, place, says):
    with pytest.raises(SpecError) as raised:
        import_blocks(text, source="list.txt")
    assert [str(fault) for fault in raised.value.faults if f"list.txt:{place}: " in str(fault) and says in str(fault)]


def test_a_rounding_that_timm_does_otherwise_has_a_ratio_or_is_refused():
    """A ratio that gives timm's dim does for one block; for repeats of two dims there may be none."""
    text = "ds_r1_k3_s1_c24 ir_r1_k3_s1_e2.3_c24 ir_r1_k3_s1_e2_c24_se0.27"
    steps = dict(_steps(import_blocks(text)))
    assert steps["b2.expand_conv"][1][0] == 56
    assert steps["b3.squeeze_excite.reduce"][1][0] == 6
    assert import_blocks(text).blocks["b3"].squeeze == 0.27
    assert export_blocks(import_blocks(text), "timm").splitlines()[2] == "ir_r1_k3_s1_e2.33333_c24"
    with pytest.raises(SpecError, match=r"e2\.3 of 24 channels are 56 in timm and 55 in a spec"):
        import_blocks("ds_r1_k3_s1_c24 ir_r2_k3_s1_e2.3_c80")
    with pytest.raises(SpecError, match=r"se0\.25 of 30 channels are 8 in timm and 7 in a spec"):
        import_blocks("ds_r1_k3_s1_c30 ds_r2_k3_s1_c100_se0.25")


def test_nothing_at_all_and_too_much():
    for text in ("", "# a comment\n", "[]", "[[], []]"):
        with pytest.raises(SpecError):
            import_blocks(text)
    with pytest.raises(SpecError, match="expected at most 1,000"):
        import_blocks("ds_r1_k3_s1_c16 " * 1001)
    with pytest.raises(SpecError, match="pieces, the limit"):
        import_blocks("[" + "1," * 100_000)
    with pytest.raises(SpecError, match="no stem, features or classes"):
        import_blocks(SPINENET, frame=Frame())


@settings(EXAMPLES, max_examples=400)
@given(st.data())
def test_damaged_lists_are_read_or_refused_and_nothing_else(data):
    text = data.draw(st.sampled_from([SPINENET, MBCONV, PORT, EFFICIENTNET, MOBILENET, TENSORFLOW]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(at, min(len(text), at + 6)))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[end:]
    with suppress(SpecError):
        dump(import_blocks(text))


def test_the_commands(spinec, tmp_path):
    strings, made, back = tmp_path / "My Net.txt", tmp_path / "made.yaml", tmp_path / "back.txt"
    strings.write_text(MOBILENET)
    code, out, _ = spinec(
        "import", strings, "-o", made, "--activation", "relu6", "--padding", "same", "--momentum", "0.997"
    )
    assert (code, "9 blocks" in out) == (0, False) or "blocks" in out
    spec = load(made)
    assert spec.name == "my-net"
    assert [what for _, what in _signature(spec)] == [what for _, what in _signature(load("mobilenet-v2"))]
    assert spinec("export-blocks", made, "--to", "timm", "-o", back)[0] == 0
    assert back.read_text().splitlines()[1:] == MOBILENET.split()
    options = back.read_text().splitlines()[0].removeprefix("# spinec import FILE ").split()
    code, out, _ = spinec("import", back, *options, "--name", "my-net")
    assert loads(out) == spec


def test_what_is_assumed_is_said(spinec, tmp_path):
    strings = tmp_path / "net.txt"
    strings.write_text(EFFICIENTNET)
    said = "--size 224x224 --stem 32 --features 1280 --hidden 0 --classes 1000 --activation swish --padding symmetric"
    squeeze = " --squeeze-base input --squeeze-multiple 1 --squeeze-activation own --gate sigmoid"
    about = "assumed, since the block strings do not say it: "
    code, out, err = spinec("import", strings)
    assert (code, err) == (0, f"{about}{said} --epsilon 0.001 --momentum 0.99{squeeze}\n")
    assert spinec("import", strings, *err.removeprefix(about).split()) == (0, out, "")
    _, _, err = spinec("import", strings, "--hidden", "64", "--gate", "hard_sigmoid", "--squeeze-multiple", "8")
    assert "--hidden-bias" in err
    assert "--squeeze-limit 0.9" in err
    assert "--gate" not in err
    _, _, err = spinec("import", strings, "--hidden", "64", "--no-hidden-bias")
    assert "hidden-bias" not in err
    strings.write_text(MOBILENET)
    assert "squeeze" not in spinec("import", strings)[2]
    strings.write_text(TENSORFLOW)
    assert "--stem" not in spinec("import", strings)[2]
    assert "--padding same" in spinec("import", strings)[2]
    strings.write_text(SPINENET)
    assert spinec("import", strings)[2] == ""


def test_a_faulty_list_leaves_the_old_file(spinec, tmp_path):
    faulty, target = tmp_path / "faulty.txt", tmp_path / "spec.yaml"
    faulty.write_text("ir_r1")
    target.write_text("old")
    code, _, err = spinec("import", faulty, "-o", target)
    assert code == 1
    assert f"{faulty}:1:1: ir: missing option k, s, e, c" in err
    assert target.read_text() == "old"
    assert spinec("import", tmp_path / "absent.txt")[0] == 1
