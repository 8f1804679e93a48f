"""Program -> Keras source: one builder function per distinct block, and the model, which makes and applies them."""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spinec.backends.cells import Cell, items
from spinec.backends.constants import ARGUMENTS, CONSTANTS, MOMENTUM, Norms, Said, constants
from spinec.backends.expressions import WIDTH, Call, Name, Rule, layout, render
from spinec.backends.holes import RATE
from spinec.backends.naming import function_name
from spinec.backends.outline import Member, Outline, Outliner, Words, free_name
from spinec.backends.prelude import Names, names_in, needed, pieces
from spinec.backends.source import (
    Module,
    describe,
    docstring,
    find_rule,
    levels,
    render_module,
    signature,
)
from spinec.backends.statements import body
from spinec.backends.tasks import task
from spinec.backends.tensorflow.rules import RULES
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op, Shape

PRELUDE = Path(__file__).with_name("prelude.py")
TASKS = Path(__file__).with_name("tasks")
WORDS = Words(module="Apply", sequence="chain", nothing="layers.Identity")
IMPORTED = ("Any", "Callable", "KerasTensor", "keras", "layers", "math", "ops", "partial")
NORMS = {"layers.BatchNormalization": "batch_norm", "layers.LayerNormalization": "layer_norm"}
OWN = ("Apply", "LEVELS", "features", "layer", "model", "outputs", *NORMS.values(), *ARGUMENTS, RATE, MOMENTUM)
RESERVED = frozenset({*IMPORTED, *OWN, *CONSTANTS, *keyword.kwlist, *dir(builtins)})  # what no builder may be called


def emit(program: Program, parts: Sequence[str] = ()) -> str:
    """Standalone source of a model, and of what answers or learns with it: it imports keras and nothing of spinec."""
    beside = task(TASKS, program, parts)
    norms = Norms.of(program.steps, rule_of, NORMS, "of the running statistics, kept from batch to batch")
    outliner = Outliner(program, norms.rule_of(rule_of), _name_of, WORDS, _reserved(), named=True)
    outlines, model = outliner.outline()
    builders = [_builder(outline, _reserved()) for outline in outlines]
    builders.append(_model(model, program, norms, {outline.name for outline in outlines}))
    own, short = names_in("\n\n\n".join(builders)).plus(beside.names), norms.lines()
    prelude, names = needed([PRELUDE], own.plus(names_in("\n".join(short))))
    fixed = ["Apply = Callable[..., KerasTensor]", *constants(program.spec, norms, names.used)]
    if any(outline.per_call for outline in outlines) and "LEVELS" not in beside.names.used:
        fixed.append(f"LEVELS = {render(tuple(levels(program)))}")
    fixed += beside.constants
    doc = describe(program, "tensorflow", channels_last=True, parts=parts)
    return render_module(Module(doc, _imports(names), ["", *fixed, *short], [*prelude, *builders, *beside.texts]))


def rule_of(op: Op) -> Rule:
    """The rule of an op; a BackendError before any output if there is none."""
    return find_rule(RULES, op, "tensorflow")


def model_name(program: Program) -> str:
    """What the function that makes the model is called."""
    return free_name(_name_of(program.name, True), set(_reserved()))


def _name_of(name: str, is_model: bool) -> str:
    return function_name(name) if is_model else f"make_{function_name(name)}"


def _reserved() -> frozenset[str]:
    return RESERVED | pieces(PRELUDE).keys()


def _imports(names: Names) -> list[str]:
    lines = ["import math"] if "math" in names.called else []
    lines.append("from collections.abc import Callable")
    lines += ["from functools import partial"] if "partial" in names.called else []
    lines += ["from typing import Any"] if "Any" in names.used else []
    ops = ", ops" if "ops" in names.called else ""
    tensorflow = ["import tensorflow as tf"] if "tf" in names.called else []
    return [*lines, "", "import keras", *tensorflow, f"from keras import KerasTensor, layers{ops}"]


def _builder(outline: Outline, reserved: Collection[str]) -> str:
    """A function that makes the layers of a block and returns what applies them."""
    variables = {*(param.name for param in outline.params), *(name for name, _ in outline.locals)}
    outline = _bearable(outline, {*reserved, *variables})
    graph = outline.graph
    params = [f"{param.name}: {param.annotation}" for param in outline.params]
    lines = [*signature(f"def {outline.name}", ["name: str", *params], "Apply"), *docstring(graph.doc)]
    lines += [f"    {name} = {formula}" for name, formula in outline.locals]
    lines += [line for member in outline.members for line in _layer(member)]
    inputs = [f"{name}: KerasTensor" for name in graph.inputs]
    level = ["level: str"] if outline.per_call else []
    lines += ["", *signature("    def apply", [*inputs, *level], "KerasTensor")]
    taken = {member.node.module for member in outline.members}
    statements, results = body(outline, _apply, taken)
    for statement in statements:
        lines += layout(f"{statement.target} = ", statement.value, 8)
    return "\n".join([*lines, *layout("return ", results[graph.result], 8), "", "    return apply"])


def _bearable(outline: Outline, taken: Collection[str]) -> Outline:
    """An outline whose layers are not called like what the function calls or is given."""

    def renamed(member: Member) -> Member:
        name = member.node.module
        if member.build is None or render(member.build) == name:  # nothing, or what is passed in
            return member
        while name in taken:
            name += "_"
        return replace(member, node=member.node._replace(module=name))

    return replace(outline, members=tuple(map(renamed, outline.members)))


def _layer(member: Member) -> list[str]:
    """The line that makes a layer; what is passed in is there already."""
    module, build = member.node.module, member.build
    if render(build) == module:
        return []
    if not member.node.per_call:
        return layout(f"{module} = ", build, 4)
    line = f"    {module} = {{level: {render(build)} for level in LEVELS}}"
    if len(line) <= WIDTH:
        return [line]
    return [f"    {module} = {{", *layout("level: ", build, 8), "        for level in LEVELS", "    }"]


def _apply(member: Member, operands: tuple[Any, ...]) -> Call:
    """The expression of a node on its operands; a layer takes several as a list."""
    node = member.node
    if member.is_graph:
        return Call(node.module, (*operands, *_told(member)))
    module = f"{node.module}[level]" if node.per_call else node.module
    return Call(module, ([*operands],) if len(operands) > 1 else operands)


def _told(member: Member) -> tuple[str, ...]:
    """Which call it is, for a block with layers of its own for every call."""
    node = member.node
    tells = isinstance(node.op, Graph) and any(inner.per_call for inner in node.op.nodes)
    return (node.call,) if tells else ()


def _model(outline: Outline, program: Program, norms: Norms, builders: set[str]) -> str:
    """The function that makes the model, and before it the one that computes its features, where there is a head."""
    taken = builders | _reserved() | {f"{outline.name}_features"}
    features, head = outline.parts(program)
    said = Said.of(program, [member.build for member in outline.members])
    passed = (Name(RATE),) if said.rates else ()
    arguments = [*(f"{name}: int = {name.upper()}" for name in outline.takes), *said.arguments, *norms.arguments]
    lines = [*signature(f"def {outline.name}", arguments, "keras.Model"), *docstring(outline.graph.doc)]
    for name, (shape, _) in program.inputs.items():
        sides = (None, None) if program.multiple and name == "image" else shape[1:]
        lines += layout(f"{name} = ", Call("keras.Input", ((*sides, shape[0]),), (("name", name),)), 4)
    if head is None:
        made, values = _statements(features, program, taken, {}, said)
        return "\n".join([*lines, *made, *_return(features, program, norms, values)])
    made, values = _statements(features, program, taken, {}, said)
    before = [
        *signature(f"def {outline.name}_features", ["image: KerasTensor", *said.arguments], "dict[str, KerasTensor]"),
        *docstring("The maps that the head reads."),
        *made,
        *_mapping("return ", program.features, values, program),
        "",
        "",
    ]
    lines += layout("features = ", Call(f"{outline.name}_features", (Name("image"), *passed)), 4)
    given = {value: Name(f'features["{name}"]') for name, value in reversed([*program.features.items()])}
    made, values = _statements(head, program, taken, given, said)
    return "\n".join([*before, *lines, *made, *_return(head, program, norms, values)])


def _statements(
    part: Outline, program: Program, taken: set[str], given: Mapping[str, Any], said: Said
) -> tuple[list[str], dict[str, Any]]:
    """Lines that make and apply what a part has: a few per block. What is called more than once has a name."""
    lines: list[str] = []
    variables = _variables(part, taken)
    calls = Counter(member.node.module for member in part.members)
    values: dict[str, Any] = {name: Name(variables[name]) for name in part.graph.inputs} | dict(given)
    made: set[str] = set()
    for member in items(part, program.shape):
        if isinstance(member, Cell):
            lines += _cell(member, values, program, said)
            continue
        node, comment = member.node, _comment(program.shape(member.node.name))
        build, arguments = said(member.build), (*(values[name] for name in node.inputs), *_told(member))
        values[node.name] = Name(variables[node.name])
        if calls[node.module] == 1:
            lines += _made_and_applied(variables[node.name], build, arguments, comment, 4)
            continue
        if node.module not in made:
            made.add(node.module)
            lines += layout(f"{variables[node.module]} = ", build, 4)
        applied = Call(variables[node.module], arguments)
        if any(node.name in reader.node.inputs for reader in part.members):
            lines += layout(f"{variables[node.name]} = ", applied, 4, comment=comment)
        else:
            values[node.name] = applied
    return lines, values


def _return(part: Outline, program: Program, norms: Norms, values: dict[str, Any]) -> list[str]:
    results = part.graph.outputs
    names = [Name(given) for given in program.inputs]
    inputs = names if len(names) > 1 else names[0]
    lines = []
    if len(results) == 1:
        (value,) = results.values()
        outputs = values[value]
    else:
        order = program.spec.head.channels if program.spec.head else ""
        lines = [f"    # channels: {order}"] if order else []
        lines += _mapping("outputs = ", results, values, program)
        outputs = Name("outputs")
    model = Call("keras.Model", (inputs, outputs), (("name", program.name),))
    told = norms.told("model.layers", "layer", 4)
    if not told:
        return [*lines, *layout("return ", model, 4)]
    return [*lines, *layout("model = ", model, 4), *told, "    return model"]


def _mapping(head: str, results: Mapping[str, str], values: Mapping[str, Any], program: Program) -> list[str]:
    """Lines of a mapping of results to their values, each with its shape."""
    lines = [f"    {head}{{"]
    for key, value in results.items():
        lines += layout(f'"{key}": ', values[value], 8, ",", _comment(program.shape(value)))
    return [*lines, "    }"]


def _variables(outline: Outline, taken: set[str]) -> dict[str, str]:
    """The variable of every value and shared module: its own name, unless the function calls something by it."""
    names = [
        *outline.graph.inputs,
        *(name for member in outline.members for name in (member.node.name, member.node.module)),
    ]
    variables: dict[str, str] = {}
    for name in dict.fromkeys(names):
        variable = name
        while variable in taken or (variable != name and variable in names):
            variable += "_"
        variables[name] = variable
    return variables


def _made_and_applied(variable: str, build: Any, arguments: tuple[Any, ...], comment: str, indent: int) -> list[str]:
    """``variable = maker(...)(arguments)``; in two statements where formatters would break up the arguments."""
    head, made, applied = f"{variable} = ", render(build), f"({', '.join(map(render, arguments))})"
    space = " " * indent
    line, last = f"{space}{head}{made}{applied}{comment}", f"{space}){applied}{comment}"
    if len(line) <= WIDTH:
        return [line]
    if len(f"{space}{head}{made}") <= WIDTH or len(last) > WIDTH:
        return [*layout(head, build, indent), *layout(head, Call(variable, arguments), indent, comment=comment)]
    return [*layout(head, build, indent)[:-1], last]


def _cell(cell: Cell, values: dict[str, Any], program: Program, said: Said) -> list[str]:
    """A loop over cells: variables lose the number, and what a cell takes from the one before keeps its own."""
    lines = [f"    {stem} = {render(values[f'{stem}_{cell.first - 1}'])}" for stem in cell.carried]
    lines.append(f"    for {cell.number} in range({cell.first}, {cell.last + 1}):")
    values |= {stem: Name(stem) for stem, _ in cell.members}
    for stem, member in cell.members:
        build, comment = said(cell.build(stem, member)), _comment(program.shape(member.node.name))
        lines += _made_and_applied(stem, build, tuple(cell.values(member, values)), comment, 8)
        values[f"{stem}_{cell.last}"] = Name(stem)
    return lines


def _comment(shape: Shape) -> str:
    """The shape of a value, channels last."""
    return f"  # {(*shape[1:], shape[0])}"
