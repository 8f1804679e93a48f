"""What a network that classifies sees of a picture: a part of it, drawn at random in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.random import Generator

from spinec.backends.image import CENTRE
from spinec.spec.errors import DataError
from spinec.train.data.augment import Sample, padded
from spinec.train.data.examples import Example
from spinec.train.data.placement import Placement

if TYPE_CHECKING:
    from PIL.Image import Image

Policy: TypeAlias = "Callable[[Image, Generator], Image]"
"""What changes a picture's colours and form, such as `RandAugment`."""
TRIES = 10


@dataclass(frozen=True)
class RandomCrop:
    """A part of a picture, drawn by its area and the ratio of its sides, scaled to the size (arXiv 1409.4842).

    A part that does not fit into the picture is drawn anew; after ten times it is the largest in the middle.
    """

    size: tuple[int, int]
    area: tuple[float, float] = (0.08, 1.0)
    """Share of the picture's area."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Width to height."""
    flip: float = 0.5
    policy: Policy | None = None
    channels: int = 3

    def __call__(self, example: Example, draw: Generator) -> Sample:
        """The example as the network sees it."""
        picture = example.read()
        top, left, height, width = self._part((picture.height, picture.width), draw)
        flipped = draw.random() < self.flip
        seen = picture.crop((left, top, left + width, top + height))
        placement = Placement((height, width), self.size, (0, 0), self.size, flipped)
        seen = placement.picture(seen)
        seen = self.policy(seen, draw) if self.policy is not None else seen
        return Sample(example, placement, padded(seen, self.size, self.channels), _label(example))

    def _part(self, size: tuple[int, int], draw: Generator) -> tuple[int, int, int, int]:
        """Top, left, height and width."""
        for area, ratio, down, right in draw.random((TRIES, 4)).tolist():
            share = size[0] * size[1] * (self.area[0] + (self.area[1] - self.area[0]) * area)
            shape = exp(log(self.ratio[0]) + (log(self.ratio[1]) - log(self.ratio[0])) * ratio)
            height, width = max(1, round(sqrt(share / shape))), max(1, round(sqrt(share * shape)))
            if height <= size[0] and width <= size[1]:
                return int(down * (size[0] - height + 1)), int(right * (size[1] - width + 1)), height, width
        height = min(size[0], max(1, round(size[1] / self.ratio[0])))
        width = min(size[1], max(1, round(size[0] * self.ratio[1])))
        return (size[0] - height) // 2, (size[1] - width) // 2, height, width


@dataclass(frozen=True)
class CentreCrop:
    """The middle of a picture, as classifiers are tested: the short side is scaled to the size divided by a share."""

    size: tuple[int, int]
    share: float = CENTRE
    channels: int = 3

    def __call__(self, example: Example, draw: Generator) -> Sample:
        """The example as the network sees it; nothing is drawn."""
        picture = example.read()
        original = picture.height, picture.width
        scale = max(side / own for side, own in zip(self.size, original, strict=True)) / self.share
        height, width = (max(side, round(own * scale)) for side, own in zip(self.size, original, strict=True))
        top, left = (height - self.size[0]) // 2, (width - self.size[1]) // 2
        whole = Placement(original, (height, width), (0, 0), (height, width)).picture(picture)
        seen = whole.crop((left, top, left + self.size[1], top + self.size[0]))  # the pixels that `classify` sees
        placement = Placement(original, (height, width), (top, left), self.size)
        return Sample(example, placement, padded(seen, self.size, self.channels), _label(example))


def _label(example: Example) -> np.ndarray[tuple[()], np.dtype[np.int64]]:
    if example.label is None:
        raise DataError(f"{example.name}: has no class, and the network is to learn one")
    return np.array(example.label, np.int64)
