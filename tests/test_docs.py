"""Generated parts of the documentation are what their command makes now."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))

from make_tables import filled, tables  # noqa: E402  (docs is no package)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_tables_are_current(page):
    text = page.read_text(encoding="utf-8")
    assert filled(text, tables()) == text, "run 'make tables'"


def test_strategies_are_those_of_the_runs():
    """And the controller and evolution find what chance does not."""
    pytest.importorskip("optuna")
    from make_search import AFTER, SEEDS, read_runs, strategies

    page = (DOCS / "search.md").read_text(encoding="utf-8")
    assert strategies().to_text("markdown") in page, "run 'python docs/make_search.py'"
    runs = read_runs()
    assert all((strategy, seed) in runs for strategy in ("reinforce", "evolution", "random") for seed in SEEDS)
    last = len(AFTER) - 1
    mean = {name: sum(runs[name, seed][last] for seed in SEEDS) / len(SEEDS) for name, _ in runs if name != "tpe"}
    assert min(mean["reinforce"], mean["evolution"]) > mean["random"] + 0.1
