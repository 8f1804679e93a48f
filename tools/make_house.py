"""The house: which folder imports from which. `make pictures` draws it for docs/architecture.md, with Graphviz."""

from __future__ import annotations

import ast
from pathlib import Path

import graphviz
import networkx as nx

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("spec", "compiler", "backends", "visualize", "train", "search", "spinec")
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
    "compiler/tasks": ("compiler/graph",),
    "compiler/answers": ("spec",),
    "backends": ("compiler/answers", "compiler/cost", "compiler/lowering", "compiler/tasks"),
    "backends/pytorch": ("backends",),
    "backends/tensorflow": ("backends",),
    "visualize/style": ("spec",),
    "visualize/table": (
        "compiler/analysis",
        "compiler/answers",
        "compiler/resources",
        "compiler/tasks",
        "visualize/style",
    ),
    "visualize/diagram": ("compiler/cost", "visualize/style"),
    "visualize/figure": ("visualize/diagram",),
    "visualize/formats": ("visualize/figure",),
    "visualize/page": ("visualize/formats", "visualize/table"),
    "visualize": ("visualize/page",),
    "train/data": ("backends",),
    "train/evaluation": ("train/data",),
    "train/sets": ("train/data",),
    "train": ("train/evaluation", "visualize"),
    "search": ("train",),
    "spinec": ("compiler/advice", "compiler/interchange", "search", "train/sets"),
}
"""What each folder may import from, and from what that may."""
COLOURS = {
    "spec": "#f4ecb4",
    "compiler": "#cfe3f7",
    "backends": "#f6d9c6",
    "visualize": "#d5ecd8",
    "train": "#f3d6de",
    "search": "#e8d9ee",
    "spinec": "#e6e9ec",
}


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


def dot() -> str:
    """The house as DOT: what stands lower is imported by what stands higher."""
    font = {"fontname": "sans-serif", "fontsize": "13"}
    drawn = graphviz.Digraph(
        "house",
        graph_attr={"bgcolor": "#ffffff", "ranksep": "0.35", "nodesep": "0.2", "pad": "0.2"},
        node_attr={"shape": "box", "style": "rounded,filled", "color": "#6b7580", **font},
        edge_attr={"color": "#6b7580", "arrowsize": "0.7"},
    )
    for room in ROOMS:
        drawn.node(room, fillcolor=COLOURS[room.partition("/")[0]])
    for room, below in allowed().edges:
        drawn.edge(room, below)
    return str(drawn.source)


def _module(path: Path) -> str:
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return name if path.parts[0] == "spinec" else f"spinec.{name}"


def _room(path: Path) -> str:
    """A folder of the top, or one within the compiler, the backends or the pictures."""
    parts = path.parent.parts
    return "/".join(parts[: 2 if parts[0] in ("compiler", "backends", "visualize", "train") else 1])
