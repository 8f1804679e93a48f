"""The hierarchical graph: nodes whose payload is an op, or another graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from spinec.compiler.ops.base import Op, Shape
from spinec.spec.errors import Fault, ShapeError, SpecError


class Derived(NamedTuple):
    """A setting that follows from another: ``Derived(96, "in_dim * 6")``."""

    value: int
    formula: str


Setting: TypeAlias = "int | float | Derived"


class ModelInput(NamedTuple):
    """What a model is given: the image, or so many crops of every image, which stand in the batch one by one."""

    shape: Shape
    times: int = 1


class Node(NamedTuple):
    """A use of an op or a graph. The node's name is the name of its value.

    Nodes of one `module` share their weights, so they are written once and applied several times; `call` tells the
    applications apart. Within a shared graph a node with `per_call` has weights of its own for every call. `counted`
    says in fields of the head how many channels it gives, ``"anchors * classes"``, as source had better say it too;
    ``"predictions"`` is what the graph is told by its user, who says it.
    """

    name: str
    op: Op | Graph
    inputs: tuple[str, ...]
    module: str
    call: str = ""
    per_call: bool = False
    counted: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in the order of execution. A graph whose nodes are named 0, 1, 2... is a sequence.

    `name` says what it computes, `class_name` what generated source calls it, if not after that; `settings` are the
    block's own fields and what follows from them, by which generated source names its constructor arguments.
    """

    name: str
    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    doc: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    class_name: str = ""

    @property
    def is_sequence(self) -> bool:
        """Whether every node feeds the next one alone; the empty sequence does nothing."""
        return all(node.name == str(i) for i, node in enumerate(self.nodes))

    @property
    def result(self) -> str:
        """The value that a graph with one output gives."""
        (value,) = self.outputs.values()
        return value


class GraphBuilder:
    """Collects nodes in order; each method returns the name of the value it adds."""

    def __init__(
        self,
        name: str,
        doc: str,
        inputs: tuple[str, ...] = ("x",),
        settings: Mapping[str, Setting] | None = None,
        class_name: str = "",
    ) -> None:
        self.name, self.doc, self.inputs, self.settings = name, doc, inputs, settings or {}
        self.class_name = class_name
        self.nodes: list[Node] = []
        self.parts: dict[str, Op | Graph | None] = dict.fromkeys(inputs)
        self.taken: dict[str, ModelInput] = {}
        """What a model is given beside the image."""

    def add(
        self,
        name: str,
        op: Op | Graph,
        *inputs: str,
        module: str = "",
        call: str = "",
        per_call: bool = False,
        counted: str = "",
    ) -> str:
        """Add a node; its weights are its own unless it names another module.

        Raises:
            SpecError: when the graph has another part of that name.
        """
        module = module or name
        self._refuse(name, name in self.parts)
        self._refuse(module, self.parts.get(module, op) is not op)
        self.parts[name] = self.parts[module] = op
        self.nodes.append(Node(name, op, inputs, module, call, per_call, counted))
        return name

    def take(self, name: str, shape: Shape, times: int) -> str:
        """Add an input of the model, of which every image has so many.

        Raises:
            SpecError: when the graph has a part of that name.
        """
        self._refuse(name, name in self.parts)
        self.inputs, self.parts[name] = (*self.inputs, name), None
        self.taken[name] = ModelInput(shape, times)
        return name

    def _refuse(self, name: str, is_taken: bool) -> None:
        if is_taken:
            raise SpecError(
                [Fault("SPN-604", f"{self.name}: two parts are called {name!r}: rename the block or the output")]
            )

    def build(self, outputs: str | Mapping[str, str]) -> Graph:
        """The finished graph, with one result or several named ones."""
        named = {"": outputs} if isinstance(outputs, str) else dict(outputs)
        return Graph(self.name, self.inputs, tuple(self.nodes), named, self.doc, self.settings, self.class_name)


def sequence(name: str, doc: str, *steps: Op | Graph) -> Graph:
    """A graph in which every step feeds the next."""
    values = ["x", *map(str, range(len(steps)))]
    nodes = tuple(Node(str(i), step, (values[i],), str(i)) for i, step in enumerate(steps))
    return Graph(name, ("x",), nodes, {"": values[-1]}, doc)


class Step(NamedTuple):
    """One op of a program in the order of execution, with the paths of what it reads and where its weights are."""

    path: str
    op: Op
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output: Shape
    module: str
    weights: Mapping[str, Shape]
    """Role and shape of what is trained; nothing in later calls of a shared module, which use the first one's."""
    owner: bool
    times: int = 1
    """How often it runs for an image: once, or for each of its crops."""


def flatten(graph: Graph, inputs: Mapping[str, ModelInput]) -> tuple[list[Step], dict[str, Shape], dict[str, str]]:
    """Every op in the order of execution, every value's shape by path, and which op's path each graph's value is.

    Raises:
        ShapeError: naming the node whose inputs do not fit.
    """
    walker = _Walker(inputs)
    walker.walk(graph, "", "", "", {name: name for name in graph.inputs})
    return walker.steps, walker.shapes, walker.values


class _Walker:
    """Carries what a walk over nested graphs learns."""

    def __init__(self, inputs: Mapping[str, ModelInput]) -> None:
        self.shapes = {name: given.shape for name, given in inputs.items()}
        self.times = {name: given.times for name, given in inputs.items()}
        self.steps: list[Step] = []
        self.values: dict[str, str] = {}
        self.modules: set[str] = set()

    def walk(self, graph: Graph, path: str, module: str, call: str, values: dict[str, str]) -> None:
        """Walk a graph whose inputs are the values given; `values` maps local names to paths of ops."""
        for node in graph.nodes:
            inputs = tuple([values[name] for name in node.inputs])
            where = f"{path}{node.name}"
            module_path = f"{module}{node.module}"
            if isinstance(node.op, Graph) and _is_plain(node.op):
                values[node.name] = self.copy(node.op, f"{where}.", f"{module_path}.", inputs)
                continue
            if isinstance(node.op, Graph):
                inner = dict(zip(node.op.inputs, inputs, strict=True))
                self.walk(node.op, f"{where}.", f"{module_path}.", node.call or call, inner)
                result = inner[node.op.result]
                values[node.name] = self.values[where] = result
                continue
            if node.per_call:
                module_path = f"{module_path}.{call}"
            shapes = tuple([self.shapes[name] for name in inputs])
            try:
                output = node.op.infer(*shapes)
            except ShapeError as error:
                raise ShapeError(f"{where}: {error}") from None
            self.shapes[where] = output
            values[node.name] = where
            owner = module_path not in self.modules
            weights = node.op.weights(*shapes) if owner else {}
            times = self.times[where] = self.times[inputs[0]]
            self.steps.append(Step(where, node.op, inputs, shapes, output, module_path, weights, owner, times))
            self.modules.add(module_path)

    def copy(self, graph: Graph, path: str, module: str, inputs: tuple[str, ...]) -> str:
        """Add what a plain graph comes to for inputs of these shapes, which is worked out once; its result."""
        try:
            flat = _flat(graph, tuple([self.shapes[name] for name in inputs]))
        except ShapeError as error:
            raise ShapeError(f"{path}{error}") from None
        times = self.times[inputs[0]]
        shapes, all_times, modules, steps = self.shapes, self.times, self.modules, self.steps
        for step in flat.steps:
            where, module_path = path + step.path, module + step.path
            shapes[where], all_times[where] = step.output, times
            owner = module_path not in modules
            modules.add(module_path)
            given = tuple([inputs[name] if isinstance(name, int) else path + name for name in step.inputs])
            weights: Mapping[str, Shape] = step.weights if owner else {}
            steps.append(
                Step(where, step.op, given, step.input_shapes, step.output, module_path, weights, owner, times)
            )
        for inner, value in flat.values:
            self.values[path + inner] = inputs[value] if isinstance(value, int) else path + value
        result = inputs[flat.result] if isinstance(flat.result, int) else path + flat.result
        self.values[path[:-1]] = result
        return result


class _FlatStep(NamedTuple):
    """An op of a plain graph: its path in the graph, and what it reads, by path or by position among the inputs."""

    path: str
    op: Op
    inputs: tuple[str | int, ...]
    input_shapes: tuple[Shape, ...]
    output: Shape
    weights: Mapping[str, Shape]


class _Flat(NamedTuple):
    """A plain graph's ops, what its inner graphs give, and what it gives."""

    steps: tuple[_FlatStep, ...]
    values: tuple[tuple[str, str | int], ...]
    result: str | int


@lru_cache(4_096)
def _is_plain(graph: Graph) -> bool:
    """Whether no weights in it are shared or depend on the call, so that it comes to the same wherever it stands."""
    return all(node.module == node.name and not node.per_call and not node.call for _, node in nodes_of(graph))


@lru_cache(2_048)
def _flat(graph: Graph, shapes: tuple[Shape, ...]) -> _Flat:
    """What a plain graph comes to for inputs of these shapes.

    Raises:
        ShapeError: naming the node whose inputs do not fit.
    """
    known: dict[str, str | int] = {name: i for i, name in enumerate(graph.inputs)}
    found: dict[str | int, Shape] = dict(enumerate(shapes))
    steps: list[_FlatStep] = []
    values: list[tuple[str, str | int]] = []
    for node in graph.nodes:
        inputs = tuple([known[name] for name in node.inputs])
        given = tuple([found[name] for name in inputs])
        if isinstance(node.op, Graph):
            try:
                inner = _flat(node.op, given)
            except ShapeError as error:
                raise ShapeError(f"{node.name}.{error}") from None
            for step in inner.steps:
                where = f"{node.name}.{step.path}"
                reads = tuple([inputs[r] if isinstance(r, int) else f"{node.name}.{r}" for r in step.inputs])
                steps.append(step._replace(path=where, inputs=reads))
                found[where] = step.output
            values += [
                (f"{node.name}.{name}", inputs[value] if isinstance(value, int) else f"{node.name}.{value}")
                for name, value in inner.values
            ]
            result = inputs[inner.result] if isinstance(inner.result, int) else f"{node.name}.{inner.result}"
            values.append((node.name, result))
            known[node.name] = result
            continue
        try:
            output = node.op.infer(*given)
        except ShapeError as error:
            raise ShapeError(f"{node.name}: {error}") from None
        steps.append(_FlatStep(node.name, node.op, inputs, given, output, node.op.weights(*given)))
        known[node.name] = node.name
        found[node.name] = output
    return _Flat(tuple(steps), tuple(values), known[graph.result])


def nodes_of(graph: Graph) -> Iterator[tuple[str, Node]]:
    """Every node of a graph and the graphs in it, with its path."""
    for node in graph.nodes:
        yield node.name, node
        if isinstance(node.op, Graph):
            yield from ((f"{node.name}.{path}", inner) for path, inner in nodes_of(node.op))
