"""Tables are read back from every form in which they are written for programs."""

import pytest

from spinec import SpecError
from spinec.visualize.charts import Point, points_of
from spinec.visualize.table.rows import read_rows, rows_of
from spinec.visualize.table.table import Table

TABLE = Table(
    "t",
    ["candidate", "multiply-adds", "relative multiply-adds", "score"],
    [["a|b", 1234567, "98.0%", 31.25], ['c,"d"', 12, "1.0%", -0.5], ["e\\", 1, "0.1%", 1500.5]],
    about={"multiply-adds": 1260000, "name": "spec"},
)


@pytest.mark.parametrize("form", ["json", "csv", "markdown", None])
def test_what_a_table_writes_is_read_back(form):
    found = rows_of(TABLE, "t") if form is None else read_rows(TABLE.to_text(form), "t")
    assert points_of(found.rows, "macs", "score") == [
        Point("", "a|b", 1234567.0, 31.25),
        Point("", 'c,"d"', 12.0, -0.5),
        Point("", "e\\", 1.0, 1500.5),
    ]
    assert [row.number("relative multiply_adds") for row in found.rows] == [98.0, 1.0, 0.1]
    assert found.figure("macs") == (1260000.0 if form in ("json", None) else None)


@pytest.mark.parametrize("column", ["macs", "multiply-adds", "Multiply_Adds", "MACs"])
@pytest.mark.parametrize("named", ["macs", "multiply-adds", "multiply_adds"])
def test_a_column_has_more_than_one_name(column, named):
    assert read_rows(f"{column},score\n5,1\n", "t.csv").rows[0].number(named) == 5


def test_a_columns_own_name_comes_first():
    assert read_rows("multiply-adds,macs\n1,2\n", "t.csv").rows[0].number("macs") == 2


def test_json_may_be_rows_alone():
    assert read_rows('[{"macs": 3}]', "t.json").rows[0].number("macs") == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("macs,score\n1,2\nmany,2\n", "t, row 2: macs is 'many', expected a number"),
        ("macs,score\n1,2\n,2\n", "t, row 2: macs is '', expected a number"),
        ("macs,score\n1e999,2\n", "t, row 1: macs is '1e999', expected a number"),
        ('[{"macs": true}]', "t, row 1: macs is True, expected a number"),
        ('[{"macs": [1]}]', r"t, row 1: macs is \[1\], expected a number"),
        ("mac,score\n1,2\n", "t, row 1: no column 'macs'(.|\n)*did you mean 'mac'"),
        ("score,macs\n1,2,3\n", "t, row 1: expected 2 cells, as there are columns, got 3"),
        ("score,macs\n1\n", "t, row 1: expected 2 cells, as there are columns, got 1"),
        ("| macs |\n| --- |\n| 1 | 2 |", "t, row 1: expected 1 cells, as there are columns, got 2"),
        ("| macs |\n| 1 |", "without a line of dashes"),
        ("", "t: nothing in it"),
        ("\n\n", "t: nothing in it"),
        ("{", "t: no JSON"),
        ("[1, 2]", "t: JSON without a list of rows"),
        ('{"rows": 5}', "t: JSON without a list of rows"),
        (f"macs  score\n{'─' * 30}\n 1  2", "t: a table for a terminal"),
    ],
)
def test_what_is_no_table_is_said(text, told):
    with pytest.raises(SpecError, match=told):
        [row.number("macs") for row in read_rows(text, "t").rows]
