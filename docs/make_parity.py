"""Writes docs/parity.md's table: the worst difference of PyTorch and TensorFlow at any block, for every spec."""

from __future__ import annotations

import sys
from pathlib import Path

from make_tables import filled

from spinec import load, lower, names
from spinec.backends.verify import BARS, Difference, compare
from spinec.spec.files import write_whole
from spinec.visualize.tables import Table

PAGE = Path(__file__).with_name("parity.md")
SIZES = (96, (75, 91))  # one that divides by no level but the finest, one odd


def worst(name: str, precision: str) -> Difference:
    """The value of a spec at which the two backends are furthest apart, over the sizes."""
    found = [each for size in SIZES for each in compare(lower(load(name), size), precision=precision)]
    return max(found, key=lambda each: each.error)


def table() -> Table:
    """A row per spec: the worst value and its error in either precision."""
    rows = []
    for name in names():
        single, double = worst(name, "float32"), worst(name, "float64")
        rows.append([name, single.value, f"{single.error:.1e}", double.value, f"{double.error:.1e}"])
        print(*rows[-1], file=sys.stderr, flush=True)
        assert single.error <= BARS["float32"], single
        assert double.error <= BARS["float64"], double
    columns = ["spec", "worst value", "float32", "worst value ", "float64"]
    return Table("parity", columns, rows)


if __name__ == "__main__":
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8"), {"parity": table().to_text("markdown")}))
