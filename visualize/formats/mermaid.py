"""Network -> Mermaid, for a README. Always within the limits of Mermaid's own defaults: larger networks are folded."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters, digits

from spinec.visualize.diagram.network import IMAGE, OUTPUT, Network, Node
from spinec.visualize.style.palette import LIGHT, kind_colours

MOST_EDGES = 500  # Mermaid's maxEdges: it draws nothing at all from there on
MOST_CHARACTERS = 50_000  # Mermaid's maxTextSize
PLAIN = frozenset(ascii_letters + digits + " .,:_-×·")


def write_mermaid(network: Network) -> str:
    """A flow chart from left to right; what is too large for Mermaid has several blocks in a node, and says so."""
    together = 1
    while (chart := _Chart(network, together)).is_too_large:
        together += 1
    return chart.text


class _Chart:
    """The chart with so many blocks in a node."""

    def __init__(self, network: Network, together: int) -> None:
        arrows = _arrows(network, together)
        self.text = _text(network, together, arrows)
        self.is_too_large = len(arrows) >= MOST_EDGES or len(self.text) >= MOST_CHARACTERS


def _groups(network: Network, together: int) -> list[tuple[Node, ...]]:
    """The image, the blocks so many at a time, and the outputs."""
    blocks = network.blocks
    others = [node for node in network.nodes if not node.block]
    folded = [blocks[i : i + together] for i in range(0, len(blocks), together)]
    return [*((node,) for node in others), *folded, *((output,) for output in network.outputs)]


def _arrows(network: Network, together: int) -> list[str]:
    ids = {node.name: f"n{i}" for i, group in enumerate(_groups(network, together)) for node in group}
    done: dict[tuple[str, str], str] = {}
    for edge in network.edges:
        pair = ids[edge.source], ids[edge.target]
        if pair[0] != pair[1]:
            done.setdefault(pair, ", ".join(step.short for step in edge.steps) if together == 1 else "")
    return [f"  {a} -->{f'|{_quoted(steps)}|' if steps else ''} {b}" for (a, b), steps in done.items()]


def _text(network: Network, together: int, arrows: list[str]) -> str:
    groups = _groups(network, together)
    lines = ["flowchart LR", f"  %% {_plain(network.name)}"]
    if together > 1:
        lines.append(f"  %% folded: {together} blocks in a node, since Mermaid draws fewer than {MOST_EDGES} arrows")
    lines += [f"  n{i}{_label(group)}:::{_identifier(group[0].kind)}" for i, group in enumerate(groups)]
    lines += arrows
    for kind in sorted({group[0].kind for group in groups}):
        fill, stroke = (LIGHT.paper, LIGHT.output) if kind in (IMAGE, OUTPUT) else kind_colours(LIGHT, kind)
        lines.append(f"  classDef {_identifier(kind)} fill:{fill},stroke:{stroke},color:{LIGHT.ink}")
    return "\n".join(lines) + "\n"


def _label(group: Sequence[Node]) -> str:
    first, last = group[0], group[-1]
    if first is not last:
        return f"[{_quoted(f'{first.name} to {last.name}')}]"
    times = f" ×{first.repeats}" if first.repeats > 1 else ""
    text = f"{first.name}: {first.dim}{times}"
    if first.kind == OUTPUT:
        return f"([{_quoted(text)}])"
    return f"[{_quoted(f'{text}, level {first.level}' if first.block else text)}]"


def _quoted(text: str) -> str:
    """Text in quotes; what could mean something to Mermaid or to HTML is written as a character's number."""
    return '"' + "".join(c if c in PLAIN else f"#{ord(c)};" for c in text) + '"'


def _plain(text: str) -> str:
    return "".join(c if c in PLAIN else "?" for c in text)


def _identifier(kind: str) -> str:
    return "kind_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in kind)
