"""Makes the pictures that the documentation shows; a test runs it and compares. Graphviz must be installed."""

from __future__ import annotations

from pathlib import Path

import graphviz
from make_examples import blocks
from make_house import dot

from spinec import cost, diff, draw, load, loads, lower
from spinec.spec.files import write_whole
from spinec.visualize.charts import distribution
from spinec.visualize.formats.dot import write_dot

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def pictures() -> dict[str, str]:
    """Every picture by its file name."""
    d0, d1, b0 = (cost(lower(load(name))) for name in ("eff-spinenet-d0", "eff-spinenet-d1", "sp-efficientnet-b0"))
    return {
        "eff-spinenet-d0.svg": draw(d0).svg,
        "eff-spinenet-d0-macs.svg": draw(d0, "macs", labels=False).svg,
        "efficientnet-b0.svg": draw(load("efficientnet-b0"), fold=True).svg,
        "diff-d0-d1.svg": diff(d0, d1).draw(labels=False).svg,
        "distribution.svg": distribution([b0, d0]).svg(),
        "tutorial.svg": draw(loads(page("docs/tutorial.md", "my-network.yaml"))).svg,
        "small.svg": draw(loads(page("docs/kinds.md", "small.yaml"))).svg,
        "small-ops.dot": upright(write_dot(lower(loads(page("docs/kinds.md", "small.yaml"))))),
        "house.dot": dot(),
    }


def upright(graph: str) -> str:
    """A graph from top to bottom: a page is narrow."""
    return graph.replace("rankdir=LR", "rankdir=TB")


def page(name: str, title: str) -> str:
    """A file that a page shows, as it is in the end."""
    return next(block.text for block in reversed(blocks(name)) if block.title == title)


def main() -> None:
    """Rewrite the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures().items():
        write_whole(FOLDER / name, text)
        if name.endswith(".dot"):
            write_whole((FOLDER / name).with_suffix(".svg"), graphviz.Source(text).pipe("svg"))


if __name__ == "__main__":
    main()
