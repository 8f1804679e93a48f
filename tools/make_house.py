"""Draws the house: which room imports from which, as docs/architecture.md shows it. `make pictures` runs it."""

from __future__ import annotations

import ast
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("spec", "compiler", "backends", "visualize", "search", "spinec")
ROOMS: dict[str, tuple[str, ...]] = {
    "spec": (),
    "compiler/ops": ("spec",),
    "compiler/graph": ("compiler/ops",),
    "compiler/lowering": ("compiler/graph",),
    "compiler/cost": ("compiler/graph",),
    "compiler/analysis": ("compiler/cost", "compiler/lowering"),
    "compiler/advice": ("compiler/cost", "compiler/lowering"),
    "compiler/interchange": ("compiler/lowering",),
    "compiler/cost_model": ("compiler/cost", "compiler/lowering"),
    "compiler/resources": ("compiler/cost_model",),
    "backends": ("compiler/cost", "compiler/lowering"),
    "backends/pytorch": ("backends",),
    "backends/tensorflow": ("backends",),
    "visualize/style": ("spec",),
    "visualize/table": ("compiler/analysis", "compiler/resources", "visualize/style"),
    "visualize/diagram": ("compiler/cost", "visualize/style"),
    "visualize/figure": ("visualize/diagram",),
    "visualize/formats": ("visualize/figure",),
    "visualize/page": ("visualize/formats", "visualize/table"),
    "visualize": ("visualize/page",),
    "search": ("compiler/resources",),
    "spinec": ("backends", "compiler/advice", "compiler/interchange", "search", "visualize"),
}
"""What each room may import from, and from what that may."""


def files() -> list[Path]:
    """Every file of Python that is installed, from the root."""
    return [path.relative_to(ROOT) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def imports() -> nx.DiGraph[str]:
    """Which file imports which, wherever in it the import stands."""
    paths = {_module(path): path for path in files()}
    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from((module, {"path": path}) for module, path in paths.items())
    for module, path in paths.items():
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = [f"{node.module}.{alias.name}" for alias in node.names]
                found.add_edges_from((module, name if name in paths else node.module) for name in named)
    found.remove_nodes_from([node for node in found if node not in paths])
    return found


def rooms(imported: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """Which room imports from which."""
    room = {module: _room(path) for module, path in imported.nodes(data="path")}
    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from(room[module] for module, path in imported.nodes(data="path") if (ROOT / path).stat().st_size)
    found.add_edges_from((room[a], room[b]) for a, b in imported.edges if room[a] != room[b])
    return found


def allowed() -> nx.DiGraph[str]:
    """Which room may import from which, without what follows."""
    return nx.DiGraph([(room, below) for room, all_below in ROOMS.items() for below in all_below])


def _module(path: Path) -> str:
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return name if path.parts[0] == "spinec" else f"spinec.{name}"


def _room(path: Path) -> str:
    """A folder of the top, or one within the compiler, the backends or the pictures."""
    parts = path.parent.parts
    return "/".join(parts[: 2 if parts[0] in ("compiler", "backends", "visualize") else 1])
