"""Answers drawn on their pictures, in colours that the colour-blind tell apart, readable on any background."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.compiler.answers.results import Answer, Classified, Detected, Segmented
from spinec.visualize.style.palette import as_hex, text_on
from spinec.visualize.style.typeface import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

COLOURS = (  # of Okabe and Ito (2008), without black
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
COVER = 0.5  # of a mask's colour over the picture
NOISE = "random weights: noise"
LEAST_SHARE = 0.002  # of a picture: smaller areas get no label


def draw_answer(answer: Answer) -> Image:
    """The picture with the answer on it."""
    match answer:
        case Detected():
            return _signed(_boxes(answer), answer)
        case Classified():
            return _signed(_classes(answer), answer)
        case Segmented():
            return _signed(_areas(answer), answer)
    raise TypeError(f"expected an answer, got {type(answer).__name__}")


def resized(answer: Answer, least: int, most: int) -> Answer:
    """The answer about its picture enlarged, each pixel to as many, or made smaller: the longer side is within limits.

    >>> from PIL.Image import new
    >>> answer = Answer(new("RGB", (40, 30)), "", False, ())
    >>> resized(answer, 100, 200).picture.size, resized(answer, 10, 20).picture.size
    ((120, 90), (20, 15))
    """
    from dataclasses import replace

    import numpy as np
    from PIL.Image import Resampling

    old, longest = answer.picture.size, max(answer.picture.size)
    factor = -(-least // longest) if longest < least else min(1.0, most / longest)
    width, height = (max(1, round(side * factor)) for side in old)
    how = Resampling.NEAREST if factor > 1 else Resampling.LANCZOS
    columns, rows = (np.arange(new) * own // new for new, own in zip((width, height), old, strict=True))
    changed: dict[str, Any] = {"picture": answer.picture.resize((width, height), how)}
    match answer:
        case Detected():
            changed["boxes"] = answer.boxes * np.float32(factor)
            changed["masks"] = None if answer.masks is None else answer.masks[:, rows][:, :, columns]
        case Segmented():
            changed["labels"] = answer.labels[rows][:, columns]
    return replace(answer, **changed)


def _boxes(answer: Detected) -> Image:
    from PIL.ImageDraw import Draw

    picture = answer.picture.copy()
    if answer.masks is not None:
        for mask, label in zip(answer.masks, answer.labels, strict=True):
            picture = _covered(picture, mask, _colour(label))
    pen, size = Draw(picture), _text_size(picture)
    for row in reversed(range(len(answer))):  # the surest on top
        _box(pen, [float(edge) for edge in answer.boxes[row]], _colour(answer.labels[row]), max(2, size // 5))
    for row in reversed(range(len(answer))):
        top, left, *_ = map(float, answer.boxes[row])
        text = f"{answer.names[row]} {_score(answer.scores[row])}".rstrip()
        _label(pen, picture, (left, top), text, _colour(answer.labels[row]), size)
    return picture


def _classes(answer: Classified) -> Image:
    from PIL.ImageDraw import Draw

    picture = answer.picture.copy()
    pen, size = Draw(picture), _text_size(picture)
    for row, (name, score) in enumerate(zip(answer.names, answer.scores, strict=True)):
        _label(pen, picture, (0, (row + 1) * 1.5 * size), f"{_score(score)}  {name}".lstrip(), BLACK, size)
    return picture


def _areas(answer: Segmented) -> Image:
    import numpy as np
    from PIL.ImageDraw import Draw

    picture, size = answer.picture.copy(), _text_size(answer.picture)
    numbers = [number for number in np.unique(answer.labels) if answer.names[number] != "background"]
    for number in numbers:
        picture = _covered(picture, answer.labels == number, _colour(number))
    pen = Draw(picture)
    for number in numbers:
        mask = answer.labels == number
        if mask.mean() > LEAST_SHARE:
            row, column = _middle(mask)
            _label(pen, picture, (column, row), answer.names[number], _colour(number), size)
    return picture


def _score(score: float) -> str:
    """A score; that of what is known, and not found, is no number, and not told."""
    return "" if score != score else f"{score:.2f}"


def _colour(number: int) -> tuple[int, int, int]:
    return COLOURS[int(number) % len(COLOURS)]


def _text_size(picture: Image) -> int:
    return max(10, round(min(picture.size) / 40))


def _box(pen: ImageDraw, box: list[float], colour: tuple[int, int, int], width: int) -> None:
    """A line between a dark and a light one: one of the three stands out from any background."""
    top, left, bottom, right = box
    for inset, shade, wide in ((-1, BLACK, 1), (width, WHITE, 1), (0, colour, width)):
        corners = [left + inset, top + inset, right - inset, bottom - inset]
        if corners[0] <= corners[2] and corners[1] <= corners[3]:
            pen.rectangle(corners, outline=shade, width=wide)


def _label(
    pen: ImageDraw, picture: Image, place: tuple[float, float], text: str, colour: tuple[int, int, int], size: int
) -> None:
    """Text on its colour, above a place where there is room, and within the picture."""
    font, shown = _font(size, text), printable(text)
    width, height = pen.textlength(shown, font) + size / 2, 1.4 * size
    left = min(max(0.0, place[0]), max(0.0, picture.width - width))
    top = min(max(0.0, place[1] - height), max(0.0, picture.height - height))
    pen.rectangle([left, top, left + width, top + height], fill=colour, outline=BLACK)
    pen.text((left + size / 4, top + height / 2), shown, text_on(as_hex(colour)), font, anchor="lm")


def _font(size: int, text: str) -> Any:
    """Pillow's own letters, or those that matplotlib brings along, which are of more scripts."""
    from PIL.ImageFont import load_default, truetype

    found = None if text.isascii() else find_spec("matplotlib")
    if found is None or not found.submodule_search_locations:
        return load_default(size)
    return truetype(str(Path(found.submodule_search_locations[0], "mpl-data", "fonts", "ttf", "DejaVuSans.ttf")), size)


def _covered(picture: Image, mask: NDArray[np.bool_], colour: tuple[int, int, int]) -> Image:
    """The picture with a colour over a mask, whose edge is dark."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(picture).copy()
    pixels[mask] = np.round((1 - COVER) * pixels[mask] + COVER * np.array(colour)).astype(np.uint8)
    inside = mask.copy()
    inside[1:] &= mask[:-1]
    inside[:-1] &= mask[1:]
    inside[:, 1:] &= mask[:, :-1]
    inside[:, :-1] &= mask[:, 1:]
    pixels[mask & ~inside] = BLACK
    return Image.fromarray(pixels)


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """A pixel of a mask that is about as far from its top as from its bottom, in the widest run of that row."""
    import numpy as np

    rows = np.flatnonzero(mask.any(1))
    row = int(rows[np.searchsorted(np.cumsum(mask.sum(1)[rows]), mask.sum() / 2)])
    columns = np.flatnonzero(mask[row])
    return row, int(columns[len(columns) // 2])


def _signed(picture: Image, answer: Answer) -> Image:
    """A picture that says where its answer is noise."""
    from PIL.ImageDraw import Draw

    if answer.noise:
        size = _text_size(picture)
        _label(Draw(picture), picture, (picture.width, picture.height), NOISE, WHITE, size)
    return picture
