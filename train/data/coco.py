"""Files of COCO's form (arXiv 1405.0312): a JSON file of images, annotations and categories, and folders of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.data.examples import Example, Numbering, Task
from spinec.train.data.findings import KINDS, Finding
from spinec.train.data.json_elements import element_at, elements
from spinec.train.data.masks import FARTHEST, Mask, mask_of
from spinec.train.data.numbering import numbered
from spinec.train.data.pictures import read_rgb

Report = Callable[[Finding], None]
LONGEST = 60  # characters shown of what is wrong


class Image(NamedTuple):
    """A picture as the file lists it."""

    id: int | str
    file: str
    size: tuple[int, int] | None


class Row(NamedTuple):
    """An annotation, but for its outline."""

    image: int | str
    category: int
    box: tuple[float, float, float, float]
    crowd: bool
    area: float
    has_mask: bool
    span: tuple[int, int]
    """Where it stands in the file."""


class Index(NamedTuple):
    """What a file lists: all but the outlines."""

    images: dict[int | str, Image]
    rows: list[Row]
    categories: dict[int, str]


@dataclass(frozen=True, eq=False)
class CocoSet:
    """The pictures of a file of COCO's form, or of one that says the same."""

    file: Path
    folder: Path
    numbering: Numbering = field(repr=False)
    images: list[Image] = field(repr=False)
    ends: NDArray[np.int64] = field(repr=False)
    """Where the annotations of each picture end among all."""
    boxes: NDArray[np.float32] = field(repr=False)
    classes: NDArray[np.int64] = field(repr=False)
    crowd: NDArray[np.bool_] = field(repr=False)
    areas: NDArray[np.float64] = field(repr=False)
    spans: NDArray[np.int64] = field(repr=False)
    outlined: NDArray[np.bool_] = field(repr=False)
    """Which of them have an outline."""
    task: Task = "detection"

    @property
    def name(self) -> str:
        """What messages call it: its file."""
        return str(self.file)

    def absent(self) -> Iterable[str]:
        """The pictures that are listed and not there."""
        return (str(self.folder / each.file) for each in self.images if not (self.folder / each.file).is_file())

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> Example:
        image = self.images[position]
        own = slice(int(self.ends[position - 1]) if position else 0, int(self.ends[position]))
        path = self.folder / image.file
        return Example(
            id=image.id,
            name=str(path),
            read=partial(read_rgb, path, image.size),
            size=image.size,
            boxes=self.boxes[own],
            classes=self.classes[own],
            crowd=self.crowd[own],
            areas=self.areas[own],
            read_masks=partial(_masks, self.file, self.spans[own]) if self.outlined[own].all() else None,
        )


def open_coco(file: Path, folder: Path, head: Any = None, report: Report | None = None) -> CocoSet:
    """The data set of a file, its pictures being in a folder; nothing but the file is read.

    What is wrong with entries is an error, or is reported to who asks for it.

    Raises:
        DataError: when the file is damaged, or has classes that the head has no number for.
    """
    found: list[Finding] = []
    index = read_index(file, report or found.append)
    checked(found, file)
    if not index.images:
        raise DataError(f"{file}: lists no images")
    return set_of(
        file, folder, index, numbered(index.categories, head, str(file), {row.category for row in index.rows})
    )


def checked(found: Sequence[Finding], file: Path) -> None:
    """Raise what stops training.

    Raises:
        DataError: naming the first, and how many there are.
    """
    if faults := [each for each in found if KINDS[each.kind].stops]:
        more = f" ({len(faults) - 1} more such: spinec data check lists them)" if len(faults) > 1 else ""
        raise DataError(f"{file}: {faults[0].where}: {faults[0].detail}{more}")


def set_of(file: Path, folder: Path, index: Index, numbering: Numbering) -> CocoSet:
    """The data set of what a file lists: of every picture the annotations, in the order of the file."""
    places = {image: place for place, image in enumerate(index.images)}
    rows = sorted(index.rows, key=lambda row: places[row.image])
    counts = np.bincount([places[row.image] for row in rows], minlength=len(places)).astype(np.int64)
    corners = np.array([row.box for row in rows], np.float64).reshape(-1, 4)
    left, top, width, height = corners.T
    return CocoSet(
        file,
        folder,
        numbering,
        list(index.images.values()),
        np.cumsum(counts),
        np.stack([top, left, top + height, left + width], 1).astype(np.float32),
        np.array([numbering.numbers[row.category] for row in rows], np.int64),
        np.array([row.crowd for row in rows], np.bool_),
        np.array([row.area for row in rows], np.float64),
        np.array([row.span for row in rows], np.int64).reshape(-1, 2),
        np.array([row.has_mask for row in rows], np.bool_),
    )


def read_index(file: Path, report: Report) -> Index:
    """What a file lists; what is wrong with an entry is reported, and the entry is left out.

    Raises:
        DataError: when it is no file of this form.
    """
    index, seen = Index({}, [], {}), Counter[str]()
    for key, value, start, end in elements(file):
        seen[key] += 1
        try:
            match key:
                case "images":
                    _add(index.images, _entry(value, int | str), _image(value))
                case "categories":
                    _add(index.categories, _entry(value, int), _text(value, "name"))
                case "annotations":
                    index.rows.append(row_of(value, (start, end)))
        except ValueError as error:
            report(Finding("malformed", f"{key} {seen[key]}", str(error)))
        except KeyError as error:
            report(Finding("id", f"{key} {seen[key]}", f"the id {error.args[0]!r} occurs twice"))
    if missing := [key for key in ("images", "categories") if not seen[key]]:
        raise DataError(f"{file}: has no {missing[0]}: expected COCO's images, annotations and categories")
    return index._replace(rows=_listed(index, report))


def _listed(index: Index, report: Report) -> list[Row]:
    """The annotations whose pictures and categories are listed."""
    kept = []
    for number, row in enumerate(index.rows, 1):
        if row.category not in index.categories:
            known = ", ".join(map(str, sorted(index.categories)[:10]))
            report(Finding("unknown category", f"annotation {number}", f"category {row.category}, expected {known}"))
        elif row.image not in index.images:
            report(Finding("unknown image", f"annotation {number}", f"no image has the id {row.image!r}"))
        else:
            kept.append(row)
    return kept


def _add(entries: dict[Any, Any], key: int | str, entry: Any) -> None:
    if key in entries:
        raise KeyError(key)
    entries[key] = entry


def _entry(value: Any, kind: Any, key: str = "id") -> Any:
    """An id of an entry."""
    if not isinstance(value, dict):
        raise ValueError("expected an object")
    if not isinstance(value.get(key), kind) or isinstance(value[key], bool):
        raise ValueError(f"expected an {key} that is a whole number, got {_shown(value.get(key))}")
    return value[key]


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not text:
        raise ValueError(f"expected a {key}, got {_shown(text)}")
    return text


def _image(value: Mapping[str, Any]) -> Image:
    """A picture; where the file does not say its size, only the picture knows."""
    height, width = value.get("height"), value.get("width")
    if height is None and width is None:
        return Image(value["id"], _text(value, "file_name"), None)
    if not (isinstance(height, int) and isinstance(width, int) and min(height, width) > 0):
        raise ValueError(f"expected a height and a width in pixels, got {_shown(height)} and {_shown(width)}")
    return Image(value["id"], _text(value, "file_name"), (height, width))


def row_of(value: Any, span: tuple[int, int]) -> Row:
    """An annotation of a file.

    Raises:
        ValueError: saying what it should be.
    """
    image, category = _entry(value, int | str, "image_id"), _entry(value, int, "category_id")
    box = _box(value.get("bbox"))
    area = value.get("area")
    own = float(area) if isinstance(area, int | float) else box[2] * box[3]
    return Row(image, category, box, bool(value.get("iscrowd", 0)), own, bool(value.get("segmentation")), span)


def _box(numbers: Any) -> tuple[float, float, float, float]:
    """Left, top, width and height."""
    if isinstance(numbers, list) and len(numbers) == 4 and all(type(each) in (int, float) for each in numbers):
        left, top, width, height = map(float, numbers)
        if all(abs(each) < FARTHEST for each in (left, top, width, height)):  # NaN is not
            return left, top, width, height
    raise ValueError(f"expected a bbox of left, top, width and height in pixels, got {_shown(numbers)}")


def _masks(file: Path, spans: NDArray[np.int64]) -> list[Mask]:
    """The outlines of annotations, read anew."""
    found = []
    for start, end in spans.tolist():
        value = element_at(file, start, end)
        try:
            found.append(mask_of(value["segmentation"]))
        except ValueError as error:
            raise DataError(f"{file}: annotation {value.get('id')}: segmentation: {error}") from None
    return found


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
