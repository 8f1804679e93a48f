"""Random specs through the whole compiler: what is inferred and counted is what PyTorch computes."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  (after the skip; its usual name)
from shapes import Shapes  # noqa: E402
from strategies import specs  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import spinec  # noqa: E402
from spinec.compiler.ops.activation import Activation, Exp  # noqa: E402
from spinec.compiler.ops.channels import LayerScale, Scale, Shuffle, Slice  # noqa: E402
from spinec.compiler.ops.conv import Conv, Linear, TransposedConv  # noqa: E402
from spinec.compiler.ops.merge import Add, Average, Concat, Multiply, WeightedSum  # noqa: E402
from spinec.compiler.ops.norm import BatchNorm, GroupNorm, LayerNorm  # noqa: E402
from spinec.compiler.ops.pool import GlobalPool, Pool  # noqa: E402
from spinec.compiler.ops.regularize import Dropout, StochasticDepth  # noqa: E402
from spinec.compiler.ops.resize import Crop, Flatten, Pad, SpaceToDepth, Spread, Upsample  # noqa: E402
from spinec.compiler.resources.scaling import scale  # noqa: E402

torch.set_num_threads(1)  # workers of pytest would wait for each other's threads, many times as long
KEYS = ("model", "level", "block", "part", "op", "category")
CONVENTIONS = ("conv", "profiler")
PER_RUN = 40  # emitted files that one run of ruff sees


def examples(count: int) -> settings:
    """The same examples in every run, as slow as they may be; set SHRINK=1 to look for a smaller failing one."""
    phases = [Phase.generate, *([Phase.shrink] if os.environ.get("SHRINK") else [])]
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=phases, suppress_health_check=slow
    )


def lowered(text: str) -> spinec.Program:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return spinec.lower(spinec.loads(text))


def inputs_of(program: spinec.Program, batch: int = 2, **settings: Any) -> list[torch.Tensor]:
    """Noise for so many images, and for all crops of each."""
    return [torch.randn(batch * given.times, *given.shape, **settings) for given in program.inputs.values()]


def meta_model(program: spinec.Program) -> torch.nn.Module:
    with torch.device("meta"), Shapes():
        return spinec.build(program)


def shapes(program: spinec.Program, result: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape[1:]) for name, value in program.named(result).items()}


@examples(60)
@given(specs())
def test_shapes_parameters_and_multiply_adds_are_those_of_the_live_module(text: str) -> None:
    program = lowered(text)
    report, model = spinec.cost(program), spinec.build(program)  # "meta" takes three times as long to count on
    inputs = inputs_of(program)

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        assert shapes(program, model.eval()(*inputs)) == program.outputs
    assert counter.get_total_flops() == 2 * 2 * report.macs("conv")
    assert report.flops("conv") == 2 * report.macs("conv")
    assert sum(parameter.numel() for parameter in model.parameters()) == report.params
    with torch.no_grad():
        assert shapes(program, model.train()(*inputs)) == program.outputs


@examples(80)
@given(specs(), st.tuples(st.integers(16, 160), st.integers(16, 160)))
def test_weights_are_those_of_every_size(text: str, size: tuple[int, int]) -> None:
    spec = spinec.loads(text)
    own, other = spinec.lower(spec), spinec.lower(spec, size)
    assert {**own.weights, **own.state} == {**other.weights, **other.state}


@examples(80)
@given(specs())
def test_reports_add_up(text: str) -> None:
    report = spinec.cost(lowered(text))
    for key in KEYS:
        parts = report.by(key).values()
        for convention in CONVENTIONS:
            assert sum(part.flops(convention) for part in parts) == report.flops(convention)
        assert sum(part.params for part in parts) == report.params
        assert sum(part.activations for part in parts) == report.activations
    blocks = set(report.by("block"))
    assert set(report.by("op")) == {step.path for step in report.program.steps}
    assert blocks <= set(report.program.spec.blocks) | {node.name for node in report.program.graph.nodes}


@examples(80)
@given(specs())
def test_dump_is_a_fixed_point(text: str) -> None:
    spec = spinec.loads(text)
    dumped = spinec.dump(spec)
    again = spinec.loads(dumped)
    assert again == spec
    assert list(again.blocks) == list(spec.blocks)
    assert list(again.outputs) == list(spec.outputs)
    assert spinec.dump(again) == dumped
    assert str(spinec.lower(again)) == str(spinec.lower(spec))


@examples(60)
@given(specs())
def test_scaling_by_one_changes_nothing(text: str) -> None:
    spec = spinec.loads(text)
    assert spinec.loads(text + "scale: {width: 1}\n") == spec
    assert spinec.loads(text + f"scale: {{width: 1.0, multiple: 8, keep: 1, size: {list(spec.input.size)}}}\n") == spec
    assert scale(spec) == spec
    assert scale(spec, width=1, depth=1, size=spec.input.size, multiple=8, keep=1) == spec


@examples(40)
@given(specs())
def test_names_of_weights_are_names_of_parameters(text: str) -> None:
    program = lowered(text)
    source = spinec.emit(program)
    assert source == spinec.emit(lowered(text))
    ast.parse(source)

    model = meta_model(program)
    parameters = {name: tuple(value.shape) for name, value in model.named_parameters()}
    assert {torch_name(name): shape for name, shape in program.weights.items()} == parameters
    assert len(program.weights) == len(parameters)
    kept = {
        name: tuple(value.shape) for name, value in model.named_buffers() if not name.endswith("num_batches_tracked")
    }
    assert {torch_name(name): shape for name, shape in program.state.items()} == kept


def torch_name(name: str) -> str:
    """The state-dict key of a weight or a running statistic."""
    roles = {"kernel": "weight", "fusion": "weight", "scale": "weight", "shift": "bias", "bias": "bias"}
    roles |= {"mean": "running_mean", "variance": "running_var", "factor": "weight", "slope": "weight"}
    module, _, role = name.rpartition(".")
    return f"{module}.{roles[role]}"


@examples(60)
@given(specs(most_blocks=12, most_pixels=32, most_dim=8))
def test_a_model_computes_what_its_program_says(text: str) -> None:
    program = lowered(text)
    torch.manual_seed(0)
    model = spinec.build(program).double()
    randomise(model)
    inputs = inputs_of(program, dtype=torch.float64, requires_grad=True)
    learned = [*inputs, *model.parameters()]

    trained = program.named(model.train()(*inputs))
    assert {name: tuple(value.shape[1:]) for name, value in trained.items()} == program.outputs
    gradients(trained, learned)
    results = program.named(model.eval()(*inputs))
    expected = interpret(program, dict(model.named_parameters()) | dict(model.named_buffers()), inputs)
    assert {name: tuple(value.shape[1:]) for name, value in results.items()} == program.outputs
    for name, value in results.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-9)
    # PyTorch's own gradient of a hard sigmoid has a sixth of single precision: 3e-8 of what passes through it, and what
    # passes through several may cancel. Without one there is nothing to allow for.
    rounded = any(step.op == Activation("hard_sigmoid") for step in program.steps)
    for got, wanted in zip(gradients(results, learned), gradients(expected, learned), strict=True):
        assert (got - wanted).abs().max() <= (1e-6 if rounded else 1e-9) * max(1.0, wanted.abs().max())


def gradients(results: Mapping[str, torch.Tensor], learned: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Of a sum that weighs every number of the results differently."""
    loss = sum((value * torch.linspace(0.5, 1.5, value.numel()).view_as(value)).sum() for value in results.values())
    return torch.autograd.grad(loss, learned, materialize_grads=True)


def randomise(model: torch.nn.Module) -> None:
    """Norms and fusions as after training: no two channels and no two inputs are alike."""
    for name, value in model.state_dict().items():
        if value.ndim == 1 and value.is_floating_point():
            torch.nn.init.uniform_(value, 0.5, 1.5) if not name.endswith("bias") else torch.nn.init.normal_(value)


def interpret(
    program: spinec.Program, state: Mapping[str, torch.Tensor], inputs: list[torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The outputs of a program, step by step in evaluation mode: no printer, no classes, no layers."""
    values = dict(zip(program.inputs, inputs, strict=True))
    for step in program.steps:
        roles = [*step.op.weights(*step.input_shapes), *step.op.state(*step.input_shapes)]
        weights = {role: state[torch_name(f"{step.module}.{role}")] for role in roles}
        values[step.path] = EVALUATE[type(step.op)](step.op, weights, *[values[name] for name in step.inputs])
        assert tuple(values[step.path].shape[1:]) == step.output, step.path
    return {name: values[program.values.get(value, value)] for name, value in program.graph.outputs.items()}


def convolve(op: Conv, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    (top, bottom), (left, right) = op.pads(*x.shape[2:])
    x = F.pad(x, (left, right, top, bottom))
    return F.conv2d(x, weights["kernel"], weights.get("bias"), op.stride, 0, op.dilation, op.groups)


def enlarge(op: TransposedConv, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    squares = torch.einsum("ncyx,cdij->ndyixj", x, weights["kernel"]).flatten(4, 5).flatten(2, 3)
    return squares + weights["bias"][:, None, None] if op.bias else squares


def pool(op: Pool, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    (top, bottom), (left, right) = op.pads(*x.shape[2:])
    pads = (left, right, top, bottom)
    if op.kind == "max":
        return F.max_pool2d(F.pad(x, pads, value=-torch.inf), op.kernel, op.stride)
    sums, counts = (
        F.avg_pool2d(F.pad(each, pads), op.kernel, op.stride, divisor_override=1) for each in (x, x * 0 + 1)
    )
    return sums / counts


def normalise(op: BatchNorm, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    channels = (-1, *(1 for _ in x.shape[2:]))
    mean, variance, scale, shift = (weights[role].view(channels) for role in ("mean", "variance", "scale", "shift"))
    return (x - mean) / (variance + op.epsilon) ** 0.5 * scale + shift


def normalise_pixels(op: LayerNorm, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    channels = (-1, *(1 for _ in x.shape[2:]))
    return (x - mean) / (variance + op.epsilon) ** 0.5 * weights["scale"].view(channels) + weights["shift"].view(
        channels
    )


def normalise_groups(op: GroupNorm, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    groups = x.reshape(len(x), op.groups, -1)
    mean = groups.mean(2, keepdim=True)
    variance = ((groups - mean) ** 2).mean(2, keepdim=True)
    normal = ((groups - mean) / (variance + op.epsilon) ** 0.5).view_as(x)
    return normal * weights["scale"].view(-1, 1, 1) + weights["shift"].view(-1, 1, 1)


def resize(op: Upsample, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    if op.mode == "nearest":
        return x.repeat_interleave(op.factor, 2).repeat_interleave(op.factor, 3)
    return F.interpolate(x, scale_factor=op.factor, mode="bilinear", align_corners=False)


def weigh(op: WeightedSum, weights: Mapping[str, torch.Tensor], *xs: torch.Tensor) -> torch.Tensor:
    raw = weights["fusion"]
    positive = raw.clamp(min=0)
    shares = raw.softmax(0) if op.kind == "softmax" else positive / (positive.sum() + op.epsilon)
    return sum(share * x for share, x in zip(shares, xs, strict=True))


def to_depth(op: SpaceToDepth, weights: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    corners = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return torch.cat(corners, 1) if op.order == "block_major" else torch.stack(corners, 2).flatten(1, 2)


ACTIVATE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "swish": lambda x: x * x.sigmoid(),
    "relu": F.relu,
    "relu6": F.relu6,
    "hard_swish": lambda x: x * (x + 3).clamp(0, 6) / 6,
    "hard_sigmoid": lambda x: (x + 3).clamp(0, 6) / 6,
    "gelu": lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2,
    "sigmoid": torch.sigmoid,
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "elu": lambda x: torch.where(x > 0, x, x.clamp(max=0).expm1()),
    "mish": lambda x: x * (1 + x.exp()).log().tanh(),
    "gelu_tanh": lambda x: x * (1 + ((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)).tanh()) / 2,
}
EVALUATE: dict[type, Callable[..., torch.Tensor]] = {
    Conv: convolve,
    TransposedConv: enlarge,
    Linear: lambda op, weights, x: F.linear(x, weights["kernel"], weights.get("bias")),
    BatchNorm: normalise,
    Activation: lambda op, weights, x: ACTIVATE[op.kind](x),
    Pool: pool,
    GlobalPool: lambda op, weights, x: getattr(x, {"mean": "mean", "max": "amax"}[op.kind])((2, 3), keepdim=op.keep),
    LayerNorm: normalise_pixels,
    GroupNorm: normalise_groups,
    LayerScale: lambda op, weights, x: x * weights["factor"].view(-1, 1, 1),
    Scale: lambda op, weights, x: x * weights["factor"],
    Exp: lambda op, weights, x: torch.e**x,
    Slice: lambda op, weights, x: x[:, op.start : op.start + op.dim],
    Shuffle: lambda op, weights, x: x.unflatten(1, (op.groups, -1)).transpose(1, 2).flatten(1, 2),
    Upsample: resize,
    Spread: lambda op, weights, pixel, x: pixel.expand(-1, -1, *x.shape[2:]),
    Flatten: lambda op, weights, x: x.reshape(len(x), -1),
    Crop: lambda op, weights, x: x[:, :, : op.height, : op.width],
    Pad: lambda op, weights, x: F.pad(x, (0, op.right, 0, op.bottom)),
    SpaceToDepth: to_depth,
    Add: lambda op, weights, *xs: sum(xs),
    Average: lambda op, weights, *xs: sum(xs) / len(xs),
    Multiply: lambda op, weights, x, gate: x * gate,
    Concat: lambda op, weights, *xs: torch.cat(xs, 1),
    WeightedSum: weigh,
    StochasticDepth: lambda op, weights, x: x,
    Dropout: lambda op, weights, x: x,
}


@examples(25)
@given(specs(most_blocks=10))
def test_a_model_built_for_a_size_that_divides_takes_its_multiples(text: str) -> None:
    """What generated source says of itself: "any multiple of 128 works"."""
    spec = spinec.loads(text)
    divisor = 2 ** max(block.level for block in spec.blocks.values())
    program = spinec.lower(spec, (divisor, 2 * divisor))
    assert f"any multiple of {divisor} works" in spinec.emit(program)

    other = spinec.lower(spec, (3 * divisor, divisor))
    with torch.inference_mode(), Shapes():
        result = meta_model(program).eval()(*inputs_of(other, device="meta"))
    assert shapes(other, result) == other.outputs


BARE = """
name: bare
input: {size: 32}
blocks:
  a: {kind: identity, level: 0, dim: 3, activation: none, inputs: [image]}
  b: {kind: conv, level: 2, dim: 4, activation: none, inputs: [a]}
outputs: {P0: a, P2: b}
"""


def test_generated_source_is_formatted_and_lints(tmp_path: Path) -> None:
    @examples(2 * PER_RUN)
    @given(specs(most_blocks=24))
    def write(text: str) -> None:
        number = len(list(tmp_path.iterdir()))
        (tmp_path / f"model_{number}.py").write_text(spinec.emit(lowered(text)), encoding="utf-8")

    write()
    (tmp_path / "bare.py").write_text(spinec.emit(lowered(BARE)), encoding="utf-8")  # uses as little as there is
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--isolated", "--diff"], ["check", "--isolated", "--no-cache"]):
        result = subprocess.run([*ruff, *command, str(tmp_path)], capture_output=True, text=True, check=False)
        assert result.returncode == 0, (result.stdout + result.stderr)[:4000]


def test_source_is_the_same_in_every_process(tmp_path: Path) -> None:
    texts: list[str] = []

    @examples(20)
    @given(specs(most_blocks=16))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    (tmp_path / "texts").write_text("---\n".join(texts), encoding="utf-8")
    program = (
        "import sys, spinec; texts = open(sys.argv[1], encoding='utf-8').read().split('---\\n');"
        "sys.stdout.write(''.join(spinec.emit(spinec.lower(spinec.loads(text))) for text in texts))"
    )
    sources = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "texts")],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent.parent,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(sources) == 1
    assert sources != {b""}
