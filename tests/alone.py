"""Programs of a few ops, made by hand, and what holds for any: it is counted as it runs, and the same in both frameworks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import spinec
from spinec.backends.backend import backend
from spinec.backends.sample import sample
from spinec.backends.verify import compare, differences, worst_of
from spinec.compiler.cost.training import training_cost
from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, ModelInput, flatten, sequence
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op, op_name
from spinec.compiler.ops.conv import Conv

BATCH = 2
SIZES = st.tuples(st.sampled_from((1, 2, 5, 8, 9)), st.sampled_from((1, 3, 6, 7)))
GRADIENT_BAR = 1e-9  # of the largest gradient, in float64
SPEC = """
name: alone
input: {{size: [{height}, {width}], channels: {channels}}}
init: {{mode: {mode}}}
blocks:
  b1: {{kind: conv, level: 0, dim: 1, inputs: [image]}}
outputs: {{out: b1}}
"""


def few(count: int) -> settings:
    """So many examples, the same in every run."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def alone(
    *blocks: list[Op],
    channels: int = 3,
    size: tuple[int, int] = (5, 7),
    in_line: bool = False,
    mode: str = "fan_out",
    every: bool = False,
) -> Program:
    """A program of blocks in a row, each a list of ops: in a class of its own, or `in_line` as a sequence.

    It gives the last block's value as 'out', or `every` block's by its name.
    """
    shape = (channels, *size)
    model = GraphBuilder("alone", "Ops.", ("image",))
    value = "image"
    for i, ops in enumerate(blocks, 1):
        value = model.add(f"b{i}", sequence("ops", "Ops.", *ops) if in_line else _block(ops), value)
    whole = model.build({name: name for name in model.parts if name != "image"} if every else {"out": value})
    inputs = {"image": ModelInput(shape)}
    steps, shapes, values = flatten(whole, inputs)
    spec = spinec.loads(SPEC.format(height=size[0], width=size[1], channels=channels, mode=mode))
    return Program(spec, size, whole, inputs, tuple(steps), shapes, values)


def _block(ops: list[Op]) -> Graph:
    to = GraphBuilder("ops", "Ops.")
    value = "x"
    for i, op in enumerate(ops, 1):
        value = to.add(f"{op_name(type(op))}{i}", op, value)
    return to.build(value)


def check(program: Program) -> None:
    """Everything that both frameworks must agree on, and what is said of a program without them."""
    assert_equal(program, "float64")
    assert_equal(program, "float32")
    assert_trained_equally(program)
    assert_counted(program)


def assert_equal(program: Program, precision: Any) -> None:
    """Every block is the same, on random weights and images."""
    found = compare(program, precision)
    assert found.worst.error <= found.bar, (found.worst, [str(step.op) for step in program.steps])


def assert_trained_equally(program: Program) -> None:
    """Every gradient of a step of training is the same."""
    given = sample(program, "float64")
    targets = {name: np.random.default_rng(7).normal(size=(BATCH, *shape)) for name, shape in program.outputs.items()}
    gradients = []
    for name in ("pytorch", "tensorflow"):
        found = backend(name)
        with found.precision("float64"):
            model = found.build(program)
            found.write_weights(model, program, given.weights)
            gradients.append(found.train_step(model, program, given.inputs, targets, 0.01).gradients)
    assert set(gradients[0]) == set(program.weights)
    worst = worst_of(differences(gradients[0], gradients[1], least_share=1e-3))
    assert worst.error <= GRADIENT_BAR, (worst, [str(step.op) for step in program.steps])


def assert_counted(program: Program) -> None:
    """Shape, parameters, multiply-adds and what autograd keeps are those of the live module."""
    from torch.utils.flop_counter import FlopCounterMode

    model, image = live(program)
    report, step = spinec.cost(program), training_cost(program, BATCH)
    assert sum(weight.numel() for weight in model.parameters()) == report.params
    with FlopCounterMode(display=False) as forward:
        result = model(image)
    assert tuple(result.shape[1:]) == program.outputs["out"]
    assert forward.get_total_flops() == 2 * step.forward == BATCH * report.flops()
    assert kept_by_autograd(model, image) == step.kept_bytes, [str(step.op) for step in program.steps]


def live(program: Program, dtype: str = "float32") -> tuple[Any, Any]:
    """A module with random weights, and images for it."""
    import torch

    found = backend("pytorch")
    with found.precision(dtype):
        given = sample(program, dtype)  # type: ignore[arg-type]
        model = found.build(program).train()
        found.write_weights(model, program, given.weights)
        return model, torch.tensor(given.inputs["image"])


def kept_by_autograd(model: Any, image: Any) -> int:
    """Bytes of all memory that autograd holds after a forward pass, weights and running statistics left out."""
    import torch

    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    held = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = model(image)
    assert result is not None
    return sum(storage.nbytes() for storage in held.values())


def assert_reads(op: Op, channels: int, size: tuple[int, int]) -> None:
    """For every row and column of the result: the rows and columns of what is given on which it depends."""
    model, image = live(alone([Conv(channels)], [op], channels=channels, size=size), "float64")
    image = image[:1].requires_grad_()
    result = model(image)
    weights = _noise(result.shape)
    for axis in (0, 1):
        for cell in range(result.shape[axis + 2]):
            line = (result * weights).select(axis + 2, cell).sum()
            assert op.reads(1 << cell, 0, size[axis], axis) == _lines(line, image, axis), (str(op), axis, cell)


def _lines(value: Any, image: Any, axis: int) -> int:
    """The rows or columns of an image at which a value has a gradient."""
    import torch

    (gradient,) = torch.autograd.grad(value, image, retain_graph=True)
    seen = gradient[0].abs().sum((0, 2 - axis)) > 1e-12
    return sum(1 << i for i, is_seen in enumerate(seen.tolist()) if is_seen)


def _noise(shape: Any) -> Any:
    import torch

    return torch.from_numpy(np.random.default_rng(5).normal(size=shape))


def assert_compiled_equally(program: Program, bar: float = 1e-5) -> None:
    """XLA computes the same, without a gather."""
    import tensorflow as tf

    from spinec.backends.tensorflow.layout import channels_last

    found, given = backend("tensorflow"), sample(program)
    model = found.build(program)
    found.write_weights(model, program, given.weights)
    images = tf.constant(channels_last(given.inputs["image"]))
    compiled = tf.function(lambda x: model(x, training=False), jit_compile=True)
    reference, fast = model(images, training=False).numpy(), compiled(images).numpy()
    assert np.abs(fast - reference).max() <= bar * np.abs(reference).max()
    assert "gather" not in compiled.experimental_get_compiler_ir(images)(stage="hlo")


def evaluated(op: Op, image: Any, weights: dict[str, Any] | None = None) -> Any:
    """What a live PyTorch module of one op makes of an image (channels, height, width), in float64."""
    import torch

    program = alone([op], channels=image.shape[0], size=image.shape[1:])
    found = backend("pytorch")
    with found.precision("float64"):
        model = found.build(program).eval()
        if weights:
            found.write_weights(model, program, {f"b1.{op_name(type(op))}1.{role}": w for role, w in weights.items()})
    with torch.no_grad():
        return model(torch.from_numpy(image)[None])[0].numpy()
