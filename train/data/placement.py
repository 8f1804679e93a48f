"""Where a picture lies in what the network sees, and with it boxes, outlines and maps of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinec.train.data.masks import Frame

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Placement:
    """A picture in a mirror or not, scaled, and of that what lies behind an offset; all sizes are height and width."""

    original: tuple[int, int]
    scaled: tuple[int, int]
    offset: tuple[int, int]
    size: tuple[int, int]
    """Of what the network sees."""
    flipped: bool = False

    @property
    def visible(self) -> tuple[int, int]:
        """Rows and columns that are picture, the rest being padding below and to the right."""
        rows, columns = (
            min(scaled - offset, size) for scaled, offset, size in zip(self.scaled, self.offset, self.size, strict=True)
        )
        return rows, columns

    def boxes(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (n, 4) of the picture as the network sees them, cut off where the picture ends."""
        moved = self._mirrored(boxes.astype(np.float64)) * np.tile(self._scale, 2) - np.tile(self.offset, 2)
        return _cut(moved, self.visible)

    def back(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (n, 4) that a network found, in the picture's own pixels."""
        grown = (boxes.astype(np.float64) + np.tile(self.offset, 2)) / np.tile(self._scale, 2)
        return _cut(self._mirrored(grown), self.original)

    def frame(self, box: NDArray[np.float32] | None = None) -> Frame:
        """The part of the picture that a box of what the network sees shows; without one, all that it sees."""
        seen = np.array([0, 0, *self.size]) if box is None else box.astype(np.float64)
        edges = (seen + np.tile(self.offset, 2)) / np.tile(self._scale, 2)
        top, left, bottom, right = self._mirrored(edges[None])[0].tolist()
        return Frame(top, left, bottom, right, self.flipped)

    def picture(self, picture: Image, *, smooth: bool = True) -> Image:
        """The visible part of a picture, by bilinear interpolation between the middles of pixels.

        What is made smaller is smoothed first, or else keeps only the pixels next to those middles.
        """
        from PIL.Image import Resampling, Transform, Transpose

        seen = picture.transpose(Transpose.FLIP_LEFT_RIGHT) if self.flipped else picture
        (rows, columns), (top, left) = self.visible, self.offset
        if self.scaled == self.original:
            return seen.crop((left, top, left + columns, top + rows))
        high, wide = (own / scaled for own, scaled in zip(self.original, self.scaled, strict=True))
        if not smooth:
            affine = (wide, 0, left * wide, 0, high, top * high)
            return seen.transform((columns, rows), Transform.AFFINE, affine, Resampling.BILINEAR)
        right, bottom = min((left + columns) * wide, seen.width), min((top + rows) * high, seen.height)
        return seen.resize((columns, rows), Resampling.BILINEAR, (left * wide, top * high, right, bottom))

    def map(self, values: NDArray[np.uint8], padding: int) -> NDArray[np.uint8]:
        """A map of the picture as the network sees it, by the pixels in which the middles of its own lie."""
        seen = values[:, ::-1] if self.flipped else values
        (rows, columns), (top, left) = self.visible, self.offset
        high, wide = (own / scaled for own, scaled in zip(self.original, self.scaled, strict=True))
        row = np.floor((np.arange(rows) + top + 0.5) * high).astype(np.int64).clip(0, self.original[0] - 1)
        column = np.floor((np.arange(columns) + left + 0.5) * wide).astype(np.int64).clip(0, self.original[1] - 1)
        padded = np.full(self.size, padding, np.uint8)
        padded[:rows, :columns] = seen[np.ix_(row, column)]
        return padded

    @property
    def _scale(self) -> NDArray[np.float64]:
        return np.array(self.scaled, np.float64) / np.array(self.original, np.float64)

    def _mirrored(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self.flipped:
            return boxes
        top, left, bottom, right = boxes.T
        return np.stack([top, self.original[1] - right, bottom, self.original[1] - left], 1)


def _cut(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    """Boxes without what lies outside a height and a width."""
    inside: NDArray[np.float32] = np.clip(boxes, 0, np.tile(size, 2)).astype(np.float32)
    return inside
