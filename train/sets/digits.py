"""Handwritten digits: set into scenes on photographs, with boxes and outlines, or each alone in its class's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.data.draws import Purpose, draws, permutation
from spinec.train.sets.coco_writer import CocoWriter, Thing

if TYPE_CHECKING:
    from PIL.Image import Image

README = """\
# Handwritten digits

Made by `spinec data make`, from what scikit-learn ships.

- The digits are the 1,797 of scikit-learn's `load_digits`: the test set of "Optical Recognition of Handwritten
  Digits" (E. Alpaydin, C. Kaynak, 1998; UCI Machine Learning Repository, https://doi.org/10.24432/C50P49), licence
  CC BY 4.0. Here they are scaled, turned, coloured and set into scenes.
- The photographs are scikit-learn's `load_sample_images`: china.jpg by danielbuechele and flower.jpg by vultilion, both
  of flickr.com, licence CC BY 2.0. Here they are cut, scaled and mirrored.
- scikit-learn itself has the licence BSD-3-Clause.

No digit is in both splits, and no part of a photograph.
"""
NAMES = tuple(map(str, range(10)))
INK = 16  # of a digit's darkest pixel
VALIDATION = 0.2  # share of the digits, and about that of the photographs
MOST_TURNED = 15  # degrees
SIDES = (0.11, 0.38)  # of a digit's frame, as a share of the scene's side: by their logarithms
COUNTS = (1, 6)  # digits in a scene
LEAST_CONTRAST = 80  # levels of brightness between a digit and what is behind it, in the mean
TRIES = 30
MOST_SHARED = 0.05  # of the smaller of two digits' frames


class Digits(NamedTuple):
    """Digits as shares of ink (n, 8, 8), and which ones they are."""

    ink: NDArray[np.float64]
    classes: NDArray[np.int64]


def make_scenes(folder: Path, seed: int = 0, size: int = 256, train: int = 600, val: int = 120) -> None:
    """Write scenes of digits on photographs as a data set of COCO's form, the same for the same numbers.

    Raises:
        DataError: when scikit-learn is not installed.
    """
    splits = _split(*_load())
    for split, count in (("train", train), ("val", val)):
        writer = CocoWriter(folder, split, NAMES)
        for number in range(count):
            draw = draws(seed, split == "val", number, Purpose.sets)
            writer.add(*_scene(*splits[split], size, draw))
        writer.close()
    (folder / "README.md").write_text(README, encoding="utf-8")


def make_classes(folder: Path, size: int = 32) -> None:
    """Write each digit as a picture in the folder of its class, for training and for validation.

    Raises:
        DataError: when scikit-learn is not installed.
    """
    for split, (digits, _) in _split(*_load()).items():
        for number, (ink, label) in enumerate(zip(digits.ink, digits.classes.tolist(), strict=True)):
            path = folder / split / NAMES[label] / f"{number:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            _enlarged(ink, size).save(path)
    (folder / "README.md").write_text(README, encoding="utf-8")


def _load() -> tuple[Digits, list[Image]]:
    try:
        from sklearn.datasets import load_digits, load_sample_images
    except ImportError:
        raise DataError("scikit-learn, which ships the digits, is not installed: pip install 'spinec[train]'") from None
    from PIL import Image

    found = load_digits()
    photographs = [Image.fromarray(each) for each in load_sample_images().images]
    return Digits(found.images / INK, found.target.astype(np.int64)), photographs


def _split(digits: Digits, photographs: Sequence[Image]) -> dict[str, tuple[Digits, list[Image]]]:
    """The digits and the parts of the photographs for training, on the left, and for validation."""
    order = permutation(0, 0, len(digits.classes))
    held = round(VALIDATION * len(order))
    parts = {"train": (order[held:], 0.0, 0.6), "val": (order[:held], 0.6, 1.0)}
    return {
        split: (
            Digits(digits.ink[rows], digits.classes[rows]),
            [each.crop((round(left * each.width), 0, round(right * each.width), each.height)) for each in photographs],
        )
        for split, (rows, left, right) in parts.items()
    }


def _scene(digits: Digits, photographs: Sequence[Image], size: int, draw: Generator) -> tuple[Image, list[Thing]]:
    """A picture and what is in it."""
    from PIL import Image

    pixels = np.asarray(_background(photographs, size, draw), np.float64)
    frames: list[tuple[int, int, int]] = []
    things: list[Thing] = []
    for _ in range(_whole(draw, *COUNTS)):
        frame = _frame(frames, size, draw)
        if frame is None:
            break
        row = _whole(draw, 0, len(digits.classes) - 1)
        ink = _turned(digits.ink[row], frame[2], draw)
        frames.append(frame)
        top, left, side = frame
        behind = pixels[top : top + side, left : left + side]
        behind += ink[..., None] * (_colour(behind.mean(), draw) - behind)
        mask = np.zeros((size, size), np.bool_)
        mask[top : top + side, left : left + side] = ink > 0.5
        things = [Thing(each.number, each.mask & ~mask) for each in things]
        things.append(Thing(int(digits.classes[row]), mask))
    return Image.fromarray(pixels.round().astype(np.uint8)), things


def _background(photographs: Sequence[Image], size: int, draw: Generator) -> Image:
    """A square of a photograph, in a mirror or not."""
    from PIL.Image import Resampling, Transpose

    photograph = photographs[_whole(draw, 0, len(photographs) - 1)]
    side = _whole(draw, min(photograph.size) // 2, min(photograph.size))
    left, top = (_whole(draw, 0, whole - side) for whole in photograph.size)
    square = photograph.resize((size, size), Resampling.BILINEAR, (left, top, left + side, top + side))
    return square.transpose(Transpose.FLIP_LEFT_RIGHT) if draw.random() < 0.5 else square


def _frame(taken: Sequence[tuple[int, int, int]], size: int, draw: Generator) -> tuple[int, int, int] | None:
    """Top, left and side of a square that hardly overlaps those that are taken; none where that is hard to find."""
    for _ in range(TRIES):
        low, high = np.log(SIDES)
        side = max(8, round(size * float(np.exp(low + (high - low) * draw.random()))))
        frame = _whole(draw, 0, size - side), _whole(draw, 0, size - side), side
        if all(_shared(frame, each) <= MOST_SHARED for each in taken):
            return frame
    return None


def _shared(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """How much of the smaller of two squares the other covers."""
    sides = [max(0, min(one[i] + one[2], other[i] + other[2]) - max(one[i], other[i])) for i in (0, 1)]
    return float(sides[0] * sides[1] / min(one[2], other[2]) ** 2)


def _turned(ink: NDArray[np.float64], side: int, draw: Generator) -> NDArray[np.float64]:
    """A digit of 0 to 1 in a square of a side, turned a little, its edges sharper than enlarging leaves them."""
    from PIL.Image import Resampling

    turned = _enlarged(np.pad(ink, 1), side).rotate((2 * draw.random() - 1) * MOST_TURNED, Resampling.BICUBIC)
    return np.clip(np.asarray(turned, np.float64) / 255 * 2 - 0.5, 0, 1)


def _colour(behind: float, draw: Generator) -> NDArray[np.float64]:
    """A colour that stands out."""
    for _ in range(TRIES):
        colour = draw.random(3) * 255
        if abs(colour.mean() - behind) >= LEAST_CONTRAST:
            return colour
    return np.full(3, 255.0 if behind < 128 else 0.0)


def _whole(draw: Generator, least: int, most: int) -> int:
    """A whole number, either end among them."""
    return least + int(draw.random() * (most - least + 1))


def _enlarged(ink: NDArray[np.float64], side: int) -> Image:
    """A digit as a picture of a side, the background black."""
    from PIL import Image

    return Image.fromarray((ink * 255).round().astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
