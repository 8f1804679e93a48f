"""Inputs that are joined keep their dims: against the same written out, in counts, for many candidates, in faults."""

import numpy as np
import pytest

from spinec import CostModel, SpecError, cost, loads, lower
from spinec.compiler.resources.redistribute import redistribute
from spinec.spec.model import with_dims

JOINED = """
name: joined
input: {size: 64}
norm: {epsilon: 1.0e-5}
defaults: {kind: conv, activation: relu}
resample: {up: bilinear, down: max_pool}
fuse: {kind: join}
blocks:
  a: {level: 1, dim: 8, inputs: [image]}
  b: {level: 2, dim: 12, inputs: [a]}
  c: {level: 3, dim: 20, inputs: [b]}
  d: {level: 2, dim: 16, repeats: 2, kind: mbconv, inputs: [b, c, image]}
  e: {level: 1, dim: 8, kernel: 1, inputs: [d]}
outputs: {P1: e}
"""


def changed(old: str, new: str) -> str:
    assert old in JOINED
    return JOINED.replace(old, new)


def test_it_is_what_it_says():
    """Without a convolution on any input, and none before a body that is given one input of another level."""
    torch = pytest.importorskip("torch")
    import spinec

    program = lower(loads(JOINED))
    model = spinec.build(program).eval()
    image = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        a = model.a(image)
        b = model.b(a)
        c = model.c(b)

        def up(x):
            return torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")

        def down(x):
            return torch.nn.functional.max_pool2d(x, 3, 2, 1)

        d = model.d.body(torch.cat([b, up(c), down(down(image))], 1))
        torch.testing.assert_close(model(image), model.e.body(up(d)))
    assert d.shape[1] == 16
    assert model.d.body[0].expand_conv.in_channels == 12 + 20 + 3


def test_a_convolution_on_each_input_is_there_where_it_is_asked_for():
    before, after = (lower(loads(text)) for text in (JOINED, changed("c, image]", "{from: c, match: always}, image]")))
    assert {*after.weights} - {*before.weights} == {
        f"d.resample2.0.{name}" for name in ("conv.kernel", "norm.scale", "norm.shift")
    }
    assert after.weights["d.resample2.0.conv.kernel"] == (20, 20, 1, 1)


def test_the_channels_of_all_inputs_are_counted():
    report = cost(lower(loads(changed("kind: mbconv, ", "kernel: 1, "))))
    assert report.by("block")["d"].macs() == 16 * 16 * ((12 + 20 + 3) * 16 + 16 * 16)
    assert report.by("block")["e"].macs() == 32 * 32 * 16 * 8


BODIES = (
    "conv",
    "mbconv, squeeze: 0.3, expand: 1.5",
    "mbconv, expand: 1",
    "residual",
    "bottleneck",
    "separable_conv",
    "c2f, depth: 2",
    "regnet, group_width: 4, squeeze: 0.25",
    "convnext",
    "ghost, hidden: 8",
)


@pytest.mark.parametrize("body", BODIES)
def test_many_candidates_are_counted_as_one_by_one(body):
    """Shares of what is joined are rounded as one number, and shortcuts are where it equals the block's dim."""
    spec = loads(changed("kind: mbconv", f"kind: {body}"))
    model, random = CostModel(spec), np.random.default_rng(0)
    dims = random.integers(1, 9, (60, 5)) * 4
    dims[:20, 3] = dims[:20, 1] + dims[:20, 2] + 3 if "regnet" not in body else 4
    repeats = random.integers(1, 4, (60, 5))
    for given in (repeats, None):
        times = repeats if given is not None else np.array([[1, 1, 1, 2, 1]] * 60)
        rows = [
            [dict(zip(spec.blocks, each.tolist(), strict=True)) for each in row]
            for row in zip(dims, times, strict=True)
        ]
        reports = [cost(lower(with_dims(spec, *row))) for row in rows]
        for convention in ("conv", "profiler", "torch"):
            assert model.macs(dims, given, convention).tolist() == [report.macs(convention) for report in reports]
        assert model.params(dims, given).tolist() == [report.params for report in reports]


def test_many_inputs_are_joined_and_counted():
    blocks = "".join(f"  b{i}: {{kind: conv, level: {i % 4}, dim: 4, inputs: [image]}}\n" for i in range(24))
    inputs = ", ".join(f"b{i}" for i in range(24))
    last = f"  last: {{kind: mbconv, level: 2, dim: 8, inputs: [{inputs}], fuse: {{kind: join}}}}\n"
    spec = loads(f"name: wide\ninput: {{size: 32}}\nblocks:\n{blocks}{last}outputs: {{out: last}}\n")
    dims = np.random.default_rng(0).integers(1, 30, (5, 25))
    assert CostModel(spec).params(dims).tolist() == [
        cost(lower(with_dims(spec, dict(zip(spec.blocks, row, strict=True)), {}))).params for row in dims.tolist()
    ]


def test_dims_that_a_head_ties_may_be_joined():
    spec = loads(JOINED.replace("{P1: e}", "{P1: e, P2: d}\nendpoints: {dim: 8}\nhead: {kind: retinanet, dim: 8}"))
    dims = [[8, 12, 20, 16, 8], [8, 4, 9, 16, 8]]
    assert CostModel(spec).macs(dims).tolist() == [
        cost(lower(with_dims(spec, dict(zip(spec.blocks, row, strict=True)), {}))).macs() for row in dims
    ]


def test_resources_are_redistributed():
    spec = loads(JOINED)
    changed = redistribute(spec, [1], multiple=4, target=10**6)
    assert changed.blocks["d"].dim != spec.blocks["d"].dim
    assert {**changed.blocks} | {"d": spec.blocks["d"]} == {**spec.blocks}
    assert lower(changed).weights["e.body.conv.kernel"] == (8, changed.blocks["d"].dim, 1, 1)


def test_what_only_joins_has_the_dim_of_all():
    text = changed("repeats: 2, kind: mbconv", "kind: identity")
    with pytest.raises(SpecError, match=r"d: identity: steps: gives 35 channels, not the 16 of its 'dim'") as raised:
        loads(text)
    (fault,) = raised.value.faults
    assert (fault.code, fault.place.line) == ("SPN-316", 12)
    program = lower(loads(text.replace("dim: 16", "dim: 35")))
    assert not [name for name in program.weights if name.startswith("d.")]
    with pytest.raises(SpecError, match="many candidates cannot be counted at once"):
        CostModel(program.spec)


def test_no_activation_is_behind_it_unless_one_is_given():
    plain, active = (lower(loads(text)) for text in (JOINED, changed("kind: join", "kind: join, activation: relu")))
    assert str(active.graph) != str(plain.graph)
    assert [step.path for step in plain.steps if step.path.startswith("d.")][:5] != [
        step.path for step in active.steps if step.path.startswith("d.")
    ][:5]
    assert "d.act" in {step.path for step in active.steps} - {step.path for step in plain.steps}
