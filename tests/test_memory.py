"""Peak memory against a simulation that asks, at every moment, of every value, whether anybody still needs it."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from strategies import specs

import spinec
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.ops.base import Shape

BYTES = 4


class Moment(NamedTuple):
    """One op at work: the values it reads and the shape of the one it makes, which is called by the moment's number."""

    reads: tuple[int, ...]
    shape: Shape
    times: int


def simulate(program: spinec.Program) -> int:
    """The most bytes needed at any moment. Values are numbered by the moment that made them; the inputs are the first."""
    moments = [Moment((), given.shape, given.times) for given in program.inputs.values()]
    kept = run(program.graph, [*range(len(moments))], moments)
    peak = 0
    for now in range(len(program.inputs) - 1, len(moments)):
        needed = [value for value in range(now + 1) if is_needed(value, now, moments, kept)]
        peak = max(peak, sum(moments[value].times * prod(moments[value].shape) for value in needed))
    return BYTES * peak


def run(graph: Graph, inputs: list[int], moments: list[Moment]) -> list[int]:
    """Carry out a graph on the values given: its moments are added, its results returned."""
    values = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        reads = [values[name] for name in node.inputs]
        if isinstance(node.op, Graph):
            (values[node.name],) = run(node.op, reads, moments)
            continue
        shape = node.op.infer(*(moments[value].shape for value in reads))
        moments.append(Moment(tuple(reads), shape, moments[reads[0]].times))
        values[node.name] = len(moments) - 1
    return [values[name] for name in graph.outputs.values()]


def is_needed(value: int, now: int, moments: list[Moment], kept: list[int]) -> bool:
    """Whether a value is being made, is read now or later, or is returned."""
    return value == now or value in kept or any(value in moment.reads for moment in moments[now:])


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(specs(most_blocks=12))
def test_peak_memory_is_that_of_a_simulation(text: str) -> None:
    program = spinec.lower(spinec.loads(text))
    assert spinec.cost(program).peak_bytes == simulate(program)


@pytest.mark.parametrize(
    "name", ["eff-spinenet-d0", "eff-spinenet-d0-segmentation", "eff-spinenet-d0-mask-rcnn", "efficientnet-b0"]
)
def test_peak_memory_of_the_library(name: str) -> None:
    program = spinec.lower(spinec.load(name))
    assert spinec.cost(program).peak_bytes == simulate(program)


def test_a_value_lives_from_its_op_to_its_last_reader() -> None:
    """By hand: 8 x 8 image of 3 channels, two 1x1 convolutions, each with a norm and a ReLU, and their sum."""
    text = """
name: by-hand
input: {size: 8}
resample: {match: when_different}
fuse: {kind: sum, activation: none}
blocks:
  a: {kind: conv, kernel: 1, level: 0, dim: 5, activation: relu, inputs: [image]}
  b: {kind: conv, kernel: 1, level: 0, dim: 5, activation: relu, inputs: [a]}
  c: {kind: identity, level: 0, dim: 5, inputs: [a, b]}
outputs: {out: c}
"""
    report = spinec.cost(spinec.lower(spinec.loads(text)))
    assert report.peak_bytes == BYTES * 64 * (5 + 5 + 5)  # a, b's convolution and b's norm; the image is gone by then
