"""The documentation is what its commands make now: generated parts, and what every code block prints."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS.parent / "tools"))

from make_examples import NOT_RUN, PAGES, ROOT, blocks, commands, examples, fits  # noqa: E402  (tools is no package)
from make_tables import filled, tables  # noqa: E402

from spinec import names  # noqa: E402


@pytest.fixture(scope="module")
def made():
    return tables()


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_tables_are_current(page, made):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert filled(text, made) == text, "run 'make tables'"


def test_every_table_has_a_page(made):
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in made if f"<!-- table: {name} -->" not in text] == []


@pytest.mark.parametrize("table", ["inference", "training", "xla", "exports"])
def test_every_spec_has_been_compared(table):
    text = (DOCS / "parity.md").read_text(encoding="utf-8")
    rows = text.partition(f"<!-- table: {table} -->")[2].partition("<!-- end -->")[0].strip().splitlines()
    listed = [row.split("|")[1].strip() for row in rows[2:]]
    assert listed == sorted(listed)
    assert set(listed) == set(names()), f"make_parity.py {table} SPEC"


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.reason is None for block in blocks(page))])
def test_every_code_block_runs_and_shows_what_is_printed(page, tmp_path):
    if not all(map(find_spec, ("torch", "keras", "optuna", "matplotlib"))):
        pytest.skip("not every framework and extra: make test")
    assert examples(page, tmp_path) == (ROOT / page).read_text(encoding="utf-8"), f"run 'make examples'; {page}"


def test_every_command_has_its_how_to():
    from spinec.commands import search  # noqa: F401  (with it, all of them)
    from spinec.options import app

    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    names += [group.name for group in app.registered_groups]
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("how-to/*.md"))
    assert [name for name in names if f"spinec {name}" not in text] == []


def test_what_is_not_run_is_there():
    """A reason for a block that is gone would hide the next one."""
    every = [block for page in PAGES for block in blocks(page)]
    for page, first in NOT_RUN:
        assert any(block.page == page and block.text.startswith(first) for block in every), (page, first)


def test_output_is_compared():
    assert fits("a\nb 1 s\n", "a\nb 1 s\n")
    assert fits("a\nb 1 s\nc\n", "...\nb ... s\n...\n")
    assert fits("", "")
    for expected in ("a\n", "a\nb\n", "a\nb ... t\n", "...\nc\n", "a.b 1 s\n", ""):
        assert not fits("a\nb 1 s\n", expected), expected


def test_commands_are_told_from_what_they_print():
    found = commands("$ spinec list\na $ b\n$ spinec cost \\\n  x\n")
    assert [(each.line, each.expected) for each in found] == [
        ("spinec list", "a $ b\n"),
        ("spinec cost \\\n  x", ""),
    ]


def test_strategies_are_those_of_the_runs():
    """And the controller and evolution find what chance does not."""
    pytest.importorskip("optuna")
    from make_search import AFTER, SEEDS, read_runs, strategies

    page = (DOCS / "search.md").read_text(encoding="utf-8")
    assert strategies().to_text("markdown") in page, "run 'python tools/make_search.py'"
    runs = read_runs()
    assert all((strategy, seed) in runs for strategy in ("reinforce", "evolution", "random") for seed in SEEDS)
    last = len(AFTER) - 1
    mean = {name: sum(runs[name, seed][last] for seed in SEEDS) / len(SEEDS) for name, _ in runs if name != "tpe"}
    assert min(mean["reinforce"], mean["evolution"]) > mean["random"] + 0.1
