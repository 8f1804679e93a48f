"""How charts are laid out: nothing on anything else, at either width, for one spec or for many."""

from itertools import combinations, pairwise
from math import dist

import pytest
from charted import CHARTS, charts
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spinec import cost, load, lower
from spinec.visualize.chart import WIDTHS
from spinec.visualize.charts import Point, distribution, trade_off
from spinec.visualize.diagram.picture import Area, Text
from spinec.visualize.figure.labels import Field, crosses, distance
from spinec.visualize.figure.panels import Points, around, round_numbers, round_powers, series_colour, series_cue
from spinec.visualize.figure.sheet import position

SEVEN = ("eff-spinenet-d0-no-space-to-depth-sum-fusion", *(f"eff-spinenet-{size}" for size in ("d0", "d1", "d2", "m0", "m1", "m2")))  # fmt: skip


def many():
    """More specs than there are colours, the dims of all of them tall."""
    return distribution([cost(lower(load(name))) for name in SEVEN])


def painted(chart, width):
    """The chart as matplotlib painted it: its figure, and what measures it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from spinec.visualize.formats.matplotlib_axes import paint

    sheet = chart.sheet(width)
    figure = Figure(figsize=(sheet.width / 72, sheet.height / 72), dpi=72)
    FigureCanvasAgg(figure)
    paint(figure, sheet)
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*CHARTS, "seven"])
def test_legends_stand_on_nothing(name, width):
    figure = painted(many() if name == "seven" else charts()[name], width)
    frames = [axes.get_window_extent() for axes in figure.axes]
    texts = [text.get_window_extent() for text in figure.texts if text.get_text()]
    for axes in figure.axes:
        if not axes.get_legend():
            continue
        box = axes.get_legend().get_window_extent()
        assert not any(box.overlaps(other) for other in texts), "a label"
        assert not any(box.y0 < frame.y1 - 0.5 and frame.y0 < box.y1 for frame in frames), "bars or points"
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, "leaves the page"
        assert box.y1 <= figure.bbox.height, "leaves the page"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*CHARTS, "seven"])
def test_ticks_stand_on_no_other_and_within_the_page(name, width):
    figure = painted(many() if name == "seven" else charts()[name], width)
    for axes in figure.axes:
        for direction, low, high in ((axes.xaxis, "x0", "x1"), (axes.yaxis, "y0", "y1")):
            boxes = [label.get_window_extent() for label in direction.get_ticklabels() if label.get_text().strip()]
            boxes.sort(key=lambda box: getattr(box, low))
            assert all(getattr(one, high) <= getattr(other, low) + 0.5 for one, other in pairwise(boxes))
            assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)
            assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height for box in boxes)


def named(sheet, frame):
    """Of every name its point, what it covers, and the line between them, all in points on the page."""
    left, top, right, bottom = frame.area
    for name in frame.names:
        x = left + position(frame.panel.x, name.place[0]) * (right - left)
        y = bottom - position(frame.panel.y, name.place[1]) * (bottom - top)
        area = Text(x + name.across, y - name.up, name.text, sheet.small, anchor=name.anchor).area
        yield (x, y), area, name.line and tuple((x + across, y - up) for across, up in name.line)


def assert_names_are_told_apart(area, points, labels):
    """A name stands on nothing, and nearer to its own point than to any other, or a line of its own leads there."""
    for i, (point, (box, line)) in enumerate(zip(points, labels, strict=True)):
        assert area.left <= box.left < box.right <= area.right, "leaves its panel"
        assert area.top <= box.top < box.bottom <= area.bottom, "leaves its panel"
        assert not any(box.overlaps(other) for other, _ in labels[:i]), "stands on a name"
        assert not any(distance(box, other) < 3.5 for other in points), "stands on a point"
        if line:
            assert dist(line[0], point) <= 4.01, "begins at another point"
            assert distance(box, line[1]) <= 1.01, "ends at another name"
        else:
            near = [distance(box, other) for k, other in enumerate(points) if k != i]
            assert distance(box, point) <= 6.1
            assert distance(box, point) + 3 <= min(near, default=99), "may be taken for another's"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_point_has_its_name(width):
    sheet = charts()["tradeoff"].sheet(width)
    assert sheet.width == 72 * WIDTHS[width]
    for frame in sheet.frames:
        found = list(named(sheet, frame))
        marks = [mark for mark in frame.panel.marks if isinstance(mark, Points)]
        assert [name.text for name in frame.names] == [name for mark in marks for name in mark.names]
        assert_names_are_told_apart(frame.area, [each[0] for each in found], [each[1:] for each in found])
        boxes = [box for _, box, _ in found]
        lines = [(i, line) for i, (_, _, line) in enumerate(found) if line]
        assert not any(crosses(line, box) for i, line in lines for k, box in enumerate(boxes) if k != i)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 150), st.integers(1, 30)), max_size=14))
def test_names_find_a_place_wherever_points_are(drawn):
    points = [(60.0 + x, 60.0 + y) for x, y, _ in drawn]
    area, texts = Area(0, 0, 420, 270), ["n" * length for _, _, length in drawn]
    labels = Field(area, points).labels(texts, 6.8)
    assert_names_are_told_apart(area, points, labels)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_panel_grows_until_every_name_has_its_place(width):
    chart = trade_off([Point("", f"a network of one cost, number {i}", 1.0, 2.0) for i in range(40)])
    (frame,) = chart.sheet(width).frames
    assert len(frame.names) == 40


def test_every_format_draws_the_lines_to_names():
    chart = charts()["tradeoff"]
    lines = sum(name.line is not None for frame in chart.sheet().frames for name in frame.names)
    assert lines > 5
    figure = painted(chart, "page")
    assert sum(text.arrow_patch is not None for axes in figure.axes for text in axes.texts) == lines
    assert chart.tex().count(r"\draw[draw=") == lines


def test_every_block_is_named_where_there_is_room():
    page, column = (charts()["distribution"].sheet(width).frames[-1].panel.x for width in ("page", "column"))
    assert (page.label, page.ticks[1]) == ("level, block", (1.0, "1\nb1"))
    assert (column.label, column.ticks[1]) == ("level", (1.0, "1"))


def places(chart):
    """Of every spec, block and level, where its bars stand."""
    dims, shares = chart.panels
    assert [mark.at for mark in dims.marks] == [mark.at for mark in shares.marks]
    rows = iter(chart.table.rows)
    return {tuple(row[:3]): place for mark in dims.marks for place, row in zip(mark.at, rows, strict=False)}


def groups(chart):
    """Runs of bars with no gap between them: what is written below the middle of each, and whose levels are in it."""
    at, shares = places(chart), chart.panels[1]
    order = sorted(at, key=at.get)
    runs = [order[:1]]
    for before, after in pairwise(order):
        runs += [[]] if at[after] - at[before] > 1.3 * shares.marks[0].breadth else []
        runs[-1].append(after)
    ticks = {round(tick, 6): text.split("\n")[0] for tick, text in shares.x.ticks}
    return [(ticks[round((at[run[0]] + at[run[-1]]) / 2, 6)], {str(key[2]) for key in run}) for run in runs]


OTHERS = ("resnet-18", "sp-efficientnet-b0", "efficientnet-b0", "mobilenet-v2")


@pytest.mark.parametrize("names", [*combinations(OTHERS, 2), OTHERS])
def test_every_bar_stands_at_its_own_level(names):
    found = groups(distribution([cost(lower(load(name))) for name in names]))
    assert all({said} == levels for said, levels in found)


def test_blocks_of_one_topology_stand_side_by_side_and_others_do_not():
    specs = [load(name) for name in ("eff-spinenet-d0", "sp-efficientnet-b0")]
    larger = specs[0].model_copy(
        update={"name": "larger", "blocks": specs[0].blocks | {"more": specs[0].blocks["b18"]}}
    )
    chart = distribution([cost(lower(spec)) for spec in (specs[0], larger, specs[1])])
    at, said = places(chart), [text.split("\n")[0] for _, text in chart.panels[1].x.ticks]
    assert all(said[round(place)] == str(key[2]) for key, place in at.items())
    assert len({round(place) for place in at.values()}) == len(larger.blocks)
    assert all(round(place) == round(at["larger", *key[1:]]) for key, place in at.items())
    at = places(distribution([cost(lower(load(name))) for name in ("resnet-18", "efficientnet-b0")]))
    assert len(set(at.values())) == len(at)


def test_specs_of_one_name_are_two_specs():
    report = cost(lower(load("eff-spinenet-m0")))
    chart = distribution([report, report])
    assert [mark.name for mark in chart.panels[0].marks] == ["eff-spinenet-m0", "eff-spinenet-m0 (2)"]
    assert [len(mark.at) for mark in chart.panels[0].marks] == 2 * [len(report.program.spec.blocks)]


def test_series_beyond_the_colours_are_told_apart():
    looks = [(series_colour(series), series_cue(series)) for series in range(36)]
    assert len(set(looks)) == 36


def test_a_family_of_one_is_not_explained():
    points = [Point("one", "a", 1.0, 1.0), Point("two", "b", 1.0, 2.0), Point("two", "c", 2.0, 3.0)]
    assert trade_off(points).panels[0].legend == ("two",)


@pytest.mark.parametrize("points", [[], [Point("", "a", 0.0, 0.0)], [Point("", "a", -3.0, 5.0)] * 2])
def test_little_to_show_is_shown(points):
    for width in WIDTHS:
        chart = trade_off(points)
        assert "<svg" in chart.svg(width=width)
        assert chart.tex(width=width).count(r"\begin{axis}") == 1


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12))
def test_ticks_are_round_and_few(low, room):
    high = low + room
    assume(high - low > 1e-9 * max(abs(low), abs(high)))
    ticks = round_numbers(low, high)
    assert 2 <= len(ticks) <= 7
    slack = 1e-6 * (high - low)
    assert all(low - slack <= tick <= high + slack for tick in ticks)


@given(st.floats(1e-3, 1e12), st.floats(8, 1e9))
def test_logarithmic_ticks_are_round_and_few(low, factor):
    ticks = round_powers(low, low * factor)
    assert 1 <= len(ticks) <= 6
    assert all(f"{tick:.0e}"[0] in "1235" for tick in ticks)


@given(st.lists(st.floats(-1e9, 1e9), max_size=5))
def test_limits_have_room_around(values):
    low, high = around(values, 0.1)
    assert low < high
    assert all(low < value < high for value in values)
