"""Program -> PyTorch source: one class per distinct block, and the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spinec.backends.cells import Cell, items
from spinec.backends.constants import CONSTANTS, Norms, Said, constants
from spinec.backends.expressions import WIDTH, Call, Function, Layer, Name, Rule, layout, render, substitute
from spinec.backends.naming import class_name
from spinec.backends.outline import Member, Outline, Outliner, Words, free_name
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
from spinec.backends.tasks import task
from spinec.compiler.graph.hierarchy import Graph
from spinec.compiler.graph.program import Program
from spinec.compiler.ops.base import Op

PRELUDE = Path(__file__).with_name("prelude.py")
TASKS = Path(__file__).with_name("tasks")
MAPS = "dict[str, Tensor]"
NORMS = {"nn.BatchNorm2d": "batch_norm", "nn.SyncBatchNorm": "batch_norm"}
WORDS = Words(module="nn.Module", sequence="nn.Sequential", nothing="nn.Identity")
STANDARD = {
    "math": "import math",
    "Callable": "from collections.abc import Callable",
    "partial": "from functools import partial",
    "Protocol": "from typing import Protocol",
}
FRAMEWORK = {"torch": "import torch", "F": "import torch.nn.functional as F"}
RESERVED = CONSTANTS | {
    "None",
    "True",
    "False",
    "Callable",
    "F",
    "InParts",
    "LEVELS",
    "Protocol",
    "Tensor",
    "nn",
    "torch",
    *NORMS.values(),
}
"""What no class and no field is called."""


def emit(program: Program, parts: Sequence[str] = ()) -> str:
    """Standalone source of a model, and of what answers or learns with it: it imports torch and nothing of spinec."""
    beside = task(TASKS, program, parts)
    norms = Norms.of(program.steps, rule_of, NORMS, "weight of a batch in the running statistics")
    rules = norms.rule_of(to_learn if "loss" in parts else rule_of)
    outliner = Outliner(program, rules, _name_of, WORDS, _reserved())
    outlines, model = outliner.outline()
    classes = [_class(outline) for outline in outlines]
    classes.append(_model(model, program, norms))
    own, short = names_in("\n\n\n".join(classes)).plus(beside.names), norms.lines()
    prelude, names = needed([PRELUDE], own.plus(names_in("\n".join(short))))
    framework = [line for name, line in FRAMEWORK.items() if name in names.called]
    mentioned = names.called | (names.used & {"Callable", "Protocol"})
    standard = [line for name, line in STANDARD.items() if name in mentioned]
    calls = levels(program) if any(outline.per_call for outline in outlines) else []
    imports = [*standard, *([""] if standard else []), *framework, "from torch import Tensor, nn"]
    fixed = [
        *constants(program.spec, norms, names.used),
        *([f"LEVELS = {render(tuple(calls))}"] if calls and "LEVELS" not in beside.names.used else []),
        *beside.constants,
        *short,
    ]
    doc = describe(program, "pytorch", parts=parts)
    return render_module(Module(doc, imports, ["", *fixed] if fixed else [], [*prelude, *classes, *beside.texts]))


def rule_of(op: Op) -> Rule:
    """The rule of an op; a BackendError before any output if there is none."""
    return find_rule(RULES, op, "pytorch")


def to_learn(op: Op) -> Rule:
    """The rule of an op in source that learns: what recalls its operand does not overwrite it."""
    found = rule_of(op)

    def rule(*given: Any) -> Layer | Function:
        made: Layer | Function = found(*given)
        return replace(made, in_place=None) if isinstance(made, Function) and made.recalls else made

    return rule


def model_name(program: Program) -> str:
    """What the model's own class is called."""
    return free_name(_name_of(program.name, True), set(_reserved()))


def _name_of(name: str, is_model: bool) -> str:
    return class_name(name)


def _reserved() -> frozenset[str]:
    return RESERVED | pieces(PRELUDE).keys()


def _class(outline: Outline) -> str:
    params = [f"{param.name}: {param.annotation}" for param in outline.params]
    lines = [f"class {outline.name}(nn.Module):", *docstring(outline.graph.doc), ""]
    lines += signature("    def __init__", ["self", *params], "None")
    lines.append("        super().__init__()")
    lines += [f"        {name} = {formula}" for name, formula in outline.locals]
    lines += _members(outline.members)
    inputs = [f"{name}: Tensor" for name in outline.graph.inputs]
    level = ["level: str"] if outline.per_call else []
    lines += ["", *signature("    def forward", ["self", *inputs, *level], "Tensor")]
    statements, results = body(
        outline,
        _apply,
    )
    for statement in statements:
        lines += layout(f"{statement.target} = ", statement.value, 8)
    lines += layout("return ", results[outline.graph.result], 8)
    return "\n".join(lines)


def _model(outline: Outline, program: Program, norms: Norms) -> str:
    lines = [f"class {outline.name}(nn.Module):", *docstring(outline.graph.doc), ""]
    said = Said.of(program, [member.build for member in outline.members])
    arguments = [*(f"{name}: int = {name.upper()}" for name in outline.takes), *said.arguments, *norms.arguments]
    lines += [
        *signature("    def __init__", ["self", *arguments], "None"),
        "        super().__init__()",
        *_facts(program),
    ]
    features, head = outline.parts(program)
    for item in items(features, program.shape):
        lines += _members([item], said) if isinstance(item, Member) else _cell_members(item, said)
    lines += _members(head.members if head else (), said)
    lines += norms.told("self.modules()", "module", 8)
    lines += [*_initialisation(program, said), ""]
    results = outline.graph.outputs
    kind = "Tensor" if len(results) == 1 else MAPS
    if head is None:
        return "\n".join([*lines, *_forward("forward", features, program, kind, "")])
    crops = list(program.crops)
    lines += _forward("forward_features", features, program, MAPS, "The maps that the head reads.")
    lines += _head(head, program, kind)
    lines += ["", *signature("    def forward", ["self", *(f"{name}: Tensor" for name in program.inputs)], kind)]
    given = (Call("self.forward_features", (Name("image"),)), *map(Name, crops))
    return "\n".join([*lines, *layout("return ", Call("self.forward_head", given), 8)])


def _head(head: Outline, program: Program, kind: str) -> list[str]:
    """The method that computes a head; where that is given crops, one more for each of its parts by itself."""
    doc = "What the head makes of them."
    if not program.crops:
        return ["", *_forward("forward_head", head, program, kind, doc)]
    lines: list[str] = []
    parts = {name or "maps": part for name, part in head.by_input(program.crops).items()}
    for name, part in parts.items():
        own = f"What the head makes of {name}." if name in program.crops else "What the head makes of the features."
        lines += ["", *_forward(f"forward_{name}", part, program, kind, own)]
    arguments = ["self", f"features: {MAPS}", *(f"{name}: Tensor" for name in program.crops)]
    lines += ["", *signature("    def forward_head", arguments, kind), f'        """{doc}"""', "        return {"]
    for name in parts:
        lines.append(f"            **self.forward_{name}({name if name in program.crops else 'features'}),")
    return [*lines, "        }"]


def _facts(program: Program) -> list[str]:
    """What one asks who takes a model's features: how many channels they have, how far their pixels are apart."""
    level = {name: program.spec.blocks[block].level for name, block in program.spec.outputs.items()}
    dims = ", ".join(f'"{name}": {program.shape(value)[0]}' for name, value in program.features.items())
    strides = ", ".join(f'"{name}": {2 ** level[name]}' for name in program.features)
    return [
        *_mapping("out_channels", dims),
        *_mapping("strides", strides),
    ]


def _mapping(name: str, entries: str) -> list[str]:
    line = f"        self.{name} = {{{entries}}}"
    if len(line) <= WIDTH:
        return [line]
    return [f"        self.{name} = {{", *(f"            {entry}," for entry in entries.split(", ")), "        }"]


def _forward(name: str, part: Outline, program: Program, kind: str, doc: str) -> list[str]:
    """A method that computes a part of a model: its features from the image, or what its head makes of them."""
    reads = {value: Name(f'features["{name}"]') for name, value in reversed([*program.features.items()])}
    own = [each for each in part.graph.inputs if each in program.inputs]
    arguments = [
        *(["features: " + MAPS] if len(own) < len(part.graph.inputs) else []),
        *(f"{each}: Tensor" for each in own),
    ]
    lines = [
        *signature(f"    def {name}", ["self", *arguments], kind),
        *(f"    {line}" for line in (docstring(doc) if doc else [])),
    ]
    values: dict[str, Any] = {each: Name(each) if each in own else reads[each] for each in part.graph.inputs}
    for item in items(part, program.shape):
        if isinstance(item, Cell):
            lines += _cell_forward(item, values, program)
            continue
        node = item.node
        values[node.name] = _apply(item, tuple(values[name] for name in node.inputs))
        if not (node.name in part.graph.outputs.values() and _is_last(node.name, part)):
            comment = f"  # {program.shape(node.name)}"
            lines += layout(f"{node.name} = ", values[node.name], 8, comment=comment)
            values[node.name] = Name(node.name)
    if program.spec.head and program.spec.head.channels and len(own) < len(part.graph.inputs):
        lines.append(f"        # channels: {program.spec.head.channels}")
    return [*lines, *_return(part.graph.outputs, values, program, bare=kind == "Tensor")]


def _return(results: Any, expressions: dict[str, Any], program: Program, bare: bool) -> list[str]:
    if bare:
        (value,) = results.values()
        return layout("return ", expressions[value], 8, comment=f"  # {program.shape(value)}")
    lines = ["        return {"]
    for name, value in results.items():
        lines += layout(f'"{name}": ', expressions[value], 12, ",", f"  # {program.shape(value)}")
    return [*lines, "        }"]


def _is_last(name: str, outline: Outline) -> bool:
    """Whether nobody in the model reads a result, so that it can be computed where it is returned."""
    return not any(name in member.node.inputs for member in outline.members)


def _cell_members(cell: Cell, said: Said) -> list[str]:
    """What makes the blocks of cells that come again."""
    lines = [f"        for {cell.number} in range({cell.first}, {cell.last + 1}):"]
    for stem, member in cell.members:
        lines += layout("", Call("self.add_module", (cell.path(stem), said(cell.build(stem, member)))), 12)
    return lines


def _cell_forward(cell: Cell, values: dict[str, Any], program: Program) -> list[str]:
    """What computes them: variables lose the number, and what a cell takes from the one before keeps its own."""
    lines = [f"        {stem} = {render(values[f'{stem}_{cell.first - 1}'])}" for stem in cell.carried]
    lines.append(f"        for {cell.number} in range({cell.first}, {cell.last + 1}):")
    values |= {stem: Name(stem) for stem, _ in cell.members}
    for stem, member in cell.members:
        made = Call("getattr", (Name("self"), cell.path(stem)))
        applied = Call(render(made), tuple(cell.values(member, values)))
        lines += layout(f"{stem} = ", applied, 12, comment=f"  # {program.shape(member.node.name)}")
        values[f"{stem}_{cell.last}"] = Name(stem)
    return lines


def _members(members: Iterable[Member], said: Callable[[Any], Any] = lambda value: value) -> list[str]:
    lines: list[str] = []
    made: set[str] = set()
    for member in members:
        module = member.node.module
        if member.build is None or module in made:
            continue
        made.add(module)
        if member.node.per_call:
            each = Name("{level: " + render(member.build) + " for level in LEVELS}")
            lines += layout(f"self.{module} = ", Call("nn.ModuleDict", (each,)), 8)
        else:
            lines += layout(f"self.{module} = ", said(member.build), 8)
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


def _initialisation(program: Program, said: Said) -> list[str]:
    init = program.spec.init
    settings = {"scale": (init.scale, 2.0), "mode": (init.mode, "fan_out")}
    given = tuple((name, value) for name, (value, default) in settings.items() if value != default)
    function = Call("partial", (Name("initialize"),), given) if given else Name("initialize")
    lines = layout("", Call("self.apply", (function,)), 8)
    for step in program.steps:
        bias = initial_bias(step.op)
        if step.owner and bias:
            place = Name(f"self.{attribute_path(step.module)}")
            lines += layout("", Call("fill_bias", (place, said(bias))), 8)
    return lines


def attribute_path(path: str) -> str:
    """A path of the graph as an attribute of the module: numbers are positions in a sequence."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split(".")).removeprefix(".")
