"""What a network sees of a picture, held to the plain formulas, and batches that depend on the step alone."""

import os
import signal
import subprocess
import sys
from functools import partial

import coco_sets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinec.backends import image as inference
from spinec.spec.errors import DataError
from spinec.train.data.augment import Jitter, fitted
from spinec.train.data.batches import Endless, Once
from spinec.train.data.crops import CentreCrop, RandomCrop
from spinec.train.data.draws import Purpose, draws, permutation
from spinec.train.data.examples import Example
from spinec.train.data.forms import open_data
from spinec.train.data.placement import Placement
from spinec.train.data.workers import in_order

Image = pytest.importorskip("PIL.Image")


def picture_of(array):
    return Image.fromarray(np.asarray(array, np.uint8))


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def example_of(array, **what):
    return Example(1, "noise", partial(picture_of, array), **what)


class Fixed:
    """A generator that gives these numbers."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def random(self, count):
        assert count == len(self.numbers)
        return np.array(self.numbers)


SIDES = st.integers(1, 300)
UNIT = st.floats(0, 1, exclude_max=True)


@given(SIDES, SIDES, st.integers(16, 200), st.integers(16, 200), UNIT, UNIT, UNIT, UNIT)
def test_the_jitter_is_the_formula_of_the_authors_code(height, width, high, wide, flip, s, down, right):
    placed = Jitter((high, wide), (0.1, 2.0)).placed((height, width), Fixed(flip, s, down, right))
    scale = 0.1 + 1.9 * s
    target_high, target_wide = round(scale * high), round(scale * wide)
    binds = target_high * width <= target_wide * height
    factor = target_high / height if binds else target_wide / width
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    assert placed.scaled == (rows, columns)
    assert placed.offset == (int(down * max(0, rows - high)), int(right * max(0, columns - wide)))
    assert placed.flipped == (flip < 0.5)
    assert placed.visible == (min(rows - placed.offset[0], high), min(columns - placed.offset[1], wide))
    if columns > wide:  # what the network sees is full where the picture is larger
        assert placed.visible[1] == wide


def test_some_jitters_by_hand():
    """A picture of 480 x 640 for a network of 512 x 512."""
    jitter = Jitter((512, 512), (0.1, 2.0))
    small = jitter.placed((480, 640), Fixed(0.9, 0.0, 0.5, 0.5))  # s = 0.1: 51 x 51, so 640 becomes 51
    assert (small.scaled, small.offset, small.visible, small.flipped) == ((38, 51), (0, 0), (38, 51), False)
    large = jitter.placed((480, 640), Fixed(0.2, 0.9, 0.5, 0.25))  # s = 1.81: 927 x 927; 480 x 1.4484375 = 695.25
    assert (large.scaled, large.offset, large.visible, large.flipped) == ((695, 927), (91, 103), (512, 512), True)
    box = np.array([[100, 200, 300, 400]], np.float32)  # in the mirror its left is 240 and its right 440
    seen = np.array(
        [[100 * 695 / 480 - 91, 240 * 927 / 640 - 103, 300 * 695 / 480 - 91, 512]]
    )  # 440 * 927 / 640 - 103 is 534
    assert np.allclose(large.boxes(box), seen, atol=1e-4)


PLACEMENTS = st.builds(
    lambda height, width, s, down, right, flip: Jitter((64, 96), (0.1, 2.0)).placed(
        (height, width), Fixed(flip, s, down, right)
    ),
    *(SIDES, SIDES, UNIT, UNIT, UNIT, UNIT),
)


@given(PLACEMENTS, st.lists(st.tuples(UNIT, UNIT, UNIT, UNIT), min_size=1, max_size=5))
def test_boxes_stay_within_what_is_seen_and_come_back(placed, corners):
    (height, width), shares = placed.original, np.array(corners)
    shares = np.stack([shares[:, :2].min(1), shares[:, 2:].min(1), shares[:, :2].max(1), shares[:, 2:].max(1)], 1)
    boxes = (shares * [height, width, height, width]).astype(np.float32)
    seen = placed.boxes(boxes)
    assert (seen >= 0).all()
    assert (seen <= np.tile(placed.visible, 2)).all()
    back = placed.back(seen)
    uncut = (seen > 0).all(1) & (seen < np.tile(placed.visible, 2)).all(1)
    assert np.allclose(back[uncut], boxes[uncut], atol=1e-2 * max(1, *placed.original) / min(placed.scaled))
    assert np.allclose(placed.boxes(back), seen, atol=1e-3)


@given(SIDES, SIDES, st.tuples(UNIT, UNIT, UNIT, UNIT))
def test_a_box_mirrored_twice_is_the_box(height, width, corners):
    top, bottom, left, right = (
        share * side for share, side in zip(corners, (height, height, width, width), strict=True)
    )
    box = np.array([[min(top, bottom), min(left, right), max(top, bottom), max(left, right)]], np.float32)
    mirror = Placement((height, width), (height, width), (0, 0), (height, width), flipped=True)
    assert np.allclose(mirror.boxes(mirror.boxes(box)), box, atol=1e-4)
    assert mirror.boxes(box)[0, 3] - mirror.boxes(box)[0, 1] == pytest.approx(box[0, 3] - box[0, 1], abs=1e-4)


@settings(deadline=None)
@given(PLACEMENTS)
def test_a_bright_box_is_where_its_box_is_said_to_be(placed):
    """The picture, the boxes, the outlines and the maps are moved by the same numbers."""
    height, width = placed.original
    box = np.array([[height // 4, width // 3, height // 4 + height // 2 + 1, width // 3 + width // 3 + 1]], np.float32)
    top, left, bottom, right = box[0].astype(int)
    values = np.zeros((height, width), np.uint8)
    values[top:bottom, left:right] = 255
    seen = np.asarray(placed.picture(picture_of(values), smooth=False))
    rows, columns = placed.visible
    mapped = placed.map(values, 7)
    assert (mapped[rows:] == 7).all()
    assert (mapped[:, columns:] == 7).all()
    assert seen.shape == (rows, columns)
    up, before, down, behind = placed.boxes(box)[0]
    middle_y, middle_x = np.arange(rows) + 0.5, np.arange(columns) + 0.5
    for values_seen, near in ((mapped[:rows, :columns], 0), (seen, 0.5)):  # half a pixel on, interpolation has ended
        high, wide = (near * scaled / own + 1e-3 for own, scaled in zip(placed.original, placed.scaled, strict=True))
        inside = ((middle_y > up + high) & (middle_y < down - high))[:, None] & (
            (middle_x > before + wide) & (middle_x < behind - wide)
        )
        outside = ((middle_y < up - high) | (middle_y > down + high))[:, None] | (
            (middle_x < before - wide) | (middle_x > behind + wide)
        )
        assert (values_seen[inside] == 255).all()
        assert (values_seen[outside] == 0).all()


def bilinear(values, scaled):
    """Bilinear interpolation between the middles of pixels, the edges repeated, in the plainest way."""

    def along(values, own, new):
        place = (np.arange(new) + 0.5) * own / new - 0.5
        low = np.floor(place).astype(int)
        share = (place - low).reshape(-1, *(1,) * (values.ndim - 1))
        return values[np.clip(low, 0, own - 1)] * (1 - share) + values[np.clip(low + 1, 0, own - 1)] * share

    rows = along(values.astype(float), values.shape[0], scaled[0])
    return along(rows.swapaxes(0, 1), values.shape[1], scaled[1]).swapaxes(0, 1)


@pytest.mark.parametrize("scaled", [(17, 29), (40, 60), (97, 201), (3, 5)])
def test_scaling_is_bilinear_between_the_middles_of_pixels(scaled):
    values = noise(40, 60)
    placed = Placement((40, 60), scaled, (0, 0), scaled)
    assert np.abs(np.asarray(placed.picture(picture_of(values), smooth=False)) - bilinear(values, scaled)).max() <= 1
    if scaled[0] >= 40:  # where nothing is made smaller, there is nothing to smooth
        assert np.abs(np.asarray(placed.picture(picture_of(values))) - bilinear(values, scaled)).max() <= 1


@given(PLACEMENTS, st.booleans())
@settings(deadline=None, max_examples=50)
def test_a_part_is_the_part_of_the_whole(placed, smooth):
    """Only what is seen is scaled: Pillow rounds where a part begins, so that a level may differ by one."""
    picture = picture_of(noise(*placed.original))
    whole = Placement(placed.original, placed.scaled, (0, 0), placed.scaled, placed.flipped)
    (top, left), (rows, columns) = placed.offset, placed.visible
    expected = np.asarray(whole.picture(picture, smooth=smooth))[top : top + rows, left : left + columns]
    assert np.abs(np.asarray(placed.picture(picture, smooth=smooth)).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("original", [(40, 60), (300, 100), (31, 8), (96, 96), (1, 500)])
def test_evaluation_sees_what_detect_and_classify_see(original, channels):
    values = noise(*original)
    seen = fitted((96, 96), channels)(example_of(values), draws(0, 0, 0))
    expected = inference.fitted(inference.opened(values), (channels, 96, 96))
    assert np.abs(seen.image - expected.values.transpose(1, 2, 0)).max() < 1e-6  # float32, and not float64 made so
    assert seen.placement.visible == expected.scaled
    cut = CentreCrop((96, 96), channels=channels)(example_of(values, label=3), draws(0, 0, 0)).image
    whole = inference.cropped(inference.opened(values), (channels, 96, 96)).values.transpose(1, 2, 0)
    assert np.abs(cut - whole).max() < 1e-6


def test_padding_is_zero_and_what_is_seen_is_normalised():
    sample = Jitter((64, 64), (0.5, 0.5), 0)(example_of(np.full((40, 40, 3), 255)), draws(0, 0, 0))
    white = (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    assert np.allclose(sample.image[:32, :32], white, atol=1e-6)
    assert (sample.image[32:] == 0).all()
    assert (sample.image[:, 32:] == 0).all()
    assert sample.image.dtype == np.float32


def test_crowds_and_what_is_cut_away_are_left_out():
    boxes = np.array([[0, 0, 10, 10], [5, 5, 5, 20], [2, 2, 8, 8], [30, 30, 60, 60], [-9, -9, 3, 3]], np.float32)
    what = {"boxes": boxes, "classes": np.arange(5), "crowd": np.array([False, False, True, False, False])}
    view = Jitter((20, 20), (2.0, 2.0), 0)
    sample = view(example_of(noise(20, 20), **what), Fixed(0.9, 0.0, 0.0, 0.0))
    assert sample.classes.tolist() == [0, 4]
    assert sample.boxes.tolist() == [[0, 0, 20, 20], [0, 0, 6, 6]]
    kept = fitted((20, 20))(example_of(noise(20, 20), **what), draws(0, 0, 0))
    assert kept.classes.tolist() == [0, 2, 4]


def test_a_random_crop_keeps_to_its_area_and_ratio():
    sizes = np.array([RandomCrop((8, 8))._part((100, 150), draws(0, 0, i)) for i in range(500)])
    top, left, height, width = sizes.T
    assert ((top >= 0) & (left >= 0) & (top + height <= 100) & (left + width <= 150)).all()
    area, ratio = height * width / 15_000, width / height
    assert (area > 0.07).all()
    assert (area <= 1).all()
    assert (ratio > 0.72).all()
    assert (ratio < 1.4).all()
    assert area.min() < 0.12
    assert area.max() > 0.75
    assert RandomCrop((8, 8))._part((10, 1000), draws(0, 0, 1)) == (0, 493, 10, 13)


def test_draws_of_another_seed_epoch_place_or_purpose_are_others():
    given = [
        (seed, epoch, index, purpose)
        for seed in (0, 2**63)
        for epoch in (0, 1)
        for index in (0, 1, 10**9)
        for purpose in Purpose
    ]
    found = {tuple(draws(*each).random(4)) for each in given}
    assert len(found) == len(given)
    orders = {tuple(permutation(seed, epoch, 50)) for seed in (0, 1) for epoch in range(3)}
    assert len(orders) == 6
    assert all(sorted(order) == list(range(50)) for order in orders)
    # Written down once: a run goes on years later, with another numpy.
    assert permutation(7, 3, 8).tolist() == [6, 4, 0, 2, 5, 3, 1, 7]
    assert draws(7, 3, 5).random(2).tolist() == [0.9715747237049035, 0.16877992936435604]


# ---- batches


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(coco_sets.write(tmp_path_factory.mktemp("coco")), "train")


def bytes_of(batch):
    return [values.tobytes() for values in (batch.images, batch.sizes, batch.boxes, batch.classes)] + [batch.ids]


VIEW = Jitter((48, 64), (0.5, 2.0), mask_side=7)


def test_batches_are_the_same_whatever_the_number_of_workers_and_after_resumption(data):
    batches = Endless(data, VIEW, 3, seed=5)
    alone = [bytes_of(batch) for batch in batches.stream(0, 8)]
    assert [bytes_of(batch) for batch in batches.stream(0, 8, workers=1)] == alone
    assert [bytes_of(batch) for batch in batches.stream(0, 8, workers=3)] == alone
    assert [bytes_of(batch) for batch in batches.stream(5, 8, workers=2)] == alone[5:]
    assert [bytes_of(batch) for batch in Endless(data, VIEW, 3, seed=6).stream(0, 8)] != alone


def test_two_processes_are_given_what_one_is(data):
    whole = Endless(data, VIEW, 4, seed=1)
    parts = [Endless(data, VIEW, 2, seed=1, rank=rank, processes=2) for rank in (0, 1)]
    for step in range(6):
        one, (first, second) = whole[step], (part[step] for part in parts)
        assert one.ids == first.ids + second.ids
        assert (one.images == np.concatenate([first.images, second.images])).all()
        assert (one.boxes == np.concatenate([first.boxes, second.boxes])).all()
    assert whole.steps_per_epoch == parts[0].steps_per_epoch == 5 / 4


def test_every_epoch_has_every_example_once_in_an_order_of_its_own(data):
    ids = [image for step in range(10) for image in Endless(data, VIEW, 2)[step].ids]
    epochs = [tuple(ids[i : i + 5]) for i in range(0, 20, 5)]
    assert all(sorted(epoch) == [10, 11, 12, 13, 14] for epoch in epochs)
    assert len(set(epochs)) == 4


def test_an_epoch_draws_anew(data):
    batches = Endless(data, VIEW, 5)
    first, second = (dict(zip(batches[step].ids, batches[step].placements, strict=True)) for step in (0, 1))
    assert all(first[image] != second[image] for image in first)


def test_targets_are_filled_up_with_none_and_cut_off_at_the_most(data):
    batch = Endless(data, fitted((48, 64)), 2, most=5)[0]
    assert batch.boxes.shape == (2, 5, 4)
    assert batch.classes.tolist()[0][3:] == [-1, -1]
    assert (batch.boxes[:, 3:] == 0).all()
    assert list(batch.targets) == ["boxes", "classes"]
    assert Endless(data, fitted((48, 64)), 2, most=2)[0].classes.shape == (2, 2)
    assert Endless(data, VIEW, 2)[0].masks.shape == (2, 100, 7, 7)


def test_evaluation_sees_every_example_once_and_fills_the_last_batch(data):
    batches = list(Once(data, fitted((48, 64)), 2).stream(workers=1))
    assert [batch.ids for batch in batches] == [(10, 11), (12, 13), (14, 14)]
    assert [batch.real for batch in batches] == [2, 2, 1]
    shares = [Once(data, fitted((48, 64)), 2, rank, 2) for rank in (0, 1)]
    assert [[batch.ids for batch in each.stream()] for each in shares] == [[(10, 11), (14, 14)], [(12, 13)]]


def test_the_outline_of_a_box_fills_it(data):
    batch = Endless(data, VIEW, 5)[0]
    real = batch.classes >= 0
    assert real.sum() > 3
    assert batch.masks[real].all()  # the outlines are the boxes
    assert not batch.masks[~real].any()


# ---- workers


def double(number):
    if number == 7:
        raise DataError("picture 7: cannot be read")
    if number == 8:
        raise ZeroDivisionError
    if number == 9:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def test_what_a_worker_meets_is_raised_here():
    assert list(in_order(double, range(5), workers=2)) == [0, 2, 4, 6, 8]
    assert list(in_order(double, [], workers=2)) == []
    assert list(in_order(double, range(3), workers=5, ahead=1)) == [0, 2, 4]
    with pytest.raises(DataError, match="picture 7: cannot be read"):
        list(in_order(double, [1, 2, 7, 3], workers=2))
    with pytest.raises(DataError, match=r"(?s)failed:.*ZeroDivisionError"):
        list(in_order(double, [8], workers=1))


def test_a_worker_that_is_killed_is_said():
    found = in_order(double, [1, 2, 3, 4, 9, 5], workers=2)  # of which the first is fetched before 9 is asked for
    assert [next(found), next(found)] == [2, 4]
    with pytest.raises(DataError, match="was killed by SIGKILL; was memory short"):
        list(found)


INTERRUPTED = """
import os, signal, sys, time
sys.path.insert(0, {tests!r})
from test_data_views import slow
from spinec.train.data.workers import in_order
if __name__ == "__main__":
    for made in in_order(slow, range(1000), workers=2):
        print("made", made, flush=True)
"""


def slow(number):
    import time

    time.sleep(0.05)
    return os.getpid()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_stays_behind(tmp_path, how):
    """Ctrl-C reaches every process of the terminal; kill -9 this one alone."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(tests=os.path.dirname(__file__)))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        pids = {int(process.stdout.readline().split()[1]) for _ in range(2)}
        if how == signal.SIGINT:
            os.killpg(process.pid, how)
        else:
            process.kill()
        _, error = process.communicate(timeout=60)
    assert error.count("Traceback") == (1 if how == signal.SIGINT else 0)
    for pid in pids:
        for _ in range(600):
            if not os.path.exists(f"/proc/{pid}"):
                break
            slow(0)
        assert not os.path.exists(f"/proc/{pid}")
