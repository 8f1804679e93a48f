"""What a step of training costs: multiply-adds of both passes, and the memory of weights, optimizer and activations.

The backward pass of a convolution or linear layer does its forward pass's work once for the gradient of its kernel and
once for the gradient of its input; nobody asks for the gradient of the image. What is kept between the passes is what
PyTorch's autograd keeps, in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from spinec.compiler.cost.optimizers import OPTIMIZERS, Optimizer
from spinec.compiler.cost.report import cost
from spinec.compiler.cost.training_memory import Tape
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import BYTES, elements
from spinec.spec.errors import did_you_mean


@dataclass(frozen=True)
class Training:
    """One step on a batch: multiply-adds in the convention `conv`, memory in bytes."""

    batch: int
    optimizer: Optimizer
    forward: int
    weights: int
    """Multiply-adds of the gradients of kernels."""
    inputs: int
    """Multiply-adds of the gradients of what layers are given."""
    params: int
    kept_bytes: int
    """What autograd keeps from the forward to the backward pass, the images included; weights are not."""
    peak_activation_bytes: int
    """The most bytes of activations, and of their gradients, alive at once."""
    peak_bytes: int
    """The most bytes alive at once in all, from the second step on, when the optimizer has its state."""

    @property
    def macs(self) -> int:
        """Multiply-adds of the whole step."""
        return self.forward + self.weights + self.inputs

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters, and as many of their gradients."""
        return BYTES * self.params

    @property
    def optimizer_bytes(self) -> int:
        """Bytes of what the optimizer keeps."""
        return OPTIMIZERS[self.optimizer].state * self.weight_bytes

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "batch": self.batch,
            "optimizer": self.optimizer,
            "macs": {"forward": self.forward, "weights": self.weights, "inputs": self.inputs, "step": self.macs},
            "params": self.params,
            "weight_bytes": self.weight_bytes,
            "gradient_bytes": self.weight_bytes,
            "optimizer_bytes": self.optimizer_bytes,
            "kept_bytes": self.kept_bytes,
            "peak_activation_bytes": self.peak_activation_bytes,
            "peak_bytes": self.peak_bytes,
        }


def training_cost(program: Program, batch: int = 1, optimizer: Optimizer = "momentum") -> Training:
    """Count a step of training on `batch` images.

    >>> from spinec import load, lower
    >>> step = training_cost(lower(load("resnet-18")), batch=32)
    >>> round(step.macs / step.forward, 3)  # three times, but for the stem: the image has no gradient
    2.935
    """
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {optimizer!r}; {did_you_mean(optimizer, OPTIMIZERS)}")
    if batch < 1:
        raise ValueError(f"batch: expected at least one image, got {batch}")
    report = cost(program)
    tape = Tape(program, batch)
    counts = [(row.work.get("macs", 0), step) for row, step in zip(report.rows, program.steps, strict=True)]
    forward = sum(macs for macs, _ in counts)
    inputs = sum(macs for macs, step in counts if step.inputs[0] in tape.differentiable)
    activations, whole = tape.peaks()
    needs, largest = OPTIMIZERS[optimizer], max(map(prod, program.weights.values()), default=0)
    update = tape.image_bytes + BYTES * (report.params + needs.scratch * largest)
    constant = BYTES * (report.params * (1 + needs.state) + elements(*program.state.values()))
    return Training(
        batch,
        optimizer,
        batch * forward,
        batch * forward,
        batch * inputs,
        report.params,
        tape.kept_bytes,
        activations,
        constant + max(whole, update),
    )
