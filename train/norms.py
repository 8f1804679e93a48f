"""Norms whose statistics are of so few values that a network behaves otherwise in training and in inference."""

from __future__ import annotations

from math import prod

from spinec.compiler.graph.program import Program
from spinec.compiler.ops.norm import BatchNorm

ENOUGH = 32
"""Values of a channel in a step: with 8, a network whose loss had fallen found nothing (`docs/how-to/training.md`)."""


def thin_norms(program: Program, images: int, processes: int = 1, *, synchronized: bool = False) -> dict[str, int]:
    """Batch norms that see fewer values of a channel in a step of some images, and how many.

    A norm that is not synchronized sees the images of its own process alone; they may all be, whatever the spec says.

    >>> from spinec import load, lower
    >>> thin_norms(lower(load("eff-spinenet-m0")), 8)
    {}
    >>> thin_norms(lower(load("eff-spinenet-m0"), 128), 8)["P7.norm"]
    8
    """
    seen = {
        step.path: (images if synchronized or step.op.synchronized else images // processes)
        * prod(step.input_shapes[0][1:])
        for step in program.steps
        if isinstance(step.op, BatchNorm)
    }
    return {path: values for path, values in seen.items() if values < ENOUGH}
