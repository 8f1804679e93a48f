"""What is in pictures, and what was found in them, as COCO's evaluation compares it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinec.train.data.examples import Example
from spinec.train.data.masks import Mask, Polygons

Edges: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height of a box, in pixels of the picture."""


class Detection(NamedTuple):
    """Something that was found."""

    position: int
    """Of the picture in the data set."""
    number: int
    """Of the class."""
    box: Edges
    score: float
    mask: Any = None
    """Its pixels, as COCO's files have them."""


class Truth(NamedTuple):
    """Something that is there."""

    position: int
    number: int
    box: Edges
    area: float
    crowd: bool
    mask: Any = None


class Truths(NamedTuple):
    """What is in some pictures of a data set."""

    sizes: dict[int, tuple[int, int]]
    """Height and width of each picture, by its position."""
    things: list[Truth]
    order: dict[int, int]
    """The pictures' ranks by their ids, from 1 on: of things that are as sure, COCO's evaluation takes those first."""


def truths_of(examples: dict[int, Example], *, masks: bool) -> Truths:
    """What is in the pictures of examples, which are given by their positions."""
    ranked = sorted(examples, key=lambda position: _rank(examples[position].id))
    things = [thing for position, example in examples.items() for thing in _things(position, example, masks=masks)]
    sizes = {position: _size(example) for position, example in examples.items()} if masks else {}
    return Truths(sizes, things, {position: place for place, position in enumerate(ranked, 1)})


def edges(boxes: NDArray[np.float32]) -> list[Edges]:
    """Boxes (n, 4) of top, left, bottom and right edge, as COCO's files have them."""
    top, left, bottom, right = boxes.astype(np.float64).T
    return [(a, b, c, d) for a, b, c, d in np.stack([left, top, right - left, bottom - top], 1).tolist()]


def _things(position: int, example: Example, *, masks: bool) -> list[Truth]:
    outlines = example.read_masks() if masks and example.read_masks else [None] * len(example.boxes)
    rows = zip(
        example.classes.tolist(),
        edges(example.boxes),
        example.areas.tolist(),
        example.crowd.tolist(),
        outlines,
        strict=True,
    )
    return [
        Truth(position, number, box, area, crowd, None if mask is None else _written(mask))
        for number, box, area, crowd, mask in rows
    ]


def _written(mask: Mask) -> Any:
    """An outline as COCO's files have it."""
    if isinstance(mask, Polygons):
        return [ring.ravel().tolist() for ring in mask.rings]
    return {"size": list(mask.size), "counts": mask.counts.tolist()}


def _size(example: Example) -> tuple[int, int]:
    if example.size is not None:
        return example.size
    picture = example.read()
    return picture.height, picture.width


def _rank(given: int | str) -> tuple[bool, int, str]:
    """Numbers in their order, then texts in theirs."""
    return (False, given, "") if isinstance(given, int) else (True, 0, given)
