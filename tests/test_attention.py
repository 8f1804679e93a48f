"""NAS-FPN's fusion and pooling against the same written out, and the pyramid against its public code's figures."""

import pytest

import spinec

torch = pytest.importorskip("torch")

FUSED = """
name: fused
input: {{size: {size}, channels: 4}}
padding: {padding}
resample: {{down: max_pool_disjoint, match: where_needed}}
fuse: {{kind: attention, activation: none}}
blocks:
  a: {{kind: identity, level: 1, dim: 4, activation: none, inputs: [image]}}
  b: {{kind: identity, level: 3, dim: 4, activation: none, inputs: [image]}}
  c: {{kind: identity, level: 1, dim: 4, activation: none, inputs: [image, b, a]}}
outputs: {{P1: c}}
"""


def gated(first, other):
    return first + other * first.amax((2, 3), keepdim=True).sigmoid()


def pooled(x, level):
    """Maxima over squares, as TensorFlow's 'same' lays them: what is missing is shared out, the odd pixel behind."""
    rows, columns = (-size % 2**level for size in x.shape[2:])
    pads = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return torch.nn.functional.max_pool2d(torch.nn.functional.pad(x, pads, value=-torch.inf), 2**level)


@pytest.mark.parametrize("padding", ["symmetric", "same"])
@pytest.mark.parametrize("size", ["[32, 48]", "[29, 43]"])
def test_the_first_input_gates_the_next_and_both_the_one_after(size, padding):
    program = spinec.lower(spinec.loads(FUSED.format(size=size, padding=padding)))
    image = torch.randn(2, *program.input_shape)
    fine, coarse = pooled(image, 1), pooled(image, 3)
    coarse = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)[..., : fine.shape[2], : fine.shape[3]]
    with torch.inference_mode():
        given = spinec.build(program).eval()(image)
    torch.testing.assert_close(given, gated(gated(fine, coarse), fine))


def test_a_fusion_by_attention_is_a_fusion_in_reports():
    program = spinec.lower(spinec.loads(FUSED.format(size=32, padding="same")))
    parts = spinec.cost(program).by("part")
    assert parts["fuse"].macs("profiler") == 2 * 4 * 16 * 16 * (0.5 + 0.5)  # two products and two sums
    assert set(parts) == {"resample", "fuse"}


def test_figures():
    """The guess at NAS-FPNLite is that of an independent count, and its deviation is that of docs/library.md."""
    guess = spinec.cost(spinec.lower(spinec.load("mobilenet-v2-nas-fpnlite")))
    parts = {name: count.macs() for name, count in guess.by("part").items()}
    assert round(parts["head"] / 1e9, 4) == 0.3235
    assert round(guess.macs() / 1e9, 4) == 0.9692
    assert round(guess.params_by("all") / 1e6, 4) == 2.5391
    public = spinec.cost(spinec.lower(spinec.load("resnet-50-nas-fpn")))
    second = 1024 * 256  # a further 1x1 convolution on C4, of 40 x 40 cells: bias and norm with it
    assert f"{(public.macs('profiler') + 1600 * (second + 128) + second) / 1e9:.1f}" == "140.6"
    assert f"{(public.params + second + 3 * 256) / 1e6:.1f}" == "60.3"
