"""Block lists of other projects: read, they are the library's networks and timm's; written, they read back the same."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spinec import SpecError, cost, dump, load, loads, lower, names
from spinec.compiler.interchange.convert import _signature, export_blocks, import_blocks
from spinec.compiler.interchange.literal import read_literal
from spinec.compiler.interchange.strings import Frame, frame_of_spec

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
    assert cost(lower(theirs)).halves == cost(lower(ours)).halves


def convolutions_of_timm(timm, torch, strings, frame):
    """Every convolution of the network that timm itself makes of block strings: what it does, and its kernel's shape."""
    from functools import partial

    from timm.layers import get_act_layer
    from timm.models._efficientnet_builder import decode_arch_def, round_channels
    from timm.models.efficientnet import EfficientNet

    model = EfficientNet(
        decode_arch_def([[each] for each in strings]),
        num_features=frame.features,
        stem_size=frame.stem,
        round_chs_fn=partial(round_channels, multiplier=1.0),
        act_layer=get_act_layer(frame.activation),
        num_classes=frame.classes,
    )
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    layers = [each for each in model.modules() if isinstance(each, kinds)]
    found = [(tuple(each.weight.shape), getattr(each, "stride", (1,))[0], each.bias is not None) for each in layers]
    return found, sum(parameter.numel() for parameter in model.parameters())


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
    with pytest.raises(SpecError, match=r"squeeze_excite(.|\n)*cannot hold it"):
        export_blocks(load("mobilenet-v3-small"), "timm")
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


def test_a_rounding_that_timm_does_otherwise_is_refused():
    with pytest.raises(SpecError, match=r"e2\.3 of 24 channels are 56 in timm and 55 in a spec"):
        import_blocks("ds_r1_k3_s1_c24 ir_r1_k3_s1_e2.3_c24")
    with pytest.raises(SpecError, match=r"se0\.25 of 30 channels are 8 in timm and 7 in a spec"):
        import_blocks("ds_r1_k3_s1_c30 ds_r1_k3_s1_c30_se0.25")


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
    text = data.draw(st.sampled_from([SPINENET, MBCONV, EFFICIENTNET, MOBILENET]))
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


def test_a_faulty_list_leaves_the_old_file(spinec, tmp_path):
    faulty, target = tmp_path / "faulty.txt", tmp_path / "spec.yaml"
    faulty.write_text("ir_r1")
    target.write_text("old")
    code, _, err = spinec("import", faulty, "-o", target)
    assert code == 1
    assert f"{faulty}:1:1: ir: missing option k, s, e, c" in err
    assert target.read_text() == "old"
    assert spinec("import", tmp_path / "absent.txt")[0] == 1
