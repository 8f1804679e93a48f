"""What the checks of a spec look at: the tree with its places, and what is valid of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spinec.spec.blocks import Block
from spinec.spec.document import Item
from spinec.spec.errors import Place
from spinec.spec.model import ModelSpec

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Subject:
    """What the checks see: the tree, the blocks that are valid by themselves, and the spec if its sections are too."""

    tree: Item
    blocks: Mapping[str, Block]
    spec: ModelSpec | None

    @cached_property
    def order(self) -> dict[str, int]:
        """Every block name, valid or not, and its position."""
        entries = self.tree.mapping.get("blocks")
        return {name: i for i, name in enumerate(entries.mapping)} if entries else {}

    @cached_property
    def outputs(self) -> dict[str, Item]:
        """Output name: the item that names its block."""
        entries = self.tree.mapping.get("outputs")
        return dict(entries.mapping.items()) if entries else {}

    @cached_property
    def reads(self) -> dict[str, list[str | None]]:
        """Block name: the names of its inputs, of faulty blocks too; None for an input that is no name."""
        found: dict[str, list[str | None]] = {}
        for name in self.order:
            given = self.tree.find(("blocks", name, "inputs"))
            items = given.value if given and isinstance(given.value, list) else []
            origins = [item.mapping["from"].value if "from" in item.mapping else None for item in items]
            found[name] = [origin if isinstance(origin, str) else None for origin in origins]
        return found

    @cached_property
    def wiring(self) -> nx.DiGraph[str]:
        """Every block, and an edge to each block that it reads."""
        import networkx as nx

        found: nx.DiGraph[str] = nx.DiGraph()
        found.add_nodes_from(self.order)
        found.add_edges_from((name, given) for name, reads in self.reads.items() for given in reads if given)
        return found

    @cached_property
    def given_out(self) -> set[str]:
        """The names of blocks that outputs give."""
        return {item.value for item in self.outputs.values() if isinstance(item.value, str)}

    @cached_property
    def at_level(self) -> dict[int, list[str]]:
        """Level: the names of its blocks."""
        found: dict[int, list[str]] = {}
        for name, block in self.blocks.items():
            found.setdefault(block.level, []).append(name)
        return found

    def place(self, *path: str | int) -> Place:
        """Where the value at a path stands, or the deepest part of it that is there."""
        while path and not self.tree.find(path):
            path = path[:-1]
        item = self.tree.find(path)
        return item.place if item else self.tree.place

    def key(self, *path: str | int) -> Place:
        """Where the key at a path stands."""
        item = self.tree.find(path)
        return item.key if item and item.key else self.place(*path)
