"""Tables on a terminal: within its width, figures never cut, names never broken, no blanks at the ends of lines."""

import io

import pytest

from spinec.visualize.style.quantity import quantity
from spinec.visualize.table.table import Column, Shown, Table
from spinec.visualize.table.terminal import fitted, print_fitted

rich = pytest.importorskip("rich.console")
WIDE = ["list", "diff efficientdet-d0 efficientdet-d1", "cost eff-spinenet-d0", "show eff-spinenet-d0",
        "cost efficientnet-b0 --compare-conventions", "scale eff-spinenet-d0 --depth 2"]  # fmt: skip
TABLE = Table(
    "a title that is longer than the table, and is not wrapped",
    ["block", Column("multiply-adds of it", "macs"), Column("what it says", rank=1), Column("kind", rank=2)],
    [
        ["a-rather-long-name", 2_453_285_888, "words that may be wrapped where there is little room", "mbconv"],
        ["b", -12_345, Shown([1, 2], "1 x 2"), None],
    ],
    ["total", 2_453_273_543, None, None],
)


def printed(table, width):
    out = io.StringIO()
    print_fitted(fitted(table, width), rich.Console(file=out, width=80))
    return out.getvalue()


def widest(text):
    return max(map(len, text.splitlines()[1:]))  # the title stands above


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("line", WIDE)
def test_tables_keep_to_the_width_of_the_terminal(spinec, monkeypatch, line, width):
    monkeypatch.setattr("spinec.spec.library.names", lambda: ("eff-spinenet-d0", "eff-spinenet-d0-no-space-to-depth"))
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = spinec(*line.split())
    assert code == 0
    assert max(map(len, out.splitlines())) <= width
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    assert "…" not in out


def test_without_a_terminal_all_is_shown(spinec, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    _, out, _ = spinec("show", "eff-spinenet-d0")
    assert "receptive" not in out
    assert "sees" in out
    assert "28,311,552" in out
    assert max(map(len, out.splitlines())) > 80
    assert [line for line in out.splitlines() if line != line.rstrip()] == []


def test_room_is_made_step_by_step():
    """Titles wrap, figures are shortened, text is wrapped, and columns go by rank."""
    whole = printed(TABLE, None)
    assert whole == printed(TABLE, 1000)
    assert "2,453,285,888" in whole
    for width in range(widest(whole), 35, -1):
        text = printed(TABLE, width)
        assert widest(text) <= width
        assert "a-rather-long-name" in text
        assert "2,453,285,888" in text or "2.45G" in text
    seen = [
        ("2,453,285,888" in text, "may be wrapped where there" in text, "mbconv" in text, "words" in text)
        for text in (printed(TABLE, width) for width in range(widest(whole), 30, -1))
    ]
    for sign in range(4):  # what had no room at one width has none at a smaller one, but for figures once columns go
        column = [each[sign] for each in seen if sign == 3 or each[2]]
        assert column == sorted(column, reverse=True)
    assert fitted(TABLE, 45).left_out == ("kind",)
    assert fitted(TABLE, 30).left_out == ("what it says", "kind")


def test_what_can_be_no_narrower_is_left_whole():
    text = printed(TABLE, 5)
    assert "a-rather-long-name" in text
    assert "2.45G" in text
    assert fitted(TABLE, 5).left_out == ("what it says", "kind")


def test_a_command_says_what_had_no_room(spinec, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = spinec("show", "eff-spinenet-d0")
    assert "no room for" in out
    assert "--format csv" in out
    monkeypatch.setenv("COLUMNS", "200")
    assert "no room for" not in spinec("show", "eff-spinenet-d0")[1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(999_499, "999K"), (999_500, "1M"), (-2_453_285_888, "-2.45G"), (0, "0"), (0.5, "0.5"), (999.9, "1K")],
)
def test_a_short_figure_has_the_unit_that_it_rounds_to(value, shown):
    assert quantity(value) == shown
