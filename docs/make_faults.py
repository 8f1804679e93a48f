"""Writes docs/faults.md's table: every mistake of tests/mutations.py in every spec of the library (minutes).

python docs/make_faults.py [MOST]   so many places of each spec at which each mistake is made, 2 if not given
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from make_tables import filled
from mutations import MUTATIONS, Doc, Mutation, documents, judge, some

from spinec.spec.files import write_whole
from spinec.visualize.table import Table

DOCS = Path(__file__).resolve().parent


def row(mutation: Mutation, docs: Iterable[Doc], most: int, folder: str) -> list[str | int | float | None]:
    """How often a mistake was made, refused, refused at its line, and legal."""
    judged = [(doc, judge(doc, mutant, folder)) for doc in docs for mutant in some(mutation.make(doc), most)]
    refused = [verdict for _, verdict in judged if not verdict.legal]
    at_line = sum(verdict.at_the_line for verdict in refused)
    legal = [verdict for _, verdict in judged if verdict.legal]
    codes = Counter(code for verdict in refused for code in verdict.codes[:1])
    why = f"{mutation.legal}; {sum(bool(verdict.codes) for verdict in legal)} with a warning" if legal else ""
    shown = ", ".join(code for code, _ in codes.most_common(3))
    name = mutation.name.replace("|", "\\|")
    return [
        mutation.group,
        name,
        len({doc.name for doc, _ in judged}),
        len(judged),
        len(refused),
        at_line,
        shown,
        len(legal),
        why,
    ]


def table(most: int) -> Table:
    """Every mistake, and how the library's specs with it fared."""
    docs = list(documents())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "mutant.yaml").write_text("name: mutant\n", encoding="utf-8")  # each mutant has its name
        rows = [row(mutation, docs, most, folder) for mutation in MUTATIONS]
    total = [
        "",
        f"{len(rows)} mistakes",
        len(docs),
        *(sum(int(each[i] or 0) for each in rows) for i in (3, 4, 5)),
        "",
        sum(int(each[7] or 0) for each in rows),
        "",
    ]
    columns = ["of", "mistake", "specs", "made", "refused", "at the line", "codes", "legal", "why legal"]
    return Table("mistakes in the library's specs", columns, rows, total)


def main() -> None:
    """Rewrite the table."""
    made = table(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    page = DOCS / "faults.md"
    write_whole(page, filled(page.read_text(encoding="utf-8"), {"mistakes": made.to_text("markdown")}))


if __name__ == "__main__":
    main()
