"""Writes docs/spaces.md's table of samples: candidates of every space of the library, each made, loaded and counted.

python tools/sample_spaces.py          100,000 of each: a quarter of an hour of one core
python tools/sample_spaces.py 1000     1,000 of each, to see that it works
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from make_tables import filled

from spinec.compiler.resources.spaces import ChoiceSpace
from spinec.spec.files import write_whole
from spinec.spec.spaces.load import load_space, spaces
from spinec.visualize.table.table import Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "spaces.md"
COLUMNS = ["space", "candidates", "loaded", "different", "values reached", "within the limits", "ms for one, median"]
SAMPLES = 100_000


def row(name: str, number: int) -> list[str]:
    """What became of candidates: whatever is no spec raises."""
    space = ChoiceSpace(load_space(name))
    reached: dict[str, set[object]] = {parameter: set() for parameter in space.parameters}
    keys, times, within = set(), [], 0
    for chosen in space.draw(number, seed=1):
        start = time.perf_counter()
        space.made(chosen)
        space.figures(chosen)
        times.append(time.perf_counter() - start)
        keys.add(tuple(space.key(chosen)))
        within += space.within(chosen)
        for parameter, value in chosen.items():
            reached[parameter].add(value)
    every = sum(map(len, space.parameters.values()))
    found = sum(map(len, reached.values()))
    shown = [f"{number:,}", f"{number:,}", f"{len(keys):,}", f"{found:,} of {every:,}", f"{within / number:.1%}"]
    return [name, *shown, f"{1e3 * statistics.median(times):.1f}"]


def main() -> None:
    """Sample every space, and write the table after each."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    rows = []
    for name in spaces():
        rows.append(row(name, number))
        text = Table("samples", COLUMNS, rows).to_text("markdown")
        write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8"), {"samples": text}))


if __name__ == "__main__":
    main()
