"""Writes docs/security.md's table: what refusing each hostile document takes, each in a process of its own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hostile import HOSTILE, refuse
from make_tables import filled

from spinec.spec.codes import codes
from spinec.spec.files import write_whole
from spinec.visualize.table.table import Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "security.md"
MOST_SECONDS, MOST_MEGABYTES = 0.5, 100
LOWERED = ("SPN-602", "SPN-603")  # what only lowering finds
MOST_SECONDS_LOWERED, MOST_MEGABYTES_LOWERED = 2, 200


def table() -> Table:
    """Every document: processor time and memory above an interpreter that has spinec imported, and the fault."""
    rows: list[list[str | int | float | None]] = []
    for hostile in HOSTILE:
        with tempfile.TemporaryDirectory() as folder:
            took = refuse(hostile, Path(folder))
        seconds = MOST_SECONDS_LOWERED if hostile.code in LOWERED else MOST_SECONDS
        megabytes = MOST_MEGABYTES_LOWERED if hostile.code in LOWERED else MOST_MEGABYTES
        if took.seconds > seconds or took.megabytes > megabytes or hostile.code not in took.codes:
            raise SystemExit(f"{hostile.name}: {took}")
        said = f"{hostile.code}: {codes()[hostile.code].title[0].lower()}{codes()[hostile.code].title[1:]}"
        rows.append([hostile.name, f"{took.seconds:.3f}", f"{took.megabytes:.1f}", said])
    return Table("hostile documents", ["document", "seconds", "MB", "refused as"], rows)


def main() -> None:
    """Rewrite the table."""
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8"), {"hostile": table().to_text("markdown")}))


if __name__ == "__main__":
    main()
