"""Necks of the library against the same written out in PyTorch: parameters, multiply-adds and what they compute."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  (after the skip)
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import spinec  # noqa: E402

DIMS = {1: 8, 2: 12, 3: 16, 4: 24, 5: 32}
BACKBONE = """
name: necked
input: {size: 64}
norm: {epsilon: 1.0e-5}
defaults: {kind: conv, activation: relu}
blocks:
"""


def conv(given: int, dim: int, kernel: int = 3, stride: int = 1, act: Any = nn.ReLU) -> nn.Sequential:
    """Convolution, norm, activation."""
    layers = [nn.Conv2d(given, dim, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(dim)]
    return nn.Sequential(*layers, act()) if act else nn.Sequential(*layers)


def up(x: Any, mode: str = "nearest", factor: int = 2) -> Any:
    return interpolate(x, scale_factor=factor, mode=mode)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        given, self.ups = 32, nn.ModuleList()
        for skip, dim in ((24, 20), (16, 16), (12, 12), (8, 8), (0, 4)):
            self.ups.append(nn.Sequential(conv(given + skip, dim), conv(dim, dim)))
            given = dim

    def forward(self, c1: Any, c2: Any, c3: Any, c4: Any, c5: Any) -> list[Any]:
        x = c5
        for step, skip in zip(self.ups, (c4, c3, c2, c1, None), strict=True):
            x = step(torch.cat([up(x), skip], 1) if skip is not None else up(x))
        return [x]


class PANet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(conv(given, 10, 1, act=None) for given in (16, 24, 32))
        self.posts = nn.ModuleList(conv(10, 10, act=None) for _ in range(3))
        self.back = nn.ModuleList(conv(10, 10, stride=2 - i % 2) for i in range(4))

    def forward(self, c3: Any, c4: Any, c5: Any) -> list[Any]:
        m3, m4, m5 = (lateral(c) for lateral, c in zip(self.laterals, (c3, c4, c5), strict=True))
        m4 = m4 + up(m5)
        m3 = m3 + up(m4)
        n3, p4, p5 = (post(m) for post, m in zip(self.posts, (m3, m4, m5), strict=True))
        n4 = self.back[1](p4 + self.back[0](n3))
        return [n3, n4, self.back[3](p5 + self.back[2](n4))]


class HRFPN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(12 + 16 + 24 + 32, 10, 1)
        self.posts = nn.ModuleList(nn.Conv2d(10, 10, 3, padding=1) for _ in range(5))

    def forward(self, c2: Any, c3: Any, c4: Any, c5: Any) -> list[Any]:
        ups = [up(c, "bilinear", 2**i) for i, c in enumerate((c3, c4, c5), 1)]
        x = self.reduce(torch.cat([c2, *ups], 1))
        return [post(avg_pool2d(x, 2**i) if i else x) for i, post in enumerate(self.posts)]


class SPPF(nn.Module):
    def __init__(self, given: int, dim: int) -> None:
        super().__init__()
        self.enter, self.leave = conv(given, given // 2, 1, act=nn.SiLU), conv(given // 2 * 4, dim, 1, act=nn.SiLU)

    def forward(self, x: Any) -> Any:
        found = [self.enter(x)]
        for _ in range(3):
            found.append(max_pool2d(found[-1], 5, 1, 2))
        return self.leave(torch.cat(found, 1))


class C2f(nn.Module):
    """Without shortcuts, as in the neck."""

    def __init__(self, given: int, dim: int, depth: int) -> None:
        super().__init__()
        half = dim // 2
        self.enter = conv(given, dim, 1, act=nn.SiLU)
        self.inner = nn.ModuleList(
            nn.Sequential(conv(half, half, act=nn.SiLU), conv(half, half, act=nn.SiLU)) for _ in range(depth)
        )
        self.leave = conv((2 + depth) * half, dim, 1, act=nn.SiLU)

    def forward(self, x: Any) -> Any:
        found = list(self.enter(x).chunk(2, 1))
        for inner in self.inner:
            found.append(inner(found[-1]))
        return self.leave(torch.cat(found, 1))


class CSPPAN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pooled, self.up4, self.up3 = SPPF(32, 20), C2f(20 + 24, 16, 2), C2f(16 + 16, 12, 2)
        self.down3, self.out4 = conv(12, 12, stride=2, act=nn.SiLU), C2f(12 + 16, 16, 2)
        self.down4, self.out5 = conv(16, 16, stride=2, act=nn.SiLU), C2f(16 + 20, 20, 2)

    def forward(self, c3: Any, c4: Any, c5: Any) -> list[Any]:
        p5 = self.pooled(c5)
        p4 = self.up4(torch.cat([up(p5), c4], 1))
        n3 = self.up3(torch.cat([up(p4), c3], 1))
        n4 = self.out4(torch.cat([self.down3(n3), p4], 1))
        return [n3, n4, self.out5(torch.cat([self.down4(n4), p5], 1))]


def separable(given: int, dim: int, rate: int = 1) -> nn.Sequential:
    """A depthwise and a 1x1 convolution, each with a norm and an activation."""
    depthwise = nn.Conv2d(given, given, 3, padding=rate, dilation=rate, groups=given, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(given), nn.ReLU(), *conv(given, dim, 1))


class ASPP(nn.Module):
    def __init__(self, given: int, dim: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.mean, self.point = conv(given, dim, 1), conv(given, dim, 1)
        self.atrous = nn.ModuleList(separable(given, dim, rate) for rate in rates)
        self.fuse = conv((2 + len(rates)) * dim, dim, 1)

    def forward(self, x: Any) -> Any:
        mean = interpolate(self.mean(x.mean((2, 3), keepdim=True)), x.shape[2:], mode="bilinear")
        return self.fuse(torch.cat([mean, self.point(x), *(atrous(x) for atrous in self.atrous)], 1))


class DeepLabV3Plus(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pyramid, self.fine = ASPP(24, 10, (2, 4, 6)), conv(12, 5, 1)
        self.decoder = nn.Sequential(separable(15, 10), separable(10, 10))

    def forward(self, c2: Any, c4: Any) -> list[Any]:
        return [self.decoder(torch.cat([up(self.pyramid(c4), "bilinear", 4), self.fine(c2)], 1))]


NECKS = {
    "deeplab_v3_plus": (DeepLabV3Plus, (2, 4), "dim: 10, fine_dim: 5, rate: 2, conv: separable_conv"),
    "unet": (UNet, range(1, 6), "dim4: 20, dim3: 16, dim2: 12, dim1: 8, dim0: 4"),
    "panet": (PANet, range(3, 6), "dim: 10"),
    "hrfpn": (HRFPN, range(2, 6), "dim: 10"),
    "csp_pan": (CSPPAN, range(3, 6), "dim3: 12, dim4: 16, dim5: 20, depth: 2"),
}


def spec_of(name: str) -> spinec.ModelSpec:
    _, levels, settings = NECKS[name]
    blocks = "".join(
        f"  c{level}: {{level: {level}, dim: {dim}, inputs: [{f'c{level - 1}' if level > 1 else 'image'}]}}\n"
        for level, dim in DIMS.items()
        if level <= max(levels)
    )
    takes = ", ".join(f"C{level}: c{level}" for level in levels)
    return spinec.loads(f"{BACKBONE}{blocks}neck: {{fragment: {name}, {takes}, {settings}}}\n")


@pytest.mark.parametrize("name", NECKS)
def test_a_neck_is_what_is_written_out(name: str) -> None:
    torch.manual_seed(0)
    make, levels, _ = NECKS[name]
    program, written = spinec.lower(spec_of(name)), make().double().eval()
    model, report = spinec.build(program).double().eval(), spinec.cost(program)
    own = [f"c{level}" for level in DIMS if level <= max(levels)]
    blocks = report.by("block")
    theirs = written.state_dict()
    ours = {key: value for key, value in model.state_dict().items() if key.partition(".")[0] not in own}
    assert [value.shape for value in ours.values()] == [value.shape for value in theirs.values()]
    for key, value in theirs.items():
        if value.dtype.is_floating_point:
            value.uniform_(0.5, 1.5) if key.endswith(("var", "1.weight")) else value.normal_(std=0.2)
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)), strict=False)
    x, features = torch.randn(2, 3, 64, 64, dtype=torch.float64), {}
    with torch.inference_mode():
        given = x
        for name_ in own:
            features[name_] = given = getattr(model, name_)(given)
        taken = [features[f"c{level}"] for level in levels]
        result = model(x)
        results = list(result.values()) if isinstance(result, dict) else [result]
        for ours_, expected in zip(results, written(*taken), strict=True):
            torch.testing.assert_close(ours_, expected)
        with FlopCounterMode(display=False) as counter:
            written(*[each[:1] for each in taken])
    assert counter.get_total_flops() == 2 * sum(count.macs() for block, count in blocks.items() if block not in own)
    parameters = sum(count.params for block, count in blocks.items() if block not in own)
    assert parameters == sum(each.numel() for each in written.parameters())


def test_unet_on_resnet_34_is_that_of_the_public_code() -> None:
    """Of segmentation_models.pytorch 0.6.0, ``Unet("resnet34")``, executed on an image of 512 x 512."""
    report = spinec.cost(spinec.lower(spinec.load("resnet-34-unet")))
    assert (report.params, report.macs()) == (24_436_369, 31_255_953_408)
