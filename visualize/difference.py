"""What differs between two specs, and what it does to cost: as data, a table, or a picture in two colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from spinec.compiler.cost.report import Count, Report
from spinec.spec.blocks import Block
from spinec.spec.conventions import Convention
from spinec.spec.model import ModelSpec
from spinec.spec.results import Result
from spinec.visualize.diagram.layout import Look
from spinec.visualize.diagram.matching import By, match_blocks
from spinec.visualize.diagram.network import IMAGE, Edge, Network, Node, Status, network_of
from spinec.visualize.draw import Drawable, Drawing, report_of
from spinec.visualize.style.palette import Theme
from spinec.visualize.style.quantity import quantity
from spinec.visualize.style.values import flat, show
from spinec.visualize.table.costs import input_words
from spinec.visualize.table.table import Cell, Shown, Table


class Change(NamedTuple):
    """One field that differs."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.field} {show(self.before)} → {show(self.after)}"


class BlockDiff(NamedTuple):
    """A block of either spec, or of both, and what became of it."""

    before: str
    """Its name in the first spec; empty where it was added."""
    after: str
    """Its name in the second spec; empty where it was removed."""
    status: Status
    changes: tuple[Change, ...]
    macs: tuple[int | float, int | float]
    """Multiply-adds before and after."""
    params: tuple[int, int]

    @property
    def name(self) -> str:
        """What it is called: by its new name, where it has one."""
        return self.after or self.before


@dataclass(frozen=True)
class Diff:
    """Two specs compared: blocks in order, and what changed beside them."""

    before: Report
    after: Report
    convention: Convention
    settings: tuple[Change, ...]
    """Of the spec itself: input size, resampling, endpoints, head, outputs."""
    blocks: tuple[BlockDiff, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the two are one network."""
        return not self.settings and all(block.status == "same" for block in self.blocks)

    @cached_property
    def table(self) -> Table:
        """Every block that changed, was added or removed, and every other setting; the total is of everything."""
        rows: list[list[Cell]] = [
            [
                block.name,
                block.status if block.status != "same" else "",
                "; ".join(map(str, block.changes)),
                block.macs[1] - block.macs[0],
                block.params[1] - block.params[0],
            ]
            for block in self._differing()
        ]
        rows += [
            [change.field, "setting", f"{show(change.before)} → {show(change.after)}", None, None]
            for change in self.settings
        ]
        rest_macs, rest_params = self._rest()
        if rest_macs or rest_params:
            rows.append(["endpoints and head", "", "", rest_macs, rest_params])
        macs, params = self.macs, self.params
        before, after = self.before.program.name, self.after.program.name
        about = {
            "before": before,
            "after": after,
            "convention": self.convention,
            "settings": [change._asdict() for change in self.settings],
        }
        total: list[Cell] = ["total", "", self.summary, macs[1] - macs[0], params[1] - params[0]]
        columns = ["block", "status", "what", "multiply-adds", "parameters"]
        title = f"{before} → {after}"
        return Table(title, columns, rows, total, about, "difference", self.is_empty, self._data())

    def _data(self) -> Table:
        """What programs read of it: figures of both, and changes field by field."""
        rows: list[list[Cell]] = [
            [
                block.before or None,
                block.after or None,
                block.status,
                Shown([change._asdict() for change in block.changes], "; ".join(map(str, block.changes))),
                *block.macs,
                *block.params,
            ]
            for block in self._differing()
        ]
        columns = ["before", "after", "status", "changes", "macs before", "macs after", "params before", "params after"]
        return Table("", columns, rows, ["total", None, None, None, *self.macs, *self.params])

    def _differing(self) -> list[BlockDiff]:
        return [
            block
            for block in self.blocks
            if block.status != "same" or block.macs[0] != block.macs[1] or block.params[0] != block.params[1]
        ]

    @property
    def macs(self) -> tuple[int | float, int | float]:
        """Multiply-adds of the first and of the second."""
        return self.before.macs(self.convention), self.after.macs(self.convention)

    @property
    def params(self) -> tuple[int, int]:
        """Parameters of the first and of the second."""
        return self.before.params, self.after.params

    @property
    def summary(self) -> str:
        """The difference in one line."""
        counts = [(sum(block.status == status for block in self.blocks), status) for status in _COUNTED]
        parts = [f"{count} {status}" for count, status in counts if count]
        return ", ".join(parts) or "no block differs"

    @property
    def count_beyond_names(self) -> int:
        """How many blocks differ in more than their name."""
        return sum(
            block.status in ("added", "removed") or any(change.field != "name" for change in block.changes)
            for block in self.blocks
        )

    def to_dict(self) -> Result:
        """Everything as plain data, in the shape of all results; 'spinec schema results' describes it."""
        return self.table.to_dict()

    def draw(self, theme: Theme = "auto", *, labels: bool = True) -> Drawing:
        """The second spec with what the first has beyond it: added blue, removed orange and dashed, changed violet."""
        network = union(self)
        notes = {block.name: _note(block.changes) for block in self.blocks if block.changes}
        notes |= {name: _note(changes) for name, changes in _changes_beside(self).items()}
        if network.head_status != "same":
            notes[network.head] = notes.get(network.head) or network.head_status
        (macs, new_macs), (params, new_params) = self.macs, self.params
        subtitle = (
            f"{self.summary}{self._settings_word()}: {quantity(macs)} → {quantity(new_macs)} multiply-adds,"
            f" {quantity(params)} → {quantity(new_params)} parameters, convention '{self.convention}'"
        )
        return Drawing(network, Look(labels, notes=notes, subtitle=subtitle, plain=True), theme)

    def _repr_svg_(self) -> str:
        return self.draw()._repr_svg_()

    def __repr__(self) -> str:
        return f"<Diff {self.before.program.name} → {self.after.program.name}: {self.summary}>"

    def _settings_word(self) -> str:
        return f", {len(self.settings)} other settings" if self.settings else ""

    def _rest(self) -> tuple[int | float, int]:
        """What endpoints and head add or take."""
        macs = self.macs[1] - self.macs[0] - sum(block.macs[1] - block.macs[0] for block in self.blocks)
        params = self.params[1] - self.params[0] - sum(block.params[1] - block.params[0] for block in self.blocks)
        return macs, params


_COUNTED: tuple[Status, ...] = ("added", "removed", "changed")


def diff(before: Drawable, after: Drawable, *, by: By = "name", convention: Convention = "conv") -> Diff:
    """Compare two specs by what they mean: blocks and wiring, not lines of text.

    By name, blocks of one name are the same block, and only those whose name the other lacks are looked for by
    topology. `by="topology"` ignores names: for a spec that was renumbered.

    >>> from spinec import load
    >>> diff(load("eff-spinenet-d0"), load("eff-spinenet-d1")).summary
    '7 changed'
    """
    first, second = report_of(before), report_of(after)
    a, b = first.program.spec, second.program.spec
    pairs = match_blocks(a, b, by)
    costs = first.by("block"), second.by("block")
    blocks: list[BlockDiff] = []
    for name, old in _order(a, b, pairs):
        old_count, count = costs[0].get(old), costs[1].get(name)
        macs = _macs(old_count, convention), _macs(count, convention)
        params = (old_count.params if old_count else 0), (count.params if count else 0)
        changes = tuple(_changes(a.blocks[old], b.blocks[name], old, name, pairs)) if old and name else ()
        status: Status = "added" if not old else "removed" if not name else "changed" if changes else "same"
        blocks.append(BlockDiff(old, name, status, changes, macs, params))
    return Diff(first, second, convention, tuple(_spec_changes(a, b, pairs)), tuple(blocks))


def _order(a: ModelSpec, b: ModelSpec, pairs: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every block as its new and its old name: in the second spec's order, what was removed after what it followed."""
    removed: dict[str, list[str]] = {}
    last = ""
    for name in a.blocks:
        if name in pairs:
            last = pairs[name]
        else:
            removed.setdefault(last, []).append(name)
    old = {new: name for name, new in pairs.items()}
    order = [("", name) for name in removed.get("", ())]
    for name in b.blocks:
        order.append((name, old.get(name, "")))
        order += [("", gone) for gone in removed.get(name, ())]
    return order


def _changes(a: Block, b: Block, old: str, name: str, pairs: Mapping[str, str]) -> Iterator[Change]:
    if old != name:
        yield Change("name", old, name)
    before, after = _fields(a), _fields(b)
    yield from _differences(before, after)
    renamed = [given.model_copy(update={"block": pairs.get(given.block, given.block)}) for given in a.inputs]
    if any(given.block not in pairs and given.block != "image" for given in a.inputs) or tuple(renamed) != b.inputs:
        yield Change("inputs", [input_words(given) for given in a.inputs], [input_words(given) for given in b.inputs])


def _fields(block: Block) -> dict[str, Any]:
    return flat(block.model_dump(exclude={"inputs"}, exclude_none=True))


def _spec_changes(a: ModelSpec, b: ModelSpec, pairs: Mapping[str, str]) -> Iterator[Change]:
    left_out = {"name", "source", "origin", "published", "blocks", "outputs"}
    yield from _differences(*(flat(spec.model_dump(exclude=left_out, exclude_none=True)) for spec in (a, b)))
    outputs = {f"outputs.{name}": pairs.get(block, f"{block} (removed)") for name, block in a.outputs.items()}
    yield from _differences(outputs, {f"outputs.{name}": block for name, block in b.outputs.items()})


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield Change(key, before.get(key), after.get(key))


def union(difference: Diff) -> Network:
    """Both networks in one: what either has, and what became of it."""
    old, new = network_of(difference.before), network_of(difference.after)
    taken = set(new.levels)
    names: dict[str, str] = {}  # of the first network's nodes, in the picture
    for block in difference.blocks:
        if block.before:
            names[block.before] = block.after or (f"{block.before}′" if block.before in taken else block.before)
    names |= {node.name: node.name for node in (*old.outputs, old.nodes[0])}
    old_nodes, new_nodes = ({node.name: node for node in network.nodes} for network in (old, new))
    beside = _changes_beside(difference)
    image = new.nodes[0]
    nodes = [_changed(image, beside[image.name]) if image.name in beside else image]
    for block in difference.blocks:
        node = new_nodes[block.after] if block.after else old_nodes[block.before]._replace(name=names[block.before])
        said = "; ".join([block.status, *map(str, block.changes)]) if block.status != "same" else ""
        nodes.append(node._replace(status=block.status, note=said))
    kept = {output.name for output in new.outputs}
    outputs = [
        output._replace(status="added")
        if output.name not in old.levels
        else _changed(output, beside[output.name])
        if output.name in beside
        else output
        for output in new.outputs
    ]
    outputs += [output._replace(status="removed") for output in old.outputs if output.name not in kept]
    edges: dict[tuple[str, str], Edge] = {
        (edge.source, edge.target): edge._replace(status="added") for edge in new.edges
    }
    for edge in old.edges:
        pair = names[edge.source], names[edge.target]
        same = edges.get(pair)
        if same is None:
            edges[pair] = edge._replace(source=pair[0], target=pair[1], status="removed")
        else:
            is_same = same.steps == edge.steps and not (same.target in kept and same.target in beside)
            edges[pair] = same._replace(status="same" if is_same else "changed")
    name = f"{old.name} → {new.name}"
    head: Status = "changed" if new.head in beside else "same"
    if not old.head or not new.head:
        head = "added" if new.head else "removed" if old.head else "same"
    return Network(name, tuple(nodes), tuple(edges.values()), tuple(outputs), new.head or old.head, None, head)


def _changes_beside(difference: Diff) -> dict[str, list[Change]]:
    """What changed of the image, of outputs and of the head, by what each is called in the picture."""
    found: dict[str, list[Change]] = {}
    after = network_of(difference.after)
    kept = {output.name for output in after.outputs} & set(difference.before.program.spec.outputs)
    for change in difference.settings:
        part, _, rest = change.field.partition(".")
        names = {
            "input": [IMAGE],
            "outputs": [rest] if rest in kept else [],
            "endpoints": sorted(kept),
            "head": [after.head],
        }
        for name in names.get(part, ()):
            said = change._replace(field="block" if part == "outputs" else rest or part)
            found.setdefault(name, []).append(said)
    return found


def _changed(node: Node, changes: Sequence[Change]) -> Node:
    return node._replace(status="changed", note="; ".join(["changed", *map(str, changes)]))


def _note(changes: Sequence[Change]) -> str:
    first = changes[0]
    more = f" +{len(changes) - 1}" if len(changes) > 1 else ""
    return ("inputs" if first.field == "inputs" else str(first)) + more


def _macs(count: Count | None, convention: Convention) -> int | float:
    return count.macs(convention) if count else 0
