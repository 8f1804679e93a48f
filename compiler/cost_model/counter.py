"""Counts of many specs that are alike: what equal parts of them cost is counted once.

A block costs what its graph costs on features of its inputs' shapes, whatever the rest of the network is. So does all
that is behind the blocks: endpoints and head. Of networks that differ in a few blocks, or in the order of them, most is
counted already.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import repeat

from spinec.compiler.cost.report import Count, check_count, rows_of, total
from spinec.compiler.graph.hierarchy import Graph, GraphBuilder, ModelInput, flatten
from spinec.compiler.lowering.fuse import lower_block
from spinec.compiler.lowering.layers import style_of
from spinec.compiler.lowering.pipeline import add_top
from spinec.compiler.lowering.resample import Features
from spinec.compiler.ops.base import Shape
from spinec.spec.collection import paused_collection
from spinec.spec.model import ModelSpec

MOST_KEPT = 20_000  # parts, before all are forgotten


class Counter:
    """Counts specs as `cost` counts their programs, in a fraction of the time where they are alike.

    >>> from spinec import cost, load, lower
    >>> spec, counter = load("spinenet-49"), Counter()
    >>> counter.count(spec).macs() == cost(lower(spec)).macs()
    True
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Count] = {}

    @paused_collection()
    def count(self, spec: ModelSpec) -> Count:
        """What a spec costs at its own input size.

        Raises:
            SpecError: when a kind does not work out.
            ShapeError: when the count is too large to be exact.
        """
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        height, width = spec.input.size
        features = {"image": Features("image", 0, spec.input.channels, height, width)}
        counts = []
        for name, block in spec.blocks.items():
            to = Features(name, block.level, block.dim, -(-height // 2**block.level), -(-width // 2**block.level))
            given = [features[source.block] for source in block.inputs]
            graph = lower_block(block, given, to, spec, repeat(0.0))  # leaving out branches costs nothing
            counts.append(self._part(graph, tuple(map(_shape, given))))
            features[name] = to._replace(inner=block.inner_dim)
        whole = total([*counts, self._top(spec, features)])
        check_count(whole, spec.name)
        return whole

    def _part(self, graph: Graph, shapes: tuple[Shape, ...]) -> Count:
        key = (graph, shapes)
        if key not in self._known:
            inputs = {name: ModelInput(shape) for name, shape in zip(graph.inputs, shapes, strict=True)}
            self._known[key] = total(rows_of(flatten(graph, inputs)[0]))
        return self._known[key]

    def _top(self, spec: ModelSpec, features: Mapping[str, Features]) -> Count:
        """What endpoints and head cost."""
        given = {name: features[block] for name, block in spec.outputs.items()}
        unnamed = tuple((name, each._replace(name="")) for name, each in given.items())
        key = (spec.head, spec.endpoints, style_of(spec), unnamed)
        if key not in self._known:
            read = dict.fromkeys(spec.outputs.values())
            model = GraphBuilder(spec.name, "", tuple(read))
            _, results = add_top(model, spec, features)
            inputs = {name: ModelInput(_shape(features[name])) for name in read} | dict(model.taken)
            self._known[key] = total(rows_of(flatten(model.build(results), inputs)[0]))
        return self._known[key]


def _shape(features: Features) -> Shape:
    return features.dim, features.height, features.width
