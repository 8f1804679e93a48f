"""What a picture of a network shows, as plain data: nodes, edges and outputs, with what they do and cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from spinec.compiler.cost.report import Count, Report, Row, operand_of, total
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op, Shape
from spinec.spec.blocks import Block
from spinec.spec.model import ModelSpec
from spinec.visualize.diagram.steps import Step, input_steps, layer_step

Status = Literal["same", "added", "removed", "changed"]
IMAGE, OUTPUT, PLAIN = "image", "output", "plain"


class Node(NamedTuple):
    """A block, one of its repeats, the image, or an output."""

    name: str
    kind: str
    level: int
    dim: int
    shape: Shape
    repeats: int = 1
    outputs: tuple[str, ...] = ()
    """The names under which it is given out."""
    cost: Count | None = None
    block: str = ""
    """The block that it is, or belongs to; nothing for the image and for outputs."""
    status: Status = "same"
    note: str = ""
    """What became of it, in words."""

    def words(self) -> str:
        """The node in a sentence."""
        if not self.block:
            what = f"{self.kind} {self.name}: {_shape(self.shape)}" if self.kind == OUTPUT else _shape(self.shape)
            return f"{what}; {self.note}" if self.note else what
        times = f", {self.repeats} times" if self.repeats > 1 else ""
        given = f", output {' and '.join(self.outputs)}" if self.outputs else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.name}: {self.kind}{times}, level {self.level}, {_shape(self.shape)}{given}{note}"


class Edge(NamedTuple):
    """What feeds a node, and what is done to it on the way."""

    source: str
    target: str
    steps: tuple[Step, ...] = ()
    cost: Count | None = None
    status: Status = "same"

    def words(self) -> str:
        """The edge in a sentence."""
        done = ", ".join(step.words for step in self.steps) or "as it is"
        return f"{self.source} to {self.target}: {done}"


@dataclass(frozen=True)
class Network:
    """Nodes in the order of execution, the edges between them, and what is on top."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    outputs: tuple[Node, ...]
    head: str = ""
    head_cost: Count | None = None
    head_status: Status = "same"

    @cached_property
    def levels(self) -> Mapping[str, int]:
        """The level of every node and output."""
        return {node.name: node.level for node in (*self.nodes, *self.outputs)}

    @property
    def blocks(self) -> tuple[Node, ...]:
        """The nodes that are blocks."""
        return tuple(node for node in self.nodes if node.block)


def network_of(report: Report, *, unfold: bool = False) -> Network:
    """What a picture shows of a counted program; `unfold` shows every repeat of a block by itself."""
    program, spec, parts = report.program, report.program.spec, _parts(report.rows)
    graphs = {node.name: node.op for node in program.graph.nodes}
    given_as: dict[str, tuple[str, ...]] = {}
    for output, name in spec.outputs.items():
        given_as[name] = (*given_as.get(name, ()), output)
    nodes = [Node(IMAGE, IMAGE, 0, spec.input.channels, program.input_shape)]
    edges: list[Edge] = []
    last = {IMAGE: IMAGE}  # of every block the node that gives its value
    for name, block in spec.blocks.items():
        part, shape = parts.get(name) or _Part(name, []), program.shape(name)  # an identity has no ops
        outputs = given_as.get(name, ())
        whole = Node(name, block.kind, block.level, block.dim, shape, block.repeats, outputs, total(part.all), name)
        repeats = _repeats(whole, part.repeats()) if unfold and block.repeats > 1 else [whole]
        resampling = part.inputs()
        for operand, given in enumerate(block.inputs):
            steps = _input_steps(spec, block, graphs[name], operand)
            cost = total(resampling[operand]) if operand in resampling else None
            edges.append(Edge(last[given.block], repeats[0].name, steps, cost))
        edges += [Edge(one.name, another.name) for one, another in pairwise(repeats)]
        nodes += repeats
        last[name] = repeats[-1].name
    for output, name in spec.outputs.items():
        steps = (layer_step(graphs[output]),) if output in graphs else ()
        edges.append(Edge(last[name], output, steps, total(parts[output].all) if output in parts else None))
    head = [row for name, part in parts.items() if _is_head(spec, name) for row in part.all]
    return Network(
        spec.name,
        tuple(nodes),
        tuple(edges),
        tuple(_outputs(program)),
        f"{spec.head.kind} head" if spec.head else "",
        total(head) if head else None,
    )


def _input_steps(spec: ModelSpec, block: Block, graph: Op | Graph, operand: int) -> tuple[Step, ...]:
    assert isinstance(graph, Graph)  # a block is always lowered to one
    stride = 2 ** max(0, block.level - spec.level_of(block.inputs[operand].block))
    return input_steps(graph, operand, stride)


class _Part:
    """The ops of one node of a program: all, those of each input's resampling, those of each repeat."""

    def __init__(self, name: str, rows: list[Row]) -> None:
        self.all, self.start = rows, len(name) + 1

    def inputs(self) -> dict[int, list[Row]]:
        """The ops that resample an input, by the input's place."""
        found: dict[int, list[Row]] = {}
        for row in self.all:
            if (operand := operand_of(row.path[self.start :])) is not None:
                found.setdefault(operand, []).append(row)
        return found

    def repeats(self) -> dict[int, list[Row]]:
        """The ops of each repeat; resampling and fusion belong to the first."""
        found: dict[int, list[Row]] = {}
        for row in self.all:
            first, _, rest = row.path[self.start :].partition(".")
            repeat = rest.partition(".")[0] if first == "body" else first
            found.setdefault(int(repeat) if repeat.isdecimal() else 0, []).append(row)
        return found


def _parts(rows: Iterable[Row]) -> dict[str, _Part]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.path.partition(".")[0], []).append(row)
    return {name: _Part(name, found) for name, found in groups.items()}


def _repeats(whole: Node, rows: Mapping[int, list[Row]]) -> list[Node]:
    """Every repeat as a node; resampling and fusion belong to the first, the outputs to the last."""
    return [
        whole._replace(
            name=f"{whole.name}.{i + 1}",
            repeats=1,
            outputs=whole.outputs if i == whole.repeats - 1 else (),
            cost=total(rows.get(i, ())),
        )
        for i in range(whole.repeats)
    ]


def _outputs(program: Program) -> Iterator[Node]:
    spec = program.spec
    for name, block in spec.outputs.items():
        shape = program.shape(name if spec.endpoints else block)
        yield Node(name, OUTPUT, spec.level_of(block), shape[0], shape)


def _is_head(spec: ModelSpec, name: str) -> bool:
    return name not in spec.blocks and name not in spec.outputs


def _shape(shape: Shape) -> str:
    return " × ".join(map(str, shape))
