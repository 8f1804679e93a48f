"""The small data sets that are made of what packages ship."""

import json

import numpy as np
import pytest

from spinec.spec.errors import DataError
from spinec.train.data.forms import open_data
from spinec.train.data.masks import box_of, decode
from spinec.train.sets import digits as module
from spinec.train.sets.made import make_set

Image = pytest.importorskip("PIL.Image")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("made") / "digits"
    make_set("digits", folder, train=40, val=12, size=96)
    return folder


def test_scenes_are_the_same_for_the_same_numbers(scenes, tmp_path):
    make_set("digits", tmp_path / "same", train=40, val=12, size=96)
    assert contents(tmp_path / "same") == contents(scenes)
    make_set("digits", tmp_path / "other", train=2, val=1, size=96, seed=1)
    assert contents(tmp_path / "other") != contents(scenes)
    make_set("digits", tmp_path / "fewer", train=3, val=1, size=96)  # the first ones, whatever the number of all
    assert (tmp_path / "fewer" / "train" / "000003.jpg").read_bytes() == (scenes / "train" / "000003.jpg").read_bytes()


@pytest.mark.parametrize("split", ["train", "val"])
def test_every_digit_lies_in_its_box_and_in_no_other_digit(scenes, split):
    data = open_data(scenes, split)
    assert data.numbering.names == tuple("0123456789")
    found = 0
    for example in map(data.__getitem__, range(len(data))):
        masks = example.read_masks()
        assert [box_of(mask) for mask in masks] == [tuple(box) for box in example.boxes.tolist()]
        pixels = np.array([decode(mask) for mask in masks])
        assert pixels.sum(0).max() == 1
        assert pixels.sum((1, 2)).tolist() == example.areas.tolist()
        assert example.read().size == (96, 96)
        found += len(masks)
    assert len(data) < found < 6 * len(data)


def test_a_digit_stands_out_from_what_is_behind_it(scenes):
    """Within a digit all pixels are of nearly one colour, as nothing in a photograph is."""
    data = open_data(scenes, "train")
    spreads = []
    for example in map(data.__getitem__, range(10)):
        picture = np.asarray(example.read(), float)
        spreads += [picture[decode(mask)].std(0).mean() for mask in example.read_masks()]
    assert np.median(spreads) < 30


def test_no_digit_and_no_part_of_a_photograph_is_in_both_splits():
    pytest.importorskip("sklearn")
    marked = module.Digits(np.arange(1797.0)[:, None, None].repeat(8, 1).repeat(8, 2), np.zeros(1797, np.int64))
    columns = Image.fromarray(np.arange(200, dtype=np.uint8)[None].repeat(20, 0))
    (train, left), (val, right) = module._split(marked, [columns]).values()
    assert sorted([*train.ink[:, 0, 0], *val.ink[:, 0, 0]]) == list(range(1797))
    assert not set(np.asarray(left[0]).ravel()) & set(np.asarray(right[0]).ravel())


def test_digits_as_folders_of_classes(tmp_path):
    sklearn = pytest.importorskip("sklearn.datasets")
    make_set("digits-classes", tmp_path / "classes", size=16)
    train, val = (open_data(tmp_path / "classes", split) for split in ("train", "val"))
    assert (len(train), len(val)) == (1438, 359)
    assert train.numbering.names == tuple("0123456789")
    assert train[0].read().size == (16, 16)
    counts = np.bincount(np.concatenate([train.labels, val.labels]))
    assert counts.tolist() == np.bincount(sklearn.load_digits().target).tolist()


def test_nuclei_are_cut_into_tiles(tmp_path, monkeypatch):
    images = tmp_path / "stardist" / "data" / "images"
    images.mkdir(parents=True)
    (tmp_path / "stardist" / "__init__.py").write_text("raise ImportError('it is not to be imported')")
    labels = np.zeros((512, 512), np.uint16)
    labels[10:30, 20:40] = 7
    labels[380:390, 300:320] = 9  # half of it for training, half for validation
    labels[0:3, 0:3] = 11  # too small
    Image.fromarray(labels).save(images / "mask2d.tif")
    Image.fromarray(labels * 1000 + np.arange(512, dtype=np.uint16)).save(images / "img2d.tif")
    monkeypatch.syspath_prepend(tmp_path)
    make_set("nuclei", tmp_path / "nuclei")
    train, val = (open_data(tmp_path / "nuclei", split) for split in ("train", "val"))
    assert (len(train), len(val)) == (35, 4)
    assert train[0].boxes.tolist() == [[10, 20, 30, 40]]
    assert val[2].boxes.tolist() == [[0, 44, 6, 64]]
    with pytest.raises(DataError, match="tiles of 200 pixels: expected 32 to 128"):
        make_set("nuclei", tmp_path / "large", size=200)
    assert not (tmp_path / "large").exists()


def test_what_is_missing_or_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r"scikit-learn, which ships the digits, is not installed: pip install"):
        make_set("digits", tmp_path / "new")
    with pytest.raises(DataError, match="no data set 'digit': did you mean 'digits'"):
        make_set("digit", tmp_path / "new")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("kept")
    with pytest.raises(DataError, match="full: exists already; name another folder"):
        make_set("digits", tmp_path / "full")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


def test_licences_are_noted(scenes):
    text = (scenes / "README.md").read_text()
    assert "CC BY 4.0" in text
    assert "CC BY 2.0" in text
    assert json.loads((scenes / "annotations" / "instances_val.json").read_text())["categories"][9]["name"] == "9"
