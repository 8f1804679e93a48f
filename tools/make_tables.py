"""Writes the generated parts of the documentation; tests run it and compare."""

from __future__ import annotations

import re
from pathlib import Path

from make_api import api
from make_language import language
from make_recipes import recipe_tables
from make_spaces import space_tables

from spinec import cost, load, lower, names
from spinec.spec.codes import reference
from spinec.spec.files import write_whole
from spinec.spec.kinds.library import kind_files
from spinec.spec.results import known
from spinec.visualize.table.costs import catalogue_table, published_table
from spinec.visualize.table.side_by_side import conventions_table, training_table
from spinec.visualize.table.table import Table

FAMILIES = {
    "parts": "and each kind of work",
    "sizes": "and each size, as `macs_224x224`",
    "masks": "and the same of masks, as `mask_ap`",
    "scores": "and `score`; `score_1` and so on of several",
    "best_scores": "and `score` and `best_score_so_far`; `score_1`, `best_score_1_so_far` and so on of several",
    "importances": "and `importance`; `importance_for_score_1` and so on of several scores",
    "points": "and the columns of cost and score",
}
DOCS = Path(__file__).resolve().parent.parent / "docs"


def tables() -> dict[str, str]:
    """Every generated table by the name of its mark, and the kind that a page shows."""
    reports = [cost(lower(load(name))) for name in names()]
    b0 = load("efficientnet-b0")
    steps = training_table([lower(b0, size) for size in (224, 384)], 32, "adam")
    return {
        "published": published_table(reports).to_text("markdown"),
        "catalogue": catalogue_table(reports).to_text("markdown"),
        "codes": reference(),
        "conventions": conventions_table([cost(lower(b0))]).to_text("markdown"),
        "training-step": steps.to_text("markdown"),
        "api": api(),
        "results": _results().to_text("markdown"),
        "convnext": f"```yaml\n{kind_files()['convnext'].read_text(encoding='utf-8')}```",
        **language(),
        **recipe_tables(),
        **space_tables(),
    }


def _results() -> Table:
    """Every kind of result, and what it has; '?' marks what may be absent."""
    rows = []
    for kind, said in known()["kinds"].items():
        commands = ", ".join(f"`{command}`" for command in said["commands"])
        names = f"`{said['rows']}`" + (f", {FAMILIES[said['more']]}" if "more" in said else "")
        rows.append([f"`{kind}`", commands, f"`{said['about']}`" if said["about"] else "", names])
    return Table("results", ["kind", "commands", "about", "rows"], rows)


def filled(text: str, made: dict[str, str]) -> str:
    """A page with every table between its marks replaced."""
    for name, table in made.items():
        marks = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = marks.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def rows_of(text: str, name: str) -> dict[str, list[str]]:
    """The rows that a page has of a table, by their first cell."""
    body = text.partition(f"<!-- table: {name} -->\n")[2].partition("<!-- end -->")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[2:]]
    return {line[0]: line for line in lines}


def main() -> None:
    """Rewrite every page that has marks."""
    made = tables()
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := filled(text, made)) != text:
            write_whole(page, new)


if __name__ == "__main__":
    main()
