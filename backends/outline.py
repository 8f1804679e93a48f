"""Which classes a program's source has: graphs of one skeleton share one, what differs becomes an argument.

The skeleton is that of the *lowered* calls, since a rule may call different things for different settings. Children
that are sequences, or of different classes, are passed in: a class then says what is done with its parts, and the
place that makes it says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

from spinec.backends.constants import ARGUMENTS, MOMENTUM, PREDICTIONS, arguments, counted
from spinec.backends.expressions import Call, Function, Half, In, Layer, Name, Optional, Place, Rule
from spinec.backends.holes import RATE, Holes, Param
from spinec.backends.naming import class_name
from spinec.compiler.graph.hierarchy import Graph, Node
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op

MAKE_ANEW = ("conv", "norm", "merge")  # categories of ops whose result is no view of an operand


@dataclass(frozen=True)
class Member:
    """A node of a class: what it is made by, or what it computes from its operands."""

    node: Node
    build: Any = None
    apply: Call | None = None
    after: str = ""
    is_graph: bool = False
    takes: tuple[str, ...] = ()
    """The arguments of the model that `build` mentions."""


@dataclass(frozen=True)
class Outline:
    """A class to print."""

    name: str
    graph: Graph
    params: tuple[Param, ...]
    locals: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]

    @property
    def per_call(self) -> bool:
        """Whether calls are told apart: some layers exist once per call."""
        return any(member.node.per_call for member in self.members)

    @property
    def takes(self) -> tuple[str, ...]:
        """The arguments of the model that its members mention."""
        return tuple(dict.fromkeys(name for member in self.members for name in member.takes))

    def parts(self, program: Program) -> tuple[Outline, Outline | None]:
        """What a model's features are computed by, and its head."""
        if program.spec.head is None:
            return self, None
        split = len(program.spec.blocks) + (len(program.features) if program.spec.endpoints else 0)
        body = replace(self.graph, inputs=("image",), nodes=self.graph.nodes[:split], outputs=program.features)
        inputs = (*dict.fromkeys(program.features.values()), *program.crops)
        head = replace(self.graph, inputs=inputs, nodes=self.graph.nodes[split:])
        before, after = self.members[:split], self.members[split:]
        return replace(self, graph=body, members=before), replace(self, graph=head, members=after)

    def by_input(self, crops: Collection[str]) -> dict[str, Outline]:
        """A head in parts: by each of the crops what is computed from it, by "" what is from nothing but features."""
        reads = {name: name for name in crops}
        for node in self.graph.nodes:
            reads[node.name] = next((reads[name] for name in node.inputs if reads.get(name)), "")
        return {part: self._only(part, reads) for part in ("", *crops)}

    def _only(self, part: str, reads: Mapping[str, str]) -> Outline:
        """What `reads` says to be of a part."""
        nodes = tuple(node for node in self.graph.nodes if reads[node.name] == part)
        own = {node.name for node in nodes}
        outputs = {name: value for name, value in self.graph.outputs.items() if reads.get(value, "") == part}
        read = dict.fromkeys([*(name for node in nodes for name in node.inputs), *outputs.values()])
        inputs = tuple(name for name in read if name not in own)
        graph = replace(self.graph, inputs=inputs, nodes=nodes, outputs=outputs)
        return replace(self, graph=graph, members=tuple(each for each in self.members if each.node.name in own))


@dataclass(eq=False)
class _Instance:
    """One occurrence of a graph in a program, and the path of its weights."""

    module: str
    graph: Graph
    lowered: list[Layer | Function | None]
    children: dict[int, _Instance] = field(default_factory=dict)
    made: Call | None = None
    """The call that makes it, once its class is known."""
    takes: tuple[str, ...] = ()
    """The arguments of the model that this call mentions."""


@dataclass(frozen=True)
class Words:
    """What a backend calls what every backend has."""

    module: str
    """The type of a child that is passed in."""
    sequence: str
    """What calls its parts one after the other."""
    nothing: str
    """What gives what it is given."""


class Outliner:
    """Collects the classes of a program for one backend.

    `name_of` gives what a class is called after its name, and whether it is the model.
    """

    def __init__(
        self,
        program: Program,
        rule_of: Callable[[Op], Rule],
        name_of: Callable[[str, bool], str],
        words: Words,
        reserved: Iterable[str] = (),
        named: bool = False,
    ) -> None:
        self.reserved = frozenset(reserved)
        self.named = named  # whether everything that is made is told its path
        self.program, self.rule_of, self.name_of, self.words = program, rule_of, name_of, words
        self.input_shapes = {step.path: step.input_shapes for step in program.steps}
        self.groups: dict[Any, list[_Instance]] = {}
        self.group_of: dict[int, Any] = {}
        self.seen: dict[str, _Instance] = {}

    def outline(self) -> tuple[list[Outline], Outline]:
        """The classes in an order in which each comes after those it uses, and the model's own."""
        root = self._collect(self.program.graph, "", "")
        taken = set(self.reserved)
        model_name = free_name(self.name_of(self.program.name, True), taken)
        keys = [key for key in self._order() if self.groups[key][0] is not root]
        names = self._names(keys)
        outlines = [self._class(free_name(names[key], taken), self.groups[key]) for key in keys]
        return outlines, self._class(model_name, [root], inject=False)

    def _names(self, keys: Iterable[Any]) -> dict[Any, str]:
        """The name of every class; what is called alike is told apart by what only some of it has."""
        alike: dict[str, list[Any]] = {}
        for key in keys:
            graph = self.groups[key][0].graph
            alike.setdefault(graph.class_name or class_name(graph.name), []).append(key)
        found = {}
        for name, group in alike.items():
            traits = {key: _traits(self.groups[key][0].graph) for key in group}
            shared = set.intersection(*map(set, traits.values()))
            for key in group:
                own = _suffix([word for word in traits[key] if word not in shared])
                found[key] = self.name_of(f"{name}{own}", False)
        return found

    # ------------------------------------------------------------------ collecting

    def _collect(self, graph: Graph, path: str, module: str) -> _Instance:
        """The instance of a graph, with its children; a shared module is collected once."""
        instance = _Instance(module.removesuffix("."), graph, [])
        for i, node in enumerate(graph.nodes):
            where, weights = f"{path}{node.name}", f"{module}{node.module}"
            if isinstance(node.op, Graph):
                if weights not in self.seen:
                    self.seen[weights] = self._collect(node.op, f"{where}.", f"{weights}.")
                instance.children[i] = self.seen[weights]
                instance.lowered.append(None)
            else:
                lowered = self.rule_of(node.op)(node.op, *self.input_shapes[where])
                place = f"{weights}.{{level}}" if node.per_call else weights
                instance.lowered.append(_named(lowered, place) if self.named else lowered)
        if not graph.is_sequence or not path:
            key = self._skeleton(instance)
            self.groups.setdefault(key, []).append(instance)
            self.group_of[id(instance)] = key
        return instance

    def _skeleton(self, instance: _Instance) -> Any:
        """What instances of one class have in common; children count as 'some module'."""
        graph = instance.graph
        rows = [
            (
                node.name,
                node.inputs,
                node.module,
                node.per_call,
                "module" if isinstance(node.op, Graph) else _shape_of(lowered),
            )
            for node, lowered in zip(graph.nodes, instance.lowered, strict=True)
        ]
        return graph.name, graph.inputs, tuple(graph.outputs.items()), tuple(rows)

    def _order(self) -> list[Any]:
        sorter: TopologicalSorter[Any] = TopologicalSorter()
        for key, instances in self.groups.items():
            sorter.add(key, *dict.fromkeys(child for instance in instances for child in self._used(instance)))
        return list(sorter.static_order())

    def _used(self, instance: _Instance) -> list[Any]:
        found = []
        for child in instance.children.values():
            found += [self.group_of[id(child)]] if id(child) in self.group_of else self._used(child)
        return found

    # ------------------------------------------------------------------ unifying

    def _class(self, name: str, instances: list[_Instance], inject: bool | None = None) -> Outline:
        graph = instances[0].graph
        if inject is None:
            inject = self._injects(instances)
        places = [instance.module for instance in instances]
        settings = [instance.graph.settings for instance in instances]
        holes = Holes(settings, self.words.module, places, self.reserved - {*ARGUMENTS, RATE, MOMENTUM})
        members = []
        for i, node in enumerate(graph.nodes):
            if isinstance(node.op, Graph):
                made = [self._make(instance.children[i]) for instance in instances]
                build = holes.hole(tuple(made), node.module) if inject else self._built(node, tuple(made), holes)
                taken = self._takes(node, instances[0].children[i])
                members.append(Member(node, build=build, is_graph=True, takes=taken))
                continue
            lowered = [instance.lowered[i] for instance in instances]
            members.append(self._member(graph, node, lowered, holes))
        params, local = holes.params(), holes.locals()
        taken = tuple(dict.fromkeys(word for member in members for word in member.takes))
        for k, instance in enumerate(instances):
            place = [Place(instance.module)] if self.named else []
            call = holes.instantiate(name, params, k, *place)
            passed = tuple((word, Name(word)) for word in taken)
            instance.made, instance.takes = Call(call.target, call.args, (*call.kwargs, *passed)), taken
        params = (*params, *(Param(word, "int") for word in taken))
        return Outline(name, graph, params, local, tuple(members))

    def _takes(self, node: Node, child: _Instance) -> tuple[str, ...]:
        """The arguments of the model that the call which makes a child mentions."""
        return tuple(dict.fromkeys([*arguments([node.counted]), *child.takes]))

    def _member(self, graph: Graph, node: Node, lowered: list[Layer | Function | None], holes: Holes) -> Member:
        layers = [each for each in lowered if isinstance(each, Layer)]
        if layers:
            build = self._built(node, tuple(layer.build for layer in layers), holes)
            return Member(node, build=build, after=layers[0].after, takes=tuple(arguments([node.counted])))
        functions = [each for each in lowered if isinstance(each, Function)]  # all the same: see `_shape_of`
        overwrite = _is_fresh(graph, node.inputs[0])
        return Member(node, apply=(functions[0].in_place if overwrite else None) or functions[0].apply)

    def _built(self, node: Node, builds: tuple[Call, ...], holes: Holes) -> Any:
        """The call that makes a member; its channels are as the node says, or what the class is told."""
        if node.counted == PREDICTIONS:
            return holes.argument(builds, PREDICTIONS)
        return counted(holes.unify(builds, node.name), node.counted)

    def _injects(self, instances: list[_Instance]) -> bool:
        """Whether the children are passed in: some are sequences, or not all of one class."""
        for i in instances[0].children:
            keys = {self.group_of.get(id(instance.children[i])) for instance in instances}
            if len(keys) > 1 or None in keys:
                return True
        return False

    def _make(self, child: _Instance) -> Call:
        """The call that makes a child: its class', or a sequence of what it consists of."""
        if child.made is not None:
            return child.made
        items = []
        for i, (node, lowered) in enumerate(zip(child.graph.nodes, child.lowered, strict=True)):
            if isinstance(node.op, Graph):
                items.append(self._make(child.children[i]))
            elif isinstance(lowered, Layer):
                items.append(lowered.build)
            else:
                assert isinstance(lowered, Function), node.op
                assert lowered.layer, f"{node.op} has no form as a layer"
                items.append(lowered.layer)
        if not items:
            return Call(self.words.nothing, kwargs=(("name", Place(child.module)),) if self.named else ())
        alone = len(items) == 1 and (self.named or not _has_weights(child))
        return items[0] if alone else Call(self.words.sequence, tuple(items))


def _has_weights(instance: _Instance) -> bool:
    """Whether a sequence has anything whose name tells where in it it stands."""
    return any(lowered is None or (isinstance(lowered, Layer) and lowered.weights) for lowered in instance.lowered)


def _traits(graph: Graph) -> list[str]:
    """What a graph has that others of its name may lack, in words: parts of its own, padding, activations."""
    ops = [node.op for node in graph.nodes]
    parts = [node.module for node in graph.nodes if isinstance(node.op, Graph) and node.module.isidentifier()]
    padded = (
        ["same"] if any(getattr(op, "padding", "") == "same" and getattr(op, "stride", 1) > 1 for op in ops) else []
    )
    activations = [str(getattr(op, "kind", "")) for op in ops if isinstance(op, Op) and op.category == "activation"]
    return list(dict.fromkeys([*parts, *padded, *activations]))


def _suffix(words: list[str]) -> str:
    """Words as the end of a class name; of a run of numbered ones, as repeats have, how many there are."""
    numbered = {word: re.fullmatch(r"(.+)_([0-9]+)", word) for word in words}
    last = {match[1]: match[2] for match in numbered.values() if match}
    kept = dict.fromkeys(match[1] if match else word for word, match in numbered.items())
    return "".join(last[word] if word in last else class_name(word) for word in kept)


def _is_fresh(graph: Graph, value: str) -> bool:
    """Whether a value was just made by an op and is read once: such a value may be overwritten."""
    makers = [node.op for node in graph.nodes if node.name == value]
    readers = [name for node in graph.nodes for name in node.inputs if name == value]
    made = [op for op in makers if isinstance(op, Op) and op.category in MAKE_ANEW]
    return bool(made) and len(readers) == 1 and value not in graph.outputs.values()


def _named(lowered: Layer | Function, place: str) -> Layer:
    """A layer that is told its path."""
    assert isinstance(lowered, Layer), f"{lowered} cannot have a name"
    build = lowered.build
    return replace(lowered, build=Call(build.target, build.args, (*build.kwargs, ("name", Place(place)))))


def _shape_of(lowered: Layer | Function | None) -> Any:
    """The target, argument names and words of a lowered call, nested ones too; of a function all there is."""
    match lowered:
        case Layer(build, _, after):
            return "layer", _calls(build), after
        case Function(apply):
            return "function", repr(apply)  # it is called where no argument of the constructor is known
    return None


def _calls(value: Any) -> Any:
    match value:
        case Call():
            return *value.outer, *map(_calls, value.values())
        case Optional(inner):
            return _calls(inner)
        case Half():
            return Half  # of a kernel: what is a plain number elsewhere is no argument of the same class
        case tuple():
            return tuple  # of the sides of a kernel, for one
        case In() | str() | Name():
            return value
    return None


def free_name(name: str, taken: set[str]) -> str:
    """The name, numbered if it is taken, which it is from now on."""
    number, between = 1, "_" if name.islower() else "V"
    while (candidate := name if number == 1 else f"{name}{between}{number}") in taken:
        number += 1
    taken.add(candidate)
    return candidate
