"""A program: the graph of a whole model with every shape known. What analyses read and backends compile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from spinec.compiler.graph.hierarchy import Graph, ModelInput, Node, Step
from spinec.compiler.ops.base import Shape, elements
from spinec.spec.model import ModelSpec
from spinec.spec.notebook import shown


@dataclass(frozen=True, eq=False)
class Program:
    """A lowered spec at one input size.

    `inputs` are what it is given, the image first; `steps` are all ops in the order of execution, `shapes` every op's
    result by path, `values` says which op's result a block's or sub-graph's value is, `features` which value the head
    reads for each output of the spec. A program that stands for all input sizes has a `multiple`, of which heights and
    widths are multiples; elsewhere it is 0.
    """

    spec: ModelSpec
    size: tuple[int, int]
    graph: Graph
    inputs: Mapping[str, ModelInput]
    steps: tuple[Step, ...]
    shapes: Mapping[str, Shape]
    values: Mapping[str, str]
    features: Mapping[str, str] = field(default_factory=dict)
    multiple: int = 0

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def input_shape(self) -> Shape:
        """(channels, height, width) of the image."""
        return self.inputs["image"].shape

    @property
    def crops(self) -> dict[str, ModelInput]:
        """What is given beside the image."""
        return {name: given for name, given in self.inputs.items() if name != "image"}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many numbers an image has of every input and every op's result, by path."""
        found = {name: given.times * elements(given.shape) for name, given in self.inputs.items()}
        return found | {step.path: step.times * elements(step.output) for step in self.steps}

    def shape(self, value: str) -> Shape:
        """The shape of a value of the model's graph, or of a path within it."""
        return self.shapes[self.values.get(value, value)]

    @cached_property
    def outputs(self) -> dict[str, Shape]:
        """Name and shape of what the model returns."""
        return {name: self.shape(value) for name, value in self.graph.outputs.items()}

    def named(self, result: Any) -> dict[str, Any]:
        """What a live model gave, by output: several come in a mapping, one comes bare."""
        return dict(result) if isinstance(result, Mapping) else dict(zip(self.outputs, [result], strict=True))

    @cached_property
    def observable(self) -> tuple[str, ...]:
        """What is between blocks: the value of every block and endpoint, and every output.

        Not what a shared module gives to another part of the head: the module gives one of them per call.
        """
        given = set(self.graph.outputs.values())
        return tuple(node.name for node in self.graph.nodes if not node.call or node.name in given)

    @cached_property
    def weights(self) -> dict[str, Shape]:
        """Name and shape of every trained weight, in the order of execution; kernels are (out, in, height, width)."""
        return {f"{step.module}.{role}": shape for step in self.steps for role, shape in step.weights.items()}

    @cached_property
    def state(self) -> dict[str, Shape]:
        """Name and shape of every value that is kept but not trained: running statistics."""
        return {
            f"{step.module}.{role}": shape
            for step in self.steps
            if step.owner
            for role, shape in step.op.state(*step.input_shapes).items()
        }

    def _repr_svg_(self) -> str | None:
        return shown("svg", self)

    def __repr__(self) -> str:
        height, width = self.size
        return f"<Program {self.name} at {height} x {width}: {len(self.spec.blocks)} blocks>"

    def __str__(self) -> str:
        """The text form: every node, its inputs, its op, its shape; nested graphs indented."""
        given = ", ".join(f"{name}: {_given(each)}" for name, each in self.inputs.items())
        header = f"program {self.name} ({given})"
        outputs = ", ".join(f"{name}: {value}" for name, value in self.graph.outputs.items())
        return "\n".join([header, *self._lines(self.graph, "", "  "), f"return {{{outputs}}}", ""])

    def _lines(self, graph: Graph, path: str, indent: str) -> list[str]:
        return [line for node in graph.nodes for line in self._node_lines(node, path, indent)]

    def _node_lines(self, node: Node, path: str, indent: str) -> list[str]:
        where = f"{path}{node.name}"
        shared = f" module={node.module}" if node.module != node.name else ""
        own = " per_call" if node.per_call else ""
        what = node.op.name if isinstance(node.op, Graph) else str(node.op)
        line = f"{indent}{node.name} = {what}({', '.join(node.inputs)}){shared}{own}  # {_shape(self.shape(where))}"
        inner = self._lines(node.op, f"{where}.", indent + "  ") if isinstance(node.op, Graph) else []
        return [line, *inner]


def _given(given: ModelInput) -> str:
    return _shape(given.shape) if given.times == 1 else f"{given.times} of {_shape(given.shape)}"


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))
