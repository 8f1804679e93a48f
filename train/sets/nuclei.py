"""Nuclei of cells under a microscope, each with its outline: one image of the package stardist, cut into tiles."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.sets.coco_writer import CocoWriter, Thing

README = """\
# Nuclei

Made by `spinec data make`, from what the package stardist ships: a fluorescence image of 512 x 512 pixels with 125
labelled nuclei (`data/images/img2d.tif`, `mask2d.tif`), of the 2018 Data Science Bowl (J. C. Caicedo et al., Nature
Methods 16, 2019). The package's licence is BSD-3-Clause, copyright Uwe Schmidt, Martin Weigert.

The tiles for training overlap by half. Those for validation are of the lowest quarter; what lies on its border is in
both, cut off there.
"""
NAMES = ("nucleus",)
SHARE = 0.75  # of the image's rows, for training
LEAST = 20  # pixels of a nucleus that is cut off
DARKEST, BRIGHTEST = 1, 98  # percent of the pixels


def make_nuclei(folder: Path, size: int = 128) -> None:
    """Write tiles of the image as a data set of COCO's form.

    Raises:
        DataError: when stardist is not installed, or the tiles are larger than its image.
    """
    image, labels = _load()
    border = round(SHARE * len(image))
    if not 32 <= size <= len(image) - border:
        raise DataError(f"tiles of {size} pixels: expected 32 to {len(image) - border}")
    _write(CocoWriter(folder, "train", NAMES), image[:border], labels[:border], size, size // 2)
    _write(CocoWriter(folder, "val", NAMES), image[border:], labels[border:], size, size)
    (folder / "README.md").write_text(README, encoding="utf-8")


def _write(writer: CocoWriter, image: NDArray[np.uint8], labels: NDArray[np.int64], size: int, step: int) -> None:
    from PIL import Image

    for top in range(0, image.shape[0] - size + 1, step):
        for left in range(0, image.shape[1] - size + 1, step):
            own = labels[top : top + size, left : left + size]
            numbers, counts = np.unique(own[own > 0], return_counts=True)
            things = [Thing(0, own == number) for number in numbers[counts >= LEAST]]
            writer.add(Image.fromarray(image[top : top + size, left : left + size]).convert("RGB"), things)
    writer.close()


def _load() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The image, its levels stretched to 0 to 255, and the number of the nucleus of each pixel."""
    from PIL import Image

    package = find_spec("stardist")  # it is not imported: it would load TensorFlow
    if package is None or not package.submodule_search_locations:
        raise DataError("stardist, which ships the image, is not installed: pip install stardist") from None
    images = Path(package.submodule_search_locations[0]) / "data" / "images"
    levels = np.asarray(Image.open(images / "img2d.tif"), np.float64)
    labels = np.asarray(Image.open(images / "mask2d.tif")).astype(np.int64)
    low, high = np.percentile(levels, (DARKEST, BRIGHTEST))
    return (np.clip((levels - low) / (high - low), 0, 1) * 255).round().astype(np.uint8), labels
