"""Writes docs/faults.md's tables: every mistake of tests/mutations.py in every spec of the library, every one of
tests/fragment_mutations.py in every fragment and every neck, every one of
tests/kind_mutations.py in every kind (minutes).

python tools/make_faults.py [MOST] [TABLE...]   MOST places of each spec at which each mistake is made; 2 if not given
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fragment_mutations import FRAGMENT_MUTATIONS, NECK_MUTATIONS, fragment_documents, judge_fragment, neck_documents
from kind_documents import judge_kind, kind_documents
from kind_mutations import KIND_MUTATIONS
from make_tables import filled
from mutations import MUTATIONS, Doc, Mutant, Mutation, Verdict, documents, judge, some

from spinec.spec.files import write_whole
from spinec.visualize.table.table import Table

DOCS = Path(__file__).resolve().parent.parent / "docs"


Judge = Callable[[Doc, Mutant, str], Verdict]
Row = list[str | int | float | None]


def row(mutation: Mutation, docs: Sequence[Doc], judged_by: Judge, most: int, folder: str) -> Row:
    """How often a mistake was made, refused, refused at its line, and legal."""
    judged = [(doc, judged_by(doc, mutant, folder)) for doc in docs for mutant in some(mutation.make(doc), most)]
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


def table(what: str, most: int, *makes: tuple[Sequence[Mutation], Sequence[Doc], Judge]) -> Table:
    """Every mistake, and how the documents with it fared."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "mutant.yaml").write_text("name: mutant\n", encoding="utf-8")  # each mutant has its name
        rows = [row(each, docs, judged_by, most, folder) for made, docs, judged_by in makes for each in made]
    total = [
        "",
        f"{len(rows)} mistakes",
        sum(len(docs) for _, docs, _ in makes),
        *(sum(int(each[i] or 0) for each in rows) for i in (3, 4, 5)),
        "",
        sum(int(each[7] or 0) for each in rows),
        "",
    ]
    columns = ["of", "mistake", what, "made", "refused", "at the line", "codes", "legal", "why legal"]
    return Table(f"mistakes in {what}", columns, rows, total)


def main() -> None:
    """Rewrite the tables that are named, or all of them."""
    arguments = sys.argv[1:]
    most = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 2
    makes = {
        "mistakes": lambda: table("specs", most, (MUTATIONS, list(documents()), judge)),
        "fragment-mistakes": lambda: table(
            "fragments and necks",
            most * 500,  # all of them: they are few
            (FRAGMENT_MUTATIONS, list(fragment_documents()), judge_fragment),
            (NECK_MUTATIONS, list(neck_documents()), judge),
        ),
        "kind-mistakes": lambda: table("kinds", most * 500, (KIND_MUTATIONS, list(kind_documents()), judge_kind)),
    }
    made = {name: makes[name]().to_text("markdown") for name in arguments or makes}
    page = DOCS / "faults.md"
    write_whole(page, filled(page.read_text(encoding="utf-8"), made))


if __name__ == "__main__":
    main()
