"""The cost of training against PyTorch: what autograd keeps, to the byte; the peak of a step; multiply-adds of both passes."""

from __future__ import annotations

import json
from functools import cache
from math import prod

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from strategies import specs

import spinec
from spinec.compiler.cost.training import OPTIMIZERS, training_cost

torch = pytest.importorskip("torch")

from torch.multiprocessing.reductions import StorageWeakRef  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_iter  # noqa: E402

torch.set_num_threads(1)
CASES = {  # what there is of kept values: swish, ReLU, ReLU6, gates, fusion, pooling, padding, crops, shared towers, dropout
    "efficientnet-b0": 96,
    "eff-spinenet-m0": 128,
    "resnet-18": 96,
    "mobilenet-v3-small": 65,
    "mobilenet-v2-mnasfpn": 128,
    "spinenet-49s": 128,
    "efficientdet-d0": 128,
    "eff-spinenet-d0-segmentation": (72, 100),
    "mobilenet-v2-nas-fpnlite": 96,
}
BOUND = 0.005  # of the peak: tensors of PyTorch's own, such as what a norm's backward pass makes and drops
BATCH = 2


@cache
def program(name):
    return spinec.lower(spinec.load(name), CASES[name])


def model_and_inputs(lowered, batch=BATCH):
    torch.manual_seed(0)
    inputs = [torch.randn(batch * given.times, *given.shape) for given in lowered.inputs.values()]
    return spinec.build(lowered).train(), inputs


def outputs_of(model, inputs):
    results = model(*inputs)
    return list(results.values()) if isinstance(results, dict) else [results]


def kept_by_autograd(model, inputs):
    """Bytes of all memory that autograd holds after a forward pass, weights and running statistics left out."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    held = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        results = outputs_of(model, inputs)
    assert results
    return sum(storage.nbytes() for storage in held.values())


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_is_what_autograd_keeps(name):
    assert training_cost(program(name), BATCH).kept_bytes == kept_by_autograd(*model_and_inputs(program(name)))


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(specs(most_blocks=6))
def test_what_is_kept_of_random_networks(text):
    lowered = spinec.lower(spinec.loads(text))
    model, inputs = model_and_inputs(lowered)
    assert training_cost(lowered, BATCH).kept_bytes == kept_by_autograd(model, inputs)


class Alive(TorchDispatchMode):
    """What tensors are alive after every op, and the most bytes that they had.

    What a kernel takes while it runs and gives back is left out: how much that is depends on which kernel oneDNN has
    for the processor, such as copies of weights padded to its vectors (4 MB of 123 in a step of SpineNet-49S with AVX2).
    """

    def __init__(self, *held):
        super().__init__()
        self.peak = 0
        self._storages = {}
        self._bytes = (
            0  # of all that are noted, of which some may be gone: no peak is missed, and few are asked each time
        )
        self._note(held)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        results = func(*args, **(kwargs or {}))
        self._note(results)
        return results

    def _note(self, made):
        for tensor in tree_iter(made):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                _, before = self._storages.get(storage._cdata, (None, 0))
                self._storages[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
                self._bytes += storage.nbytes() - before
        if self._bytes > self.peak:
            self._storages = {key: held for key, held in self._storages.items() if not held[0].expired()}
            self._bytes = sum(size for _, size in self._storages.values())
            self.peak = max(self.peak, self._bytes)


class Loss(torch.autograd.Function):
    """A loss that keeps nothing, whose gradient is one; nobody but autograd holds it."""

    @staticmethod
    def forward(ctx, result):
        ctx.shape = result.shape
        return result.new_zeros(())

    @staticmethod
    def backward(ctx, gradient):
        return torch.ones(ctx.shape)


def optimizer_of(name, weights):
    if name == "adam":
        return torch.optim.Adam(weights, foreach=False)
    return torch.optim.SGD(weights, lr=0.1, momentum=0.9 if name == "momentum" else 0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["efficientnet-b0", "eff-spinenet-m0", "resnet-18", "spinenet-49s"])
def test_peak_is_that_of_a_step(name, optimizer):
    step = training_cost(program(name), BATCH, optimizer)
    model, inputs = model_and_inputs(program(name))
    update = optimizer_of(optimizer, model.parameters())

    def train():
        results = outputs_of(model, inputs)
        sum(map(Loss.apply, results)).backward()
        del results
        update.step()

    train()
    update.zero_grad(set_to_none=True)
    states = [value for state in update.state.values() for value in state.values() if value is not None and value.dim()]
    assert sum(value.nbytes for value in states) == step.optimizer_bytes
    with Alive(*model.parameters(), *model.buffers(), *states, *inputs) as alive:
        train()
    assert alive.peak == pytest.approx(step.peak_bytes, rel=BOUND)


def test_peak_of_the_learner_is_that_of_a_step():
    """A step of `spinec train`: loss, gradients and SGD; an average of the weights adds as much as it holds."""
    import numpy as np

    from spinec.backends.backend import backend
    from spinec.spec.recipes.load import load_recipe

    lowered = program("efficientnet-b0")
    kept = {}
    for average in ("null", "{decay: 0.9}"):
        recipe = load_recipe("small-classification", [f"batch={BATCH}", "optimizer.kind=sgd", f"average={average}"])
        learner = backend("pytorch").learner(lowered, recipe)
        images, targets = np.ones((BATCH, *lowered.size, 3), "float32"), {"labels": np.array([1, 2])}
        learner.step(images, targets, 0.001, 0)
        held = [value for part in learner.parts.values() for value in part.values()]
        with Alive(*held, *learner.model.buffers()) as alive:
            learner.step(images, targets, 0.001, 1)
        kept[average] = alive.peak
    assert kept["null"] == pytest.approx(training_cost(lowered, BATCH).peak_bytes, rel=BOUND)
    averaged = 4 * sum(prod(shape) for shape in (*lowered.weights.values(), *lowered.state.values()))
    assert kept["{decay: 0.9}"] - kept["null"] == pytest.approx(averaged, rel=BOUND)


def counted_by_torch(model, inputs):
    """FLOPs of a forward pass, and of the backward pass, by PyTorch's own counter."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as forward:
        results = outputs_of(model, inputs)
    with FlopCounterMode(display=False) as backward:
        torch.autograd.backward(results, [torch.ones_like(result) for result in results])
    return forward.get_total_flops(), backward.get_total_flops()


@pytest.mark.parametrize("name", ["resnet-18", "spinenet-49s"])
def test_multiply_adds_of_both_passes_are_torchs(name):
    step = training_cost(program(name), BATCH)
    forward, backward = counted_by_torch(*model_and_inputs(program(name)))
    assert forward == 2 * step.forward
    assert backward == 2 * (step.weights + step.inputs)


@pytest.mark.parametrize("name", ["efficientnet-b0", "eff-spinenet-m0"])
def test_torch_counts_gradients_of_depthwise_kernels_as_often_as_there_are_channels(name):
    """Its known fault: the gradient of a kernel of C groups is counted as that of a full kernel, C times the work."""
    step = training_cost(program(name), BATCH)
    forward, backward = counted_by_torch(*model_and_inputs(program(name)))
    report = spinec.cost(program(name))
    spare = sum((row.op.groups - 1) * row.work["macs"] for row in report.rows if row.op.category == "conv")
    assert forward == 2 * step.forward
    assert spare > step.forward
    assert backward == 2 * (step.weights + step.inputs + BATCH * spare)


def test_a_batch_multiplies_work_and_not_weights():
    one, four = training_cost(program("resnet-18"), 1), training_cost(program("resnet-18"), 4)
    assert four.macs == 4 * one.macs
    assert four.weight_bytes == one.weight_bytes == 4 * one.params
    statistics = 2 * 4 * sum(step.output[0] for step in program("resnet-18").steps if step.op.category == "norm")
    assert four.kept_bytes - statistics == 4 * (one.kept_bytes - statistics)


def test_what_no_gradient_is_asked_for_is_not_kept():
    """By hand: the image goes through a max-pool, which has no weights before it, then a convolution and a ReLU."""
    text = """
name: by-hand
input: {size: 8}
resample: {down: max_pool, match: where_needed}
fuse: {activation: none}
blocks:
  a: {kind: identity, level: 1, dim: 3, activation: none, inputs: [image]}
  b: {kind: conv, kernel: 1, level: 1, dim: 5, norm: false, bias: false, activation: relu, inputs: [a]}
outputs: {out: b}
"""
    step = training_cost(spinec.lower(spinec.loads(text)))
    assert (step.forward, step.weights, step.inputs) == (15 * 16, 15 * 16, 0)
    assert step.kept_bytes == 4 * 16 * (3 + 5)  # what the convolution is given, and the ReLU's result


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        training_cost(program("resnet-18"), optimizer="adma")
    with pytest.raises(ValueError, match="at least one image"):
        training_cost(program("resnet-18"), 0)


def test_the_command(spinec):
    code, out, _ = spinec(
        "cost", "resnet-18", "--training", "--batch", "2", "--optimizer", "adam", "--size", "96", "--format", "json"
    )
    assert code == 0
    step = training_cost(program("resnet-18"), 2, "adam")
    (row,) = json.loads(out)["rows"]
    assert row["size"] == [96, 96]
    assert row["macs"] == step.macs
    assert row["optimizer_bytes"] == step.optimizer_bytes
    assert row["peak_bytes"] == step.peak_bytes
