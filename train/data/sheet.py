"""A contact sheet of what a network sees in training: boxes, outlines, classes and maps drawn on augmented pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinec.backends.image import DEVIATION, MEAN
from spinec.compiler.answers.results import Answer, Classified, Detected, Segmented
from spinec.train.data.augment import Sample, View
from spinec.train.data.batches import Endless
from spinec.train.data.draws import draws
from spinec.train.data.examples import IGNORED, DataSet
from spinec.train.data.masks import draw_mask

if TYPE_CHECKING:
    from PIL.Image import Image

LEAST = 256  # pixels of the longer side of a picture on the sheet: smaller ones are enlarged
GAP = 6  # pixels between pictures


def contact_sheet(data: DataSet, view: View, count: int, seed: int = 0) -> Image:
    """The first examples of the first epoch, as training with this seed sees them.

    Raises:
        DataError: when a picture cannot be read.
    """
    order = Endless(data, view, 1, seed)
    drawn = []
    for place in range(min(count, len(data))):
        epoch, position = order.place(place)
        drawn.append(seen(data, view(data[position], draws(seed, epoch, position))).draw())
    return _arranged(drawn)


def seen(data: DataSet, sample: Sample) -> Answer:
    """A sample as an answer of a network that is right."""
    factor = max(1, ceil(LEAST / max(sample.image.shape[:2])))
    picture = _picture(sample.image, factor)
    name = sample.example.name
    match data.task:
        case "detection":
            return _boxes(data, sample, picture, name, factor)
        case "classification":
            number = int(sample.classes)
            return Classified(picture, name, False, (), unsaid(1), np.array([number]), (data.numbering.names[number],))
    names = (
        *data.numbering.names,
        *("" for _ in range(IGNORED - len(data.numbering.names))),
        "background",
    )  # which is not drawn
    labels = sample.classes.repeat(factor, 0).repeat(factor, 1)
    return Segmented(picture, name, False, (), labels, names)


def _boxes(data: DataSet, sample: Sample, picture: Image, name: str, factor: int) -> Detected:
    numbers = sample.classes
    size = picture.height, picture.width
    masks = None
    if sample.example.read_masks is not None:
        frame = sample.placement.frame()
        masks = np.array([draw_mask(each, frame, size) for each in sample.outlines()]).reshape(-1, *size)
    return Detected(
        picture,
        name,
        False,
        (),
        boxes=sample.boxes * factor,
        scores=unsaid(len(numbers)),
        labels=numbers,
        names=tuple(data.numbering.names[number] for number in numbers),
        ids=tuple(data.numbering.ids[number] for number in numbers),
        masks=masks,
    )


def unsaid(number: int) -> NDArray[np.float32]:
    """Scores of what is known, not found."""
    return np.full(number, np.nan, np.float32)


def _picture(image: NDArray[np.float32], factor: int) -> Image:
    """What a network is given, as a picture again."""
    from PIL import Image

    mean, deviation = np.array(MEAN), np.array(DEVIATION)
    if image.shape[2] == 1:
        mean, deviation = mean.mean(), deviation.mean()
    levels = np.clip((image * deviation + mean) * 255, 0, 255).round().astype(np.uint8)
    levels = levels.repeat(3 // image.shape[2], 2).repeat(factor, 0).repeat(factor, 1)
    return Image.fromarray(levels)


def _arranged(pictures: Sequence[Image]) -> Image:
    """Pictures in rows and columns, about as many of the one as of the other."""
    from PIL.Image import new

    columns = ceil(sqrt(len(pictures)))
    wide, high = (max(picture.size[side] for picture in pictures) + GAP for side in (0, 1))
    sheet = new("RGB", (columns * wide + GAP, ceil(len(pictures) / columns) * high + GAP), "white")
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet.paste(picture, (GAP + column * wide, GAP + row * high))
    return sheet
