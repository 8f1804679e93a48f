"""Outlines of things as COCO's files have them, drawn at any size: polygons, and lengths of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinec.backends.image_file import MOST_PIXELS

FARTHEST = 1e7  # pixels from a picture's edges


class Polygons(NamedTuple):
    """What lies in any of several polygons."""

    rings: tuple[NDArray[np.float64], ...]
    """(corners, 2): x and y of each."""


class Runs(NamedTuple):
    """A mask column by column, as the lengths of its runs, the first of them outside."""

    size: tuple[int, int]
    counts: NDArray[np.int64]


Mask: TypeAlias = Polygons | Runs


class Frame(NamedTuple):
    """A part of a picture: its edges in pixels, and whether it is seen in a mirror."""

    top: float
    left: float
    bottom: float
    right: float
    mirrored: bool = False


def mask_of(segmentation: Any) -> Mask:
    """The outline that a file of COCO's form gives.

    Raises:
        ValueError: saying what it should be.

    >>> mask_of({"size": [2, 2], "counts": "121"})
    Runs(size=(2, 2), counts=array([1, 2, 1]))
    """
    match segmentation:
        case {"size": [int(height), int(width)], "counts": list() | str() | bytes() as counts}:
            return _runs((height, width), counts)
        case [_, *_]:
            return Polygons(tuple(_ring(each) for each in segmentation))
    raise ValueError("expected polygons, or size and counts of runs")


def draw_mask(mask: Mask, frame: Frame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(height, width) of a size: whether the middle of each pixel, the frame being so many pixels, is in the mask."""
    height, width = size
    if isinstance(mask, Runs):
        return _sampled(decode(mask), frame, size)
    scale = width / (frame.right - frame.left), height / (frame.bottom - frame.top)
    drawn = np.zeros(size, np.bool_)
    for ring in mask.rings:
        corners = (ring - (frame.left, frame.top)) * scale
        drawn |= _filled(corners, size)
    return drawn[:, ::-1] if frame.mirrored else drawn


def decode(runs: Runs) -> NDArray[np.bool_]:
    """(height, width): the mask as its runs say.

    >>> decode(Runs((2, 2), np.array([1, 2, 1]))).tolist()
    [[False, True], [True, False]]
    """
    inside = np.arange(len(runs.counts)) % 2 == 1
    return np.repeat(inside, runs.counts).reshape(runs.size[::-1]).T


def box_of(mask: Mask) -> tuple[float, float, float, float]:
    """Top, left, bottom and right edge of what a mask covers; zeros where that is nothing."""
    if isinstance(mask, Polygons):
        corners = np.concatenate(mask.rings)
        (left, top), (right, bottom) = corners.min(0), corners.max(0)
        return float(top), float(left), float(bottom), float(right)
    pixels = decode(mask)
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    return float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1)


def _ring(numbers: Any) -> NDArray[np.float64]:
    if not isinstance(numbers, list) or len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("expected polygons of at least three corners, each as x and y")
    if not all(isinstance(each, int | float) for each in numbers):
        raise ValueError("expected polygons of numbers")
    ring = np.array(numbers, np.float64).reshape(-1, 2)
    if not (np.abs(ring) < FARTHEST).all():  # NaN is not
        raise ValueError("expected polygons in pixels of a picture")
    return ring


def _runs(size: tuple[int, int], counts: list[Any] | str | bytes) -> Runs:
    if not 0 < size[0] * size[1] <= MOST_PIXELS:
        raise ValueError(f"expected runs of 1 to {MOST_PIXELS:,} pixels, got {size[0]} x {size[1]}")
    lengths = counts if isinstance(counts, list) else _unpacked(counts)
    if not all(isinstance(each, int) and each >= 0 for each in lengths) or sum(lengths) != size[0] * size[1]:
        raise ValueError(f"expected runs of {size[0]} x {size[1]} pixels in all")
    return Runs(size, np.array(lengths, np.int64))


def _unpacked(packed: str | bytes) -> Sequence[int]:
    """The lengths in COCO's short form: from the third on differences to the last but one, in groups of five bits.

    A character is 48 more than its bits; the sixth says that more follow, and the fifth of the last is the sign.
    """
    lengths: list[int] = []
    value, place = 0, 0
    for code in packed.encode("latin-1", "replace") if isinstance(packed, str) else packed:
        bits = code - 48
        if not 0 <= bits < 64 or place > 60:
            raise ValueError("expected runs as characters from '0' to 'o'")
        value |= (bits & 31) << place
        place += 5
        if not bits & 32:
            value -= (bits & 16) << (place - 4)
            lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
            value, place = 0, 0
    return lengths


def _filled(corners: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose middles lie in a polygon, by how many edges are passed on the way from the left."""
    height, width = size
    ends = np.roll(corners, -1, axis=0)
    falls = (corners[:, 1] <= ends[:, 1])[:, None]
    above, below = np.where(falls, corners, ends), np.where(falls, ends, corners)
    first = np.clip(np.ceil(above[:, 1] - 0.5), 0, height).astype(np.int64)
    count = np.clip(np.ceil(below[:, 1] - 0.5), 0, height).astype(np.int64) - first
    edge = np.repeat(np.arange(len(corners)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    steep = (below[edge, 0] - above[edge, 0]) / (below[edge, 1] - above[edge, 1])
    crossed = above[edge, 0] + (row + 0.5 - above[edge, 1]) * steep
    column = np.clip(np.ceil(crossed - 0.5), 0, width).astype(np.int64)
    passed = np.bincount(row * (width + 1) + column, minlength=height * (width + 1))
    inside: NDArray[np.bool_] = passed.reshape(height, width + 1).cumsum(1)[:, :width] % 2 == 1
    return inside


def _sampled(pixels: NDArray[np.bool_], frame: Frame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels in which the middles of the frame's pixels lie; what is outside the picture is not in the mask."""
    rows = np.floor(frame.top + (np.arange(size[0]) + 0.5) * (frame.bottom - frame.top) / size[0]).astype(np.int64)
    columns = np.floor(frame.left + (np.arange(size[1]) + 0.5) * (frame.right - frame.left) / size[1]).astype(np.int64)
    columns = columns[::-1] if frame.mirrored else columns
    inside = ((rows >= 0) & (rows < pixels.shape[0]))[:, None] & ((columns >= 0) & (columns < pixels.shape[1]))
    rows, columns = np.clip(rows, 0, pixels.shape[0] - 1), np.clip(columns, 0, pixels.shape[1] - 1)
    seen: NDArray[np.bool_] = pixels[np.ix_(rows, columns)] & inside
    return seen
