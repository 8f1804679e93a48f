"""Writes docs/figures.md's table of networks that timm or torchvision has, too (minutes).

python tools/make_published.py [SPEC...]   the rows of some specs, or of all
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from make_tables import filled, rows_of
from published_code import NETWORKS, compared

from spinec.spec.files import write_whole
from spinec.visualize.table.table import Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "figures.md"
COLUMNS = ["spec", "public code", "parameters", "theirs", "multiply-adds", "theirs ", "logits", "two images"]


def row(name: str) -> list[str]:
    """What is counted of a spec and of its published code, and how far their logits are apart."""
    found = compared(name)
    counts = [f"{number:,}" for number in (*found.params, *found.macs)]
    return [name, NETWORKS[name], *counts, f"{found.logits:.1e}" if found.logits else "0", f"{found.images:.3g}"]


def main() -> None:
    """Make the rows that are asked for; the others stay as they are."""
    page = PAGE.read_text(encoding="utf-8")
    rows = rows_of(page, "public-code")
    for name in sys.argv[1:] or NETWORKS:
        rows[name] = row(name)
        print(*rows[name], sep=" | ", file=sys.stderr, flush=True)
    made = Table("public code", COLUMNS, [[*rows[name]] for name in NETWORKS if name in rows])
    write_whole(PAGE, filled(page, {"public-code": made.to_text("markdown")}))


if __name__ == "__main__":
    main()
