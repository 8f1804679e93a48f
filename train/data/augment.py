"""What a network sees of an example: scaled, cropped and padded, the numbers drawn at random or not.

Every number is drawn by the generator that is given, in a fixed order, so that the same example with the same draws is
the same to the byte in every process and for every framework.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from spinec.backends.image import DEVIATION, MEAN
from spinec.spec.errors import DataError
from spinec.train.data.examples import IGNORED, Example
from spinec.train.data.masks import Mask, draw_mask
from spinec.train.data.placement import Placement

if TYPE_CHECKING:
    from PIL.Image import Image


NO_OUTLINE = "has boxes without an outline ('segmentation'), and masks are to be learned"


@dataclass(frozen=True, eq=False)
class Sample:
    """What a network sees of one example."""

    example: Example
    placement: Placement
    image: NDArray[np.float32]
    """(height, width, channels), padded with zeros."""
    classes: NDArray[np.int64]
    """(n,) of boxes, () of the picture, or (height, width) of its pixels."""
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """(n, 4): top, left, bottom and right edge in pixels of the image."""
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,): which of the example's boxes these are."""
    masks: NDArray[np.bool_] | None = None
    """(n, side, side): what is in the boxes."""

    def outlines(self) -> list[Mask]:
        """The outlines of the boxes, in the example's own pixels; none where the data set has none."""
        read = self.example.read_masks
        outlines = read() if read is not None and len(self.rows) else []
        return [outlines[row] for row in self.rows]


class View(Protocol):
    """What makes a sample of an example."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the network sees."""

    @property
    def channels(self) -> int:
        """3 for colour, 1 for grey."""

    def __call__(self, example: Example, draw: Generator) -> Sample:
        """The example as the network sees it."""


@dataclass(frozen=True)
class Jitter:
    """A picture flipped or not, scaled at random, cropped, and padded below and to the right.

    The scale s is drawn from `scale`: the picture is made as large as fits into s times the network's size, its sides
    keeping their ratio. Where it is larger than the network's size, the part that is seen is drawn, too. The paper
    (arXiv 2010.11426) draws s from 0.1 to 2.0.
    """

    size: tuple[int, int]
    scale: tuple[float, float] = (0.1, 2.0)
    flip: float = 0.5
    """Share of the pictures that are mirrored."""
    smooth: bool = True
    """Whether what is made smaller is smoothed, as `spinec detect` does; the authors' code does not."""
    crowds: bool = False
    """Whether boxes round crowds are kept."""
    mask_side: int = 0
    """Pixels of the outlines that are given of what is in each box; 0 for none. The authors' code has 112."""
    ignored: int = IGNORED
    """The class of pixels that are not judged, padding among them."""
    channels: int = 3

    def __call__(self, example: Example, draw: Generator) -> Sample:
        """The example as the network sees it."""
        picture = example.read()
        placement = self.placed((picture.height, picture.width), draw)
        image = padded(placement.picture(picture, smooth=self.smooth), self.size, self.channels)
        if example.read_map is not None:
            values = _checked(example.read_map(), placement.original, example.name)
            classes = placement.map(values, IGNORED).astype(np.int64)
            return Sample(example, placement, image, np.where(classes == IGNORED, self.ignored, classes))
        boxes = placement.boxes(example.boxes)
        kept = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(1) & (~example.crowd | self.crowds))
        sample = Sample(example, placement, image, example.classes[kept], boxes[kept], kept)
        if not self.mask_side:
            return sample
        if example.read_masks is None and len(example.boxes):
            raise DataError(f"{example.name}: {NO_OUTLINE}")
        return replace(sample, masks=_in_boxes(sample, (self.mask_side, self.mask_side)))

    def placed(self, original: tuple[int, int], draw: Generator) -> Placement:
        """Where a picture of a height and a width comes to lie; four numbers are drawn, whatever they are for."""
        flip, scale, *offsets = draw.random(4).tolist()
        least, most = self.scale
        target = [round((least + (most - least) * scale) * side) for side in self.size]
        factor = min(side / own for side, own in zip(target, original, strict=True))
        height, width = (max(1, round(own * factor)) for own in original)
        top, left = (
            int(share * max(0, scaled - side))
            for share, scaled, side in zip(offsets, (height, width), self.size, strict=True)
        )
        return Placement(original, (height, width), (top, left), self.size, flip < self.flip)


def fitted(size: tuple[int, int], channels: int = 3) -> Jitter:
    """What evaluation sees: the whole picture scaled to fit, crowds kept."""
    return Jitter(size, (1.0, 1.0), 0.0, crowds=True, channels=channels)


def padded(picture: Image, size: tuple[int, int], channels: int) -> NDArray[np.float32]:
    """(height, width, channels) around zero as ImageNet's images are; what the picture does not cover is zero."""
    levels = np.asarray(picture.convert("L" if channels == 1 else "RGB")).reshape(picture.height, -1)
    factor, offset = _normalisation(channels)
    image = np.zeros((size[0], size[1] * channels), np.float32)  # rows as a whole: four times as fast as by channels
    seen = image[: picture.height, : picture.width * channels]
    np.multiply(levels, np.tile(factor, picture.width), out=seen)
    seen -= np.tile(offset, picture.width)
    return image.reshape(*size, channels)


def _in_boxes(sample: Sample, side: tuple[int, int]) -> NDArray[np.bool_]:
    """(n, side, side): the outlines within the boxes of a sample."""
    pairs = zip(sample.outlines(), sample.boxes, strict=True)
    drawn = [draw_mask(outline, sample.placement.frame(box), side) for outline, box in pairs]
    return np.array(drawn, np.bool_).reshape(-1, *side)


def _checked(values: NDArray[np.uint8], size: tuple[int, int], name: str) -> NDArray[np.uint8]:
    """A map of classes, which is as large as its picture."""
    if values.shape != size:
        own, other = (" x ".join(map(str, each)) for each in (size, values.shape))
        raise DataError(f"{name}: {own} pixels (height x width), and its map of classes {other}")
    return values


@cache
def _normalisation(channels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What levels of 0 to 255 are multiplied by, channel by channel, and what is then taken away."""
    mean, deviation = np.array(MEAN), np.array(DEVIATION)
    if channels == 1:
        mean, deviation = mean.mean(keepdims=True), deviation.mean(keepdims=True)
    return (1 / (255 * deviation)).astype(np.float32), (mean / deviation).astype(np.float32)
