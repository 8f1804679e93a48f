"""What counting tools say of the ops of test_ops_compiled.py: each convention named after one matches it to the digit.

What tools do not see is mended with their own settings, as in test_counters.py; docs/counting.md names it.
"""

from __future__ import annotations

from functools import partial

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm_import", exc_type=ImportError)

from alone import alone  # noqa: E402  (after the skips)
from timm_import import import_timm  # noqa: E402

import spinec  # noqa: E402
from spinec.compiler.ops.activation import Activation, Exp, PReLU  # noqa: E402
from spinec.compiler.ops.attention import Attention  # noqa: E402
from spinec.compiler.ops.channels import ChannelConv, LayerScale, Scale, Shuffle, Slice  # noqa: E402
from spinec.compiler.ops.conv import Conv  # noqa: E402
from spinec.compiler.ops.norm import GroupNorm, LayerNorm  # noqa: E402
from spinec.compiler.ops.pool import GlobalPool, Pool  # noqa: E402
from spinec.compiler.ops.resize import Upsample  # noqa: E402

CASES = {
    "convolutions": [
        Conv(6, (3, 1), 2),
        Conv(8, (1, 4), 2, groups=2, padding="same"),
        Conv(24, 2, groups=8, padding="same"),
    ],
    "depthwise": [Conv(9, 3, groups=3, bias=True), Conv(18, 2, 2, groups=9, padding="same")],
    "pools": [Conv(4), Pool("avg", 3, 1, count_padding=True), Pool("max", 3, 2)],
    "activations": [Conv(4), *(Activation(kind) for kind in ("leaky_relu", "elu", "mish", "gelu_tanh")), PReLU()],
    "layer norm": [Conv(4), LayerNorm()],
    "group norm": [Conv(4), GroupNorm(2)],
    "channels": [Conv(6), LayerScale(), Shuffle(2), Slice(1, 4)],
    "distances": [Conv(4, bias=True), Scale(), Exp()],
    "bilinear": [Conv(4), Upsample(3, "bilinear")],
    "attention": [Conv(12), Attention(2)],
}


@pytest.fixture(params=CASES)
def compiled(request):
    """A report, the live module, whose every part is a layer, and an image."""
    return built(alone(CASES[request.param], size=(7, 6), in_line=True))


def built(program):
    return spinec.cost(program), spinec.build(program).eval(), torch.zeros(1, *program.input_shape)


def kinds(model, base):
    """Subclasses of a layer of PyTorch's: two tools look for the layer itself alone."""
    return {type(each) for each in model.modules() if isinstance(each, base)} - {base}


def products(report):
    """The multiply-adds of attention, which no layer does."""
    return sum(row.work["macs"] for row in report.rows if isinstance(row.op, Attention))


def test_fvcore(compiled):
    fvcore = pytest.importorskip("fvcore.nn")
    report, model, image = compiled
    counter = fvcore.FlopCountAnalysis(model, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    assert counter.total() == report.macs("fvcore")


def test_fvcore_sees_a_convolution_along_channels():
    """Others take the map of one pixel that the layer is given for the line that it convolves."""
    fvcore = pytest.importorskip("fvcore.nn")
    report, model, image = built(alone([Conv(6), GlobalPool(keep=True), ChannelConv(3)]))
    counter = fvcore.FlopCountAnalysis(model, image).unsupported_ops_warnings(False)
    assert counter.total() == report.macs("fvcore") == report.macs("conv")


def test_thop(compiled):
    thop = pytest.importorskip("thop")
    from thop.vision.basic_hooks import count_convNd, count_normalization

    report, model, image = compiled
    custom = dict.fromkeys(kinds(model, torch.nn.Conv2d), count_convNd)
    custom |= dict.fromkeys([*kinds(model, torch.nn.LayerNorm), torch.nn.GroupNorm], count_normalization)
    assert thop.profile(model, (image,), custom, verbose=False)[0] + products(report) == report.macs("thop")


def test_ptflops(compiled):
    import_timm()  # which makes torchvision importable for ptflops
    count = pytest.importorskip("ptflops").get_model_complexity_info
    hooks = pytest.importorskip("ptflops.pytorch_ops")
    report, model, image = compiled
    custom = dict.fromkeys(kinds(model, torch.nn.Conv2d), hooks.conv_flops_counter_hook)
    custom |= dict.fromkeys(kinds(model, torch.nn.LayerNorm), partial(twice, hooks.bn_flops_counter_hook))
    nn = torch.nn
    found = count(
        model,
        tuple(image.shape[1:]),
        print_per_layer_stat=False,
        as_strings=False,
        ignore_modules=[nn.ELU, nn.PReLU, nn.GELU, nn.MaxPool2d, nn.AvgPool2d, nn.Upsample],  # which call functions
        custom_modules_hooks=custom,
    )[0]
    assert found == report.macs("ptflops")


def twice(hook, *arguments):
    """Of a layer norm it does not see that there are a scale and a shift, since the setting has another name."""
    hook(*arguments)
    hook(*arguments)
