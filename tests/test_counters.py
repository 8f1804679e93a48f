"""What the counting tools themselves say of compiled modules: each convention named after one matches it to the digit.

Two tools do not see, or see twice, some of what PyTorch programs say; docs/counting.md names these faults. Here they are
mended with the tools' own settings, and what they count without that is held as well.
"""

from __future__ import annotations

from functools import cache, partial
from typing import get_args

import pytest
from seeded_faults import SEGMENTER

import spinec
from spinec.compiler.cost.parts import PARTS
from spinec.compiler.cost.report import counted_parts
from spinec.compiler.ops.conv import Conv, TransposedConv
from spinec.compiler.ops.resize import Upsample
from spinec.spec.conventions import CONVENTIONS
from spinec.spec.quantities import Quantity

torch = pytest.importorskip("torch")
pytest.importorskip("timm_import", exc_type=ImportError)

from timm_import import import_timm  # noqa: E402  (after the skip)

ODDS = """
name: odds
input: {size: 64}
resample: {down: avg_pool, match: where_needed}
fuse: {kind: softmax}
blocks:
  a: {kind: conv, level: 1, dim: 8, activation: gelu, inputs: [image]}
  b: {kind: identity, level: 2, dim: 8, activation: relu6, inputs: [a]}
  c: {kind: conv, level: 3, dim: 12, activation: hard_swish, bias: true, inputs: [{from: b, down: max_pool}]}
  d: {kind: fused_mbconv, level: 3, dim: 12, activation: relu, squeeze: 0.5, inputs: [c]}
  e: {kind: identity, level: 2, dim: 8, activation: gelu, inputs: [b, d]}
outputs: {out: e}
"""  # what the library seldom has: averages, GELU, a softmax of weights
SMALL = {"odds": ODDS, "segmenter": SEGMENTER}  # the second takes crops, and has a transposed convolution
SIZES = {
    "odds": 64,
    "segmenter": (44, 60),
    "efficientnet-b0": 64,
    "eff-spinenet-m0": 128,
    "resnet-18": 64,
    "mobilenet-v3-small": 96,
    "spinenet-49s": 128,
}


@cache
def compiled(name):
    """A report, the compiled module outside training, and what it is given: an image, and its crops where it has any."""
    spec = spinec.loads(SMALL[name]) if name in SMALL else spinec.load(name)
    report = spinec.cost(spinec.lower(spec, SIZES[name]))
    given = tuple(torch.zeros(times, *shape) for shape, times in report.program.inputs.values())
    return report, spinec.build(report.program).eval(), given


def own_convolutions(model):
    """Subclasses of PyTorch's convolutions: two tools look for these themselves alone."""
    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    return {type(each) for each in model.modules() if isinstance(each, kinds)} - set(kinds)


def unseen(report):
    """The multiply-adds that such layers do, and the bias elements: they pad for themselves, or are transposed."""
    rows = [
        row.work
        for row in report.rows
        if isinstance(row.op, TransposedConv)
        or (isinstance(row.op, Conv) and row.op.padding == "same" and row.op.stride > 1)
    ]
    return sum(work["macs"] for work in rows), sum(work.get("bias", 0) for work in rows)


def too_many(report):
    """What thop counts beyond the multiply-adds of a transposed convolution: it takes every result for a whole kernel's."""
    found = [row for row in report.rows if isinstance(row.op, TransposedConv)]
    return sum(row.work["macs"] * (row.op.factor**2 - 1) for row in found)


@pytest.mark.parametrize("name", SIZES)
def test_fvcore(name):
    fvcore = pytest.importorskip("fvcore.nn")
    report, model, given = compiled(name)
    counter = fvcore.FlopCountAnalysis(model, given).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    assert counter.total() == report.macs("fvcore")


@pytest.mark.parametrize("name", SIZES)
def test_torch(name):
    from torch.utils.flop_counter import FlopCounterMode

    report, model, given = compiled(name)
    with FlopCounterMode(display=False) as counter:
        model(*given)
    assert counter.get_total_flops() == report.flops("torch") == report.flops("conv")


@pytest.mark.parametrize("name", SIZES)
def test_thop(name):
    thop = pytest.importorskip("thop")
    from thop.vision.basic_hooks import count_convNd

    report, model, given = compiled(name)
    mended = thop.profile(model, given, dict.fromkeys(own_convolutions(model), count_convNd), False)[0]
    assert mended == report.macs("thop") + too_many(report)
    spare, _ = unseen(report)
    assert thop.profile(model, given, verbose=False)[0] == report.macs("thop") - spare


def test_thop_does_not_see_upsampling_that_is_no_layer():
    thop = pytest.importorskip("thop")
    report = spinec.cost(spinec.lower(spinec.load("eff-spinenet-d0-segmentation"), 64))
    found = {row.path: row.work["resize"] for row in report.rows if isinstance(row.op, Upsample)}
    functional = sum(amount for path, amount in found.items() if path.split(".")[0] not in report.program.spec.blocks)
    assert functional
    model, image = spinec.build(report.program).eval(), torch.zeros(1, 3, 64, 64)
    assert thop.profile(model, (image,), verbose=False)[0] == report.macs("thop") - functional


def ptflops(model, given, names, **settings):
    import_timm()  # which makes torchvision importable for ptflops
    counter = pytest.importorskip("ptflops").get_model_complexity_info
    named = dict(zip(names, given, strict=True))
    settings |= {"print_per_layer_stat": False, "as_strings": False}
    return counter(model, (1,), input_constructor=lambda _: named, **settings)[0]


def counted_twice():
    """Layers that call the function of their name: ptflops counts the layer, and the function within it."""
    nn = torch.nn
    return [nn.ReLU, nn.GELU, nn.MaxPool2d, nn.AvgPool2d, nn.Upsample]


@pytest.mark.parametrize("name", SIZES)
def test_ptflops(name):
    report, model, given = compiled(name)
    import_timm()
    count = pytest.importorskip("ptflops.pytorch_ops").conv_flops_counter_hook
    transposed = {kind: issubclass(kind, torch.nn.ConvTranspose2d) for kind in own_convolutions(model)}
    hooks = {kind: partial(count, transpose=is_transposed) for kind, is_transposed in transposed.items()}
    names = list(report.program.inputs)
    mended = ptflops(model, given, names, ignore_modules=counted_twice(), custom_modules_hooks=hooks)
    assert mended == report.macs("ptflops")
    macs, biases = unseen(report)
    twice = ptflops(model, given, names) - (mended - macs - biases)
    assert twice == elements_of(model, given, counted_twice())


def elements_of(model, given, kinds):
    """What layers of some kinds count: the elements given to a pool, those that any other gives out."""
    found = []
    pools = (torch.nn.MaxPool2d, torch.nn.AvgPool2d)

    def look(layer, inputs, result):
        found.append((inputs[0] if isinstance(layer, pools) else result).numel())

    handles = [each.register_forward_hook(look) for each in model.modules() if type(each) in kinds]
    model(*given)
    for handle in handles:
        handle.remove()
    return sum(found)


def test_timms_network_counts_more_where_it_has_layers_that_ours_has_not():
    """Why fvcore says 399.35 M of timm's EfficientNet-B0: its pools are layers, one per element that they are given."""
    fvcore = pytest.importorskip("fvcore.nn")
    timm = import_timm()
    report = spinec.cost(spinec.lower(spinec.load("efficientnet-b0")))
    counter = fvcore.FlopCountAnalysis(timm.create_model("tf_efficientnet_b0").eval(), torch.zeros(1, 3, 224, 224))
    counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    pooled = next(row.work["mean"] for row in report.rows if row.path.startswith("head") and "mean" in row.work)
    assert counter.total() == report.macs("fvcore") + pooled
    assert f"{counter.total() / 1e6:.2f}" == "399.35"


def test_every_price_belongs_to_a_part():
    assert {quantity for part in PARTS.values() for quantity in part} == set(get_args(Quantity))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_parts_add_up(convention):
    report, _, _ = compiled("eff-spinenet-m0")
    assert sum(counted_parts(report, convention).values()) == report.flops(convention)


def test_the_command_shows_all_side_by_side(spinec):
    import json

    report, _, _ = compiled("resnet-18")
    code, out, _ = spinec("cost", "resnet-18", "--size", "64", "--compare-conventions", "--format", "json")
    assert code == 0
    rows = {row["convention"]: row for row in json.loads(out)["rows"]}
    assert {name: row["macs"] for name, row in rows.items()} == {name: report.macs(name) for name in CONVENTIONS}
    assert rows["fvcore"]["norm"] == 2 * sum(row.work.get("norm", 0) for row in report.rows)
    assert rows["conv"]["norm"] is None
