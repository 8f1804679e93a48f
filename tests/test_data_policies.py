"""RandAugment and AutoAugment: what the operations do, and which are drawn."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from spinec.train.data import policies
from spinec.train.data.augment import padded
from spinec.train.data.batches import Endless
from spinec.train.data.crops import RandomCrop
from spinec.train.data.draws import draws
from spinec.train.data.examples import Example
from spinec.train.data.policies import FILL, IMAGENET, OPERATIONS, RANDOM, AutoAugment, RandAugment

Image = pytest.importorskip("PIL.Image")


def picture(height=40, width=60):
    """Smooth, in colour, and of levels from 20 to 220."""
    y, x = np.mgrid[:height, :width]
    levels = np.stack([20 + 200 * x / width, 20 + 200 * y / height, 120 + 100 * np.sin(x / 9 + y / 5)], 2)
    return Image.fromarray(levels.astype(np.uint8))


def done(name, strength, sign=1):
    return np.asarray(OPERATIONS[name](picture(), strength, sign)).astype(int)


PLAIN = np.asarray(picture()).astype(int)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_the_size_and_is_the_same_each_time(name):
    for strength in (0, 0.3, 1):
        assert done(name, strength).shape == PLAIN.shape
        assert (done(name, strength) == done(name, strength)).all()
    assert (done(name, 1) != PLAIN).any() == (name != "identity")


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        *(("color", 0.5), ("contrast", 0.5), ("brightness", 0.5), ("sharpness", 0.5)),  # a factor of 1
        *(("rotate", 0), ("shear_x", 0), ("shear_y", 0), ("translate_x", 0), ("translate_y", 0)),
        *(("solarize", 0), ("posterize", 0), ("identity", 1)),
    ],
)
def test_where_an_operation_changes_nothing(name, strength):
    assert (done(name, strength) == PLAIN).all()


def test_what_operations_do_at_full_strength():
    assert (done("solarize", 1) == 255 - PLAIN).all()
    assert (done("invert", 0) == 255 - PLAIN).all()
    half = done("solarize", 0.5)
    assert (half == np.where(PLAIN >= 128, 255 - PLAIN, PLAIN)).all()
    assert (done("posterize", 1) == PLAIN // 16 * 16).all()
    assert np.abs(done("brightness", 1) - np.clip(PLAIN * 1.9, 0, 255)).max() <= 1
    assert np.abs(done("brightness", 0) - PLAIN * 0.1).max() <= 1
    stretched = done("auto_contrast", 1).reshape(-1, 3)
    assert stretched.min(0).tolist() == [0, 0, 0]
    assert (stretched.max(0) >= 254).all()  # Pillow rounds down


def test_what_moves_leaves_the_mean_colour_behind():
    moved = done("translate_x", 1)  # 60 x 150 / 331 = 27.19 pixels to the left
    assert (moved[:, -27:] == FILL).all()
    assert np.abs(moved[:, :32] - (PLAIN[:, 27:59] * 0.81 + PLAIN[:, 28:60] * 0.19)).max() <= 1
    other = done("translate_x", 1, -1)
    assert (other[:, :27] == FILL).all()
    down = done("translate_y", 1, -1)
    assert (down[:18] == FILL).all()
    assert (np.abs(padded(Image.fromarray(down[:18].astype(np.uint8)), (18, 60), 3)) < 0.01).all()  # which is zero


def test_shears_and_turns_go_as_far_as_the_paper_says():
    """A dark line on white, up and down the middle: where it meets the upper and the lower edge."""
    values = np.full((101, 101), 255, np.uint8)
    values[:, 48:53] = 0
    line = Image.fromarray(values).convert("RGB")

    def meets(name, sign):
        changed = np.asarray(OPERATIONS[name](line, 1, sign)).astype(int)[..., 1]
        return [round(np.flatnonzero(changed[row] < 60).mean()) for row in (10, 50)]

    assert meets("shear_x", 1) == [47, 35]  # 0.3 pixels to the left a row
    assert meets("shear_x", -1) == [53, 65]
    assert meets("rotate", 1) == [round(50 - 40 * np.tan(np.radians(30))), 50]  # counter-clockwise
    assert meets("rotate", -1) == [round(50 + 40 * np.tan(np.radians(30))), 50]


def test_operations_are_drawn_with_equal_chances(monkeypatch):
    drawn = Counter()

    def noted(name, given, strength, sign):
        drawn[name, strength, sign] += 1
        return given

    monkeypatch.setattr(policies, "OPERATIONS", {name: partial(noted, name) for name in OPERATIONS})
    for i in range(7000):
        RandAugment(2, 7)(picture, draws(0, 0, i))
    assert {(name, sign) for name, _, sign in drawn} == {(name, sign) for name in RANDOM for sign in (1, -1)}
    assert {strength for _, strength, _ in drawn} == {0.7}
    assert (sum(drawn.values()), len(drawn)) == (14_000, 28)
    assert all(400 < count < 600 for count in drawn.values())  # 500, with a deviation of 22


def test_pairs_are_drawn_with_their_chances(monkeypatch):
    drawn = Counter()

    def noted(name, given, strength, sign):
        drawn[name] += 1
        return given

    monkeypatch.setattr(policies, "OPERATIONS", {name: partial(noted, name) for name in OPERATIONS})
    for i in range(10_000):
        AutoAugment()(picture, draws(1, 0, i))
    expected = Counter()
    for first, chance, _, second, other, _ in IMAGENET:
        expected[first] += 400 * chance
        expected[second] += 400 * other
    assert set(drawn) == {name for name in expected if expected[name]}
    for name, count in drawn.items():
        assert abs(count - expected[name]) < 5 * expected[name] ** 0.5, name


def test_the_table_is_that_of_the_paper():
    assert len(IMAGENET) == 25
    assert all(name in OPERATIONS for row in IMAGENET for name in row[::3])
    assert all(0 <= chance <= 1 for row in IMAGENET for chance in row[1::3])
    assert all(0 <= level <= 9 for row in IMAGENET for level in row[2::3])
    assert len(RANDOM) == 14


class Pictures:
    name, task, names, ids = "pictures", "classification", ("a", "b"), (0, 1)

    def __len__(self):
        return 6

    def __getitem__(self, position):
        return Example(position, str(position), partial(picture, 30 + position), label=position % 2)


@pytest.mark.parametrize("policy", [None, RandAugment(), AutoAugment()])
def test_batches_of_pictures_are_the_same_whatever_the_number_of_workers(policy):
    batches = Endless(Pictures(), RandomCrop((24, 24), policy=policy), 4, seed=3)
    alone = [(batch.images.tobytes(), batch.classes.tolist()) for batch in batches.stream(0, 4)]
    assert [(batch.images.tobytes(), batch.classes.tolist()) for batch in batches.stream(0, 4, workers=2)] == alone
    batch = batches[0]
    assert (batch.images.shape, batch.classes.shape, batch.boxes) == ((4, 24, 24, 3), (4,), None)
    assert [position % 2 for position in batch.positions] == batch.classes.tolist()
    assert list(batch.targets) == ["classes"]
