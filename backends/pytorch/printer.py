"""Program -> PyTorch source: one class per distinct block, and the model."""

from __future__ import annotations

from math import exp
from pathlib import Path
from typing import Any

from spinec.backends.expressions import Call, Name, layout, render, substitute
from spinec.backends.naming import class_name
from spinec.backends.outline import Member, Outline, Outliner, Rule, Words, free_name
from spinec.backends.prelude import names_in, needed, pieces
from spinec.backends.pytorch.rules import RULES, initial_bias
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
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op

PRELUDE = Path(__file__).with_name("prelude.py")
WORDS = Words(module="nn.Module", sequence="nn.Sequential", nothing="nn.Identity")
STANDARD = {"math": "import math", "partial": "from functools import partial"}
FRAMEWORK = {"torch": "import torch", "F": "import torch.nn.functional as F"}
RESERVED = frozenset({"None", "True", "False", "F", "Tensor"})  # what no class may be called


def emit(program: Program) -> str:
    """Standalone source of a model: it imports torch and nothing of spinec."""
    outliner = Outliner(program, rule_of, class_name, WORDS, _reserved())
    outlines, model = outliner.outline()
    classes = [_class(outline) for outline in outlines]
    classes.append(_model(model, program))
    prelude, names = needed(PRELUDE, names_in("\n\n\n".join(classes)))
    framework = [line for name, line in FRAMEWORK.items() if name in names.called]
    standard = [line for name, line in STANDARD.items() if name in names.called]
    calls = levels(program) if any(outline.per_call for outline in outlines) else []
    imports = [*standard, *([""] if standard else []), *framework, "from torch import Tensor, nn"]
    constants = ["", f"LEVELS = {render(tuple(calls))}"] if calls else []
    return render_module(Module(describe(program), imports, constants, [*prelude, *classes]))


def rule_of(op: Op) -> Rule:
    """The rule of an op; a BackendError before any output if there is none."""
    return find_rule(RULES, op, "pytorch")


def model_name(program: Program) -> str:
    """What the model's own class is called."""
    return free_name(class_name(program.name), set(_reserved()))


def _reserved() -> frozenset[str]:
    return RESERVED | pieces(PRELUDE).keys()


def _class(outline: Outline) -> str:
    params = [f"{param.name}: {param.annotation}" for param in outline.params]
    lines = [f"class {outline.name}(nn.Module):", *docstring(outline.graph.doc), ""]
    lines += signature("    def __init__", ["self", *params], "None")
    lines.append("        super().__init__()")
    lines += [f"        {name} = {formula}" for name, formula in outline.locals]
    lines += _members(outline)
    inputs = [f"{name}: Tensor" for name in outline.graph.inputs]
    level = ["level: str"] if outline.per_call else []
    lines += ["", *signature("    def forward", ["self", *inputs, *level], "Tensor")]
    statements, results = body(outline, _apply, keep_names=False)
    for statement in statements:
        lines += layout(f"{statement.target} = ", statement.value, 8)
    lines += layout("return ", results[outline.graph.result], 8)
    return "\n".join(lines)


def _model(outline: Outline, program: Program) -> str:
    lines = [f"class {outline.name}(nn.Module):", *docstring(outline.graph.doc), ""]
    lines += [
        *signature("    def __init__", ["self"], "None"),
        "        super().__init__()",
        *_members(outline),
    ]
    lines += _initialisation(program)
    results = outline.graph.outputs
    kind = "Tensor" if len(results) == 1 else "dict[str, Tensor]"
    inputs = [f"{name}: Tensor" for name in program.inputs]
    lines += ["", *signature("    def forward", ["self", *inputs], kind)]
    direct = set(results.values())
    statements, values = body(outline, _apply, keep_names=True)
    expressions: dict[str, Any] = dict(values)
    for statement in statements:
        if statement.node in direct and _is_last(statement.node, outline):
            expressions[statement.node] = statement.value
            continue
        shape = f"  # {program.shape(statement.node)}"
        lines += layout(f"{statement.target} = ", statement.value, 8, comment=shape)
    return "\n".join([*lines, *_return(results, expressions, program)])


def _return(results: Any, expressions: dict[str, Any], program: Program) -> list[str]:
    if len(results) == 1:
        (value,) = results.values()
        return layout("return ", expressions[value], 8, comment=f"  # {program.shape(value)}")
    lines = ["        return {"]
    for name, value in results.items():
        lines += layout(f'"{name}": ', expressions[value], 12, ",", f"  # {program.shape(value)}")
    return [*lines, "        }"]


def _is_last(name: str, outline: Outline) -> bool:
    """Whether nobody in the model reads a result, so that it can be computed where it is returned."""
    return not any(name in member.node.inputs for member in outline.members)


def _members(outline: Outline) -> list[str]:
    lines: list[str] = []
    made: set[str] = set()
    for member in outline.members:
        module = member.node.module
        if member.build is None or module in made:
            continue
        made.add(module)
        if member.node.per_call:
            each = Name("{level: " + render(member.build) + " for level in LEVELS}")
            lines += layout(f"self.{module} = ", Call("nn.ModuleDict", (each,)), 8)
        else:
            lines += layout(f"self.{module} = ", member.build, 8)
        if member.after:
            lines.append(f"        {member.after.format(layer=f'self.{module}')}")
    return lines


def _apply(member: Member, operands: tuple[Any, ...]) -> Any:
    """The expression of a node on its operands; a module with layers of its own for every call is told which it is."""
    if member.build is None:
        return substitute(member.apply, operands)
    node = member.node
    tells = isinstance(node.op, Graph) and any(inner.per_call for inner in node.op.nodes)
    call = (node.call,) if tells else ()
    return Call(f"self.{node.module}" + ("[level]" if node.per_call else ""), (*operands, *call))


def _initialisation(program: Program) -> list[str]:
    init = program.spec.init
    settings = {"scale": (init.scale, 2.0), "mode": (init.mode, "fan_out")}
    given = tuple((name, value) for name, (value, default) in settings.items() if value != default)
    function = Call("partial", (Name("initialize"),), given) if given else Name("initialize")
    lines = layout("", Call("self.apply", (function,)), 8)
    for step in program.steps:
        bias = initial_bias(step.op)
        if step.owner and bias:
            place = Name(f"self.{attribute_path(step.module)}")
            lines.append(f"        # the prior: each class is there with probability {1 / (1 + exp(-bias)):.3g}")
            lines += layout("", Call("fill_bias", (place, bias)), 8)
    return lines


def attribute_path(path: str) -> str:
    """A path of the graph as an attribute of the module: numbers are positions in a sequence."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split(".")).removeprefix(".")
