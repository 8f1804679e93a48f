"""Charts of studies: what they show is what was tried, whatever a study holds, and nothing leaves its panel."""

import json
from math import isfinite

import pytest
from charted import searched as made
from hypothesis import given, settings
from hypothesis import strategies as st

from spinec.visualize.chart import WIDTHS
from spinec.visualize.figure.panels import Bars
from spinec.visualize.figure.sheet import position
from spinec.visualize.study import MOST_BARS, Search, Tried, choices, history, importance, pareto

SLACK = 1e-9
SCORES = st.one_of(st.floats(-1e300, 1e300), st.floats(-1, 1), st.just(0.5), st.integers(-3, 3).map(float))
VALUES = st.one_of(st.integers(-3, 30), st.floats(-1e6, 1e6), st.text(max_size=9), st.booleans(), st.none())


@st.composite
def searches(draw, most=30):
    """Whatever a study may hold: conditional parameters, no scores, gaps between trials, one trial or none."""
    objectives = draw(st.integers(1, 3))
    names = draw(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5, unique=True))
    numbers = sorted(draw(st.sets(st.integers(0, 10_000), max_size=most)))
    score = st.tuples(*[SCORES] * objectives)
    tried = [
        Tried(
            number,
            draw(st.one_of(score, st.just(()))),
            draw(st.dictionaries(st.sampled_from(names), VALUES)),
            draw(st.one_of(st.none(), st.floats(1, 1e15))),
            draw(st.one_of(st.none(), st.integers(1, 10**12))),
        )
        for number in numbers
    ]
    return Search(draw(st.text(min_size=1, max_size=30)), tuple(draw(st.booleans()) for _ in range(objectives)), tried)


def charts_of(search):
    """Every chart of a search."""
    names = {name for each in search.tried for name in each.choices}
    yield history(search)
    yield importance(search, [{name: 1 / len(names) for name in names}] * len(search.minimize))
    for cost in ("macs", "params"):
        yield pareto(search, [each.trial for each in search.scored][::2], cost)
    yield from (choices(search, name) for name in names)


def assert_all_is_within(chart):
    for width in WIDTHS:
        sheet = chart.sheet(width)
        for frame in sheet.frames:
            assert all(map(isfinite, frame.area))
            left, top, right, bottom = frame.area
            assert 0 < left < right < sheet.width
            assert 0 < top < bottom < sheet.height
            for mark in frame.panel.marks:
                for x, y in places_of(mark, frame.panel.lies):
                    assert -SLACK <= position(frame.panel.x, x) <= 1 + SLACK
                    assert -SLACK <= position(frame.panel.y, y) <= 1 + SLACK
            for axis in (frame.panel.x, frame.panel.y):
                assert all(-1e-6 <= position(axis, tick) <= 1 + 1e-6 for tick, _ in axis.ticks)


def places_of(mark, lies):
    if isinstance(mark, Bars):
        return list(zip(mark.values, mark.at, strict=True) if lies else zip(mark.at, mark.values, strict=True))
    return mark.places


@settings(max_examples=60, deadline=None)
@given(searches())
def test_nothing_leaves_its_panel(search):
    for chart in charts_of(search):
        assert_all_is_within(chart)
        json.loads(chart.table.to_text("json"))


@settings(max_examples=100, deadline=None)
@given(searches())
def test_the_best_so_far_is_the_best_so_far(search):
    table = history(search).table
    number = len(search.minimize)
    assert [row[0] for row in table.rows] == [each.trial for each in search.tried if each.scores]
    for i, smaller in enumerate(search.minimize, 1):
        scores = [row[i] for row in table.rows]
        best = [row[i + number] for row in table.rows]
        assert best == [(min if smaller else max)(scores[: k + 1]) for k in range(len(scores))]
    panels = history(search).panels
    for i, panel in enumerate(panels):
        if panel.marks:
            assert panel.marks[1].places[-1][1] == table.rows[-1][1 + i + number]


@settings(max_examples=100, deadline=None)
@given(searches())
def test_shares_of_choices_are_those_of_the_trials(search):
    for name in {name for each in search.tried for name in each.choices}:
        chart = choices(search, name)
        rows = chart.table.rows
        assert sum(row[2] for row in rows) == sum(name in each.choices for each in search.tried)
        assert all(round(sum(10 * share for share in row[3:])) == 1000 for row in rows)
        assert len(rows) <= 21
        assert next(bar.values[0] for bar in chart.panels[0].marks) == pytest.approx(100)
        tops = zip(*(bar.values for bar in chart.panels[0].marks), strict=True)
        assert all(list(each) == sorted(each, reverse=True) for each in tops), "a bar would hide those below"


def test_many_parameters_and_values_are_told_in_part():
    shown = importance(made(), [{f"parameter_{i:03}": 1 / (i + 1) for i in range(200)}])
    assert len(shown.table.rows) == 200
    assert len(shown.panels[0].marks[0].at) == MOST_BARS
    assert "170 further parameters" in shown.panels[0].title
    several = Search("s", (False,), [Tried(i, (1.0,), {"width": i % 40}) for i in range(400)])
    assert choices(several, "width").table.titles[3:] == ["0", "1", "2", "3", "4", "others"]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("objectives", [1, 2, 4])
def test_little_is_drawn(number, objectives, tmp_path):
    pytest.importorskip("matplotlib")
    for scores in ((0.5,) * objectives, ()):
        tried = [Tried(i, scores, {"b1": 5}, 1e9, 1e6) for i in range(number)]
        for i, chart in enumerate(charts_of(Search("little", (True,) * objectives, tried))):
            assert_all_is_within(chart)
            for form in (".svg", ".png", ".pdf", ".tex", ".csv", ".json", ".md"):
                chart.save(tmp_path / f"{i}{form}")


def test_thousands_of_trials_are_laid_out():
    search = made(5_000, 2)
    for chart in charts_of(search):
        assert_all_is_within(chart)
    assert len(history(search).table.rows) == len(search.scored)
