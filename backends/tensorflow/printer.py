"""Program -> Keras source: one builder function per distinct block, and the model, which makes and applies them."""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from math import exp
from pathlib import Path
from typing import Any

from spinec.backends.expressions import WIDTH, Call, Name, layout, render
from spinec.backends.naming import class_name
from spinec.backends.outline import Member, Outline, Outliner, Rule, Words, free_name
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
from spinec.backends.tensorflow.rules import RULES
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op, Shape
from spinec.compiler.ops.conv import Conv

PRELUDE = Path(__file__).with_name("prelude.py")
WORDS = Words(module="Apply", sequence="chain", nothing="layers.Identity")
IMPORTED = ("Any", "Callable", "KerasTensor", "keras", "layers", "math", "ops")
CONSTANTS = ("Apply", "LEVELS")
RESERVED = frozenset({*IMPORTED, *CONSTANTS, *keyword.kwlist, *dir(builtins)})  # what no builder may be called


def emit(program: Program) -> str:
    """Standalone source of a model: it imports keras and nothing of spinec."""
    outliner = Outliner(program, rule_of, class_name, WORDS, _reserved(), named=True)
    outlines, model = outliner.outline()
    builders = [_builder(outline) for outline in outlines]
    builders.append(_model(model, program, {outline.name for outline in outlines}))
    prelude, names = needed(PRELUDE, names_in("\n\n\n".join(builders)))
    constants = ["", "Apply = Callable[..., KerasTensor]"]
    if any(outline.per_call for outline in outlines):
        constants.append(f"LEVELS = {render(tuple(levels(program)))}")
    doc = describe(program, channels_last=True)
    return render_module(Module(doc, _imports(names), constants, [*prelude, *builders]))


def rule_of(op: Op) -> Rule:
    """The rule of an op; a BackendError before any output if there is none."""
    return find_rule(RULES, op, "tensorflow")


def model_name(program: Program) -> str:
    """What the function that makes the model is called."""
    return free_name(class_name(program.name), set(_reserved()))


def _reserved() -> frozenset[str]:
    return RESERVED | pieces(PRELUDE).keys()


def _imports(names: Names) -> list[str]:
    lines = ["import math"] if "math" in names.called else []
    lines += ["from collections.abc import Callable", *(["from typing import Any"] if "Any" in names.used else [])]
    ops = ", ops" if "ops" in names.called else ""
    return [*lines, "", "import keras", f"from keras import KerasTensor, layers{ops}"]


def _builder(outline: Outline) -> str:
    """A function that makes the layers of a block and returns what applies them."""
    graph = outline.graph
    params = [f"{param.name}: {param.annotation}" for param in outline.params]
    lines = [*signature(f"def {outline.name}", ["name: str", *params], "Apply"), *docstring(graph.doc)]
    lines += [f"    {name} = {formula}" for name, formula in outline.locals]
    lines += [line for member in outline.members for line in _layer(member)]
    inputs = [f"{name}: KerasTensor" for name in graph.inputs]
    level = ["level: str"] if outline.per_call else []
    lines += ["", *signature("    def apply", [*inputs, *level], "KerasTensor")]
    taken = {member.node.module for member in outline.members}
    statements, results = body(outline, _apply, keep_names=False, taken=taken)
    for statement in statements:
        lines += layout(f"{statement.target} = ", statement.value, 8)
    return "\n".join([*lines, *layout("return ", results[graph.result], 8), "", "    return apply"])


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


def _model(outline: Outline, program: Program, builders: set[str]) -> str:
    """The function that makes the model: a line or a few per block; what is called more than once has a name."""
    lines = [f"def {outline.name}() -> keras.Model:", *docstring(outline.graph.doc)]
    for name, (shape, _) in program.inputs.items():
        lines += layout(f"{name} = ", Call("keras.Input", ((*shape[1:], shape[0]),), (("name", name),)), 4)
    variables = _variables(outline, builders | _reserved())
    calls = Counter(member.node.module for member in outline.members)
    values: dict[str, Any] = {}
    made: set[str] = set()
    for member in outline.members:
        node, comment = member.node, _comment(program.shape(member.node.name))
        arguments = (*(Name(variables[name]) for name in node.inputs), *_told(member))
        values[node.name] = Name(variables[node.name])
        if calls[node.module] == 1:
            lines += _prior(program, node.module)
            lines += _made_and_applied(variables[node.name], member.build, arguments, comment)
            continue
        if node.module not in made:
            made.add(node.module)
            lines += [*_prior(program, node.module), *layout(f"{variables[node.module]} = ", member.build, 4)]
        applied = Call(variables[node.module], arguments)
        if any(node.name in reader.node.inputs for reader in outline.members):
            lines += layout(f"{variables[node.name]} = ", applied, 4, comment=comment)
        else:
            values[node.name] = applied
    return "\n".join([*lines, *_return(outline, program, values)])


def _return(outline: Outline, program: Program, values: dict[str, Any]) -> list[str]:
    results = outline.graph.outputs
    name = ("name", program.name)
    names = [Name(given) for given in program.inputs]
    inputs = names if len(names) > 1 else names[0]
    if len(results) == 1:
        (value,) = results.values()
        return layout("return ", Call("keras.Model", (inputs, values[value]), (name,)), 4)
    lines = ["    outputs = {"]
    for key, value in results.items():
        lines += layout(f'"{key}": ', values[value], 8, ",", _comment(program.shape(value)))
    return [*lines, "    }", *layout("return ", Call("keras.Model", (inputs, Name("outputs")), (name,)), 4)]


def _variables(outline: Outline, taken: set[str]) -> dict[str, str]:
    """The variable of every value and shared module: its own name, unless the function calls something by it."""
    names = [
        *outline.graph.inputs,
        *(name for member in outline.members for name in (member.node.name, member.node.module)),
    ]
    taken = taken | {"outputs"}
    variables: dict[str, str] = {}
    for name in dict.fromkeys(names):
        variable = name
        while variable in taken or (variable != name and variable in names):
            variable += "_"
        variables[name] = variable
    return variables


def _made_and_applied(variable: str, build: Any, arguments: tuple[Any, ...], comment: str) -> list[str]:
    """``variable = Builder(...)(arguments)``; in two statements where formatters would break up the arguments."""
    head, made, applied = f"{variable} = ", render(build), f"({', '.join(map(render, arguments))})"
    line, last = f"    {head}{made}{applied}{comment}", f"    ){applied}{comment}"
    if len(line) <= WIDTH:
        return [line]
    if len(f"    {head}{made}") <= WIDTH or len(last) > WIDTH:
        return [*layout(head, build, 4), *layout(head, Call(variable, arguments), 4, comment=comment)]
    return [*layout(head, build, 4)[:-1], last]


def _prior(program: Program, module: str) -> list[str]:
    """What a block's bias starts at, in words."""
    ops = [step.op for step in program.steps if step.owner and step.module.startswith(f"{module}.")]
    biases = [op.bias_init for op in ops if isinstance(op, Conv) and op.bias_init]
    return [f"    # the prior: each class is there with probability {1 / (1 + exp(-bias)):.3g}" for bias in biases]


def _comment(shape: Shape) -> str:
    """The shape of a value, channels last."""
    return f"  # {(*shape[1:], shape[0])}"
