"""Where a picture puts things: no box on another, no arrow through a box, no text on anything but its own ground."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import specs

from benchmarks.large import large_spec
from spinec import cost, load, loads, lower, names
from spinec.visualize.diagram.network import network_of
from spinec.visualize.diagram.picture import Area
from spinec.visualize.diagram.routes import _Lines, places_of, routes_of, tracks_of
from spinec.visualize.diagram.strips import NAME, WIDEST_NAME
from spinec.visualize.draw import draw
from spinec.visualize.style.typeface import shortened

SLACK = 0.5


def chain(blocks):
    """A scale-decreased network: many blocks of one level, one after the other."""
    lines = [
        f"  b{i}: {{level: {1 + 5 * i // blocks}, dim: {16 + i}, inputs: [{f'b{i - 1}' if i else 'image'}]}}"
        for i in range(blocks)
    ]
    return "\n".join(
        ["name: chain", "defaults: {kind: bottleneck}", "blocks:", *lines, f"outputs: {{C5: b{blocks - 1}}}", ""]
    )


def pyramid(layers):
    """Bidirectional pyramids on top of each other: 8 nodes each, and what a pyramid needs below it."""
    lines = [
        "  c1: {level: 1, kind: conv, dim: 8, inputs: [image]}",
        "  c2: {level: 2, kind: conv, dim: 8, inputs: [c1]}",
    ]
    lines += [f"  c{level}: {{level: {level}, kind: conv, dim: 16, inputs: [c{level - 1}]}}" for level in range(3, 8)]
    last = {level: f"c{level}" for level in range(3, 8)}
    for layer in range(layers):
        middle = {7: last[7]}
        for level in (6, 5, 4):
            middle[level] = f"m{layer}_{level}"
            lines.append(
                f"  {middle[level]}: {{level: {level}, kind: identity, dim: 64, inputs: [{last[level]}, {middle[level + 1]}]}}"
            )
        new = {3: f"p{layer}_3"}
        lines.append(f"  {new[3]}: {{level: 3, kind: separable_conv, dim: 64, inputs: [{last[3]}, {middle[4]}]}}")
        for level in (4, 5, 6):
            new[level] = f"p{layer}_{level}"
            lines.append(
                f"  {new[level]}: {{level: {level}, kind: separable_conv, dim: 64, inputs: [{last[level]}, {middle[level]}, {new[level - 1]}]}}"
            )
        new[7] = f"p{layer}_7"
        lines.append(f"  {new[7]}: {{level: 7, kind: separable_conv, dim: 64, inputs: [{last[7]}, {new[6]}]}}")
        last = new
    outputs = ", ".join(f"P{level}: {name}" for level, name in last.items())
    return "\n".join(
        [
            "name: pyramid",
            "input: {size: 512}",
            "resample: {down: max_pool}",
            "blocks:",
            *lines,
            f"outputs: {{{outputs}}}",
            "",
        ]
    )


MADE = {
    "chain of 60": chain(60),
    "pyramid of 5": pyramid(5),
    "pyramid of 25": pyramid(25),
    "permuted 200": large_spec(200),
}


def segments(arrow):
    """The stretches of an arrow, as areas without breadth."""
    for (x0, y0), (x1, y1) in pairwise(arrow.points):
        assert x0 == x1 or y0 == y1, "lines run along the axes"
        yield Area(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def meets(line, area, slack=SLACK):
    """Whether a stretch passes through the inside of an area."""
    return (
        line.left < area.right - slack
        and line.right > area.left + slack
        and line.top < area.bottom - slack
        and line.bottom > area.top + slack
    )


def collisions(areas, others=None):
    """Pairs of areas that overlap, by a sweep from left to right."""
    events = sorted((*((area.left, 0, i, area) for i, area in enumerate(areas)),))
    alive = []
    for left, _, i, area in events:
        alive = [(j, other) for j, other in alive if other.right > left]
        yield from ((i, j) for j, other in alive if area.overlaps(other, SLACK))
        alive.append((i, area))


def check(picture):
    """Hold a picture to everything that makes it readable."""
    texts = picture.all_texts
    assert not [(texts[i].text, texts[j].text) for i, j in collisions([text.area for text in texts])], "texts overlap"
    boxes = [*picture.boxes, *picture.legend]
    assert not [(boxes[i].name, boxes[j].name) for i, j in collisions([box.extent for box in boxes])], "boxes overlap"
    for box in boxes:
        for text in box.texts:
            area = text.area
            assert box.area.left <= area.left + SLACK, (box.name, "text leaves its box")
            assert area.right - SLACK <= box.area.right, (box.name, "text leaves its box")
            assert box.area.top <= area.top, (box.name, "text leaves its box")
            assert area.bottom <= box.area.bottom, (box.name, "text leaves its box")
    free = [text for text in texts if not any(text in box.texts for box in boxes)] if len(boxes) < 60 else picture.texts
    lines = [(arrow, line) for arrow in picture.arrows for line in segments(arrow)]
    for box in boxes:
        crossing = [arrow.words for arrow, line in lines if meets(line, box.extent)]
        assert not crossing, (box.name, "an arrow passes through a box")
        for text in free:
            assert not text.area.overlaps(box.extent, SLACK), (box.name, text.text)
    for text in free:
        crossing = [arrow.words for arrow, line in lines if meets(line, text.area)]
        assert not crossing, (text.text, "an arrow passes through text")
    for area in (*(text.area for text in texts), *(box.extent for box in boxes), *(line for _, line in lines)):
        assert area.left >= 0, area
        assert area.top >= 0, area
        assert area.right <= picture.width, area
        assert area.bottom <= picture.height, area
    boxes_by_name = by_name(picture)
    for pieces in whole(picture.arrows):
        first, last = pieces[0], pieces[-1]
        begin, end = boxes_by_name[first.source].extent, boxes_by_name[last.target].extent
        assert touches(first.points[0], begin), (first.words, "does not begin at its source")
        assert touches(last.points[-1], end), (last.words, "does not end at its target")
        for piece, following in pairwise(pieces):
            (x, y), (next_x, next_y) = piece.points[-1], following.points[0]
            assert (x, y) == (next_x, next_y) or (y < next_y and x > next_x), "goes on in the strip below"


def whole(arrows):
    """Arrows, each with all its pieces: only the last has a leg."""
    pieces = []
    for arrow in arrows:
        pieces.append(arrow)
        if arrow.leg:
            yield pieces
            pieces = []
    assert not pieces, "an arrow without a head"


def by_name(picture):
    return {box.name: box for box in picture.boxes}


def touches(point, area):
    x, y = point
    on_side = min(abs(x - area.left), abs(x - area.right)) < 0.01 and area.top <= y <= area.bottom
    return on_side or (min(abs(y - area.top), abs(y - area.bottom)) < 0.01 and area.left <= x <= area.right)


def shared_lines(picture):
    """Stretches that arrows of different sources have in common, though they never meet in a point."""
    runs = {}
    for arrow in picture.arrows:
        for line in segments(arrow):
            flat = line.top == line.bottom
            key = (flat, line.top if flat else line.left)
            runs.setdefault(key, []).append((line.left, line.right, arrow) if flat else (line.top, line.bottom, arrow))
    for found in runs.values():
        found.sort(key=lambda run: run[:2])
        for (_, end, first), (start, _, second) in pairwise(found):
            if start < end - SLACK and first.source != second.source:
                yield first.words, second.words


@pytest.mark.parametrize("name", names())
def test_library_is_readable(name):
    report = cost(lower(load(name)))
    for picture in (draw(report).picture, draw(report, "macs", labels=False, unfold=True).picture):
        check(picture)
        assert not list(shared_lines(picture))


@pytest.mark.parametrize("wrap", [False, None], ids=["one strip", "strips"])
@pytest.mark.parametrize("name", MADE)
def test_large_networks_are_readable(name, wrap):
    picture = draw(loads(MADE[name]), wrap=wrap).picture
    check(picture)
    assert not list(shared_lines(picture))


@pytest.mark.parametrize("text", [large_spec(200), chain(200), pyramid(25)], ids=["permuted", "chain", "pyramid"])
def test_two_hundred_blocks_stay_within_a_page(text):
    one, strips = draw(loads(text), wrap=False).picture, draw(loads(text)).picture
    assert one.width > 13_000
    assert strips.width < 2_600
    assert strips.height < 7_000
    assert [box.name for box in strips.boxes] == [box.name for box in one.boxes]
    assert [pieces[-1].words for pieces in whole(strips.arrows)] == [arrow.words for arrow in one.arrows]
    assert [text.text for text in strips.all_texts if text.role in ("down", "up")] == [
        text.text for text in one.all_texts if text.role in ("down", "up")
    ]
    assert len(strips.bands) < len(one.bands) * round(one.width / 2400), "levels without blocks are left out"


@pytest.mark.parametrize(("name", "unfold"), [("efficientdet-d0", False), ("efficientnet-b7", True)])
def test_wide_pictures_are_cut_by_themselves(name, unfold):
    assert draw(load(name), unfold=unfold, wrap=False).picture.width > 4_000
    picture = draw(load(name), unfold=unfold).picture
    check(picture)
    assert picture.width < 2_600


@pytest.mark.parametrize("name", ["eff-spinenet-d0", "efficientdet-d0", "efficientnet-b7"])
def test_a_picture_for_a_narrow_place_is_narrow(name):
    picture = draw(load(name)).picture_of(1100)
    check(picture)
    assert picture.width < 1_500


def test_a_picture_that_is_not_wide_is_cut_when_asked_to():
    between = loads(chain(38))
    assert draw(between, wrap=True).picture.width < draw(between).picture.width
    small = loads(chain(3))
    assert draw(small, wrap=True).picture == draw(small).picture


def test_lines_that_go_on_are_named():
    picture = draw(load("efficientdet-d0"), wrap=True).picture
    sources = {arrow.source for arrow in picture.arrows}
    assert len({shortened(source, NAME, WIDEST_NAME) for source in sources}) == len(sources), "told apart"
    begins = {
        (*piece.points[0], shortened(piece.source, NAME, WIDEST_NAME))
        for pieces in whole(picture.arrows)
        for before, piece in pairwise(pieces)
        if before.points[-1] != piece.points[0]
    }
    assert len(begins) > 5
    texts = {(text.x, text.y, text.text) for text in picture.texts}
    assert {(x - 3, y + NAME / 3, name) for x, y, name in begins} <= texts


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(specs(most_blocks=24))
def test_random_networks_are_readable(text):
    for wrap in (False, True):
        picture = draw(loads(text), "params", wrap=wrap).picture
        check(picture)
        assert not list(shared_lines(picture))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=40))
def test_nets_share_a_line_only_where_they_do_not_meet(spans):
    spans = sorted((start, start + length) for start, length in spans)
    lines = _Lines()
    taken = [lines.take(*span) for span in spans]
    for i, (start, end) in enumerate(spans):
        for j in range(i):
            assert taken[i] != taken[j] or spans[j][1] < start, (spans[j], (start, end))
    deepest = max((sum(low <= start <= high for low, high in spans) for start, _ in spans), default=0)
    assert lines.count == deepest, "no more lines than nets side by side"


def entry_crossings(picture):
    """Pairs of arrows that enter a box from one side and cross on the way."""
    entries = {}
    for arrow in picture.arrows:
        (x, turn), (_, end) = arrow.leg[-2:]
        if turn != end:
            entries.setdefault((arrow.target, turn < end), []).append((x, turn, end, arrow))
    for found in entries.values():
        for x, turn, end, arrow in found:
            for other_x, other_turn, _, other in found:
                start = other.leg[0][0]
                if min(start, other_x) < x < max(start, other_x) and min(turn, end) < other_turn < max(turn, end):
                    yield arrow.words, other.words


@pytest.mark.parametrize("name", names())
def test_arrows_do_not_cross_where_they_enter(name):
    assert not list(entry_crossings(draw(load(name), wrap=False).picture))


def test_tracks_grow_with_blocks_not_with_arrows():
    network = network_of(cost(lower(loads(pyramid(25)))))
    places = places_of(network)
    tracks = tracks_of(routes_of(network, places), places)
    assert len(network.blocks) > 200
    assert max(track.line for track in tracks.values()) < 6, "nets that do not meet share a track"


def test_blocks_stand_in_order_and_at_their_level():
    drawing = draw(load("eff-spinenet-d0"))
    boxes = by_name(drawing.picture)
    blocks = [boxes[node.name] for node in drawing.network.blocks]
    assert all(a.area.right < b.area.left for a, b in pairwise(blocks))
    for node, other in pairwise(drawing.network.blocks):
        higher = (boxes[node.name].area.bottom + boxes[node.name].area.top) < (
            boxes[other.name].area.bottom + boxes[other.name].area.top
        )
        assert higher == (node.level > other.level)
