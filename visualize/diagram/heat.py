"""Heat maps: which share of a measure every box has, and what the colours mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from spinec.compiler.cost.report import Count
from spinec.spec.conventions import Convention
from spinec.spec.errors import did_you_mean
from spinec.visualize.diagram.network import Network
from spinec.visualize.style.share import shares

Color = Literal["kind", "macs", "params", "activations", "intensity"]
COLORS: dict[str, str] = {
    "kind": "kind of block",
    "macs": "share of multiply-adds",
    "params": "share of parameters",
    "activations": "share of activation bytes",
    "intensity": "multiply-adds per byte moved",
}


class Heat(NamedTuple):
    """A heat map: of every box its share of the largest value, of every part what is said, and what colours mean."""

    parts: dict[str, float]
    notes: dict[str, str]
    scale: tuple[str, str, str]


def heat_of(network: Network, color: str, convention: Convention) -> Heat | None:
    """The heat map of a measure over blocks, endpoints and head; nothing where nothing costs anything."""
    counts = {node.name: node.cost for node in network.nodes if node.cost}
    outputs = {output.name for output in network.outputs}
    counts |= {edge.target: edge.cost for edge in network.edges if edge.cost and edge.target in outputs}
    if network.head_cost:
        counts[network.head] = network.head_cost
    amounts = {name: _MEASURES[color](count, convention) for name, count in counts.items()}
    if not any(amounts.values()):
        return None
    unit = "" if color == "intensity" else " %"
    values = shares(amounts) if unit else {name: float(amount) for name, amount in amounts.items()}
    boxes = {name: value for name, value in values.items() if name != network.head}
    most = max(boxes.values(), default=0.0)
    notes = {name: f"{value:.1f}{unit}" for name, value in values.items()}
    parts = {name: value / most if most else 0.0 for name, value in boxes.items()}
    return Heat(parts, notes, (COLORS[color], "0", f"{most:.1f}{unit}"))


def heat_of_values(network: Network, values: Mapping[str, float]) -> Heat:
    """A heat map of somebody's own numbers: what has none is left as it is."""
    for name in values:
        if name not in network.levels:
            raise ValueError(f"a value for {name!r}, and there is no such block; {did_you_mean(name, network.levels)}")
    most = max(values.values(), default=0.0)
    parts = {name: value / most if most > 0 else 0.0 for name, value in values.items()}
    return Heat(parts, {name: f"{value:.3g}" for name, value in values.items()}, ("values", "0", f"{most:.3g}"))


def _intensity(count: Count, convention: Convention) -> float:
    moved = 4 * count.params + count.activation_bytes
    return count.macs(convention) / moved if moved else 0.0


_MEASURES: Mapping[str, Callable[[Count, Convention], int | float]] = {
    "macs": Count.flops,
    "params": lambda count, convention: count.params,
    "activations": lambda count, convention: count.activation_bytes,
    "intensity": _intensity,
}
