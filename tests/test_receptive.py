"""Receptive fields are where the gradient of a block's centre cell with respect to the image is not zero."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

torch = pytest.importorskip("torch")

from strategies import specs  # noqa: E402  (after the skip)

import spinec  # noqa: E402
from spinec.backends.pytorch.prelude import AvgPool2dSame  # noqa: E402
from spinec.spec.blocks import Fuse  # noqa: E402
from spinec.spec.model import ModelSpec  # noqa: E402

torch.set_num_threads(1)  # workers of pytest would wait for each other's threads, many times as long
PYRAMID = """
name: pyramid
input: {{size: {size}}}
padding: {padding}
resample: {{down: {down}}}
blocks:
  stem: {{level: 1, kind: conv, dim: 2, inputs: [image]}}
  c2: {{level: 2, kind: residual, dim: 2, kernel: 5, inputs: [stem]}}
  c4: {{level: 4, kind: bottleneck, dim: 4, repeats: 2, inputs: [c2]}}
  c5: {{level: 5, kind: mbconv, dim: 2, kernel: 7, inputs: [c4]}}
  n3: {{level: 3, kind: separable_conv, dim: 2, inputs: [c2, c5]}}
  t4: {{level: 4, kind: identity, dim: 2, inputs: [c4, n3, image]}}
  t6: {{level: 6, kind: fused_mbconv, dim: 2, kernel: 1, inputs: [n3]}}
  t2: {{level: 2, kind: conv, dim: 2, kernel: 1, inputs: [t6, c2]}}
outputs: {{P2: t2, P3: n3, P4: t4, P5: c5, P6: t6}}
"""


def tamed(spec: ModelSpec) -> ModelSpec:
    """The same network with few channels and nothing in it that could hide a dependence: no gates, no maximum."""
    calm = {"activation": "relu"}
    blocks = {}
    for name, block in spec.blocks.items():
        inputs = tuple(
            given.model_copy(update={"activation": None, "down": averaged(given.down)}) for given in block.inputs
        )
        fuse = ungated(block.fuse) if block.fuse else None
        change = {**calm, "inputs": inputs, "fuse": fuse, "dim": min(block.dim, 2)}
        if block.definition.document.node and spec.joins(block):  # which gives all channels that it takes
            dims = [blocks[given.block].dim if given.block in blocks else spec.input.channels for given in inputs]
            change["dim"] = sum(dims)
        if block.kind == "ghost":  # of one channel its modules keep nothing but what convolves pixel by pixel
            change |= {"dim": 2, "hidden": max(2, block.hidden)}
        change |= {"norm": None} if block.own_norm else {}
        change |= {"squeeze": 0.0} if "squeeze" in block.fields else {}
        change |= {"expand": min(block.expand, 2)} if "expand" in block.fields else {}
        blocks[name] = block.model_copy(update=change)
    resample = spec.resample.model_copy(update={**calm, "down": averaged(spec.resample.down)})
    change = {"blocks": blocks, "resample": resample, "fuse": ungated(spec.fuse)}
    change["norm"] = spec.norm.model_copy(update={"kind": "batch"})
    return spec.model_copy(update={**change, "endpoints": None, "head": None})


def ungated(fuse: Fuse) -> Fuse:
    """Fusion without attention's gates: what they follow from is left out of receptive fields, but has a gradient."""
    return fuse.model_copy(update={"activation": "relu", "kind": "sum" if fuse.kind == "attention" else fuse.kind})


def averaged(down: str | None) -> str | None:
    """Maximum pooling has a gradient at one of its inputs alone, so it becomes an average."""
    return "avg_pool" if down in ("max_pool", "max_pool_first", "max_pool_disjoint", "conv_pool") else down


def features(program: spinec.Program, image: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every block gives out, with all weights positive."""
    model = spinec.build(program).double().eval()
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 1 / max(1, parameter[0].numel()))
    for part in [*model.modules()]:  # with equal channels, what a layer norm gives does not depend on what it is given
        for name, child in part.named_children():
            if "LayerNorm" in type(child).__name__:
                setattr(part, name, torch.nn.Identity())
            elif type(child) is torch.nn.MaxPool2d:  # within a kind: see `averaged`
                setattr(part, name, torch.nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
            elif "MaxPool2dSame" in type(child).__name__:
                setattr(part, name, AvgPool2dSame(child.kernel_size, child.stride))
    found: dict[str, Any] = {}
    for name in program.spec.blocks:
        getattr(model, name).register_forward_hook(lambda _, __, y, name=name: found.update({name: y}))
    model(image)
    return found


def extent(weights: torch.Tensor) -> int:
    """From the first place that is not zero to the last."""
    places = weights.nonzero().flatten().tolist()
    return places[-1] - places[0] + 1


def measured(program: spinec.Program) -> dict[str, tuple[int, int]]:
    """Height and width of what the centre cell of every block depends on, by its gradient."""
    image = torch.ones(1, *program.input_shape, dtype=torch.float64, requires_grad=True)
    fields = {}
    for name, y in features(program, image).items():
        centre = y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum()
        (gradient,) = torch.autograd.grad(centre, image, retain_graph=True)
        seen = gradient[0].abs().sum(0)
        fields[name] = (extent(seen.sum(1)), extent(seen.sum(0)))
    return fields


def check(spec: ModelSpec, size: int | tuple[int, int] | None = None) -> dict[str, tuple[int, int]]:
    program = spinec.lower(tamed(spec), size)
    fields = spinec.cost(program).receptive_fields
    assert fields == measured(program)
    return fields


@pytest.mark.parametrize("down", ["space_to_depth", "depthwise", "conv", "max_pool", "avg_pool"])
@pytest.mark.parametrize("padding", ["symmetric", "same"])
@pytest.mark.parametrize("size", [320, 97, "[101, 230]"])
def test_a_pyramid(size: object, padding: str, down: str) -> None:
    check(spinec.loads(PYRAMID.format(size=size, padding=padding, down=down)))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("eff-spinenet-d0", (256, 200)),
        ("eff-spinenet-d0-no-space-to-depth", (130, 400)),
        ("sp-efficientnet-b0", (192, 160)),
        ("efficientnet-b0", (900, 60)),
    ],
)
def test_the_library(name: str, size: int | tuple[int, int]) -> None:
    fields = check(spinec.load(name), size)
    assert fields["stem"] == (3, 3)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(specs(most_blocks=12, most_pixels=120, most_dim=4))
def test_random_specs(text: str) -> None:
    check(spinec.loads(text))
