"""ModelSpec -> Program: blocks are lowered in order, endpoints and head put on top, shapes inferred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from math import prod

from spinec.compiler.graph.hierarchy import GraphBuilder, ModelInput, flatten
from spinec.compiler.graph.program import Program
from spinec.compiler.lowering.fuse import lower_block
from spinec.compiler.lowering.heads import registry
from spinec.compiler.lowering.kinds import conv_block
from spinec.compiler.lowering.layers import style_of
from spinec.compiler.lowering.resample import Features
from spinec.spec.collection import paused_collection
from spinec.spec.errors import Fault, SpecError
from spinec.spec.fields import MAX_SIZE
from spinec.spec.model import ModelSpec

MAX_WEIGHT = 2**31  # elements of one weight: no framework can hold more in one tensor
MAX_PARAMS = 2**40


@paused_collection()
def lower(spec: ModelSpec, size: int | tuple[int, int] | None = None) -> Program:
    """The program of a spec, at its own input size or at another.

    A level's size is ceil(size / 2^level), so sizes need not divide.

    Raises:
        SpecError: when the size is out of range or the model could not exist.

    >>> from spinec import load
    >>> lower(load("eff-spinenet-d0"), 256).outputs["class_P3"]
    (819, 32, 32)
    """
    height, width = _size(spec, size)
    model = GraphBuilder(spec.name, f"{spec.name} for {height} x {width} images.", ("image",))
    features = {"image": Features("image", 0, spec.input.channels, height, width)}
    rates = drop_rates(spec)
    for name, block in spec.blocks.items():
        to = Features(name, block.level, block.dim, -(-height // 2**block.level), -(-width // 2**block.level))
        given = [features[source.block] for source in block.inputs]
        model.add(name, lower_block(block, given, to, spec, rates), *(source.name for source in given))
        features[name] = to._replace(inner=block.inner_dim)
    outputs, results = add_top(model, spec, features)
    graph = model.build(results)
    inputs = {"image": ModelInput((spec.input.channels, height, width)), **model.taken}
    steps, shapes, values = flatten(graph, inputs)
    read = {name: features.name for name, features in outputs.items()}
    program = Program(spec, (height, width), graph, inputs, tuple(steps), shapes, values, read)
    _check_limits(program)
    return program


def add_top(
    model: GraphBuilder, spec: ModelSpec, features: Mapping[str, Features]
) -> tuple[dict[str, Features], dict[str, str]]:
    """Add endpoints and head to a graph that has the features of all blocks: what the head reads, and what it gives."""
    outputs = {name: _endpoint(model, spec, name, features[block]) for name, block in spec.outputs.items()}
    if spec.head:
        return outputs, dict(registry.LOWERINGS[type(spec.head)](spec.head, outputs, style_of(spec), model))
    return outputs, {name: features.name for name, features in outputs.items()}


def drop_rates(spec: ModelSpec) -> Iterator[float]:
    """The stochastic depth rate of every repeat of every block with a branch, in order.

    Linear: rate * i / n for the i-th of n, so the first is never left out.
    """
    rate = spec.stochastic_depth.rate
    if spec.stochastic_depth.schedule == "constant":
        return repeat(rate)
    total = sum(block.repeats for block in spec.blocks.values() if block.has_branch)
    return iter([rate * i / total for i in range(total)])


def _endpoint(model: GraphBuilder, spec: ModelSpec, name: str, features: Features) -> Features:
    endpoints = spec.endpoints
    if not endpoints:
        return features
    graph = conv_block(style_of(spec), features.dim, endpoints.dim, activation=endpoints.activation)
    return features._replace(name=model.add(name, graph, features.name), dim=endpoints.dim)


def _size(spec: ModelSpec, size: int | tuple[int, int] | None) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size or spec.input.size
    if not (0 < height <= MAX_SIZE and 0 < width <= MAX_SIZE):
        raise SpecError(
            [Fault("SPN-601", f"input size {height} x {width}: expected 1 to {MAX_SIZE:,} pixels on each side")]
        )
    return height, width


def _check_limits(program: Program) -> None:
    total = 0
    for step in program.steps:
        for role, shape in step.weights.items():
            total += (size := prod(shape))
            if size > MAX_WEIGHT:
                weight = f"{program.name}: weight {step.module}.{role} would have {size:,} elements"
                raise SpecError([Fault("SPN-602", f"{weight}, at most {MAX_WEIGHT:,}")])
    if total > MAX_PARAMS:
        raise SpecError([Fault("SPN-603", f"{program.name}: {total:,} parameters, at most {MAX_PARAMS:,}")])
