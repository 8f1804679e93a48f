"""Which numbers of channels there are within a kind, as formulas of the dims of a place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from spinec.spec.kinds.arithmetic import settled
from spinec.spec.kinds.formula import Formula, Node, number
from spinec.spec.kinds.kind import Kind
from spinec.spec.kinds.plan import Fields, default_fields, is_number, known_nodes, node_of, step_fields
from spinec.spec.kinds.steps import Kind as KindStep
from spinec.spec.kinds.steps import MixedConv, Step

IN_DIM, DIM = Node("name", "in_dim"), Node("name", "dim")


def widths(kind: Kind, fields: Fields, stride: int) -> list[Node]:
    """Every number of channels in a block of a kind, each once: of steps that no dims could bring about, too."""
    given = {"in_dim": IN_DIM, "dim": DIM}
    return list(dict.fromkeys(_widths(kind, known_nodes(kind, fields, stride) | given)))


def decides(kind: Kind, fields: Fields, stride: int) -> bool:
    """Whether dims decide what is computed, but for whether a block keeps its dim: then its cost is no form of them."""
    given = {"in_dim": IN_DIM, "dim": DIM}
    return any(_decisions(kind, known_nodes(kind, fields, stride) | given))


def _decisions(kind: Kind, known: Mapping[str, Node]) -> Iterator[bool]:
    """Of every condition, and of every shortcut: whether dims decide it in another way."""
    symbols = _symbols(kind, known)
    shape = symbols["in_dim"], symbols["dim"]
    if kind.document.shortcut and shape[0] != shape[1]:
        yield shape != (IN_DIM, DIM)
    channels, last = {"x": shape[0]}, shape[0]
    for steps in (kind.steps, kind.shortcut, kind.then):
        for name, step in steps.items():
            when = settled(step.when.node, symbols) if step.when else None
            if when and when.op != "boolean":
                yield not _asks_for_equal_dims(when)
            given = _given(step, channels, last)
            if isinstance(step, KindStep) and not (when and when.value is False):
                inner = _inner(kind, step, given, symbols)
                yield from _decisions(kind.used[step.kind], inner)
                last = inner["dim"]
            elif step.main in ("conv", "mixed_conv", "slice"):
                last = whole(settled(getattr(step, step.main).node, symbols))
            channels[name] = last


def _asks_for_equal_dims(node: Node) -> bool:
    """Whether a condition is about nothing but whether a block keeps its dim."""
    if node.op in ("not", "and", "or"):
        return all(map(_asks_for_equal_dims, node.parts))
    return node.op == "boolean" or (node.op in ("==", "!=") and {*node.parts} == {IN_DIM, DIM})


def whole(node: Node) -> Node:
    """A formula rounded as a number of channels is."""
    return settled(Node("whole", None, (node,)), {})


def _symbols(kind: Kind, known: Mapping[str, Node]) -> dict[str, Node]:
    """What formulas know, those of the kind itself included."""
    symbols = dict(known)
    for name, formula in kind.document.let.items():
        node = settled(formula.node, symbols)
        symbols[name] = whole(node) if node.parts and is_number(node) else node
    return symbols


def _widths(kind: Kind, known: Mapping[str, Node]) -> Iterator[Node]:
    symbols = _symbols(kind, known)
    channels = {"x": symbols["in_dim"]}
    for steps, first in ((kind.steps, ""), (kind.shortcut, "x"), (kind.then, "")):
        last = channels["x"] if first else channels[next(reversed(channels))]
        for name, step in steps.items():
            if step.when and settled(step.when.node, symbols).value is False:
                channels[name] = last
                continue
            given = _given(step, channels, last)
            if step.main in ("conv", "mixed_conv", "slice"):
                last = whole(settled(getattr(step, step.main).node, symbols))
                yield last
                if isinstance(step, MixedConv):
                    several = len(symbols[step.kernels.removeprefix("$")].value)
                    yield from (share for node in (given, last) for share in _shares(node, several))
            elif step.main == "attention":
                last = settled(Node("/", None, (given, number(3))), {})
            elif isinstance(step, KindStep):
                inner = _inner(kind, step, given, symbols)
                yield from _widths(kind.used[step.kind], inner)
                last = inner["dim"]
            else:
                last = given
            yield last
            channels[name] = last


def _shares(node: Node, parts: int) -> Iterator[Node]:
    """The shares of channels that `steps.shares` gives."""
    if parts > 1:
        share = Node("//", None, (node, number(parts)))
        yield share
        yield Node("-", None, (node, Node("*", None, (number(parts - 1), share))))


def _given(step: Step, channels: Mapping[str, Node], last: Node) -> Node:
    """What a step takes; several maps have the channels of all of them."""
    listed = getattr(step, "concat", None) or step.given
    if listed is None:
        return last
    nodes = [channels.get(value.removesuffix("*"), last) for value in listed]
    total = nodes[0]
    for node in nodes[1:]:
        total = Node("+", None, (total, node))
    return total


def _inner(kind: Kind, step: KindStep, given: Node, symbols: Mapping[str, Node]) -> dict[str, Node]:
    """What the formulas of another kind know, where this one uses it."""
    inner = kind.used[step.kind]
    said = {
        key: settled(value.node, symbols) if isinstance(value, Formula) else node_of(value)
        for key, value in step_fields(kind, step)
    }
    known = known_nodes(inner, tuple(default_fields(inner).items()), 1) | said
    known["in_dim"] = given
    known["dim"] = whole(settled(step.dim.node, symbols)) if step.dim else given
    return known
