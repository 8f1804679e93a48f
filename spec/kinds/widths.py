"""Which numbers of channels there are within a kind, as formulas of the dims of a place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from spinec.spec.kinds.arithmetic import settled
from spinec.spec.kinds.formula import Formula, Node, number
from spinec.spec.kinds.kind import PARTS, Kind
from spinec.spec.kinds.plan import Fields, default_fields, is_number, known_nodes, node_of, step_fields
from spinec.spec.kinds.steps import LISTS, MixedConv, Step
from spinec.spec.kinds.steps import Kind as KindStep

IN_DIM, DIM = Node("name", "in_dim"), Node("name", "dim")
UNCOUNTED = (
    *("dilation", "bias_init", "zero_scale", "layer_norm", "group_norm"),
    *("epsilon", "layer_scale", "prelu", "start", "shuffle"),
)
"""Settings of steps that change what is computed but not what it costs."""


class Run(NamedTuple):
    """A step that runs, or may run, at a place."""

    kind: Kind
    step: Step
    when: Node | None
    given: Node
    """How many channels it takes."""
    gives: Node
    known: Mapping[str, Node]
    """What its formulas know."""


def widths(kind: Kind, fields: Fields, stride: int) -> list[Node]:
    """Every number of channels in a block of a kind, each once: of steps that no dims could bring about, too."""
    return list(dict.fromkeys(_widths(kind, _known(kind, fields, stride))))


def decides(kind: Kind, fields: Fields, stride: int) -> bool:
    """Whether dims decide what is computed, but for whether a block keeps its dim: then its cost is no form of them."""
    return any(_decisions(kind, _known(kind, fields, stride)))


def whole(node: Node) -> Node:
    """A formula rounded as a number of channels is."""
    return settled(Node("whole", None, (node,)), {})


def summands(node: Node) -> list[Node] | None:
    """Formulas of one dim of which a formula of both is a sum of multiples and a constant; None where it is none."""
    if len({name.value for name in node.names}) < 2:
        return [node]
    if node.op == "whole" and _is_whole(node.parts[0]) and _least(node.parts[0]) >= 1:
        return summands(node.parts[0])
    if node.op in ("*", "/"):
        constant = node.parts[1] if node.op == "/" else min(node.parts, key=lambda part: len([*part.names]))
        if [*constant.names]:
            return None
    elif node.op not in ("+", "-"):
        return None
    found = [summands(part) for part in node.parts if [*part.names]]
    return None if None in found else [part for parts in found for part in parts or ()]


def _is_whole(node: Node) -> bool:
    """Whether a formula gives whole numbers, as far as is seen without its dims."""
    if node.op == "number":
        return bool(node.value.denominator == 1)
    if node.op in ("+", "-", "*", "min", "max", "^"):
        return all(map(_is_whole, node.parts))
    return node.op in ("name", "whole", "round_to", "//") or (node.op == "if" and all(map(_is_whole, node.parts[1:])))


def _least(node: Node) -> int:
    """One where a formula is surely at least one, zero where it is surely not below zero, else less."""
    if node.op == "number":
        return max(-1, min(1, int(node.value.__floor__())))
    if node.op in ("name", "whole", "round_to"):
        return 1
    least = [_least(part) for part in node.parts]
    if node.op in ("+", "max"):
        return max(least) if node.op == "max" or min(least) >= 0 else -1
    if node.op in ("*", "^", "min"):
        return min(least)
    return 0 if node.op in ("/", "//") and min(least) >= 0 else -1


def _known(kind: Kind, fields: Fields, stride: int) -> dict[str, Node]:
    return known_nodes(kind, fields, stride) | {"in_dim": IN_DIM, "dim": DIM}


def _widths(kind: Kind, known: Mapping[str, Node]) -> Iterator[Node]:
    for run in _runs(kind, known):
        yield run.gives
        if isinstance(run.step, MixedConv):
            several = len(run.known[run.step.kernels.removeprefix("$")].value)
            yield from (share for node in (run.given, run.gives) for share in _shares(node, several))
        if isinstance(run.step, KindStep):
            yield from _widths(*_inner(run.kind, run.step, run.given, run.known))


def _decisions(kind: Kind, known: Mapping[str, Node]) -> Iterator[bool]:
    """Of every condition, every shortcut and every setting that costs: whether dims decide it in another way."""
    symbols = _symbols(kind, known)
    shape = symbols["in_dim"], symbols["dim"]
    if kind.document.shortcut and shape[0] != shape[1]:
        yield shape != (IN_DIM, DIM)
    if kind.document.shortcut and (asked := kind.document.shortcut.when):
        yield _depends(settled(asked.node, symbols))
    for run in _runs(kind, known):
        yield run.when is not None and _depends(run.when)
        yield from (_is_open(run, key) for key in (*run.step.types, "norm", "repeat"))
        if isinstance(run.step, KindStep):
            yield from _decisions(*_inner(run.kind, run.step, run.given, run.known))


def _depends(node: Node) -> bool:
    """Whether a formula depends on more of the dims than whether they are equal."""
    if node.op in ("==", "!=") and {*node.parts} == {IN_DIM, DIM}:
        return False
    return node.op == "name" or any(map(_depends, node.parts))


def _is_open(run: Run, key: str) -> bool:
    """Whether dims decide on a setting that costs, which is no number of channels."""
    formula = getattr(run.step, key)
    if formula is None or key in UNCOUNTED or key in run.step.dims:
        return False
    node = settled(formula.node, run.known)
    if key == "groups" and any(_divides(node, channels) for channels in (run.given, run.gives)):
        return False
    return _depends(node)


def _divides(groups: Node, channels: Node) -> bool:
    """Whether groups are as many as channels, or a share of them: then each has as many channels for all dims."""
    if groups.op == "/" and groups.parts[1].op == "number":
        groups = groups.parts[0]
    return channels in (groups, whole(groups))


def _runs(kind: Kind, known: Mapping[str, Node]) -> Iterator[Run]:
    """The steps of a kind in order, those that repeat once for every number of channels that they take."""
    symbols = _symbols(kind, known)
    x = end = symbols["in_dim"]
    channels, every = {"x": x}, defaultdict[str, list[Node]](list)  # of a value, and of all repeats of a step
    for part, steps in zip(PARTS, (kind.steps, kind.shortcut, kind.then), strict=True):
        last = x if part == ("shortcut", "steps") else end
        for name, step in steps.items():
            when = settled(step.when.node, symbols) if step.when else None
            times = settled(step.repeat.node, symbols) if step.repeat else number(1)
            taken: set[Node] = set()
            if when and when.value is False:  # what is left out gives what it would have taken
                last = channels[step.given[0]] if step.given else last
                times = number(0)
            for _ in range(int(times.value) if times.op == "number" else 1):
                channels[name] = last
                given = _given(step, channels, every, last)
                last = _gives(kind, step, given, symbols)
                every[name].append(last)
                if given not in taken:
                    yield Run(kind, step, when, given, last, symbols)
                taken.add(given)
            channels[name] = last
        end = end if part == ("shortcut", "steps") else last


def _symbols(kind: Kind, known: Mapping[str, Node]) -> dict[str, Node]:
    """What formulas know, those of the kind itself included."""
    symbols = dict(known)
    for name, formula in kind.document.let.items():
        node = settled(formula.node, symbols)
        symbols[name] = whole(node) if node.parts and is_number(node) else node
    return symbols


def _gives(kind: Kind, step: Step, given: Node, symbols: Mapping[str, Node]) -> Node:
    """How many channels a step gives of so many."""
    if step.main in step.dims:
        return whole(settled(getattr(step, step.main).node, symbols))
    if step.main == "attention":
        return settled(Node("/", None, (given, number(3))), {})
    if isinstance(step, KindStep):
        return whole(settled(step.dim.node, symbols)) if step.dim else given
    return given


def _shares(node: Node, parts: int) -> Iterator[Node]:
    """The shares of channels that `steps.shares` gives."""
    if parts > 1:
        share = Node("//", None, (node, number(parts)))
        yield share
        yield Node("-", None, (node, Node("*", None, (number(parts - 1), share))))


def _given(step: Step, channels: Mapping[str, Node], every: Mapping[str, Sequence[Node]], last: Node) -> Node:
    """What a step takes; several maps that are concatenated have the channels of all, others those of the first."""
    listed = getattr(step, step.main) if step.main in LISTS else step.given
    if listed is None:
        return last
    nodes = [node for value in listed for node in (every[value[:-1]] if value[-1:] == "*" else [channels[value]])]
    if step.main in LISTS and step.main != "concat":
        nodes = nodes[:1]
    total = None
    for node, times in Counter(nodes).items():
        more = Node("*", None, (number(times), node)) if times > 1 else node
        total = Node("+", None, (total, more)) if total else more
    return total or last


def _inner(kind: Kind, step: KindStep, given: Node, symbols: Mapping[str, Node]) -> tuple[Kind, dict[str, Node]]:
    """Another kind, and what its formulas know, where this one uses it."""
    inner = kind.used[step.kind]
    said = {
        key: settled(value.node, symbols) if isinstance(value, Formula) else node_of(value)
        for key, value in step_fields(kind, step)
    }
    known = known_nodes(inner, tuple(default_fields(inner).items()), 1) | said
    known["in_dim"] = given
    known["dim"] = _gives(kind, step, given, symbols)
    return inner, known
